package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
	"nbtrace/captures"
	"nbtrace/captures/corpus"
	"nbtrace/captures/live"
	"nbtrace/rules"
)

// labFrames are the useful frames of a lab capture; all of them have one
// input and one interface.
func labFrames(t *testing.T, file string) []captures.Frame {
	t.Helper()
	data, err := corpus.FS.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := captures.NewReader(file, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var frames []captures.Frame
	var f captures.Frame
	for {
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return frames
		} else if err != nil {
			t.Fatal(err)
		}
		if useful(&f) {
			f.Data = bytes.Clone(f.Data)
			f.Input, f.Interface, f.Number = 0, 0, int64(len(frames)+1)
			frames = append(frames, f)
		}
	}
}

// findingsOf writes findings as JSON, with every field of the contract.
func findingsOf(t *testing.T, findings []*analyze.Finding) string {
	t.Helper()
	var b bytes.Buffer
	doc := &report.Document{Files: []string{"x"}, Result: &analyze.Result{}, Findings: findings}
	if err := doc.WriteNDJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A heartbeat promises that nothing at or before it is to come. Wherever
// heartbeats are, the findings are the same, byte for byte.
func TestHeartbeatsChangeNothing(t *testing.T) {
	all, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	captured, found, beats := 0, 0, 0
	for _, c := range all {
		if len(c.Files) != 1 {
			continue
		}
		frames := labFrames(t, c.Files[0])
		if len(frames) == 0 || len(frames) > 6000 {
			continue
		}
		captured++
		feed := func(rate float64) (string, int) {
			emitted := 0
			e := analyze.New(analyze.Options{Rules: rules.All()}, analyze.Sink{Finding: func(*analyze.Finding) { emitted++ }})
			for i := range frames {
				if i > 0 && rate > 0 {
					from, to := frames[i-1].Time, frames[i].Time-1
					for to > from && rng.Float64() < rate {
						at := from + rng.Int64N(to-from) + 1
						e.Heartbeat(at)
						from = at
						beats++
					}
					if rng.Float64() < rate/4 {
						e.Heartbeat(to)
						e.Heartbeat(to - rng.Int64N(int64(time.Minute))) // an old promise
					}
				}
				f := frames[i]
				e.Feed(&f)
			}
			findings := e.Finish().Findings
			if emitted != len(findings) {
				t.Errorf("%s: %d findings were handed over, %d exist", c.Name, emitted, len(findings))
			}
			return findingsOf(t, findings), len(findings)
		}
		want, n := feed(0)
		found += n
		for _, rate := range []float64{0.1, 0.5, 0.9} {
			if got, _ := feed(rate); got != want {
				t.Errorf("%s: with heartbeats at a rate of %v the findings are\n%s\nnot\n%s", c.Name, rate, got, want)
			}
		}
	}
	if captured < 20 || found < 20 || beats < 1000 {
		t.Errorf("only %d captures, %d findings, %d heartbeats", captured, found, beats)
	}
}

// replay is a capture that gives out frames that are there already.
type replay struct {
	frames []captures.Frame
	at     int
	idle   bool
	stop   bool
	stats  []live.Stats
	onIdle func(frame int)
	// The clock of the frames is set back by so much before frame setAt.
	setAt int
	back  time.Duration
}

func (r *replay) Next(f *captures.Frame) error {
	if r.at == len(r.frames) || r.stop {
		return io.EOF
	}
	if r.idle = !r.idle; r.idle {
		if r.onIdle != nil {
			r.onIdle(r.at)
		}
		return live.ErrIdle
	}
	*f = r.frames[r.at]
	if r.back > 0 && r.at >= r.setAt {
		f.Time -= int64(r.back)
	}
	r.at++
	return nil
}

func (r *replay) Steady() int64       { return r.frames[r.at-1].Time }
func (r *replay) Now() int64          { return r.frames[min(r.at, len(r.frames)-1)].Time }
func (r *replay) Promise() int64      { return r.frames[r.at].Time - 1 }
func (r *replay) Stats() []live.Stats { return r.stats }
func (r *replay) Stop()               { r.stop = true }
func (r *replay) Close()              {}

// newTestSession makes a session over frames that has not begun, and returns
// what it will print.
func newTestSession(t *testing.T, r *replay, flags sniffFlags) (s *session, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	a := &app{stdout: stdout, stderr: stderr, getenv: func(string) string { return "" }}
	flags.output, flags.minSeverity = cmp.Or(flags.output, "-"), cmp.Or(flags.minSeverity, "info")
	flags.color, flags.buffer, flags.memory = "never", 32, 4
	p, err := flags.plan(a)
	if err != nil {
		t.Fatal(err)
	}
	p.devices = []string{"tap0", "tap1"}
	s, err = newSession(a, p)
	if err != nil {
		t.Fatal(err)
	}
	s.capture = r
	return s, stdout, stderr
}

// runSession runs a session from its beginning to its end.
func runSession(t *testing.T, s *session) {
	t.Helper()
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	defer s.abort()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
}

// sniffed runs a session over frames.
func sniffed(t *testing.T, r *replay, flags sniffFlags) (stdout, stderr string, code int) {
	t.Helper()
	if r.stats == nil {
		r.stats = []live.Stats{{Device: "tap0", Captured: int64(len(r.frames)), Present: true}, {Device: "tap1", Present: true}}
	}
	s, out, errs := newTestSession(t, r, flags)
	runSession(t, s)
	return out.String(), errs.String(), s.app.code
}

// lines are the findings of NDJSON, sorted, without the fields that say where
// frames are when places is false.
func lines(t *testing.T, ndjson string) []string {
	t.Helper()
	var all []string
	for l := range strings.Lines(ndjson) {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		if v["type"] == "finding" {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
	}
	slices.Sort(all)
	return all
}

const (
	labRelease = "lab/w3-windows-replicated-static-demands-to-all-nics.pcap"
	labRefusal = "lab/03c-static-unique-refuses-multihomed.pcap"
)

// analyzed is what `analyze --format ndjson` says of files.
func analyzed(t *testing.T, files ...string) []string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(append([]string{"analyze", "--format", "ndjson"}, files...), nil, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	return lines(t, out.String())
}

// At the end of a session every finding was printed once, and what was written
// gives the same findings again, in frames of the same numbers.
func TestWrittenPacketsGiveTheSameFindings(t *testing.T) {
	for _, file := range []string{labRelease, labRefusal, "lab/04c-smbtorture-winsreplication-owned.pcap", "lab/12-spoofing-responder-and-forged-demand.pcap"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "w.pcapng")
		whole := filepath.Join(dir, "all.json")
		flags := sniffFlags{write: path}
		flags.output, flags.format = whole, "json"
		sniffed(t, &replay{frames: labFrames(t, file)}, flags)
		data, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Findings []map[string]any
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range doc.Findings {
			f["type"] = "finding"
			b, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(b))
		}
		slices.Sort(got)
		if want := analyzed(t, path); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: sniffed\n%s\nthe file gives\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestFindingsArePrintedOnceAndAtOnce(t *testing.T) {
	for _, format := range []string{"ndjson", "text"} {
		frames := labFrames(t, labRelease)
		path := filepath.Join(t.TempDir(), "out")
		r := &replay{frames: frames}
		early := 0
		r.onIdle = func(int) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			early = max(early, strings.Count(string(b), "static-multihomed-release"))
		}
		flags := sniffFlags{}
		flags.format, flags.output = format, path
		_, stderr, _ := sniffed(t, r, flags)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out := string(b)
		if early == 0 {
			t.Errorf("%s: nothing was printed before the end", format)
		}
		if !strings.Contains(stderr, "tap0: ") || !strings.Contains(stderr, "dropped by kernel") {
			t.Errorf("%s: the summary lacks the counters: %s", format, stderr)
		}
		switch format {
		case "ndjson":
			if n := strings.Count(out, `"rule":"static-multihomed-release"`); n != 1 || strings.Count(out, `"type":"summary"`) != 1 {
				t.Errorf("the finding stands %d times in\n%s", n, out)
			}
		default:
			if n := strings.Count(out, "rule     static-multihomed-release"); n != 1 || !strings.Contains(out, "2 critical") {
				t.Errorf("the finding stands %d times in\n%s", n, out)
			}
		}
	}
}

// labRace has two findings that are likely at first and proved at the end.
const labRace = "lab/02c-multihomed-race-third-nic-refused.pcap"

// A finding whose verdict rises after it was printed is printed again, so that
// who reads along knows at the end what the report knows; and no more often.
func TestStrongerFindingsArePrintedAgain(t *testing.T) {
	all, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	rises := 0
	for _, c := range all {
		if len(c.Files) != 1 {
			continue
		}
		frames := labFrames(t, c.Files[0])
		if len(frames) == 0 || len(frames) > 6000 {
			continue
		}
		path := filepath.Join(t.TempDir(), "w.pcapng")
		flags := sniffFlags{write: path}
		flags.format = "ndjson"
		out, _, _ := sniffed(t, &replay{frames: frames}, flags)
		type what struct{ Rule, Name, Scope, Server, Verdict string }
		type line struct {
			what
			Type, Was string
			Suffix    int
			Host      struct{ ID int }
		}
		parse := func(l string) (v line) {
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		type identity struct {
			what
			suffix, host int
		}
		printed := map[identity]line{}
		for l := range strings.Lines(out) {
			v := parse(l)
			id := identity{v.what, v.Suffix, v.Host.ID}
			id.Verdict = ""
			was, again := printed[id]
			switch v.Type {
			case "finding":
				if again {
					t.Errorf("%s: a second line for the same finding: %s", c.Name, l)
				}
			case "strengthened":
				rises++
				if !again || v.Was != was.Verdict || v.Was == v.Verdict || v.Was == "proved" || v.Verdict == "possible" {
					t.Errorf("%s: it was printed as %q: %s", c.Name, was.Verdict, l)
				}
			default:
				continue
			}
			printed[id] = v
		}
		// Machines are left out: they may have become one with others since.
		sorted := func(all []string) []string { slices.Sort(all); return all }
		var got, want []string
		for _, v := range printed {
			got = append(got, fmt.Sprint(v.what, v.Suffix))
		}
		for _, l := range analyzed(t, path) {
			v := parse(l)
			want = append(want, fmt.Sprint(v.what, v.Suffix))
		}
		if !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s: who reads along knows\n%s\nthe report has\n%s", c.Name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if rises < 4 {
		t.Errorf("only %d lines", rises)
	}
}

func TestStrongerFindingInText(t *testing.T) {
	out, _, _ := sniffed(t, &replay{frames: labFrames(t, labRace)}, sniffFlags{})
	before, again, ok := strings.Cut(out, "\n2. WARNING, now proved (was likely): A server refused")
	if !ok || !strings.Contains(before, "\n1. WARNING, likely: A server refused") {
		t.Fatalf("the finding is not printed again:\n%s", out)
	}
	for _, want := range []string{"name     CAD-STATION<00>, CAD-STATION<20>", "Proved: 7 pieces of evidence", "the same registration was accepted later", "frame.number in {"} {
		if !strings.Contains(again, want) {
			t.Errorf("no %q in\n%s", want, again)
		}
	}
	if strings.Contains(again, "What to do") || strings.Count(out, "now proved") != 1 {
		t.Errorf("it is not brief:\n%s", again)
	}
}

func TestSniffDrawsLadders(t *testing.T) {
	out, _, _ := sniffed(t, &replay{frames: labFrames(t, labRace)}, sniffFlags{ladder: true})
	if strings.Count(out, "The messages") != 1 || !strings.Contains(out, "10.20.9.11") {
		t.Errorf("no diagram in\n%s", out)
	}
}

// What the user does not want to see is not printed when it becomes stronger,
// and metrics count a finding once.
func TestStrongerFindingIsTheSame(t *testing.T) {
	var flags sniffFlags
	flags.minSeverity, flags.format = "critical", "ndjson"
	s, out, _ := newTestSession(t, &replay{frames: labFrames(t, labRace)}, flags)
	runSession(t, s)
	if strings.Contains(out.String(), "multihomed-registration-race") {
		t.Errorf("a warning is printed:\n%s", out.String())
	}
	if n := s.byRule[ruleKey{"multihomed-registration-race", analyze.Warning}]; n != 2 {
		t.Errorf("%d findings are counted, not 2", n)
	}
}

func TestRing(t *testing.T) {
	frames := labFrames(t, labRelease)
	dir := t.TempDir()
	sniffed(t, &replay{frames: slices.Clone(frames)}, sniffFlags{write: filepath.Join(dir, "r.pcapng"), ring: []string{"filesize:3"}})
	files, err := filepath.Glob(filepath.Join(dir, "r_*.pcapng"))
	if err != nil || len(files) < 4 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, f := range files {
		if st, err := os.Stat(f); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
	path := filepath.Join(t.TempDir(), "one.pcapng")
	sniffed(t, &replay{frames: slices.Clone(frames)}, sniffFlags{write: path})
	strip := func(ls []string) (out []string) { // the rule and the verdict: frames stand in other files
		for _, l := range ls {
			var f struct{ Rule, Verdict, Name, Title, First, Last string }
			if err := json.Unmarshal([]byte(l), &f); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%+v", f))
		}
		return out
	}
	if one, many := strip(analyzed(t, path)), strip(analyzed(t, files...)); len(one) == 0 || !slices.Equal(one, many) {
		t.Errorf("one file gives %q, the ring %q", one, many)
	}

	dir = t.TempDir()
	sniffed(t, &replay{frames: slices.Clone(frames)}, sniffFlags{write: filepath.Join(dir, "r.pcapng"), ring: []string{"duration:10", "files:2"}})
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("kept %q", files)
	}
	dir = t.TempDir()
	sniffed(t, &replay{frames: slices.Clone(frames)}, sniffFlags{write: filepath.Join(dir, "r.pcapng"), ring: []string{"filesize:1"}, stops: []string{"files:3"}})
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 4 {
		t.Errorf("stopped with %q", files)
	}
}

// A killed process closes nothing. What it leaves can be read to the last
// whole block.
func TestKilledProcessLeavesReadableFile(t *testing.T) {
	frames := labFrames(t, labRelease)
	path := filepath.Join(t.TempDir(), "w.pcapng")
	s := newStore(storeOptions{path: path, device: func(int) string { return "tap0" }})
	if err := s.begin(0); err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		f := frames[i]
		if err := s.add(&f, f.Time); err != nil {
			t.Fatal(err)
		}
		if i == 40 {
			if err := s.flush(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	read := func(path string) (n int, err error) {
		r, err := captures.Open(path)
		if err != nil {
			return 0, err
		}
		defer r.Close()
		var f captures.Frame
		for r.Next(&f) == nil {
			n++
		}
		return n, r.Info().Err
	}
	if n, err := read(path); n != 41 || err != nil {
		t.Errorf("%d frames, %v", n, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.pcapng")
	if err := os.WriteFile(cut, b[:len(b)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := read(cut); n != 40 || err == nil {
		t.Errorf("cut: %d frames, %v", n, err)
	}
}

func TestEvidenceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.pcapng")
	flags := sniffFlags{evidence: path}
	flags.format = "ndjson"
	out, _, _ := sniffed(t, &replay{frames: labFrames(t, labRelease)}, flags)
	rulesOf := func(ls []string) (out []string) {
		for _, l := range ls {
			var f struct{ Rule, Name string }
			if err := json.Unmarshal([]byte(l), &f); err != nil {
				t.Fatal(err)
			}
			out = append(out, f.Rule+" "+f.Name)
		}
		slices.Sort(out)
		return out
	}
	if want, got := rulesOf(lines(t, out)), rulesOf(analyzed(t, path)); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the evidence alone gives %q, the capture gave %q", got, want)
	}
	r, err := captures.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var f captures.Frame
	var last int64
	n := 0
	for ; r.Next(&f) == nil; n++ {
		if f.Time < last {
			t.Errorf("frame %d is out of order", n+1)
		}
		last = f.Time
	}
	if n < 5 || n >= len(labFrames(t, labRelease)) {
		t.Errorf("%d frames of evidence", n)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"static-multihomed-release", "release-demand (for: release-demanded)", "tap0"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no comment %q", want)
		}
	}
}

func TestWrittenFileHasComments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.pcapng")
	sniffed(t, &replay{frames: labFrames(t, labRelease)}, sniffFlags{write: path})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte("release-demand (for: release-demanded)")) || !bytes.Contains(b, []byte("tap0")) {
		t.Error("no comments, or no device")
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.pcapng")
	frames := labFrames(t, labRelease)
	r := &replay{frames: frames}
	flags := sniffFlags{write: path, evidence: filepath.Join(dir, "e.pcapng")}
	flags.output = filepath.Join(dir, "o.txt")
	s, _, _ := newTestSession(t, r, flags)
	r.onIdle = func(at int) {
		if at == 50 {
			for _, f := range []string{"w.pcapng", "e.pcapng", "o.txt"} {
				if err := os.Rename(filepath.Join(dir, f), filepath.Join(dir, "old-"+f)); err != nil {
					t.Fatal(err)
				}
			}
			s.reopen.Store(true)
		}
		if at == 70 {
			s.reopen.Store(true) // nothing was moved: nothing happens
		}
	}
	runSession(t, s)
	count := func(name string) (n int) {
		r, err := captures.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var f captures.Frame
		for r.Next(&f) == nil {
			n++
		}
		return n
	}
	if a, b := count("old-w.pcapng"), count("w.pcapng"); a+b != len(frames) || a < 49 || b == 0 {
		t.Errorf("%d and %d frames of %d", a, b, len(frames))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "o.txt")); err != nil || !strings.Contains(string(b), "static-multihomed") {
		t.Errorf("the new output: %v %s", err, b)
	}
}

func TestSniffStopsAndTells(t *testing.T) {
	frames := labFrames(t, labRelease)
	_, stderr, code := sniffed(t, &replay{frames: slices.Clone(frames)}, sniffFlags{messages: 10})
	if !strings.Contains(stderr, "10 messages") || code != 0 {
		t.Errorf("-c 10, code %d: %s", code, stderr)
	}
	r := &replay{frames: slices.Clone(frames), stats: []live.Stats{{Device: "tap0", Dropped: 5}, {Device: "tap1", Present: true}}}
	_, stderr, code = sniffed(t, r, sniffFlags{messages: 10})
	if !strings.Contains(stderr, "5 dropped by kernel") || !strings.Contains(stderr, "tap0 was away") || code != exitRead {
		t.Errorf("code %d: %s", code, stderr)
	}
}

func TestSniffFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "no device given"},
		{[]string{"-i", "no-such-device0"}, "no-such-device0"},
		{[]string{"-i", "lo", "-b", "files:3"}, "-b needs --write"},
		{[]string{"-i", "lo", "--write", "x", "-b", "files:3"}, "needs -b filesize"},
		{[]string{"-i", "lo", "--write", "x", "-b", "packets:3"}, "-b takes"},
		{[]string{"-i", "lo", "-a", "duration:x"}, "no number"},
		{[]string{"-i", "lo", "-a", "files:2"}, "-a files:N needs"},
		{[]string{"-i", "lo", "-s", "-1"}, "-s"},
		{[]string{"-i", "lo", "-B", "0"}, "-B"},
		{[]string{"-i", "lo", "--write", "x", "-w", "./x"}, "two outputs"},
		{[]string{"-i", "lo", "-f", "udp prot 1"}, "udp prot 1"},
		{[]string{"-i", "lo", "-Z", "no such user"}, "no such user"},
		{[]string{"-i", "lo", "--metrics", "a:b:c"}, "--metrics"},
		{[]string{"eth0"}, "takes no arguments"},
	} {
		if slices.Contains(c.args, "-Z") && os.Geteuid() != 0 {
			c.want = "-Z needs root"
		}
		var errs bytes.Buffer
		if code := run(append([]string{"sniff"}, c.args...), nil, io.Discard, &errs); code != exitUsage || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: code %d, %s", c.args, code, errs.String())
		}
	}
}

func TestMetricsAddressIsLoopback(t *testing.T) {
	for given, want := range map[string]string{"9137": "127.0.0.1:9137", ":9137": "127.0.0.1:9137", "0.0.0.0:1": "0.0.0.0:1", "[::1]:2": "[::1]:2"} {
		if got, err := metricsAddress(given); err != nil || got != want {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	frames := labFrames(t, labRelease)
	r := &replay{frames: frames, stats: []live.Stats{{Device: "tap0", Captured: 103, Dropped: 7, Present: true}}}
	s, _, errs := newTestSession(t, r, sniffFlags{})
	s.app.verbose = true
	if err := s.serve("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.endServing()
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	defer s.abort()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if err := s.everySecond(time.Now()); err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(errs.String()), "http://")
	address, _, _ = strings.Cut(address, "/")
	get := func(path string) (string, int) {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), resp.StatusCode
	}
	body, code := get("/metrics")
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	for _, want := range []string{
		`nbtrace_messages_total{kind="release-demand"} `, `nbtrace_exchanges_total{kind="release-demand",outcome="`, `nbtrace_findings_total{rule="static-multihomed-release",severity="critical"} 1`,
		`nbtrace_dropped_packets_total{device="tap0"} 7`, `nbtrace_evictions_total 0`, `nbtrace_table_entries{table="names"} 5`, "nbtrace_lag_seconds ", `nbtrace_device_up{device="tap0"} 1`, "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if body, code := get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("%d %q", code, body)
	}
	if wrong := s.snapshot.health(time.Now().Add(time.Minute)); !strings.Contains(wrong, "nothing was done") {
		t.Errorf("a stuck session is %q", wrong)
	}
	s.snapshot.devices[0].Present = false
	if body, code := get("/healthz"); code != 503 || !strings.Contains(body, "tap0 is away") {
		t.Errorf("%d %q", code, body)
	}
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent(8 << 20)
	f := captures.Frame{Data: make([]byte, 500)}
	const n = 100_000
	for i := range n {
		f.Number = int64(i + 1)
		r.add(&f, f.Time, i%10 != 0)
	}
	if _, ok := r.find(place{0, 1}); !ok {
		t.Error("the oldest frame of those that are no queries was pushed out")
	}
	if _, ok := r.find(place{0, 2}); ok {
		t.Error("the oldest query is still there")
	}
	if got, ok := r.find(place{0, n}); !ok || got.Number != n || len(got.Data) != 500 {
		t.Errorf("the newest frame: %+v", got)
	}
	if most := 8 << 20 / 500; r.frames() > most {
		t.Errorf("%d frames, more than %d", r.frames(), most)
	}
}

func TestClockStepIsTold(t *testing.T) {
	var errs bytes.Buffer
	s := &session{app: &app{stderr: &errs}}
	s.started = time.Now()
	s.startWall = s.started.UnixNano()
	s.watchClock(s.started.Add(time.Second))
	if errs.Len() > 0 {
		t.Errorf("nothing happened: %s", errs.String())
	}
	s.startWall += int64(time.Hour) // as if the clock had been set back since
	s.watchClock(s.started.Add(2 * time.Second))
	s.watchClock(s.started.Add(3 * time.Second))
	if got := errs.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "-1h0m0s") || !strings.Contains(got, "findings do not wait\n") || s.steps != 1 {
		t.Errorf("%d steps: %s", s.steps, got)
	}
	errs.Reset()
	s.store = &store{}
	s.startWall += int64(time.Hour)
	s.watchClock(s.started.Add(4 * time.Second))
	if got := errs.String(); !strings.Contains(got, "analyze will take packets for late") {
		t.Errorf("nothing is said of the file: %s", got)
	}
	errs.Reset()
	s.startWall -= int64(2 * time.Hour)
	s.watchClock(s.started.Add(5 * time.Second))
	if got := errs.String(); !strings.Contains(got, "by 2h0m0s") || strings.Contains(got, "wait") {
		t.Errorf("set forward: %s", got)
	}
}

// When the system's clock is set back, findings come as if it had not been,
// with the times that the packets carry, and the packets keep theirs.
func TestClockSetBack(t *testing.T) {
	const back = time.Hour
	before := 0
	for _, c := range []struct {
		file  string
		setAt int
	}{{labRelease, 20}, {labRelease, 60}, {labRefusal, 30}, {labRace, 20}} {
		frames := labFrames(t, c.file)
		run := func(back time.Duration) (early int, stdout string, report map[string]any, times []int64, whole string) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out")
			r := &replay{frames: slices.Clone(frames), setAt: c.setAt, back: back}
			r.onIdle = func(int) {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				early = strings.Count(string(b), `"type":"finding"`)
			}
			flags := sniffFlags{write: filepath.Join(dir, "w.pcapng"), evidence: filepath.Join(dir, "e.pcapng")}
			flags.format, flags.output = "ndjson", path
			sniffed(t, r, flags)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			flags = sniffFlags{}
			flags.format = "json"
			whole, _, _ = sniffed(t, &replay{frames: slices.Clone(frames), setAt: c.setAt, back: back}, flags)
			if err := json.Unmarshal([]byte(whole), &report); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"w.pcapng", "e.pcapng"} {
				in, err := captures.Open(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				var f captures.Frame
				for in.Next(&f) == nil {
					times = append(times, f.Time)
				}
			}
			return early, string(b), report, times, whole
		}
		step := frames[c.setAt].Time
		set := func(ns int64) int64 {
			if ns >= step {
				ns -= int64(back)
			}
			return ns
		}
		// moved is JSON whose times of step and later are set back.
		var moved func(v any) any
		moved = func(v any) any {
			switch v := v.(type) {
			case map[string]any:
				delete(v, "inputs") // whose first and last are the least and greatest time
				for k := range v {
					v[k] = moved(v[k])
				}
			case []any:
				for i := range v {
					v[i] = moved(v[i])
				}
			case string:
				if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
					return time.Unix(0, set(at.UnixNano())).UTC().Format("2006-01-02T15:04:05.000000000Z")
				}
			}
			return v
		}
		parse := func(ndjson string) (all []any) {
			for l := range strings.Lines(ndjson) {
				var v any
				if err := json.Unmarshal([]byte(l), &v); err != nil {
					t.Fatal(err)
				}
				all = append(all, v)
			}
			return all
		}
		text := func(v any) string {
			b, err := json.MarshalIndent(v, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		early, stdout, report, times, _ := run(0)
		gotEarly, gotStdout, gotReport, gotTimes, whole := run(back)
		if before += early; gotEarly != early {
			t.Errorf("%s: %d findings were printed before the end, not %d", c.file, gotEarly, early)
		}
		delete(gotReport, "inputs")
		if want, got := text(moved(report)), text(gotReport); got != want {
			t.Errorf("%s: the report is\n%s\nnot\n%s", c.file, got, want)
		}
		if !strings.Contains(whole, time.Unix(0, set(frames[len(frames)-1].Time)).UTC().Format("2006-01-02T15:")) {
			t.Errorf("%s: no time of after the step in\n%s", c.file, whole)
		}
		got := parse(gotStdout)
		for _, v := range got {
			delete(v.(map[string]any), "inputs")
		}
		if want := text(moved(any(parse(stdout)))); text(got) != want {
			t.Errorf("%s: printed\n%s\nnot\n%s", c.file, text(got), want)
		}
		for i := range times {
			times[i] = set(times[i])
		}
		if !slices.Equal(gotTimes, times) {
			t.Errorf("%s: the packets that were written have the times %d, not %d", c.file, gotTimes, times)
		}
	}
	if before == 0 {
		t.Error("nothing was printed before the end")
	}
}

func TestRingByDurationWhenClockIsSetBack(t *testing.T) {
	frames := labFrames(t, labRelease)
	var count [2]int
	for i, back := range []time.Duration{0, time.Hour} {
		dir := t.TempDir()
		sniffed(t, &replay{frames: slices.Clone(frames), setAt: 20, back: back}, sniffFlags{write: filepath.Join(dir, "r.pcapng"), ring: []string{"duration:10"}})
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		count[i] = len(files)
	}
	if count[0] < 3 || count[1] != count[0] {
		t.Errorf("%d files, and %d when the clock is set back", count[0], count[1])
	}
}

// The evidence of several devices is in the order in which it was seen, also
// where the times that it carries are not.
func TestEvidenceIsInOrderOfArrival(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.pcapng")
	e := newEvidence(path, live.DefaultSnapLen, 4<<20, func(i int) string { return fmt.Sprint("tap", i) })
	if err := e.begin(); err != nil {
		t.Fatal(err)
	}
	finding := &analyze.Finding{Rule: "r", Evidence: []analyze.Evidence{{}}}
	for i, f := range []captures.Frame{{Input: 1, Number: 7, Time: 9e9}, {Input: 0, Number: 5, Time: 1e9}, {Input: 1, Number: 8, Time: 2e9}} {
		f.Interface, f.Link, f.Data, f.Length = f.Input, captures.LinkEthernet, []byte{byte(i)}, 1
		e.recent.add(&f, int64(i), false)
		finding.Evidence[0].Frames = append(finding.Evidence[0].Frames, analyze.FrameRef{Input: f.Input, Frame: f.Number})
	}
	if err := e.close([]*analyze.Finding{finding}); err != nil {
		t.Fatal(err)
	}
	r, err := captures.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var order []byte
	var f captures.Frame
	for r.Next(&f) == nil {
		order = append(order, f.Data...)
	}
	if !bytes.Equal(order, []byte{0, 1, 2}) {
		t.Errorf("the order is %d", order)
	}
}

func TestStamps(t *testing.T) {
	var s stamps
	findings := []*analyze.Finding{{First: 10, Last: 30}}
	result := func() *analyze.Result {
		return &analyze.Result{Findings: findings, Names: []analyze.Name{{From: 25, Until: 0}, {From: 10, Until: 35}}, Mappings: []analyze.Mapping{{}, {Time: 20}}}
	}
	s.note(10, 10)
	r := result()
	if s.result(r); r.Findings[0] != findings[0] || len(s.spans) != 0 {
		t.Error("without a step there are copies")
	}
	for _, n := range [][2]int64{{20, 5}, {30, 15}, {40, 40}} { // set back by 15, then forward again
		s.note(n[0], n[1])
	}
	for engine, want := range map[int64]int64{0: 0, 9: 9, 19: 19, 20: 5, 39: 24, 40: 40, 50: 50} {
		if got := s.of(engine); got != want {
			t.Errorf("%d is %d, not %d", engine, got, want)
		}
	}
	s.result(r)
	if f := r.Findings[0]; f.First != 10 || f.Last != 15 || findings[0].Last != 30 {
		t.Errorf("%+v, the engine's is %+v", f, findings[0])
	}
	if n, m := r.Names, r.Mappings; n[0].From != 10 || n[0].Until != 0 || n[1].Until != 20 || m[0].Time != 0 || m[1].Time != 5 {
		t.Errorf("%+v %+v", n, m)
	}
	if len(s.spans) != 2 {
		t.Errorf("%+v", s.spans)
	}
}

func TestPermissionTextNamesTheBinary(t *testing.T) {
	text := permissionText(&live.PermissionError{Device: "eth0", Err: errors.New("denied")})
	path := binaryPath()
	if !strings.Contains(text, "eth0") || !strings.Contains(text, "--cap-add=NET_RAW") {
		t.Errorf("%s", text)
	}
	if line := setcapLine(); line != "" && (!strings.Contains(text, "setcap cap_net_raw,cap_net_admin=eip "+shellQuote(path))) {
		t.Errorf("%s", text)
	}
	for in, want := range map[string]string{"/usr/bin/nbtrace": "/usr/bin/nbtrace", "/a b/n": "'/a b/n'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := shellQuote(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}
