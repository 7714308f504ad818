package report

import (
	"fmt"
	"slices"
	"strings"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// htmlTable is an inventory: the first rows stand in the page, the rest is data.
type htmlTable struct {
	ID, Caption, Doc string
	Columns          []htmlColumn
	Rows             [][]string
	More             [][]string
	Total, Left      int
	Open             bool
}

type htmlColumn struct {
	Name, Doc string
	Number    bool
}

// htmlRowsOf makes an inventory of a table of the contract. The name stands
// as people write it, in one column.
func (d *Document) htmlRowsOf(t *Table, caption string, n int, at func(r *Row, i int), name func(r *Row) (nbns.Name, string)) *htmlTable {
	out := &htmlTable{ID: t.Name, Caption: caption, Doc: t.Doc, Total: n, Open: n > 0 && n <= 25}
	r := Row{Files: d.Files}
	values := make([]Value, len(t.Columns))
	var shown []int
	for i := range t.Columns {
		c := &t.Columns[i]
		if name != nil && (c.Name == "suffix" || c.Name == "scope") {
			continue
		}
		shown = append(shown, i)
		heading := strings.ReplaceAll(c.Name, "_", " ")
		if c.Type == Time {
			heading += " (UTC)"
		}
		out.Columns = append(out.Columns, htmlColumn{heading, c.Doc, numeric(c.Type)})
	}
	for i := range n {
		if i == htmlRows {
			out.Left = n - i
			break
		}
		at(&r, i)
		Fill(t.Columns, &r, values)
		row := make([]string, 0, len(shown))
		for _, k := range shown {
			if name != nil && t.Columns[k].Name == "name" {
				n, scope := name(&r)
				row = append(row, n.Display(scope))
			} else {
				row = append(row, d.htmlCell(&values[k]))
			}
		}
		if len(out.Rows) < htmlPage {
			out.Rows = append(out.Rows, row)
		} else {
			out.More = append(out.More, row)
		}
	}
	return out
}

// htmlCell writes a value of an inventory for people.
func (d *Document) htmlCell(v *Value) string {
	switch {
	case v.null:
		return ""
	case v.typ == Time:
		return strings.TrimSuffix(shortTime(v.num), " UTC")
	case v.typ == Frames && len(d.Files) < 2:
		return frameWords(v.frames)
	case v.typ == Bool:
		return yesNo(v.num != 0)
	default:
		return string(v.appendFlat(nil, "; "))
	}
}

// frameWords lists frames of the one file: 13 registration; 18 reply.
func frameWords(frames []frameCell) string {
	parts := make([]string, len(frames))
	for i := range frames {
		parts[i] = fmt.Sprintf("%d %s", frames[i].frame, frames[i].role)
	}
	return strings.Join(parts, "; ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (d *Document) htmlHosts() *htmlTable {
	return d.htmlRowsOf(&hostsTable, "Hosts", len(d.Result.Hosts), func(r *Row, i int) { r.Host = &d.Result.Hosts[i] }, nil)
}

func (d *Document) htmlNames() *htmlTable {
	// Names that findings are about come first.
	order := make([]*analyze.Name, len(d.Result.Names))
	concerned := map[family]bool{}
	for _, f := range d.Findings {
		if f.HasName {
			concerned[familyOf(f.Name, f.Scope)] = true
		}
	}
	for i := range d.Result.Names {
		order[i] = &d.Result.Names[i]
	}
	slices.SortStableFunc(order, func(a, b *analyze.Name) int {
		x, y := concerned[familyOf(a.Name, a.Scope)], concerned[familyOf(b.Name, b.Scope)]
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return d.htmlRowsOf(&namesTable, "Names and their holders", len(order), func(r *Row, i int) { r.Name = order[i] },
		func(r *Row) (nbns.Name, string) { return r.Name.Name, r.Name.Scope })
}

func (d *Document) htmlMappings() *htmlTable {
	return d.htmlRowsOf(&mappingsTable, "What WINS is known to hold", len(d.Result.Mappings), func(r *Row, i int) { r.Mapping = &d.Result.Mappings[i] },
		func(r *Row) (nbns.Name, string) { return r.Mapping.Name, r.Mapping.Scope })
}
