package enginetest

import (
	"slices"
	"testing"

	"nbtrace/analyze"
)

// A frame that was not captured proves nothing that the whole denies. One
// demand of two may seem to follow what came between them.
func TestFrameLost(t *testing.T) {
	each(t, 100, func(s *subject) bool { return len(s.frames) <= large }, func(t *testing.T, s *subject) {
		whole := run(s.frames)
		step := max(len(s.frames)/40, 1)
		for n := 0; n < len(s.frames); n += step {
			for _, f := range run(slices.Delete(slices.Clone(s.frames), n, n+1)).Findings {
				if f.Severity < analyze.Warning || f.Verdict != analyze.Proved || confirmed(whole, f) {
					continue
				}
				if f.Rule == "static-multihomed-release" && slices.ContainsFunc(whole.Findings, func(w *analyze.Finding) bool {
					return w.Rule == "release-demand-received" && nameOf(w) == nameOf(f)
				}) {
					continue
				}
				t.Errorf("without frame %d proved, and not in the whole: %s", n+1, key(f))
			}
		}
	})
}
