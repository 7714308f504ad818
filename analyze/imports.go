package analyze

import (
	"cmp"
	"slices"
	"strings"

	"nbtrace/analyze/mappings"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// imports finds the mappings that the user supplied, by name.
type imports struct {
	lists []*mappings.List
	order [][]int32 // entries of each list, sorted by name and scope
}

func newImports(lists []*mappings.List) *imports {
	im := &imports{lists: lists}
	for _, l := range lists {
		o := make([]int32, len(l.Entries))
		for i := range o {
			o[i] = int32(i)
		}
		slices.SortStableFunc(o, func(a, b int32) int {
			x, y := &l.Entries[a], &l.Entries[b]
			return compareName(&x.Name, x.Scope, &y.Name, y.Scope)
		})
		im.order = append(im.order, o)
	}
	return im
}

func compareName(a *nbns.Name, as string, b *nbns.Name, bs string) int {
	return cmp.Or(slices.Compare(a[:], b[:]), strings.Compare(as, bs))
}

// find lists what was supplied for a name. Names in lists were typed by
// people: they match without regard to case where the exact name has no entry.
func (im *imports) find(n nbns.Name, scope string) []names.Record {
	out := im.exact(n, scope)
	if len(out) == 0 {
		if up := upper(n); up != n {
			out = im.exact(up, scope)
		}
	}
	return out
}

func upper(n nbns.Name) nbns.Name {
	for i := range n[:15] {
		if n[i] >= 'a' && n[i] <= 'z' {
			n[i] -= 'a' - 'A'
		}
	}
	return n
}

func (im *imports) exact(n nbns.Name, scope string) []names.Record {
	var out []names.Record
	for k, l := range im.lists {
		o := im.order[k]
		i, _ := slices.BinarySearchFunc(o, n, func(e int32, n nbns.Name) int {
			return compareName(&l.Entries[e].Name, l.Entries[e].Scope, &n, scope)
		})
		for ; i < len(o) && l.Entries[o[i]].Name == n && l.Entries[o[i]].Scope == scope; i++ {
			out = append(out, importedRecord(l, &l.Entries[o[i]]))
		}
	}
	return out
}

func importedRecord(l *mappings.List, e *mappings.Entry) names.Record {
	r := names.Record{Type: names.Type(e.Type), Addrs: e.Addresses, Owner: e.Owner, Source: "import:" + l.Source,
		State: e.State.String(), VersionID: e.VersionID, Time: e.Time, Line: int(e.Line)}
	switch e.Static {
	case mappings.StaticYes:
		r.Static = names.StaticYes
	case mappings.StaticNo:
		r.Static = names.StaticNo
	}
	return r
}

// rows lists all that was supplied, for the mappings table.
func (im *imports) rows() []Mapping {
	var rows []Mapping
	for _, l := range im.lists {
		for i := range l.Entries {
			e := &l.Entries[i]
			rows = append(rows, Mapping{Name: e.Name, Scope: e.Scope, Type: e.Type.String(), Static: e.Static.Bool(), Addresses: e.Addresses,
				Owner: e.Owner, Source: "import:" + l.Source, State: e.State.String(), VersionID: e.VersionID, Time: e.Time})
		}
	}
	return rows
}

// corrections returns the LMHOSTS lines as they should be for a computer, where
// a list says something else.
func (im *imports) corrections(n nbns.Name) []string {
	text := strings.ToUpper(n.Raw())
	var out []string
	for _, l := range im.lists {
		if l.Format != mappings.LMHOSTS {
			continue
		}
		for _, note := range l.Notes {
			for _, line := range note.Correction {
				f := strings.Fields(line)
				if len(f) > 1 && strings.EqualFold(strings.Trim(f[1], `"`), text) {
					out = append(out, line)
				}
			}
		}
	}
	return out
}
