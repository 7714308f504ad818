package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// Snapshot is what one side of a comparison knows: a capture that was read, or
// a report of it.
type Snapshot struct {
	File     string // as the user named it
	Findings []SnapshotFinding
	// Names are the states of the names at the end; nil where a report has none.
	Names    []SnapshotName
	HasNames bool
}

// SnapshotFinding is a finding as reports have it. Its texts are those of the
// report, and are escaped again before they are shown.
type SnapshotFinding struct {
	Rule     string           `json:"rule"`
	Severity analyze.Severity `json:"severity"`
	Verdict  analyze.Verdict  `json:"verdict"`
	Title    string           `json:"title"`
	Name     *string          `json:"name"`
	Suffix   *int             `json:"suffix"`
	Scope    *string          `json:"scope"`
	Host     *SnapshotHost    `json:"host"`
	Server   *string          `json:"server"`
	First    string           `json:"first"`
	Last     string           `json:"last"`
	Count    int              `json:"count"`
}

// SnapshotHost is the machine that suffers. Its id is left out: it is good for
// one run only.
type SnapshotHost struct {
	Addresses []string `json:"addresses"`
	MACs      []string `json:"macs"`
}

// SnapshotName is who held a name at the end of a capture.
type SnapshotName struct {
	Name   string `json:"name"`
	Suffix int    `json:"suffix"`
	Scope  string `json:"scope"`
	NameState
	label string
}

// NameState is what may change about a name. Lists are in order of text.
type NameState struct {
	Type      string   `json:"type"`
	State     string   `json:"state"`     // active, released, conflict or refused
	Holders   []string `json:"holders"`   // each the addresses of a machine; none for groups
	Addresses []string `json:"addresses"` // registered for the name; none for groups
	Servers   []string `json:"servers"`   // "broadcast" for none
}

// ErrNoReport says that a text that should be a report of nbtrace is none.
var ErrNoReport = errors.New("not a report of nbtrace: it takes captures, and what analyze or export findings write with --format json or ndjson")

// IsReport reports whether the first bytes of an input look like JSON.
func IsReport(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// reportValue is any of what analyze and export write.
type reportValue struct {
	Schema   string            `json:"schema"`
	Type     string            `json:"type"`
	Findings []SnapshotFinding `json:"findings"`
	SnapshotFinding
}

// ReadSnapshot reads a report: that of analyze --format json or ndjson, or the
// findings table in these formats.
func ReadSnapshot(file string, r io.Reader) (*Snapshot, error) {
	s := &Snapshot{File: file}
	br := bufio.NewReader(r)
	if head, err := br.Peek(3); err == nil && string(head) == "\xef\xbb\xbf" {
		if _, err := br.Discard(3); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	dec := json.NewDecoder(br)
	known := false
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: the report is damaged after %d bytes: %w", file, dec.InputOffset(), err)
		}
		if err := s.read(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		known = true
	}
	if !known {
		return nil, fmt.Errorf("%s: %w", file, ErrNoReport)
	}
	return s, nil
}

// read takes the findings of a report, a line of one, or a table of findings.
func (s *Snapshot) read(raw json.RawMessage) error {
	var values []reportValue
	var err error
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &values)
	} else {
		values = make([]reportValue, 1)
		err = json.Unmarshal(raw, &values[0])
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoReport, err)
	}
	for i := range values {
		v := &values[i]
		switch {
		case v.Schema != "" && v.Schema != Schema:
			return fmt.Errorf("it is of schema %q, and this version reads %q", v.Schema, Schema)
		case v.Schema == Schema:
			s.Findings = append(s.Findings, v.Findings...)
		case v.Rule != "" && v.Verdict != 0 && (v.Type == "" || v.Type == "finding"):
			s.Findings = append(s.Findings, v.SnapshotFinding)
		case v.Rule != "" && v.Verdict != 0 && v.Type == strengthened:
			s.strengthen(&v.SnapshotFinding)
		default:
			return ErrNoReport
		}
	}
	return nil
}

// strengthen puts a finding that became stronger in the place of what a live
// run wrote of it before.
func (s *Snapshot) strengthen(f *SnapshotFinding) {
	id := f.identity()
	at := slices.IndexFunc(s.Findings, func(o SnapshotFinding) bool { return o.identity() == id && o.Verdict < f.Verdict && o.sameMachine(f) })
	if at < 0 {
		s.Findings = append(s.Findings, *f)
		return
	}
	s.Findings[at] = *f
}

// NewSnapshot takes what a run knows. Its findings take the way of the JSON
// report, so that a capture and a report of it compare equal.
func NewSnapshot(file string, d *Document) (*Snapshot, error) {
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		return nil, err
	}
	s, err := ReadSnapshot(file, &b)
	if err != nil {
		return nil, err
	}
	s.HasNames, s.Names = true, endStates(d.Result)
	return s, nil
}

// endStates are the names as they are at the end: by their active holders, or
// if there is none by what came last.
func endStates(r *analyze.Result) []SnapshotName {
	machines := map[int]string{}
	for i := range r.Hosts {
		machines[r.Hosts[i].ID] = addressText(r.Hosts[i].Addresses)
	}
	type key struct {
		name  nbns.Name
		scope string
	}
	index := map[key][]*analyze.Name{}
	var order []key
	for i := range r.Names {
		k := key{r.Names[i].Name, r.Names[i].Scope}
		if index[k] == nil {
			order = append(order, k)
		}
		index[k] = append(index[k], &r.Names[i])
	}
	out := make([]SnapshotName, 0, len(order))
	for _, k := range order {
		rows := atEnd(index[k])
		s := SnapshotName{Name: k.name.Text(), Suffix: int(k.name.Suffix()), Scope: string(nbns.AppendScope(nil, k.scope)), label: k.name.Display(k.scope)}
		s.Type, s.State = rows[0].Type, rows[0].State
		for _, row := range rows {
			server := "broadcast"
			if row.Server.IsValid() {
				server = string(appendAddr(nil, row.Server))
			}
			s.Servers = append(s.Servers, server)
			if row.Type == "group" || row.Type == "special-group" {
				continue
			}
			if m := machines[row.Holder]; m != "" {
				s.Holders = append(s.Holders, m)
			}
			for _, a := range row.Addresses {
				s.Addresses = append(s.Addresses, string(appendAddr(nil, a)))
			}
		}
		for _, list := range []*[]string{&s.Servers, &s.Holders, &s.Addresses} {
			slices.SortFunc(*list, compareAddresses)
			*list = slices.Compact(*list)
			if *list == nil {
				*list = []string{}
			}
		}
		out = append(out, s)
	}
	return out
}

func compareAddresses(a, b string) int {
	x, xerr := netip.ParseAddr(a)
	y, yerr := netip.ParseAddr(b)
	if xerr == nil && yerr == nil {
		return x.Compare(y)
	}
	return strings.Compare(a, b)
}

// atEnd picks the rows of a name that hold at the end.
func atEnd(rows []*analyze.Name) []*analyze.Name {
	var active []*analyze.Name
	for _, r := range rows {
		if r.State == "active" && r.Until == 0 {
			active = append(active, r)
		}
	}
	if len(active) > 0 {
		return active
	}
	last := rows[0]
	for _, r := range rows {
		if max(r.From, r.Until) >= max(last.From, last.Until) {
			last = r
		}
	}
	return []*analyze.Name{last}
}

// Diff is how two snapshots differ.
type Diff struct {
	Version       string
	Before, After *Snapshot
	Gone, New     []*SnapshotFinding
	Changed       []FindingChange
	Unchanged     []*SnapshotFinding
	// Names are compared if both sides know them.
	NamesCompared         bool
	Names                 []NameChange
	OnlyBefore, OnlyAfter int // names that one side has only
}

// FindingChange is a finding of both sides whose severity, verdict or count differ.
type FindingChange struct{ Before, After *SnapshotFinding }

// NameChange is a name of both sides, and what differs: holder, addresses,
// server or state.
type NameChange struct {
	Before, After *SnapshotName
	What          []string
}

// Compare says what differs. Two findings are the same if rule, name, scope
// and server are equal and the machines that suffer have an address in common.
func Compare(before, after *Snapshot) *Diff {
	d := &Diff{Before: before, After: after}
	taken := make([]bool, len(after.Findings))
	index := map[string][]int{}
	for i := range after.Findings {
		k := after.Findings[i].identity()
		index[k] = append(index[k], i)
	}
	for i := range before.Findings {
		b := &before.Findings[i]
		match := -1
		for _, k := range index[b.identity()] {
			if !taken[k] && b.sameMachine(&after.Findings[k]) {
				match = k
				break
			}
		}
		if match < 0 {
			d.Gone = append(d.Gone, b)
			continue
		}
		taken[match] = true
		a := &after.Findings[match]
		if a.Severity != b.Severity || a.Verdict != b.Verdict || a.Count != b.Count {
			d.Changed = append(d.Changed, FindingChange{b, a})
		} else {
			d.Unchanged = append(d.Unchanged, a)
		}
	}
	for i := range after.Findings {
		if !taken[i] {
			d.New = append(d.New, &after.Findings[i])
		}
	}
	if before.HasNames && after.HasNames {
		d.NamesCompared = true
		d.compareNames()
	}
	return d
}

func (f *SnapshotFinding) identity() string {
	b := []byte(f.Rule)
	for _, p := range []*string{f.Name, f.Scope, f.Server} {
		b = append(b, 0)
		if p != nil {
			b = append(append(b, 1), *p...)
		}
	}
	if f.Suffix != nil {
		b = fmt.Appendf(b, "\x00%d", *f.Suffix)
	}
	return string(b)
}

// Addresses are those of the machine that suffers, as text; none if there is no
// machine.
func (f *SnapshotFinding) Addresses() []string {
	if f.Host == nil {
		return nil
	}
	return f.Host.Addresses
}

func (f *SnapshotFinding) sameMachine(o *SnapshotFinding) bool {
	return sharesAddress(f.Addresses(), o.Addresses())
}

func (d *Diff) compareNames() {
	type key struct {
		name   string
		suffix int
		scope  string
	}
	index := map[key]*SnapshotName{}
	for i := range d.After.Names {
		n := &d.After.Names[i]
		index[key{n.Name, n.Suffix, n.Scope}] = n
	}
	both := 0
	for i := range d.Before.Names {
		b := &d.Before.Names[i]
		a := index[key{b.Name, b.Suffix, b.Scope}]
		if a == nil {
			d.OnlyBefore++
			continue
		}
		both++
		if what := b.changes(a); len(what) > 0 {
			d.Names = append(d.Names, NameChange{b, a, what})
		}
	}
	d.OnlyAfter = len(d.After.Names) - both
	slices.SortStableFunc(d.Names, func(x, y NameChange) int { return strings.Compare(x.Before.label, y.Before.label) })
}

func (s *SnapshotName) changes(o *SnapshotName) []string {
	var what []string
	for _, c := range []struct {
		word string
		same bool
	}{
		{"type", s.Type == o.Type}, {"state", s.State == o.State}, {"holder", slices.Equal(s.Holders, o.Holders)},
		{"addresses", slices.Equal(s.Addresses, o.Addresses)}, {"server", slices.Equal(s.Servers, o.Servers)},
	} {
		if !c.same {
			what = append(what, c.word)
		}
	}
	return what
}
