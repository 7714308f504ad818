package enginetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/captures/corpus/scenario"
)

// Invariant 1: the only clock is the frames'.
func TestShiftedTimes(t *testing.T) {
	each(t, 100, nil, func(t *testing.T, s *subject) {
		want := full(run(s.frames), s.frames[0].Time, plain)
		const shift = 777*24*3600e9 + 123_456_789
		moved := slices.Clone(s.frames)
		for i := range moved {
			moved[i].Time += shift
		}
		same(t, want, full(run(moved), s.frames[0].Time+shift, plain))
	})
}

// Invariants 3 and 4: heartbeats change nothing, nor does another run.
func TestHeartbeatsAndRepetition(t *testing.T) {
	each(t, 100, nil, func(t *testing.T, s *subject) {
		want := full(run(s.frames), 0, plain)
		// What is still to come after a frame is not older than this.
		least := make([]int64, len(s.frames)+1)
		least[len(s.frames)] = 1 << 62
		for i := len(s.frames) - 1; i >= 0; i-- {
			least[i] = min(least[i+1], s.frames[i].Time)
		}
		for seed := range uint64(3) {
			rng := rand.New(rand.NewPCG(seed, 1))
			e := engine(analyze.Sink{})
			for i := range s.frames {
				e.Feed(&s.frames[i])
				for range rng.IntN(4) {
					promise := least[i+1] - 1
					if i == len(s.frames)-1 {
						break // a promise behind the end would prolong the capture
					}
					if now := s.frames[i].Time; promise > now {
						e.Heartbeat(now + rng.Int64N(promise-now+1))
					}
				}
			}
			same(t, want, full(e.Finish(), 0, plain))
		}
	})
}

// The sink gets each finding once, as soon as it is one.
func TestSinkGetsEveryFinding(t *testing.T) {
	each(t, 100, nil, func(t *testing.T, s *subject) {
		told := map[*analyze.Finding]int{}
		e := engine(analyze.Sink{Finding: func(f *analyze.Finding) { told[f]++ }})
		for i := range s.frames {
			e.Feed(&s.frames[i])
		}
		r := e.Finish()
		for _, f := range r.Findings {
			if told[f] != 1 {
				t.Errorf("told %d times: %s", told[f], key(f))
			}
		}
		if len(told) != len(r.Findings) {
			t.Errorf("%d findings told, %d in the result", len(told), len(r.Findings))
		}
	})
}

// The sink hears of every rise of a verdict, and of nothing else: what it was
// told at first and the rises lead to the verdict of the result.
func TestSinkHearsWhatGetsStronger(t *testing.T) {
	rises := 0
	each(t, 100, nil, func(t *testing.T, s *subject) {
		verdicts := map[*analyze.Finding]analyze.Verdict{}
		e := engine(analyze.Sink{
			Finding: func(f *analyze.Finding) { verdicts[f] = f.Verdict },
			Stronger: func(f *analyze.Finding, was analyze.Verdict) {
				rises++
				if verdicts[f] != was || f.Verdict <= was {
					t.Errorf("from %s to %s, though it was %s: %s", was, f.Verdict, verdicts[f], key(f))
				}
				verdicts[f] = f.Verdict
			},
		})
		for i := range s.frames {
			e.Feed(&s.frames[i])
		}
		for _, f := range e.Finish().Findings {
			if verdicts[f] != f.Verdict {
				t.Errorf("it is %s, but the sink knows it as %s: %s", f.Verdict, verdicts[f], key(f))
			}
		}
	})
	if rises < 5 {
		t.Errorf("only %d verdicts rose", rises)
	}
}

// Reading may use several goroutines; what comes out does not depend on them.
func TestProcessors(t *testing.T) {
	list := subjects(t)
	for _, n := range []int{1, 2, 8} {
		before := runtime.GOMAXPROCS(n)
		for i := range list {
			s := &list[i]
			if len(s.frames) > large {
				continue
			}
			var out bytes.Buffer
			w := captures.NewWriter(&out, captures.WriterOptions{})
			for k := range s.frames {
				if err := w.Write(&s.frames[k]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			r, err := captures.NewReader("x", &out)
			if err != nil {
				t.Fatal(err)
			}
			m := captures.NewMerge([]*captures.Reader{r})
			e := engine(analyze.Sink{})
			var f captures.Frame
			for err = m.Next(&f); err == nil; err = m.Next(&f) {
				e.Feed(&f)
			}
			if err != io.EOF {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			// Frames are numbered anew, in one file.
			if got, want := keys(e.Finish()), keys(run(s.frames)); got != want {
				t.Errorf("%s with %d processors:", s.name, n)
				same(t, want, got)
			}
		}
		runtime.GOMAXPROCS(before)
	}
}

var numbers = regexp.MustCompile(`\(frames? [0-9, ]+\)`)

// A capture that was split into two files in the middle is the same capture.
func TestSplitInTwoFiles(t *testing.T) {
	one := func(s *subject) bool { return s.inputs == 1 && len(s.frames) > 1 && len(s.frames) <= large }
	each(t, 90, one, func(t *testing.T, s *subject) {
		// Sentences name frames by their number in their file.
		unnumbered := func(text string) string { return numbers.ReplaceAllString(text, "(frames)") }
		want := unnumbered(full(run(s.frames), 0, func(r exchange.FrameRef) string { return fmt.Sprint(r.Frame) }))
		for _, at := range []int{1, len(s.frames) / 3, len(s.frames) / 2, len(s.frames) - 1} {
			if at < 1 {
				continue
			}
			parts := slices.Clone(s.frames)
			for i := at; i < len(parts); i++ {
				parts[i].Input, parts[i].Number = 1, parts[i].Number-int64(at)
			}
			same(t, want, unnumbered(full(run(parts), 0, func(r exchange.FrameRef) string { return fmt.Sprint(r.Frame + int64(r.Input*at)) })))
		}
	})
}

// Which file is named first does not matter.
func TestOrderOfFiles(t *testing.T) {
	several := func(s *subject) bool { return s.inputs > 1 }
	each(t, 1, several, func(t *testing.T, s *subject) {
		want := keys(run(s.frames))
		turned := slices.Clone(s.frames)
		for i := range turned {
			turned[i].Input = s.inputs - 1 - turned[i].Input
		}
		slices.SortStableFunc(turned, func(a, b captures.Frame) int {
			if a.Time != b.Time {
				return 0 // the order within time stays
			}
			return a.Input - b.Input
		})
		same(t, want, keys(run(turned)))
	})
}

// twice gives every frame to a second tap, a little later, as change makes it.
func twice(frames []captures.Frame, input int, rng *rand.Rand, change func([]byte) []byte) []captures.Frame {
	var out []captures.Frame
	number := int64(0)
	for i := range frames {
		out = append(out, frames[i])
		data := change(bytes.Clone(frames[i].Data))
		if data == nil {
			continue
		}
		f := frames[i]
		number++
		f.Input, f.Number, f.Data, f.Time = input, number, data, f.Time+1+rng.Int64N(1e6)
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b captures.Frame) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return a.Input - b.Input
	})
	return out
}

// ordered reports whether the frames are in order of time, which merging
// keeps only then.
func ordered(frames []captures.Frame) bool {
	return slices.IsSortedFunc(frames, func(a, b captures.Frame) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	})
}

// A second tap on the same wires changes nothing.
func TestSecondTap(t *testing.T) {
	suits := func(s *subject) bool { return ordered(s.frames) && len(s.frames) <= large }
	each(t, 100, suits, func(t *testing.T, s *subject) {
		want := keys(run(s.frames))
		doubled := twice(s.frames, s.inputs, rand.New(rand.NewPCG(1, 2)), func(b []byte) []byte { return b })
		same(t, want, keys(run(doubled)))
	})
}

// A second tap behind a router sees unicast packets with another MAC address
// and a lower IP TTL.
func TestSecondTapBehindRouter(t *testing.T) {
	suits := func(s *subject) bool { return ordered(s.frames) && s.ethernet() && len(s.frames) <= large }
	each(t, 90, suits, func(t *testing.T, s *subject) {
		want := keys(run(s.frames))
		routed := twice(s.frames, s.inputs, rand.New(rand.NewPCG(3, 4)), func(b []byte) []byte {
			if len(b) < 34 || b[0]&1 != 0 || b[12] != 8 || b[13] != 0 || b[22] < 2 || b[33] == 255 {
				return nil
			}
			copy(b[0:6], []byte{2, 0xEE, 0, 0, 0, 1})
			copy(b[6:12], []byte{2, 0xEE, 0, 0, 0, 2})
			b[22]--
			b[24], b[25] = 0, 0
			binary.BigEndian.PutUint16(b[24:], capgen.Checksum(b[14:14+int(b[14]&15)*4]))
			return b
		})
		same(t, want, keys(run(routed)))
	})
}

// unrelated is ordinary traffic of other machines with other names.
func unrelated(t *testing.T, length int64) []captures.Frame {
	t.Helper()
	every := max(length/1e9/10, 1)
	s, err := scenario.Compile("unrelated", fmt.Sprintf(`title: unrelated traffic
synthetic: yes
why: to be mixed with other captures
source: none
silent: noisy-name

segment there 172.20.1.0/24
segment far 172.20.9.0/24
wins w windows 172.20.9.5
host a windows 172.20.1.11
host b nmbd 172.20.1.12
tap far

repeat 10 every %d
  register UNRELATED{i}<00> from a
  reply ok
  register STRANGE{i}<20> from b
  reply ok
  query UNRELATED{i}<00> from b
  answer 172.20.1.11
  release UNRELATED{i}<00> from a
  reply ok
  release STRANGE{i}<20> from b
  reply ok
end
`, every))
	if err != nil {
		t.Fatal(err)
	}
	r, err := captures.NewReader("unrelated", bytes.NewReader(s.Files[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	var out []captures.Frame
	for {
		var f captures.Frame
		err := r.Next(&f)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Data = bytes.Clone(f.Data)
		out = append(out, f)
	}
}

// Other machines' traffic changes nothing.
func TestUnrelatedTraffic(t *testing.T) {
	suits := func(s *subject) bool { return ordered(s.frames) && len(s.frames) > 1 }
	each(t, 100, suits, func(t *testing.T, s *subject) {
		start, end := s.frames[0].Time, s.frames[len(s.frames)-1].Time
		if end-start < 20e9 {
			return // its ten rounds would prolong the capture
		}
		other := unrelated(t, end-start)
		base := other[0].Time
		var inside []captures.Frame
		for i := range other {
			f := other[i]
			f.Time, f.Input = f.Time-base+start+1, s.inputs
			if f.Time <= end {
				inside = append(inside, f)
			}
			arp := f
			arp.Data = capgen.Ethernet(capgen.Broadcast, capgen.MAC{2, 0, 0, 0, 0, byte(i)}, capgen.TypeARP, make([]byte, 46))
			arp.Time++
			if arp.Time <= end {
				inside = append(inside, arp)
			}
		}
		mixed := append(slices.Clone(s.frames), inside...)
		slices.SortStableFunc(mixed, func(a, b captures.Frame) int {
			switch {
			case a.Time < b.Time:
				return -1
			case a.Time > b.Time:
				return 1
			}
			return a.Input - b.Input
		})
		same(t, keys(run(s.frames)), keys(run(mixed)))
	})
}

// family is the rule that a finding becomes when more is seen: a refused host
// turns out to have several addresses, a replica to be the host's own, a
// group's record to be static.
var family = map[string]string{
	"unique-group-clash":         "static-multihomed-refusal",
	"static-blocks-registration": "static-multihomed-refusal",
	"release-by-dynamic-replica": "self-conflict-split-wins",
}

// confirmed reports whether the whole capture has the finding of a part of it.
func confirmed(whole *analyze.Result, f *analyze.Finding) bool {
	return slices.ContainsFunc(whole.Findings, func(w *analyze.Finding) bool {
		return (w.Rule == f.Rule || w.Rule == family[f.Rule]) && nameOf(w) == nameOf(f)
	})
}

// What a part of a capture proves, the whole does not deny; and what it finds
// grave has something to do with what the whole finds.
func TestCutShort(t *testing.T) {
	each(t, 100, nil, func(t *testing.T, s *subject) {
		whole := run(s.frames)
		step := max(len(s.frames)/40, 1)
		if len(s.frames) > large {
			step = len(s.frames) / 6
		}
		for n := 1; n < len(s.frames); n += step {
			for _, f := range run(s.frames[:n]).Findings {
				if f.Severity < analyze.Warning {
					continue
				}
				if confirmed(whole, f) {
					continue
				}
				other := slices.ContainsFunc(whole.Findings, func(w *analyze.Finding) bool {
					return strings.Split(nameOf(w), "<")[0] == strings.Split(nameOf(f), "<")[0]
				})
				switch {
				case f.Verdict == analyze.Proved:
					t.Errorf("after frame %d proved, and not in the whole: %s", n, key(f))
				case !other:
					t.Errorf("after frame %d, and nothing of the name in the whole: %s", n, key(f))
				}
			}
		}
	})
}

// A capture that starts late proves nothing that the whole denies.
func TestBegunLate(t *testing.T) {
	each(t, 100, func(s *subject) bool { return len(s.frames) <= large }, func(t *testing.T, s *subject) {
		whole := run(s.frames)
		step := max(len(s.frames)/40, 1)
		for n := 1; n < len(s.frames); n += step {
			for _, f := range run(s.frames[n:]).Findings {
				if f.Severity >= analyze.Warning && f.Verdict == analyze.Proved && !confirmed(whole, f) {
					t.Errorf("from frame %d on proved, and not in the whole: %s", n+1, key(f))
				}
			}
		}
	})
}

// TestMissed: once packets are known to be missing, a replicated record does not
// prove why a server refused a name, or demanded it: it may have changed unseen.
func TestMissed(t *testing.T) {
	proofs := func(r *analyze.Result) (n int) {
		for _, f := range r.Findings {
			if f.Verdict == analyze.Proved && strings.HasPrefix(f.Rule, "static-") && f.Severity >= analyze.Warning &&
				slices.ContainsFunc(f.Evidence, func(e analyze.Evidence) bool { return e.Sign == "static-record-replicated" }) {
				n++
			}
		}
		return n
	}
	all := 0
	list := subjects(t)
	for i := range list {
		s := &list[i]
		n := proofs(run(s.frames))
		if n == 0 {
			continue
		}
		all += n
		e := engine(analyze.Sink{})
		e.Missed()
		for i := range s.frames {
			e.Feed(&s.frames[i])
		}
		if n := proofs(e.Finish()); n != 0 {
			t.Errorf("%s: %d findings are proved by a replicated record though packets are missing", s.name, n)
		}
	}
	if all < 3 {
		t.Fatalf("only %d findings of the corpus rest on a replicated record", all)
	}
}
