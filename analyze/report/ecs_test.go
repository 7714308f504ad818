package report

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze"
)

func ecsOf(t testing.TB, d *Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteECS(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fieldNames lists the fields of nested objects, parted by dots.
func fieldNames(prefix string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			fieldNames(prefix+"."+k, e, into)
		}
	case []any:
		for _, e := range v {
			if _, ok := e.(map[string]any); ok {
				fieldNames(prefix, e, into)
			} else {
				into[prefix[1:]] = true
			}
		}
	default:
		into[prefix[1:]] = true
	}
}

func TestECS(t *testing.T) {
	f := aFinding(0x20)
	f.Scope = "lab.test"
	none := &analyze.Finding{Rule: "server-silent", Severity: analyze.Notice, Verdict: analyze.Possible, Title: "t", First: t0, Last: t0, Count: 1}
	got := ecsOf(t, aDocument(f, none))
	golden(t, "htmlreport/findings.ecs.ndjson", got)
	lines := bytes.Split(bytes.TrimSpace(got), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	var doc map[string]any
	if err := json.Unmarshal(lines[0], &doc); err != nil {
		t.Fatal(err)
	}
	event := doc["event"].(map[string]any)
	if event["kind"] != "alert" || event["severity"] != 99.0 || event["start"] != doc["@timestamp"] {
		t.Errorf("event is %v", event)
	}
}

// Every field that is written is described, and every field that is described
// as always there is written.
func TestECSIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/ecs.md")
	if err != nil {
		t.Fatal(err)
	}
	documented, always := map[string]bool{}, map[string]bool{}
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") || len(cells) != 4 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			documented[m[1]] = true
			always[m[1]] = cells[2] == "yes"
		}
	}
	if len(documented) < 40 {
		t.Fatalf("found %d documented fields only", len(documented))
	}
	f := aFinding(0x20)
	f.Scope = "lab.test"
	d := aDocument(f, &analyze.Finding{Rule: "r", Verdict: analyze.Possible, First: t0, Last: t0, Count: 1})
	for i, line := range bytes.Split(bytes.TrimSpace(ecsOf(t, d)), []byte("\n")) {
		var doc any
		if err := json.Unmarshal(line, &doc); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		fieldNames("", doc, got)
		for name := range got {
			if !documented[name] {
				t.Errorf("%s is not documented", name)
			}
		}
		for name, must := range always {
			if must && !got[name] {
				t.Errorf("finding %d: %s is missing", i, name)
			}
			if i == 0 && !got[name] {
				t.Errorf("%s is documented, but a finding with everything lacks it", name)
			}
		}
	}
}

func TestECSIDIsStable(t *testing.T) {
	a, b := aFinding(0x20), aFinding(0x20)
	b.Verdict, b.Count = analyze.Proved, 99
	if findingID(a) != findingID(b) {
		t.Error("the id changes with the verdict")
	}
	ids := []string{findingID(a)}
	b.First++
	ids = append(ids, findingID(b), findingID(aFinding(0)))
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("ids %v are not distinct", ids)
	}
}
