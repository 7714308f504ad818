package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
	"nbtrace/rules"
)

// evidenceOf writes the evidence of captures to a file.
func evidenceOf(t testing.TB, d *Document, paths ...string) (string, *EvidenceCount) {
	t.Helper()
	e := &Evidence{Version: "1.2.3", Files: d.Files, Findings: d.Findings, Options: analyze.Options{Rules: rules.All()},
		Open: func() (captures.Source, func(), error) {
			var readers []*captures.Reader
			for _, p := range paths {
				r, err := captures.Open(p)
				if err != nil {
					return nil, nil, err
				}
				readers = append(readers, r)
			}
			m := captures.NewMerge(readers)
			return m, func() { m.Close() }, nil
		}}
	var b bytes.Buffer
	count, err := e.Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "evidence.pcapng")
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return out, count
}

// conclusions lists findings without what depends on frame numbers and counts.
func conclusions(findings []*analyze.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprint(findingLabel(f), " ", f.Verdict, " ", f.Server, " ", f.Host.Addresses))
	}
	slices.Sort(out)
	return out
}

func readFrames(t testing.TB, path string) []captures.Frame {
	t.Helper()
	r, err := captures.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []captures.Frame
	for {
		var f captures.Frame
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		f.Data = slices.Clone(f.Data)
		all = append(all, f)
	}
}

func writeFrames(t testing.TB, name string, frames []captures.Frame) string {
	t.Helper()
	var b bytes.Buffer
	w := captures.NewWriter(&b, captures.WriterOptions{})
	for i := range frames {
		if err := w.Write(&frames[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The evidence of every capture of the lab leads to the same findings, holds
// the frames that they name, and each of its frames is one of the capture.
func TestEvidenceLeadsToTheSameFindings(t *testing.T) {
	paths, err := filepath.Glob(labPath("*.pcap*"))
	if err != nil || len(paths) < 25 {
		t.Fatalf("%d captures, %v", len(paths), err)
	}
	withFindings := 0
	for _, in := range paths {
		t.Run(filepath.Base(in), func(t *testing.T) {
			d := analyzed(t, in)
			out, count := evidenceOf(t, d, in)
			if len(d.Findings) > 0 {
				withFindings++
			}
			if len(count.Differs) > 0 {
				t.Errorf("differs: %q", count.Differs)
			}
			if got, want := conclusions(analyzed(t, out).Findings), conclusions(d.Findings); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			cited := map[int64]bool{}
			for _, f := range d.Findings {
				for _, e := range f.Evidence {
					for _, ref := range e.Frames {
						cited[ref.Frame] = true
					}
				}
			}
			if count.Cited != len(cited) {
				t.Errorf("%d cited frames, want %d", count.Cited, len(cited))
			}
			original := readFrames(t, in)
			at := 0
			for _, f := range readFrames(t, out) {
				for at < len(original) && !sameFrame(&original[at], &f) {
					if cited[original[at].Number] {
						t.Fatalf("the cited frame %d is missing, or changed", original[at].Number)
					}
					at++
				}
				if at == len(original) {
					t.Fatalf("frame %d of the evidence is none of the capture, or out of order", f.Number)
				}
				at++
			}
			for ; at < len(original); at++ {
				if cited[original[at].Number] {
					t.Fatalf("the cited frame %d is missing, or changed", original[at].Number)
				}
			}
		})
	}
	if withFindings < 15 {
		t.Errorf("only %d captures have findings", withFindings)
	}
}

func sameFrame(a, b *captures.Frame) bool {
	return a.Time == b.Time && a.Link == b.Link && a.Length == b.Length && bytes.Equal(a.Data, b.Data)
}

// fragmented splits the IPv4 packet of a frame whose link header takes link
// bytes into fragments of size bytes.
func fragmented(f captures.Frame, link, size int) []captures.Frame {
	ip := f.Data[link:]
	n := int(ip[0]&0xF) * 4
	payload := ip[n:int(binary.BigEndian.Uint16(ip[2:]))]
	var out []captures.Frame
	for at := 0; at < len(payload); at += size {
		part := payload[at:min(at+size, len(payload))]
		b := slices.Concat(f.Data[:link], ip[:n], part)
		h := b[link:]
		binary.BigEndian.PutUint16(h[2:], uint16(n+len(part)))
		offset := uint16(at / 8)
		if at+size < len(payload) {
			offset |= 0x2000
		}
		binary.BigEndian.PutUint16(h[6:], offset)
		binary.BigEndian.PutUint16(h[10:], 0)
		g := f
		g.Data, g.Length = b, len(b)
		g.Time += int64(at)
		out = append(out, g)
	}
	return out
}

// A cited message that came in fragments comes with all of them.
func TestEvidenceHoldsAllFragments(t *testing.T) {
	d := analyzed(t, labPath("w1-windows-static-refuses-every-nic.pcap"))
	cited := map[int64]bool{}
	for _, f := range d.Findings {
		for _, ref := range f.Evidence[0].Frames {
			cited[ref.Frame] = true
		}
	}
	link := map[captures.LinkType]int{captures.LinkEthernet: 14, captures.LinkSLL: 16, captures.LinkSLL2: 20}
	var frames []captures.Frame
	split := 0
	for _, f := range readFrames(t, labPath("w1-windows-static-refuses-every-nic.pcap")) {
		if cited[f.Number] {
			// A tunnel that nobody asked for: the identification must differ.
			binary.BigEndian.PutUint16(f.Data[link[f.Link]+4:], uint16(1000+f.Number))
			frames = append(frames, fragmented(f, link[f.Link], 32)...)
			split++
		} else {
			frames = append(frames, f)
		}
	}
	if split < 6 || len(frames) < split*3 {
		t.Fatalf("%d messages split into %d frames", split, len(frames))
	}
	in := writeFrames(t, "fragments.pcapng", frames)
	whole := analyzed(t, in)
	if got, want := conclusions(whole.Findings), conclusions(d.Findings); !slices.Equal(got, want) {
		t.Fatalf("the fragments lead to\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	out, count := evidenceOf(t, whole, in)
	if len(count.Differs) > 0 {
		t.Errorf("differs: %q", count.Differs)
	}
	if got, want := conclusions(analyzed(t, out).Findings), conclusions(d.Findings); !slices.Equal(got, want) {
		t.Errorf("the evidence leads to\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := len(readFrames(t, out)); n >= len(frames) {
		t.Errorf("the evidence holds %d of %d frames", n, len(frames))
	}
}

// A replication record comes with the segments of its connection before it,
// and what comes after is left out.
func TestEvidenceHoldsTheConnection(t *testing.T) {
	frames := readFrames(t, labPath("04d-replicated-static-release-demands.pcap"))
	record := frames[107] // the cited one, as Wireshark counts 108
	c, ok := connectionAt(record.Data[14:])
	if !ok {
		t.Fatal("frame 108 is no TCP segment")
	}
	ofIt := func(f *captures.Frame) bool {
		got, ok := connection{}, false
		if f.Link == captures.LinkEthernet && binary.BigEndian.Uint16(f.Data[12:]) == 0x0800 {
			got, ok = connectionAt(f.Data[14:])
		}
		return ok && got == c
	}
	// The connection goes on for an hour after all is over.
	ack := record
	ack.Data = slices.Clone(record.Data[:14+20+32])
	binary.BigEndian.PutUint16(ack.Data[16:], 52)
	ack.Length = len(ack.Data)
	for i := range 5 {
		ack.Time = frames[len(frames)-1].Time + int64(i+1)*600e9
		frames = append(frames, ack)
	}
	in := writeFrames(t, "connection.pcapng", frames)
	out, _ := evidenceOf(t, analyzed(t, in), in)
	before, got := 0, 0
	for i := range frames[:108] {
		if ofIt(&frames[i]) {
			before++
		}
	}
	all := readFrames(t, out)
	for i := range all {
		if !ofIt(&all[i]) {
			continue
		}
		if got++; all[i].Time > record.Time {
			t.Errorf("frame %d of the evidence is of the connection, %d ns after the record", i+1, all[i].Time-record.Time)
		}
	}
	if got != before || before < 3 {
		t.Errorf("%d segments, want %d", got, before)
	}
}

// Two inputs: frames go by time, interfaces carry the files' names, copies
// stay copies.
func TestEvidenceOfTwoInputs(t *testing.T) {
	frames := readFrames(t, labPath("04d-replicated-static-release-demands.pcap"))
	var a, b []captures.Frame
	for i, f := range frames {
		if i%2 == 0 {
			a = append(a, f)
		} else {
			b = append(b, f)
		}
		if i%10 == 0 {
			b = append(b, f) // both taps saw it
		}
	}
	one, two := writeFrames(t, "a.pcapng", a), writeFrames(t, "b.pcapng", b)
	d := analyzed(t, one, two)
	if d.Result.Summary.Duplicates == 0 {
		t.Fatal("the taps have no packet in common")
	}
	out, count := evidenceOf(t, d, one, two)
	if len(count.Differs) > 0 {
		t.Errorf("differs: %q", count.Differs)
	}
	got := readFrames(t, out)
	if !slices.IsSortedFunc(got, func(x, y captures.Frame) int { return int(min(max(x.Time-y.Time, -1), 1)) }) {
		t.Error("the frames are out of order")
	}
	if got, want := conclusions(analyzed(t, out).Findings), conclusions(d.Findings); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a.pcapng", "b.pcapng", "nbtrace 1.2.3", " of a.pcapng", " of b.pcapng"} {
		if !bytes.Contains(file, []byte(want)) {
			t.Errorf("the file does not hold %q", want)
		}
	}
}

func TestEvidenceOfNothing(t *testing.T) {
	in := labPath("01-clean-singlehomed-register-refresh-release.pcap")
	out, count := evidenceOf(t, analyzed(t, in), in)
	if n := len(readFrames(t, out)); n != 0 || count.Cited+count.Context != 0 {
		t.Errorf("%d frames, %+v", n, count)
	}
}

func TestEvidenceSaysWhatItLacks(t *testing.T) {
	in := labPath("w1-windows-static-refuses-every-nic.pcap")
	d := analyzed(t, in)
	d.Findings = append(slices.Clone(d.Findings), aFinding(0x20))
	_, count := evidenceOf(t, d, in)
	if len(count.Differs) != 1 || !strings.Contains(count.Differs[0], "static-multihomed-refusal of FILESRV<20>: not found") {
		t.Errorf("differs: %q", count.Differs)
	}
}

func TestEvidenceReportsErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, at := range []int{1, 2} {
		calls := 0
		e := &Evidence{Findings: []*analyze.Finding{aFinding(0)}, Open: func() (captures.Source, func(), error) {
			if calls++; calls == at {
				return nil, nil, broken
			}
			return captures.NewMerge(nil), func() {}, nil
		}}
		if _, err := e.Write(io.Discard); !errors.Is(err, broken) {
			t.Errorf("call %d: %v", at, err)
		}
	}
}

// Comments of hostile names are plain text.
func TestHostileEvidence(t *testing.T) {
	f := aFinding(0x20)
	f.Name, f.Scope = nbns.MakeName("\x1b[31m\u202eX", 0x20), "\x00\n<b>"
	f.Rule, f.Evidence[0].Frames[0].Role = "a\x07", "b\u2066"
	for _, r := range noteRole(nil, f, f.Evidence[0].Frames[0].Role) {
		if c := r.comment(); Escape(c) != c || !strings.Contains(c, `\x1b[31m`) {
			t.Errorf("a comment %q", c)
		}
	}
}

// needTshark skips a test where tshark is missing; with NBTRACE_TSHARK=1, as
// where it should be there, that is a failure.
func needTshark(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("NBTRACE_TSHARK") != "" {
			t.Fatal("tshark is missing")
		}
		t.Skip("tshark is missing: install it (Debian: apt-get install tshark) to hold the evidence against Wireshark")
	}
	return path
}

func tshark(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(needTshark(t), append([]string{"-n"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %q: %v\n%s", args, err, &stderr)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

func TestTsharkShowsTheComments(t *testing.T) {
	needTshark(t)
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		out, count := evidenceOf(t, d, labPath(name))
		comments := tshark(t, "-r", out, "-T", "fields", "-e", "frame.comment")
		if len(comments) != count.Cited+count.Context {
			t.Errorf("%s: %d frames, want %+v", name, len(comments), count)
		}
		all := strings.Join(comments, "\n")
		roles := 0
		for _, f := range d.Findings {
			for _, e := range f.Evidence {
				for _, ref := range e.Frames {
					roles++
					want := fmt.Sprintf("rule %s, role %s, verdict %s: ", f.Rule, ref.Role, f.Verdict)
					if !f.HasName {
						want = strings.TrimSuffix(want, ": ")
					}
					if !strings.Contains(all, want) {
						t.Errorf("%s: no comment has %q", name, want)
					}
				}
			}
		}
		if roles == 0 {
			t.Errorf("%s: no finding cites a frame", name)
		}
		for i, c := range comments {
			if !strings.Contains(c, "frame ") || !strings.Contains(c, " of "+name) {
				t.Errorf("%s: frame %d does not say where it is from: %s", name, i+1, c)
			}
		}
	}
}

func TestTsharkTakesTheDisplayFilter(t *testing.T) {
	needTshark(t)
	for _, name := range labCaptures {
		d := analyzed(t, labPath(name))
		for i, f := range d.Findings[:1] {
			var want []string
			for _, e := range f.Evidence {
				for _, ref := range e.Frames {
					if s := strconv.FormatInt(ref.Frame, 10); !slices.Contains(want, s) {
						want = append(want, s)
					}
				}
			}
			slices.SortFunc(want, func(a, b string) int {
				x, _ := strconv.Atoi(a)
				y, _ := strconv.Atoi(b)
				return x - y
			})
			got := tshark(t, "-r", labPath(name), "-Y", DisplayFilter(d.Files, f), "-T", "fields", "-e", "frame.number")
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s, finding %d: the filter %s selects %v, want %v", name, i, DisplayFilter(d.Files, f), got, want)
			}
		}
		stories := tell(d.Findings, d.Files)
		for i := range stories[:1] {
			for _, f := range stories[i].fileFilters(d.Files) {
				if got := tshark(t, "-r", labPath(name), "-Y", f.Filter, "-T", "fields", "-e", "frame.number"); len(got) != len(stories[i].frames) {
					t.Errorf("%s, story %d: the filter selects %d frames, want %d", name, i, len(got), len(stories[i].frames))
				}
			}
		}
	}
}

// A finding that no context leads to does not bring in the whole capture.
func TestEvidenceIsBounded(t *testing.T) {
	frames := readFrames(t, labPath("w1-windows-static-refuses-every-nic.pcap"))
	last := frames[len(frames)-1]
	for i := range maxContext + 10 {
		f := last
		f.Time += 3600e9 + int64(i)*1000
		frames = append(frames, f)
	}
	in := writeFrames(t, "long.pcapng", frames)
	d := analyzed(t, in)
	d.Findings = append(slices.Clone(d.Findings), aFinding(0x20))
	out, count := evidenceOf(t, d, in)
	if len(count.Differs) != 1 {
		t.Errorf("differs: %q", count.Differs)
	}
	if n := len(readFrames(t, out)); n != count.Cited+count.Context || n > 1000 {
		t.Errorf("%d frames, %+v", n, count)
	}
}
