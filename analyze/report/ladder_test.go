package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

func labLadders(d *Document, width int, ascii bool) string {
	var b strings.Builder
	stories := tell(d.Findings, d.Files)
	for i := range stories {
		s := &stories[i]
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.lead().Rule + ": " + s.title() + "\n")
		for _, line := range newLadder(d.Result.Hosts, s).text(d.Files, width, ascii) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func drawn(t testing.TB, name string, data any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := htmlPageTemplate.ExecuteTemplate(&b, name, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wellFormed reads XML to its end and counts its elements.
func wellFormed(t testing.TB, doc []byte) map[string]int {
	t.Helper()
	seen := map[string]int{}
	dec := xml.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return seen
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, doc)
		}
		if e, ok := tok.(xml.StartElement); ok {
			seen[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || a.Name.Local == "style" {
					t.Fatalf("an attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestLaddersOfCaptures(t *testing.T) {
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		if len(d.Findings) == 0 {
			t.Errorf("%s: no findings", name)
			continue
		}
		short := name[:strings.Index(name, "-")]
		golden(t, "htmlreport/"+short+".ladder.txt", []byte(labLadders(d, 80, false)))
		stories := tell(d.Findings, d.Files)
		l := newLadder(d.Result.Hosts, &stories[0])
		golden(t, "htmlreport/"+short+".mmd", []byte(l.mermaid()))
		svg := drawn(t, "ladder", l.draw("l", "Messages"))
		golden(t, "htmlreport/"+short+".svg", svg)
		if seen := wellFormed(t, svg); seen["title"] != 1 || seen["desc"] != 1 || seen["polygon"] == 0 {
			t.Errorf("%s: elements %v", name, seen)
		}
		for _, want := range []string{"decisive", "role=\"img\""} {
			if !bytes.Contains(svg, []byte(want)) {
				t.Errorf("%s: the drawing lacks %s", name, want)
			}
		}
	}
}

// What a diagram must show, told by hand and not by a golden file.
func TestLadderShowsTheTurn(t *testing.T) {
	for _, c := range []struct {
		capture, line string
	}{
		{"03c-static-unique-refuses-multihomed.pcap", "! negative, ACT_ERR <20>,<03>,<00> [refusal]"},
		{"04d-replicated-static-release-demands.pcap", "! release demand <20> to 10.20.1.62"},
		{"07-bnode-owner-defends.pcap", "! negative, ACT_ERR <03>,<00> ×4 [defence]"},
		{"12-spoofing-responder-and-forged-demand.pcap", "! positive answer ×2 within 32ms [spoofed-answer]"},
		{"12-spoofing-responder-and-forged-demand.pcap", "! conflict demand"},
		{"05-duplicate-owner-alive.pcap", "┌ │ wait <20>"},
		{"05-duplicate-owner-alive.pcap", "└ │"},
	} {
		d := analyzed(t, labPath(c.capture))
		if got := labLadders(d, 80, false); !strings.Contains(got, c.line) {
			t.Errorf("%s lacks %q:\n%s", c.capture, c.line, got)
		}
	}
}

func TestLadderKeepsToTheWidth(t *testing.T) {
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		for _, width := range []int{40, 60, 80, 132} {
			stories := tell(d.Findings, d.Files)
			for i := range stories {
				for _, line := range newLadder(d.Result.Hosts, &stories[i]).text(d.Files, width, width%20 != 0) {
					if w := textWidth(line); w > width {
						t.Errorf("%s at %d: a line of %d: %s", name, width, w, line)
					}
				}
			}
		}
		for line := range strings.Lines(labLadders(d, 80, true)) {
			for _, r := range line {
				if r > 126 {
					t.Fatalf("%s: %q in an ASCII diagram: %s", name, r, line)
				}
			}
		}
	}
}

// evidenceStory is a story of one finding with the frames as evidence.
func evidenceStory(server netip.Addr, host []netip.Addr, frames ...analyze.FrameRef) *story {
	f := aFinding(0x20)
	f.Server, f.Host.Addresses = server, host
	f.Evidence = []analyze.Evidence{{Sign: "s", For: true, Frames: frames}}
	return &tell([]*analyze.Finding{f}, nil)[0]
}

func TestLadderFolds(t *testing.T) {
	s := evidenceStory(serverAddr, []netip.Addr{nic1},
		analyze.FrameRef{Frame: 1, Role: "request", Time: t0, Src: nic1, Dst: serverAddr, What: "register"},
		analyze.FrameRef{Frame: 2, Role: "request", Time: t0 + 1e9, Src: nic1, Dst: serverAddr, What: "register"},
		analyze.FrameRef{Frame: 3, Role: "request", Time: t0 + 2e9, Src: nic1, Dst: serverAddr, What: "register"},
		analyze.FrameRef{Frame: 4, Role: "refusal", Time: t0 + 3e9, Src: serverAddr, Dst: nic1, What: "negative, ACT_ERR"},
		analyze.FrameRef{Input: 1, Frame: 9, Role: "refusal", Time: t0 + 3e9, Src: serverAddr, Dst: nic1, What: "negative, ACT_ERR"},
		analyze.FrameRef{Frame: 5, Role: "request", Time: t0 + 4e9, Src: nic1, Dst: serverAddr, What: "register"},
		analyze.FrameRef{Frame: 6, Role: "answer"},
	)
	l := newLadder(nil, s)
	if len(l.steps) != 3 {
		t.Fatalf("%d steps: %+v", len(l.steps), l.steps)
	}
	if got := l.steps[0].label(); got != "register ×3 within 2s" {
		t.Errorf("the first step is %q", got)
	}
	if got := l.sources([]string{"a", "b\x1b"}); got != `Frames are file:number; file 1 is a, 2 is b\x1b.` {
		t.Errorf("the files are %q", got)
	}
	if got := l.ranges(&l.steps[0]); got != "1:1-3" {
		t.Errorf("the frames of the first step are %q", got)
	}
	if got := l.numbers(&l.steps[1]); got != "1:4, 2:9" || l.steps[1].count != 1 || !l.steps[1].decisive {
		t.Errorf("what two taps saw is %q, %+v", got, l.steps[1])
	}
	if l.bare != 1 || !strings.Contains(l.rest(), "1 further frame is") {
		t.Errorf("the frame of which nothing is known: %d, %q", l.bare, l.rest())
	}
	if l.lines[0].who != "affected host" || l.lines[1].short() != serverAddr.String() {
		t.Errorf("life lines %+v", l.lines)
	}
}

func TestLadderIsBounded(t *testing.T) {
	var frames []analyze.FrameRef
	for i := range 5000 {
		src := netip.AddrFrom4([4]byte{10, 0, byte(i / 200), byte(i%200 + 1)})
		frames = append(frames, analyze.FrameRef{Frame: int64(i + 1), Role: "answer", Time: t0 + int64(i)*1e9, Src: src, Dst: serverAddr, What: "positive answer"})
	}
	frames = append(frames, analyze.FrameRef{Frame: 6000, Role: "refusal", Time: t0 + 6000e9, Src: serverAddr, Dst: nic1, What: "negative, ACT_ERR"})
	l := newLadder(nil, evidenceStory(serverAddr, []netip.Addr{nic1}, frames...))
	if len(l.steps) > maxLadderSteps || len(l.lines) > maxLadderLines+1 {
		t.Errorf("%d steps on %d lines", len(l.steps), len(l.lines))
	}
	drawnFrames := 0
	for i := range l.steps {
		drawnFrames += len(l.steps[i].frames)
	}
	if drawnFrames+l.left != len(frames) {
		t.Errorf("%d frames drawn and %d left out, of %d", drawnFrames, l.left, len(frames))
	}
	if svg := drawn(t, "ladder", l.draw("l", "t")); len(svg) > 32<<10 {
		t.Errorf("the drawing takes %d bytes", len(svg))
	}
}

// mermaidLine is what a line of a sequence diagram may be: arrows between
// letters, and plain text with character codes.
var mermaidLine = regexp.MustCompile(`^(sequenceDiagram|    end|    opt [a-z ]+|    participant [A-H] as .*|    Note over [A-H](,[A-H])?: .*|    [A-H](->>|-\))[A-H]: .*)$`)
var mermaidPlain = regexp.MustCompile(`^([a-zA-Z0-9 .,()+/_×µ-]|#[0-9]+;)*$`)

func checkMermaid(t interface{ Fatalf(string, ...any) }, diagram string) {
	open := 0
	for i, line := range strings.Split(strings.TrimSuffix(diagram, "\n"), "\n") {
		if !mermaidLine.MatchString(line) || i == 0 != (line == "sequenceDiagram") {
			t.Fatalf("line %d is no Mermaid: %q", i+1, line)
		}
		switch {
		case strings.HasPrefix(line, "    opt "):
			open++
		case line == "    end":
			open--
		}
		for _, sep := range []string{": ", " as "} {
			if _, text, ok := strings.Cut(line, sep); ok {
				if !mermaidPlain.MatchString(text) {
					t.Fatalf("line %d has text that may act: %q", i+1, text)
				}
				break
			}
		}
	}
	if open != 0 {
		t.Fatalf("%d blocks are left open:\n%s", open, diagram)
	}
}

func TestMermaidOfCaptures(t *testing.T) {
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		stories := tell(d.Findings, d.Files)
		for i := range stories {
			checkMermaid(t, newLadder(d.Result.Hosts, &stories[i]).mermaid())
		}
	}
}

// Nothing that a frame or a name says acts in a diagram of any kind.
func TestHostileLadders(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := aFinding(0x20)
		copy(f.Name[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "name"))
		f.Scope = hostile().Draw(rt, "scope")
		addrs := []netip.Addr{nic1, nic2, serverAddr, {}, netip.MustParseAddr("10.20.255.255"), netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("fe80::2%<b>")}
		pick := rapid.SampledFrom(addrs)
		frames := f.Evidence[0].Frames[:0]
		for i := range rapid.IntRange(0, 30).Draw(rt, "frames") {
			frames = append(frames, analyze.FrameRef{Input: rapid.IntRange(0, 2).Draw(rt, "input"), Frame: int64(i + 1), Time: rapid.Int64Range(0, 1<<60).Draw(rt, "time"),
				Src: pick.Draw(rt, "src"), Dst: pick.Draw(rt, "dst"), What: hostile().Draw(rt, "what"),
				Role: rapid.OneOf(hostile(), rapid.SampledFrom([]string{"refusal", "wack", "challenge", "multihomed"})).Draw(rt, "role")})
		}
		f.Evidence[0].Frames = frames
		files := []string{hostile().Draw(rt, "file"), "b"}
		s := &tell([]*analyze.Finding{f, aFinding(0)}, nil)[0]
		l := newLadder([]analyze.Host{{ID: 1, Addresses: []netip.Addr{nic1, nic2}}}, s)
		if l.empty() {
			return
		}
		width := rapid.IntRange(40, 140).Draw(rt, "width")
		for _, ascii := range []bool{false, true} {
			for _, line := range l.text(files, width, ascii) {
				if textWidth(line) > width || Escape(line) != line {
					rt.Fatalf("width %d: %q", width, line)
				}
			}
		}
		checkMermaid(rt, l.mermaid())
		svg := drawn(t, "ladder", l.draw("l", Escape(s.title())))
		for name, n := range wellFormed(t, svg) {
			switch name {
			case "svg", "title", "desc":
				if n != 1 {
					rt.Fatalf("%d elements %s", n, name)
				}
			case "g", "line", "rect", "text", "polygon", "circle":
			default:
				rt.Fatalf("an element %s:\n%s", name, svg)
			}
		}
	})
}

func TestSinceStart(t *testing.T) {
	for ns, want := range map[int64]string{0: "0", 999: "0", 1500: "+1 µs", 12_345_678: "+12.3 ms", 1_234_000_000: "+1.234 s", 99_999e6: "+99.999 s", 100e9: "+0:01:40",
		3600e9 * 99: "+99:00:00", 3600e9 * 150: "+6 d 6 h"} {
		if got := sinceStart(ns); got != want {
			t.Errorf("%d ns: %q, want %q", ns, got, want)
		}
		if w := textWidth(sinceStart(ns)); w > ladderGutter {
			t.Errorf("%d ns takes %d columns", ns, w)
		}
	}
}

func TestTextReportWithLadder(t *testing.T) {
	d := analyzed(t, labPath("05-duplicate-owner-alive.pcap"))
	with, without := text(t, d, TextOptions{Width: 80, Ladder: true}), text(t, d, TextOptions{Width: 80})
	if !strings.Contains(with, "  The messages\n") || strings.Contains(without, "The messages") {
		t.Error("--ladder does not add the diagram, or it is there without")
	}
	for line := range strings.Lines(with) {
		if w := textWidth(strings.TrimSuffix(line, "\n")); w > 80 {
			t.Errorf("a line of %d: %s", w, line)
		}
	}
	var md bytes.Buffer
	if err := d.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), "\n```mermaid\nsequenceDiagram\n") {
		t.Error("Markdown has no Mermaid diagram")
	}
}

func ExampleEscape() {
	fmt.Println(Escape(nbns.MakeName("\x1b[31mRED", 0x20).String()))
	// Output: \x1b[31mRED<20>
}
