package enginetest

import (
	"runtime"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/rules"
)

// TestSkippedFramesAllocateNothing: frames without NBNS, and there are a
// thousand of them for each one with, must not cost memory.
func TestSkippedFramesAllocateNothing(t *testing.T) {
	all := frames(t, capgen.Config{Kind: capgen.KindSparse, Messages: 20})
	e := analyze.New(analyze.Options{Rules: rules.All()}, analyze.Sink{})
	var skipped []captures.Frame
	for i := range all {
		before := e.Counts().Messages
		f := all[i]
		e.Feed(&f)
		if e.Counts().Messages == before {
			skipped = append(skipped, all[i])
		}
	}
	if len(skipped) < 1000 {
		t.Fatalf("only %d frames of %d are not NBNS", len(skipped), len(all))
	}
	last := all[len(all)-1].Time
	got := testing.AllocsPerRun(10, func() {
		for i := range skipped {
			f := skipped[i]
			f.Time = last
			e.Feed(&f)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations in %d skipped frames, want none", got, len(skipped))
	}
}

// TestAllocationsOfAMessage: once the names and hosts of a capture are known,
// a message allocates only what its exchange or a finding keeps.
func TestAllocationsOfAMessage(t *testing.T) {
	const mostPerMessage = 0.1
	all := frames(t, capgen.Config{Kind: capgen.KindDense, Messages: 200_000, Names: 2000, Hosts: 300})
	for _, c := range []struct {
		name  string
		rules []*analyze.Rule
	}{{"without rules", nil}, {"with all rules", rules.All()}} {
		t.Run(c.name, func(t *testing.T) {
			e := analyze.New(analyze.Options{Rules: c.rules}, analyze.Sink{})
			warm := len(all) / 2
			var before, after runtime.MemStats
			for i := range all {
				if i == warm {
					runtime.ReadMemStats(&before)
				}
				f := all[i]
				e.Feed(&f)
			}
			runtime.ReadMemStats(&after)
			per := float64(after.Mallocs-before.Mallocs) / float64(len(all)-warm)
			t.Logf("%.4f allocations, %.1f bytes a message", per, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(all)-warm))
			if per > mostPerMessage {
				t.Errorf("%.3f allocations a message, want at most %v", per, mostPerMessage)
			}
		})
	}
}
