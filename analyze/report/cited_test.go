package report

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"nbtrace/analyze"
)

func TestNameFiles(t *testing.T) {
	two := []string{"a.pcap", "b.pcap"}
	refs := []analyze.FrameRef{{Input: 1, Frame: 27}, {Input: 1, Frame: 26}, {Input: 0, Frame: 3}, {Input: 1, Frame: 3}, {Input: 2, Frame: 9}}
	for _, c := range []struct {
		sentence string
		files    []string
		want     string
	}{
		{"x did (frame 27)", two, "x did (frame 27 of b.pcap)"},
		{"x did (frames 3, 27)", two, "x did (frames 3 of a.pcap and b.pcap, 27 of b.pcap)"},
		{"x did (frames 26, 27)", two, "x did (frames 26, 27 of b.pcap)"},
		{"x did (frames 3, 3)", two, "x did (frames 3 of a.pcap and b.pcap)"},
		{"x did (frame 27)", two[:1], "x did (frame 27)"},
		{"x did (frame 27)", nil, "x did (frame 27)"},
		{"x did (frame 28)", two, "x did (frame 28)"},
		{"x did (frames 27, 28)", two, "x did (frames 27, 28)"},
		{"x did (frame 9)", two, "x did (frame 9)"}, // an input without a name
		{"X(frame 27)<20> did", two, "X(frame 27)<20> did"},
		{"x did", two, "x did"},
	} {
		if got := nameFiles(c.sentence, refs, c.files); got != c.want {
			t.Errorf("%q of %q is %q, want %q", c.sentence, c.files, got, c.want)
		}
	}
}

// In captures of several files a bare number could be a frame of any of them.
func TestSentencesNameTheFileOfAFrame(t *testing.T) {
	paths, err := filepath.Glob("../../captures/corpus/scenarios/static-refusal-two-files.*.pcap")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d files of the scenario: %v", len(paths), err)
	}
	d := analyzed(t, paths...)
	var md, html bytes.Buffer
	if err := d.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteHTML(&html); err != nil {
		t.Fatal(err)
	}
	for what, out := range map[string]string{"text": text(t, d, TextOptions{Width: 400}), "markdown": md.String(), "html": html.String()} {
		out = strings.Join(strings.Fields(out), " ")
		if want := "(frames 1 of static-refusal-two-files.lan1.1.pcap, 3 of static-refusal-two-files.core.1.pcap)"; !strings.Contains(out, want) {
			t.Errorf("%s lacks %q", what, want)
		}
		if bare := "(frames 1, 3)"; strings.Contains(out, bare) {
			t.Errorf("%s has %q", what, bare)
		}
	}
	one := analyzed(t, labPath(labCaptures[0]))
	if got := text(t, one, TextOptions{Width: 400}); !strings.Contains(got, "(frame 27)") {
		t.Error("of one file the number is not enough")
	}
}
