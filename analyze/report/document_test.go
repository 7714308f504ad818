package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

func text(t testing.TB, d *Document, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextReport(t *testing.T) {
	golden(t, "report.txt", []byte(text(t, aDocument(aFinding(0), aFinding(3), aFinding(0x20)), TextOptions{Width: 80})))
	golden(t, "report-color.txt", []byte(text(t, aDocument(aFinding(0x20)), TextOptions{Width: 80, Color: true})))
	golden(t, "report-empty.txt", []byte(text(t, aDocument(), TextOptions{Width: 80})))
}

func TestMarkdownReport(t *testing.T) {
	var b bytes.Buffer
	if err := aDocument(aFinding(0), aFinding(0x20)).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", b.Bytes())
}

func TestJSONReport(t *testing.T) {
	var b bytes.Buffer
	if err := aDocument(aFinding(0), aFinding(0x20)).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", b.Bytes())
	var got struct {
		Schema   string
		Version  string
		Inputs   []map[string]any
		Summary  map[string]int64
		Findings []map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "nbtrace/1" || got.Version != "1.2.3" || len(got.Inputs) != 2 || got.Summary["messages"] != 74 || len(got.Findings) != 2 {
		t.Errorf("got %+v", got)
	}
	if got.Inputs[1]["first"] != nil || got.Inputs[1]["complete"] != false || got.Inputs[1]["error"] == nil {
		t.Errorf("the damaged input is %v", got.Inputs[1])
	}
}

func TestNDJSONReport(t *testing.T) {
	var b bytes.Buffer
	if err := aDocument(aFinding(0x20)).WriteNDJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.ndjson", b.Bytes())
	var kinds []string
	for line := range strings.Lines(b.String()) {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, got["type"].(string))
	}
	if strings.Join(kinds, " ") != "finding summary" {
		t.Errorf("lines %q", kinds)
	}
}

func TestFindingsOfOneNameAreOneStory(t *testing.T) {
	other := aFinding(0x20)
	other.Host.ID = 4
	otherName := aFinding(0x20)
	otherName.Name = nbns.MakeName("PRINTSRV", 0x20)
	otherScope := aFinding(0x20)
	otherScope.Scope = "lab"
	stories := tell([]*analyze.Finding{aFinding(0), aFinding(3), other, aFinding(0x20), otherName, otherScope}, nil)
	if len(stories) != 4 {
		t.Fatalf("%d stories, want 4", len(stories))
	}
	s := &stories[0]
	if got := strings.Join(s.names, " "); got != "FILESRV<00> FILESRV<03> FILESRV<20>" {
		t.Errorf("names %s", got)
	}
	if len(s.evidence) != 3 {
		t.Errorf("%d pieces of evidence, want the 3 that the findings share: %+v", len(s.evidence), s.evidence)
	}
	if want := "FILESRV<00>,<03>,<20> was refused"; !strings.HasPrefix(s.evidence[0].text, want) {
		t.Errorf("evidence %q", s.evidence[0].text)
	}
	if len(s.frames) != 8 {
		t.Errorf("%d frames, want 8: %+v", len(s.frames), s.frames)
	}
}

func TestDocumentsForPeopleEnd(t *testing.T) {
	var findings []*analyze.Finding
	for i := range maxStories + 3 {
		f := aFinding(0x20)
		f.Host.ID = i + 1
		findings = append(findings, f)
	}
	findings[maxStories].Rule = "other"
	d := aDocument(findings...)
	var md bytes.Buffer
	if err := d.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	for what, out := range map[string]string{"text": text(t, d, TextOptions{Width: 200}), "markdown": md.String()} {
		if !strings.Contains(out, "100. CRITICAL") || strings.Contains(out, "101. CRITICAL") {
			t.Errorf("%s does not end after %d stories", what, maxStories)
		}
		out = strings.Join(strings.Fields(out), " ")
		if !strings.Contains(out, "And 3 more") || !strings.Contains(out, "1 other, 2 static-multihomed-refusal.") {
			t.Errorf("%s does not count the rest:\n%s", what, out[len(out)-300:])
		}
	}
}

func TestStoryTellsDifferentVerdicts(t *testing.T) {
	sure := aFinding(0x20)
	sure.Verdict = analyze.Proved
	stories := tell([]*analyze.Finding{aFinding(0), sure}, nil)
	if got := stories[0].verdicts(); got != "proved for FILESRV<20>, likely for FILESRV<00>" {
		t.Errorf("verdicts %q", got)
	}
}

// No line of the text report is longer than the terminal is wide, and nothing
// captured acts in it.
func TestTextReportKeepsToTheWidth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := aFinding(byte(rapid.IntRange(0, 255).Draw(rt, "suffix")))
		f.Scope = hostile().Draw(rt, "scope")
		copy(f.Name[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "name"))
		f.Title = hostile().Draw(rt, "title") + strings.Repeat("x", rapid.IntRange(0, 300).Draw(rt, "long"))
		f.Evidence[0].Text = hostile().Draw(rt, "text")
		f.Evidence[0].Frames[0].Role = hostile().Draw(rt, "role")
		f.Remedy = []string{hostile().Draw(rt, "remedy") + strings.Repeat("名", 100)}
		for i := range int64(40) {
			f.Evidence[1].Frames = append(f.Evidence[1].Frames, analyze.FrameRef{Frame: 1_000_000_000 + 2*i, Role: "r"})
		}
		d := aDocument(f, aFinding(0x20))
		d.Files[0] = hostile().Draw(rt, "file") + strings.Repeat("y", rapid.IntRange(0, 200).Draw(rt, "longer"))
		d.Inputs[0].Name = d.Files[0]
		for _, width := range []int{60, 80, 120} {
			out := text(t, d, TextOptions{Width: width})
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if w := textWidth(line); w > width {
					rt.Fatalf("at %d a line of %d: %q", width, w, line)
				}
				if Escape(line) != line {
					rt.Fatalf("%q is not escaped", line)
				}
			}
		}
		var md bytes.Buffer
		if err := d.WriteMarkdown(&md); err != nil {
			rt.Fatal(err)
		}
		for line := range strings.Lines(md.String()) {
			if line = strings.TrimSuffix(line, "\n"); Escape(line) != line || strings.Contains(line, "<script") && !strings.HasPrefix(line, "    ") {
				rt.Fatalf("%q is not escaped", line)
			}
		}
		var js bytes.Buffer
		if err := d.WriteJSON(&js); err != nil || !json.Valid(js.Bytes()) {
			rt.Fatalf("%v, or no JSON:\n%s", err, js.String())
		}
	})
}

func TestRulesForPeople(t *testing.T) {
	r := &analyze.Rule{Slug: "static-multihomed-refusal", Title: "A static mapping refuses a multihomed host", Severity: analyze.Critical,
		Doc:        analyze.Doc{What: "First.\n\nSecond.", Confirm: "Look.", FalsePositives: "Never.", FixWindows: []string{"Delete it."}, FixSamba: []string{"Edit wins.dat."}, Proven: "lab"},
		References: []string{"Q164016"}, Signs: []analyze.Sign{{Slug: "refused", For: true, Text: "It was refused."}, {Slug: "wack", Text: "It was challenged."}}}
	var b bytes.Buffer
	if err := WriteRule(&b, r, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "rule.txt", b.Bytes())
	b.Reset()
	if err := WriteRules(&b, []*analyze.Rule{r, r}, TextOptions{Width: 60}); err != nil {
		t.Fatal(err)
	}
	golden(t, "rules.txt", b.Bytes())
	b.Reset()
	if err := WriteRulesJSON(&b, []*analyze.Rule{r, r}, false); err != nil || !json.Valid(b.Bytes()) {
		t.Fatalf("%v:\n%s", err, b.String())
	}
	golden(t, "rules.json", b.Bytes())
}
