package corpus_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/mappings"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
	"nbtrace/captures/corpus"
	"nbtrace/captures/corpus/scenario"
	"nbtrace/rules"
)

// With -update the tests write what they would compare; make corpus does so.
var update = flag.Bool("update", false, "write scenario captures and golden findings")

func all(t testing.TB) []corpus.Capture {
	t.Helper()
	list, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 38 {
		t.Fatalf("only %d captures", len(list))
	}
	return list
}

// input is one capture file in memory.
type input struct {
	name string
	data []byte
}

// scenarioOf compiles a scenario's text as it is on disk, so that an update
// sees its own work.
func scenarioOf(t testing.TB, c corpus.Capture) *scenario.Scenario {
	t.Helper()
	text, err := os.ReadFile(c.Truth)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Compile(c.Name, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func inputs(t testing.TB, c corpus.Capture) []input {
	t.Helper()
	var out []input
	if c.Folder == "scenarios" {
		for _, f := range scenarioOf(t, c).Files {
			out = append(out, input{f.Name, f.Data})
		}
		return out
	}
	for _, f := range c.Files {
		b, err := fs.ReadFile(corpus.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, input{path.Base(f), b})
	}
	return out
}

// supplied are the lists of mappings that go with a capture.
func supplied(t testing.TB, names []string) []*mappings.List {
	t.Helper()
	var out []*mappings.List
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join("scenarios", n))
		if err != nil {
			t.Fatal(err)
		}
		l, err := mappings.Read(n, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

func analyse(t testing.TB, ins []input, maps []*mappings.List) *analyze.Result {
	t.Helper()
	var rs []*captures.Reader
	for _, in := range ins {
		r, err := captures.NewReader(in.name, bytes.NewReader(in.data))
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	m := captures.NewMerge(rs)
	defer m.Close()
	e := analyze.New(analyze.Options{Rules: rules.All(), Mappings: maps}, analyze.Sink{})
	var f captures.Frame
	for {
		err := m.Next(&f)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Feed(&f)
	}
	return e.Finish()
}

func findingsOf(t testing.TB, c corpus.Capture) (*analyze.Result, []input) {
	t.Helper()
	ins := inputs(t, c)
	var maps []*mappings.List
	if c.Folder == "scenarios" {
		maps = supplied(t, scenarioOf(t, c).Header.Mappings)
	}
	return analyse(t, ins, maps), ins
}

// subjectOf is the name that a finding is about, "-" if none.
func subjectOf(f *analyze.Finding) string {
	if !f.HasName {
		return "-"
	}
	return nbns.Name(f.Name).Display(f.Scope)
}

// golden writes the findings of a result, one paragraph each.
func golden(r *analyze.Result, ins []input) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# messages %d, exchanges %d, names %d, hosts %d, malformed %d, duplicates %d\n", r.Summary.Messages, r.Summary.Exchanges,
		r.Summary.Names, r.Summary.Hosts, r.Summary.Malformed, r.Summary.Duplicates)
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%s %s %s %s", f.Severity, f.Rule, f.Verdict, subjectOf(f))
		for i, a := range f.Host.Addresses {
			b.WriteString([]string{" host ", ","}[min(i, 1)] + a.String())
		}
		if f.Server.IsValid() {
			fmt.Fprintf(&b, " server %s", f.Server)
		}
		fmt.Fprintf(&b, " count %d", f.Count)
		if len(f.Events) > 0 {
			fmt.Fprintf(&b, " events %v", f.Events)
		}
		b.WriteByte('\n')
		for _, e := range f.Evidence {
			sign := "-"
			if e.For {
				sign = "+"
			}
			fmt.Fprintf(&b, "  %s %s%s\n", sign, e.Sign, framesText(e.Frames, ins))
		}
		for _, a := range f.Alternatives {
			how := "possible"
			if a.Excluded {
				how = "excluded"
			}
			fmt.Fprintf(&b, "  ? %s %s\n", a.Rule, how)
		}
	}
	return b.String()
}

func framesText(frames []exchange.FrameRef, ins []input) string {
	var b strings.Builder
	for _, f := range frames {
		b.WriteByte(' ')
		if len(ins) > 1 {
			b.WriteString(fmt.Sprint(f.Input+1) + ":")
		}
		fmt.Fprint(&b, f.Frame)
		if f.Role != "" {
			b.WriteString("/" + f.Role)
		}
	}
	return b.String()
}

func TestScenarioFiles(t *testing.T) {
	texts, err := filepath.Glob("scenarios/*.txt")
	if err != nil || len(texts) < 10 {
		t.Fatalf("%d scenarios, %v", len(texts), err)
	}
	want := map[string]bool{}
	for _, p := range texts {
		name := strings.TrimSuffix(filepath.Base(p), ".txt")
		t.Run(name, func(t *testing.T) {
			s := scenarioOf(t, corpus.Capture{Name: name, Truth: p})
			for _, f := range s.Files {
				at := filepath.Join("scenarios", f.Name)
				want[f.Name] = true
				if *update {
					if err := os.WriteFile(at, f.Data, 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				have, err := os.ReadFile(at)
				if err != nil {
					t.Fatalf("%v (make corpus writes it)", err)
				}
				if !bytes.Equal(have, f.Data) {
					t.Errorf("%s is not what the scenario gives (make corpus writes it)", f.Name)
				}
			}
		})
	}
	files, err := filepath.Glob("scenarios/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range files {
		if !want[filepath.Base(p)] {
			if *update {
				if err := os.Remove(p); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s belongs to no scenario", p)
		}
	}
}

func TestGolden(t *testing.T) {
	want := map[string]bool{}
	for _, c := range all(t) {
		want[c.Golden()] = true
		t.Run(c.Folder+"/"+c.Name, func(t *testing.T) {
			r, ins := findingsOf(t, c)
			got := golden(r, ins)
			if *update {
				if err := os.WriteFile(c.Golden(), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			have, err := os.ReadFile(c.Golden())
			if err != nil {
				t.Fatalf("%v (make corpus writes it)", err)
			}
			if string(have) != got {
				t.Errorf("%s differs; read the difference before make corpus:\n%s", c.Golden(), difference(string(have), got))
			}
		})
	}
	err := filepath.WalkDir("golden", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".txt" || want[filepath.ToSlash(p)] {
			return err
		}
		if *update {
			return os.Remove(p)
		}
		t.Errorf("%s belongs to no capture", p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// difference lists the lines that only one of two texts has.
func difference(have, got string) string {
	a, b := strings.Split(have, "\n"), strings.Split(got, "\n")
	var out []string
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "+ "+l)
		}
	}
	if len(out) == 0 {
		return "(order alone)"
	}
	return strings.Join(out, "\n")
}

// What the header of a scenario says must be found, and nothing else of
// weight.
func TestScenarioExpectations(t *testing.T) {
	n := 0
	for _, c := range all(t) {
		if c.Folder != "scenarios" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			s := scenarioOf(t, c)
			r, ins := findingsOf(t, c)
			for _, w := range unmet(&s.Header, r.Findings) {
				t.Errorf("%s\nall findings: %s", w, golden(r, ins))
			}
		})
	}
	if n == 0 {
		t.Fatal("no scenarios")
	}
}

func fits(e scenario.Expectation, f *analyze.Finding) bool {
	return f.Rule == e.Rule && (e.Name == "" || e.Name == subjectOf(f)) && (e.Verdict == "" || e.Verdict == f.Verdict.String())
}

// unmet lists what of a header's expectations the findings do not meet.
func unmet(h *scenario.Header, found []*analyze.Finding) []string {
	var out []string
	for _, e := range h.Fires {
		if !slices.ContainsFunc(found, func(f *analyze.Finding) bool { return fits(e, f) }) {
			out = append(out, strings.TrimRight(fmt.Sprintf("missing: %s %s %s", e.Rule, e.Name, e.Verdict), " "))
		}
	}
	below := analyze.Critical + 1
	if h.SeverityBelow != "none" {
		if err := below.UnmarshalText([]byte(h.SeverityBelow)); err != nil {
			out = append(out, err.Error())
		}
	}
	for _, f := range found {
		switch {
		case slices.Contains(h.Silent, f.Rule):
			out = append(out, fmt.Sprintf("must be silent: %s %s", f.Rule, subjectOf(f)))
		case f.Severity >= below && !slices.ContainsFunc(h.Fires, func(e scenario.Expectation) bool { return fits(e, f) }):
			out = append(out, fmt.Sprintf("not expected: %s %s %s %s", f.Severity, f.Rule, f.Verdict, subjectOf(f)))
		}
	}
	return out
}

// Every rule needs a capture where it fires, as declared and not by chance,
// and a near miss.
func TestEveryRuleFiresAndKeepsSilent(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, c := range all(t) {
		switch c.Folder {
		case "scenarios":
			s := scenarioOf(t, c)
			for _, e := range s.Header.Fires {
				fires[e.Rule] = true
			}
			for _, r := range s.Header.Silent {
				silent[r] = true
			}
		case "lab":
			truth := truthOf(t, c)
			for _, e := range truth.expect {
				fires[e.rule] = true
			}
			for _, e := range truth.forbid {
				silent[e.rule] = true
			}
			if truth.mustFire == "no" {
				for _, r := range headline {
					silent[r] = true
				}
			}
		}
	}
	known := map[string]bool{}
	for _, r := range rules.All() {
		known[r.Slug] = true
		if !fires[r.Slug] {
			t.Errorf("%s: no capture is declared where it fires", r.Slug)
		}
		if !silent[r.Slug] {
			t.Errorf("%s: no near miss is declared", r.Slug)
		}
	}
	if len(known) == 0 {
		t.Fatal("no rules")
	}
	for _, m := range []map[string]bool{fires, silent} {
		for r := range m {
			if r != "" && !known[r] {
				t.Errorf("there is no rule %q", r)
			}
		}
	}
}
