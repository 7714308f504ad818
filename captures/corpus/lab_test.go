package corpus_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures/corpus"
)

// headline are the two rules of one family that the ground truths call so.
var headline = []string{"static-multihomed-release", "static-multihomed-refusal"}

// truth is what the ground truth of a lab capture says that findings can be
// held against.
type truth struct {
	mustFire string // yes, no or either
	name     string
	server   string
	verdict  string
	refusal  []int64 // frames
	demand   []int64
	expect   []claim
	forbid   []claim
}

// claim names findings by rule or by severity, and by name where it has one;
// a name without a suffix stands for all of its suffixes.
type claim struct{ rule, severity, name string }

func truthOf(t testing.TB, c corpus.Capture) *truth {
	t.Helper()
	b, err := fs.ReadFile(corpus.FS, c.Truth)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := readTruth(string(b))
	if err != nil {
		t.Fatalf("%s: %v", c.Truth, err)
	}
	return tr
}

// readTruth reads the three parts of a ground truth that can be tested. It
// knows the little of YAML that the files use.
func readTruth(text string) (*truth, error) {
	tr := &truth{}
	part, key := "", ""
	found := map[string]bool{}
	for n, line := range strings.Split(text, "\n") {
		body := strings.TrimSpace(line)
		if body == "" || strings.HasPrefix(body, "#") {
			continue
		}
		indented := line[0] == ' ' || line[0] == '-'
		item := strings.HasPrefix(body, "- ")
		k, v, hasKey := strings.Cut(strings.TrimPrefix(body, "- "), ": ")
		if !hasKey {
			k, hasKey = strings.CutSuffix(strings.TrimPrefix(body, "- "), ":")
		}
		v = strings.Trim(v, `'"`)
		if !indented {
			part, key = k, ""
			found[part] = true
			if !hasKey {
				return nil, fmt.Errorf("line %d: %q is no key", n+1, body)
			}
			continue
		}
		switch part {
		case "headline":
			if item && !hasKey {
				frame, err := strconv.ParseInt(strings.TrimPrefix(body, "- "), 10, 64)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", n+1, err)
				}
				tr.frames(key, frame)
				continue
			}
			if !strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "   ") {
				continue // a long text goes on
			}
			switch key = k; k {
			case "must_fire":
				tr.mustFire = v
			case "name":
				tr.name = v
			case "wins_server":
				tr.server = v
			case "verdict":
				tr.verdict = v
			case "refusal_frame", "release_demand_frame":
				frame, err := strconv.ParseInt(v, 10, 64)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", n+1, err)
				}
				tr.frames(key, frame)
			}
		case "expect", "forbid":
			list := &tr.expect
			if part == "forbid" {
				list = &tr.forbid
			}
			if item {
				*list = append(*list, claim{})
			}
			if len(*list) == 0 {
				return nil, fmt.Errorf("line %d: no list", n+1)
			}
			c := &(*list)[len(*list)-1]
			switch k {
			case "rule":
				c.rule = v
			case "severity":
				c.severity = v
			case "name":
				c.name = v
			default:
				return nil, fmt.Errorf("line %d: unknown key %q", n+1, k)
			}
		}
	}
	for _, k := range []string{"headline", "expect", "forbid"} {
		if !found[k] {
			return nil, fmt.Errorf("lacks its %s", k)
		}
	}
	if tr.mustFire != "yes" && tr.mustFire != "no" && tr.mustFire != "either" {
		return nil, fmt.Errorf("must_fire is %q", tr.mustFire)
	}
	return tr, nil
}

func (tr *truth) frames(key string, frame int64) {
	switch strings.TrimSuffix(key, "s") {
	case "refusal_frame":
		tr.refusal = append(tr.refusal, frame)
	case "release_demand_frame":
		tr.demand = append(tr.demand, frame)
	}
}

func (c claim) fits(f *analyze.Finding) (bool, error) {
	subject := strings.ToUpper(subjectOf(f))
	want := strings.ToUpper(c.name)
	if want != "" && subject != want && (strings.Contains(want, "<") || strings.Split(subject, "<")[0] != want) {
		return false, nil
	}
	if c.rule != "" {
		return c.rule == f.Rule, nil
	}
	var s analyze.Severity
	if err := s.UnmarshalText([]byte(c.severity)); err != nil {
		return false, err
	}
	return f.Severity >= s, nil
}

// shortOf lists the ways in which findings fall short of a ground truth.
func shortOf(tr *truth, found []*analyze.Finding) []string {
	var out []string
	var head, right []*analyze.Finding
	for _, f := range found {
		if !slices.Contains(headline, f.Rule) {
			continue
		}
		head = append(head, f)
		if strings.EqualFold(subjectOf(f), tr.name) {
			right = append(right, f)
		}
	}
	switch {
	case tr.mustFire == "no" && len(head) > 0:
		out = append(out, fmt.Sprintf("the headline fires wrongly: %s %s", head[0].Rule, subjectOf(head[0])))
	case tr.mustFire == "yes" && len(right) == 0:
		out = append(out, "the headline is not found for "+tr.name)
	case tr.mustFire == "yes":
		if tr.server != "" && !slices.ContainsFunc(right, func(f *analyze.Finding) bool { return f.Server.String() == tr.server }) {
			out = append(out, "the headline does not name server "+tr.server)
		}
		out = append(out, evidenceShort(right, "refusal", tr.refusal)...)
		out = append(out, evidenceShort(right, "demand", tr.demand)...)
		rule := headline[1]
		if len(tr.demand) > 0 {
			rule = headline[0]
		}
		if len(tr.demand)+len(tr.refusal) > 0 && !slices.ContainsFunc(right, func(f *analyze.Finding) bool { return f.Rule == rule }) {
			out = append(out, "the headline is not "+rule)
		}
		if tr.verdict != "" && !slices.ContainsFunc(right, func(f *analyze.Finding) bool { return f.Verdict.String() == tr.verdict }) {
			out = append(out, "the headline's verdict is not "+tr.verdict)
		}
	}
	for _, want := range tr.expect {
		ok := false
		for _, f := range found {
			fits, err := want.fits(f)
			if err != nil {
				return append(out, err.Error())
			}
			ok = ok || fits || tr.mustFire == "either" && slices.Contains(headline, f.Rule)
		}
		if !ok {
			out = append(out, fmt.Sprintf("missing: %s %s", want.rule, want.name))
		}
	}
	for _, bad := range tr.forbid {
		for _, f := range found {
			fits, err := bad.fits(f)
			if err != nil {
				return append(out, err.Error())
			}
			if fits {
				out = append(out, fmt.Sprintf("must not be found: %s %s %s", f.Severity, f.Rule, subjectOf(f)))
			}
		}
	}
	return out
}

// evidenceShort reports that no finding's evidence holds one of the frames.
func evidenceShort(right []*analyze.Finding, what string, frames []int64) []string {
	if len(frames) == 0 {
		return nil
	}
	for _, f := range right {
		for _, e := range f.Evidence {
			for _, ref := range e.Frames {
				if e.For && slices.Contains(frames, ref.Frame) {
					return nil
				}
			}
		}
	}
	return []string{fmt.Sprintf("the headline's evidence lacks the %s, frame %v", what, frames)}
}

func TestLabTruths(t *testing.T) {
	n := 0
	for _, c := range all(t) {
		if c.Folder != "lab" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			if c.Truth == "" {
				t.Fatal("the capture has no ground truth")
			}
			r, _ := findingsOf(t, c)
			for _, s := range shortOf(truthOf(t, c), r.Findings) {
				t.Error(s)
			}
		})
	}
	if n < 25 {
		t.Fatalf("only %d lab captures", n)
	}
}

// The judge itself must find fault.
func TestTruthJudge(t *testing.T) {
	tr, err := readTruth("headline:\n  must_fire: 'yes'\n  name: A<20>\n  wins_server: 10.0.0.1\n  why: long\n    text: goes on\n  refusal_frames:\n  - 7\n  - 9\n" +
		"expect:\n- rule: noisy-name\n  name: B\nforbid:\n- severity: warning\n  name: C\n")
	if err != nil {
		t.Fatal(err)
	}
	if tr.mustFire != "yes" || !slices.Equal(tr.refusal, []int64{7, 9}) || len(tr.expect) != 1 || len(tr.forbid) != 1 || tr.forbid[0].name != "C" {
		t.Fatalf("read %+v", tr)
	}
	f := &analyze.Finding{Rule: headline[0], HasName: true, Name: [16]byte([]byte("A              \x20")), Severity: analyze.Critical}
	bad := &analyze.Finding{Rule: "x", HasName: true, Name: [16]byte([]byte("C              \x00")), Severity: analyze.Warning}
	got := shortOf(tr, []*analyze.Finding{f, bad})
	if len(got) != 5 {
		t.Errorf("%d faults, want server, evidence, rule, missing and forbidden: %q", len(got), got)
	}
	for _, text := range []string{"headline:\n  must_fire: maybe\nexpect: []\nforbid: []\n", "expect: []\nforbid: []\n", "headline:\n  must_fire: 'no'\nexpect:\n- rul: x\nforbid: []\n"} {
		if _, err := readTruth(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
