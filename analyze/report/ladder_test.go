package report

import (
	"strings"
	"testing"
)

func labLadders(t testing.TB, d *Document, width int, ascii bool) string {
	var b strings.Builder
	for i, s := range tell(d.Findings) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.lead().Rule + ": " + s.title() + "\n")
		for _, line := range newLadder(d.Result.Hosts, &s).text(d.Files, width, ascii) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func TestLadderText(t *testing.T) {
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		if len(d.Findings) == 0 {
			t.Errorf("%s: no findings", name)
			continue
		}
		golden(t, "htmlreport/"+name[:strings.Index(name, "-")]+".ladder.txt", []byte(labLadders(t, d, 80, false)))
	}
}
