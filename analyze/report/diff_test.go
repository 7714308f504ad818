package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

func snapshotOf(t testing.TB, d *Document) *Snapshot {
	t.Helper()
	s, err := NewSnapshot("a.pcap", d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The findings that a live run wrote as they came are those of its end.
func TestSnapshotOfStrengthenedFindings(t *testing.T) {
	weak := func(suffix byte, addr netip.Addr) *analyze.Finding {
		f := aFinding(suffix)
		f.Verdict, f.Host = analyze.Possible, analyze.FindingHost{ID: 1, Addresses: []netip.Addr{addr}}
		return f
	}
	var b bytes.Buffer
	doc := aDocument(weak(0x20, nic1), weak(0x20, serverAddr), weak(0, nic1))
	l := NewLive(doc, TextOptions{})
	if err := l.WriteLines(&b); err != nil {
		t.Fatal(err)
	}
	risen := weak(0x20, nic1)
	risen.Verdict, risen.Host.Addresses = analyze.Likely, append(risen.Host.Addresses, netip.MustParseAddr("10.20.7.7"))
	proved := weak(0x20, nic1)
	proved.Verdict, proved.Count = analyze.Proved, 9
	unknown := weak(3, nic1)
	unknown.Verdict = analyze.Proved
	if err := l.WriteLineRises(&b, []Rise{{risen, analyze.Possible}, {proved, analyze.Likely}, {unknown, analyze.Likely}}); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSnapshot("live.ndjson", &b)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(s, snapshotOf(t, aDocument(proved, weak(0x20, serverAddr), weak(0, nic1), unknown))); len(d.Unchanged) != 4 || len(d.New)+len(d.Gone)+len(d.Changed) > 0 {
		t.Errorf("%+v", s.Findings)
	}
}

func TestCompareFindings(t *testing.T) {
	change := func(edit func(f *analyze.Finding)) *analyze.Finding {
		f := aFinding(0x20)
		edit(f)
		return f
	}
	for _, c := range []struct {
		name                          string
		before, after                 []*analyze.Finding
		new, gone, changed, unchanged int
	}{
		{"nothing", nil, nil, 0, 0, 0, 0},
		{"the same", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{aFinding(0x20)}, 0, 0, 0, 1},
		{"gone", []*analyze.Finding{aFinding(0x20), aFinding(0)}, []*analyze.Finding{aFinding(0)}, 0, 1, 0, 1},
		{"new", []*analyze.Finding{aFinding(0)}, []*analyze.Finding{aFinding(0), aFinding(3)}, 1, 0, 0, 1},
		{"another rule", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Rule = "live-duplicate-name" })}, 1, 1, 0, 0},
		{"another scope", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Scope = "lab" })}, 1, 1, 0, 0},
		{"another server", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Server = nic1 })}, 1, 1, 0, 0},
		{"no server", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Server = netip.Addr{} })}, 1, 1, 0, 0},
		{"another machine", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Host.Addresses = []netip.Addr{serverAddr} })}, 1, 1, 0, 0},
		{"no machine", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Host = analyze.FindingHost{} })}, 1, 1, 0, 0},
		{"a machine with one address less, another id", []*analyze.Finding{aFinding(0x20)},
			[]*analyze.Finding{change(func(f *analyze.Finding) { f.Host.Addresses, f.Host.ID = f.Host.Addresses[1:], 99 })}, 0, 0, 0, 1},
		{"another verdict", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Verdict = analyze.Proved })}, 0, 0, 1, 0},
		{"another severity", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Severity = analyze.Info })}, 0, 0, 1, 0},
		{"another count", []*analyze.Finding{aFinding(0x20)}, []*analyze.Finding{change(func(f *analyze.Finding) { f.Count = 1 })}, 0, 0, 1, 0},
		{"other times and words", []*analyze.Finding{aFinding(0x20)},
			[]*analyze.Finding{change(func(f *analyze.Finding) { f.First, f.Last, f.Title, f.Evidence = 1, 2, "x", nil })}, 0, 0, 0, 1},
		{"twice and once", []*analyze.Finding{aFinding(0x20), aFinding(0x20)}, []*analyze.Finding{aFinding(0x20)}, 0, 1, 0, 1},
	} {
		d := Compare(snapshotOf(t, aDocument(c.before...)), snapshotOf(t, aDocument(c.after...)))
		if len(d.New) != c.new || len(d.Gone) != c.gone || len(d.Changed) != c.changed || len(d.Unchanged) != c.unchanged {
			t.Errorf("%s: %d new, %d gone, %d changed, %d unchanged", c.name, len(d.New), len(d.Gone), len(d.Changed), len(d.Unchanged))
		}
	}
}

func TestCompareNames(t *testing.T) {
	name := nbns.MakeName("FILESRV", 0x20)
	run := func(names ...analyze.Name) *Snapshot {
		d := aDocument()
		d.Result.Names = names
		d.Result.Hosts = []analyze.Host{{ID: 1, Addresses: []netip.Addr{nic1, nic2}}, {ID: 2, Addresses: []netip.Addr{serverAddr}}}
		return snapshotOf(t, d)
	}
	base := analyze.Name{Name: name, Type: "unique", Holder: 1, Addresses: []netip.Addr{nic1}, Server: serverAddr, State: "active", From: t0}
	with := func(edit func(n *analyze.Name)) analyze.Name {
		n := base
		edit(&n)
		return n
	}
	for _, c := range []struct {
		what          string
		before, after []analyze.Name
		want          string
	}{
		{"the same, at another time", []analyze.Name{base}, []analyze.Name{with(func(n *analyze.Name) { n.From += 5 })}, ""},
		{"holder", []analyze.Name{base}, []analyze.Name{with(func(n *analyze.Name) { n.Holder = 2 })}, "holder"},
		{"addresses", []analyze.Name{base}, []analyze.Name{with(func(n *analyze.Name) { n.Addresses = []netip.Addr{nic1, nic2} })}, "addresses"},
		{"server", []analyze.Name{base}, []analyze.Name{with(func(n *analyze.Name) { n.Server = netip.Addr{} })}, "server"},
		{"refused, then held", []analyze.Name{with(func(n *analyze.Name) { n.State = "refused"; n.Until = t0 })}, []analyze.Name{base}, "state"},
		{"history before the end", []analyze.Name{base}, []analyze.Name{with(func(n *analyze.Name) { n.State = "released"; n.Until = t0 + 1; n.Holder = 2 }), base}, ""},
		{"members of a group", []analyze.Name{with(func(n *analyze.Name) { n.Type = "group" })},
			[]analyze.Name{with(func(n *analyze.Name) { n.Type = "group"; n.Holder = 2; n.Addresses = []netip.Addr{nic2} })}, ""},
		{"other order", []analyze.Name{base, with(func(n *analyze.Name) { n.Addresses = []netip.Addr{nic2} })},
			[]analyze.Name{with(func(n *analyze.Name) { n.Addresses = []netip.Addr{nic2} }), base}, ""},
	} {
		d := Compare(run(c.before...), run(c.after...))
		got := ""
		for _, n := range d.Names {
			got += strings.Join(n.What, " ")
		}
		if got != c.want || !d.NamesCompared {
			t.Errorf("%s: changed %q, want %q", c.what, got, c.want)
		}
	}
	other := with(func(n *analyze.Name) { n.Scope = "lab" })
	if d := Compare(run(base, other), run(base)); d.OnlyBefore != 1 || d.OnlyAfter != 0 {
		t.Errorf("%d before only, %d after only", d.OnlyBefore, d.OnlyAfter)
	}
	if d := Compare(run(base), run(base, other)); d.OnlyBefore != 0 || d.OnlyAfter != 1 {
		t.Errorf("%d before only, %d after only", d.OnlyBefore, d.OnlyAfter)
	}
}

// A report in each form compares equal to the run that it is of.
func TestReportsCompareEqualToTheRun(t *testing.T) {
	d := analyzed(t, labPath("04d-replicated-static-release-demands.pcap"))
	run := snapshotOf(t, d)
	forms := map[string]func(w io.Writer) error{"json": d.WriteJSON, "ndjson": d.WriteNDJSON}
	for _, f := range []Format{FormatJSON, FormatNDJSON} {
		forms["table "+string(f)] = func(w io.Writer) error {
			out, err := NewWriter(w, f, "findings", findingsTable.Columns, WriterOptions{})
			if err != nil {
				return err
			}
			if err := d.eachFinding(func(_ int, values []Value) error { return out.WriteRow(values) }); err != nil {
				return err
			}
			return out.Close()
		}
	}
	for name, write := range forms {
		var b bytes.Buffer
		b.WriteString("\xef\xbb\xbf\n")
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if !IsReport(b.Bytes()) {
			t.Errorf("%s is not taken for a report", name)
		}
		s, err := ReadSnapshot("r", &b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := Compare(s, run)
		if len(c.Unchanged) != len(d.Findings) || len(c.New)+len(c.Gone)+len(c.Changed) != 0 || c.NamesCompared || len(d.Findings) == 0 {
			t.Errorf("%s: %d unchanged of %d, %d new, %d gone, %d changed", name, len(c.Unchanged), len(d.Findings), len(c.New), len(c.Gone), len(c.Changed))
		}
	}
}

func TestReadSnapshotRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                 "not a report",
		`{}`:                               "not a report",
		`[1]`:                              "not a report",
		`[{}]`:                             "not a report",
		`"x"`:                              "not a report",
		`{"schema":"nbtrace/9"}`:           `of schema "nbtrace/9"`,
		`{"schema":"nbtrace/1","findings"`: "damaged after",
		`{"rule":"r","severity":"grim","verdict":"likely"}`: "unknown severity",
		`{"type":"message","rule":"r","verdict":"likely"}`:  "not a report",
	} {
		_, err := ReadSnapshot("r.json", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "r.json: ") {
			t.Errorf("%s: %v", text, err)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadSnapshot("r", io.MultiReader(strings.NewReader(`{"schema":`), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a read error became %v", err)
	}
	for _, empty := range []string{"[]\n", `{"schema":"nbtrace/1","findings":[]}`} {
		if s, err := ReadSnapshot("r", strings.NewReader(empty)); err != nil || len(s.Findings) != 0 {
			t.Errorf("%s: %v", empty, err)
		}
	}
	for _, head := range []string{"", "\x0a\x0d\x0d\x0a", "\xd4\xc3\xb2\xa1", "rule,severity"} {
		if IsReport([]byte(head)) {
			t.Errorf("%q is taken for a report", head)
		}
	}
}

func someDiff(t testing.TB) *Diff {
	gone, stays, after := aFinding(0), aFinding(3), aFinding(3)
	after.Verdict, after.Count = analyze.Proved, 9
	name := analyze.Name{Name: nbns.MakeName("FILESRV", 0x20), Type: "unique", Holder: 1, Addresses: []netip.Addr{nic1}, Server: serverAddr, State: "active", From: t0}
	one, two := aDocument(gone, stays), aDocument(after, aFinding(0x20))
	one.Result.Names, two.Result.Names = []analyze.Name{name}, []analyze.Name{name}
	two.Result.Names[0].Addresses = []netip.Addr{nic1, nic2}
	hosts := []analyze.Host{{ID: 1, Addresses: []netip.Addr{nic1, nic2}}}
	one.Result.Hosts, two.Result.Hosts = hosts, hosts
	d := Compare(snapshotOf(t, one), snapshotOf(t, two))
	d.Version = "1.2.3"
	return d
}

func TestDiffForPeopleAndPrograms(t *testing.T) {
	var b bytes.Buffer
	if err := someDiff(t).WriteText(&b, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "htmlreport/diff.txt", b.Bytes())
	b.Reset()
	if err := someDiff(t).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "htmlreport/diff.json", b.Bytes())
	var got struct {
		Schema                        string
		New, Gone, Changed, Unchanged []map[string]any
		Names                         struct{ Changed []map[string]any }
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != DiffSchema || len(got.New) != 1 || len(got.Gone) != 1 || len(got.Changed) != 1 || len(got.Names.Changed) != 1 || got.Unchanged == nil {
		t.Errorf("got %+v", got)
	}
}

// A report may be written by anybody: nothing in it acts.
func TestHostileDiff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) *string { s := hostile().Draw(rt, label); return &s }
		suffix := rapid.IntRange(-5, 300).Draw(rt, "suffix")
		finding := func() SnapshotFinding {
			return SnapshotFinding{Rule: *draw("rule") + "r", Verdict: analyze.Likely, Title: *draw("title"), Name: draw("name"), Scope: draw("scope"), Server: draw("server"),
				Suffix: &suffix, Host: &SnapshotHost{Addresses: []string{*draw("address")}, MACs: []string{*draw("mac")}}}
		}
		d := Compare(&Snapshot{File: *draw("before"), Findings: []SnapshotFinding{finding()}}, &Snapshot{File: *draw("after"), Findings: []SnapshotFinding{finding()}})
		width := rapid.IntRange(40, 120).Draw(rt, "width")
		var b bytes.Buffer
		if err := d.WriteText(&b, TextOptions{Width: width}); err != nil {
			rt.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); Escape(line) != line || textWidth(line) > width {
				rt.Fatalf("a line %q", line)
			}
		}
		b.Reset()
		if err := d.WriteJSON(&b); err != nil || !json.Valid(b.Bytes()) {
			rt.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); Escape(line) != line {
				rt.Fatalf("a line %q", line)
			}
		}
	})
}

func TestCompareIsMirrored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) *Snapshot {
			s := &Snapshot{}
			for i := range rapid.IntRange(0, 6).Draw(rt, label) {
				f := SnapshotFinding{Rule: fmt.Sprint("r", rapid.IntRange(0, 2).Draw(rt, "rule")), Verdict: analyze.Verdict(rapid.IntRange(1, 3).Draw(rt, "verdict")), Count: i}
				s.Findings = append(s.Findings, f)
			}
			return s
		}
		a, b := draw("a"), draw("b")
		x, y := Compare(a, b), Compare(b, a)
		if len(x.New) != len(y.Gone) || len(x.Gone) != len(y.New) || len(x.New)+len(x.Changed)+len(x.Unchanged) != len(b.Findings) {
			rt.Fatalf("%d new and %d gone; the other way %d and %d", len(x.New), len(x.Gone), len(y.New), len(y.Gone))
		}
		if self := Compare(a, a); len(self.Unchanged) != len(a.Findings) || slices.ContainsFunc(self.New, func(*SnapshotFinding) bool { return true }) {
			rt.Fatal("a snapshot differs from itself")
		}
	})
}
