package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// DiffSchema names the form of a comparison in JSON.
const DiffSchema = "nbtrace-diff/1"

// WriteText writes the comparison for people.
func (d *Diff) WriteText(w io.Writer, o TextOptions) error {
	t := newTextPrinter(nil, o)
	side := func(what string, s *Snapshot) {
		text := s.File + ": " + counted(len(s.Findings), "finding")
		if s.HasNames {
			text += ", " + counted(len(s.Names), "name")
		}
		t.prose(what, text, "")
	}
	side("before  ", d.Before)
	side("after   ", d.After)
	list := func(heading, sgr string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		t.line("")
		t.prose("", fmt.Sprintf("%s: %d", heading, n), sgr)
		for i := range n {
			t.prose("  - ", line(i), "")
		}
	}
	list("New", sgrCritical, len(d.New), func(i int) string { return d.New[i].tell() })
	list("Gone", sgrBold, len(d.Gone), func(i int) string { return d.Gone[i].tell() })
	list("Changed", sgrWarning, len(d.Changed), func(i int) string { return d.Changed[i].tell() })
	list("Unchanged", sgrBold, len(d.Unchanged), func(i int) string { return d.Unchanged[i].tell() })
	list("Names that changed", sgrBold, len(d.Names), func(i int) string { return d.Names[i].tell() })
	t.line("")
	switch {
	case len(d.New) > 0:
		t.prose("", counted(len(d.New), "new finding")+".", sgrBold)
	case len(d.Changed)+len(d.Unchanged) > 0:
		t.prose("", fmt.Sprintf("Nothing new, but %s.", counted(len(d.Changed)+len(d.Unchanged), "finding remains", "findings remain")), sgrBold)
	case len(d.Gone) > 0:
		t.prose("", "Nothing is left of the findings. Look that the second capture is long enough: a host refreshes its names after half of their time to live, and silence proves nothing.", sgrBold)
	default:
		t.prose("", "Neither has findings.", sgrBold)
	}
	if !d.NamesCompared {
		t.prose("", "The names were not compared: a report has none. Give captures on both sides for that.", sgrDim)
	} else if d.OnlyBefore+d.OnlyAfter > 0 {
		t.prose("", fmt.Sprintf("Names seen before only: %d, after only: %d.", d.OnlyBefore, d.OnlyAfter), sgrDim)
	}
	return t.write(w)
}

// DisplayName writes the name of a finding as people do, from its fields.
func (f *SnapshotFinding) DisplayName() string {
	if f.Name == nil {
		return ""
	}
	name := *f.Name
	if f.Suffix != nil {
		name += fmt.Sprintf("<%02x>", *f.Suffix)
	}
	if f.Scope != nil && *f.Scope != "" {
		name += "." + *f.Scope
	}
	return name
}

func (f *SnapshotFinding) tell() string {
	return fmt.Sprintf("%s, %s, %s: %s", f.Severity, f.Verdict, f.subject(), f.Title)
}

// subject is the rule with what the finding is about.
func (f *SnapshotFinding) subject() string {
	text := f.Rule
	if n := f.DisplayName(); n != "" {
		text += " " + n
	}
	if a := f.Addresses(); len(a) > 0 {
		text += ", host " + strings.Join(a, " ")
	}
	if f.Server != nil {
		text += ", server " + *f.Server
	}
	return text
}

func (c *FindingChange) tell() string {
	var what []string
	if c.Before.Severity != c.After.Severity {
		what = append(what, fmt.Sprintf("%s, was %s", c.After.Severity, c.Before.Severity))
	}
	if c.Before.Verdict != c.After.Verdict {
		what = append(what, fmt.Sprintf("%s, was %s", c.After.Verdict, c.Before.Verdict))
	}
	if c.Before.Count != c.After.Count {
		what = append(what, fmt.Sprintf("%s, was %d", counted(c.After.Count, "time"), c.Before.Count))
	}
	return c.After.subject() + ": " + strings.Join(what, "; ")
}

func (c *NameChange) tell() string {
	var what []string
	for _, w := range c.What {
		before, after := c.Before.part(w), c.After.part(w)
		what = append(what, fmt.Sprintf("%s %s, was %s", w, after, before))
	}
	return c.After.label + ": " + strings.Join(what, "; ")
}

// part is what a name's state says of one thing, in words.
func (s *SnapshotName) part(what string) string {
	join := func(list []string) string {
		if len(list) == 0 {
			return "unknown"
		}
		return strings.Join(list, " and ")
	}
	switch what {
	case "type":
		return s.Type
	case "state":
		return s.State
	case "holder":
		return join(s.Holders)
	case "addresses":
		return join(s.Addresses)
	default:
		return join(s.Servers)
	}
}

type diffSide struct {
	File     string `json:"file"`
	Findings int    `json:"findings"`
	Names    *int   `json:"names"`
}

type diffChange struct {
	Before diffGrade        `json:"before"`
	After  diffGrade        `json:"after"`
	About  *SnapshotFinding `json:"finding"`
}

type diffGrade struct {
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"`
	Count    int    `json:"count"`
}

type diffName struct {
	Name    string    `json:"name"`
	Suffix  int       `json:"suffix"`
	Scope   string    `json:"scope"`
	Changed []string  `json:"changed"`
	Before  NameState `json:"before"`
	After   NameState `json:"after"`
}

type diffNames struct {
	Changed    []diffName `json:"changed"`
	OnlyBefore int        `json:"only_before"`
	OnlyAfter  int        `json:"only_after"`
}

// WriteJSON writes the comparison as one JSON object. "names" is null where
// the names could not be compared.
func (d *Diff) WriteJSON(w io.Writer) error {
	side := func(s *Snapshot) diffSide {
		out := diffSide{File: Escape(s.File), Findings: len(s.Findings)}
		if s.HasNames {
			n := len(s.Names)
			out.Names = &n
		}
		return out
	}
	doc := struct {
		Schema    string             `json:"schema"`
		Version   string             `json:"version"`
		Before    diffSide           `json:"before"`
		After     diffSide           `json:"after"`
		New       []*SnapshotFinding `json:"new"`
		Gone      []*SnapshotFinding `json:"gone"`
		Changed   []diffChange       `json:"changed"`
		Unchanged []*SnapshotFinding `json:"unchanged"`
		Names     *diffNames         `json:"names"`
	}{Schema: DiffSchema, Version: Escape(d.Version), Before: side(d.Before), After: side(d.After), New: escapedFindings(d.New),
		Gone: escapedFindings(d.Gone), Changed: []diffChange{}, Unchanged: escapedFindings(d.Unchanged)}
	for _, c := range d.Changed {
		doc.Changed = append(doc.Changed, diffChange{grade(c.Before), grade(c.After), c.After.escaped()})
	}
	if d.NamesCompared {
		doc.Names = &diffNames{Changed: []diffName{}, OnlyBefore: d.OnlyBefore, OnlyAfter: d.OnlyAfter}
		for _, n := range d.Names {
			doc.Names.Changed = append(doc.Names.Changed, diffName{Escape(n.After.Name), n.After.Suffix, Escape(n.After.Scope), n.What,
				n.Before.NameState, n.After.NameState})
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(&doc); err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func grade(f *SnapshotFinding) diffGrade {
	return diffGrade{f.Severity.String(), f.Verdict.String(), f.Count}
}

func escapedFindings(list []*SnapshotFinding) []*SnapshotFinding {
	out := make([]*SnapshotFinding, len(list))
	for i, f := range list {
		out[i] = f.escaped()
	}
	return out
}

// escaped copies the finding with its texts escaped: a report is input like
// any other.
func (f *SnapshotFinding) escaped() *SnapshotFinding {
	text := func(p *string) *string {
		if p == nil {
			return nil
		}
		s := Escape(*p)
		return &s
	}
	c := *f
	c.Rule, c.Title, c.First, c.Last = Escape(f.Rule), Escape(f.Title), Escape(f.First), Escape(f.Last)
	c.Name, c.Scope, c.Server = text(f.Name), text(f.Scope), text(f.Server)
	if f.Host != nil {
		h := SnapshotHost{Addresses: make([]string, len(f.Host.Addresses)), MACs: make([]string, len(f.Host.MACs))}
		for i, a := range f.Host.Addresses {
			h.Addresses[i] = Escape(a)
		}
		for i, m := range f.Host.MACs {
			h.MACs[i] = Escape(m)
		}
		c.Host = &h
	}
	return &c
}
