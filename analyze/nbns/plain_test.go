package nbns

import (
	"math/rand/v2"
	"testing"
)

// TestPlainNameDecidesAsName holds the fast path for names against the
// general one, on sound messages and on spoiled ones.
func TestPlainNameDecidesAsName(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sound := []byte("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x01 EGFDEIFDFCFGCACACACACACACACACACA\x00\x00\x20\x00\x01\xc0\x0c\x00\x20\x00\x01")
	taken, given := 0, 0
	for range 200_000 {
		b := append([]byte(nil), sound...)
		for range rng.IntN(4) {
			b[12+rng.IntN(len(b)-12)] = []byte{0, 1, 31, 32, 33, 'A', 'P', 'Q', '@', 0xC0, 0xFF, byte(rng.Uint32())}[rng.IntN(12)]
		}
		b = b[:len(b)-rng.IntN(3)*rng.IntN(len(b)-11)%len(b)]
		for _, at := range [...]int{12, 12 + 34 + 4} {
			if at > len(b) {
				continue
			}
			var fast, slow Message
			f, s := decoder{m: &fast, b: b, off: at}, decoder{m: &slow, b: b, off: at}
			n, ok := f.plainName()
			if !ok {
				given++
				if f.off != at || fast.Fault != nil {
					t.Fatalf("% x at %d: it gave up, and changed something", b, at)
				}
				continue
			}
			taken++
			want, scope, bad := s.name("RR_NAME", "")
			if bad.Reason != "" || slow.Fault != nil || scope != "" || n != want || f.off != s.off {
				t.Fatalf("% x at %d: fast %q to %d, general %q.%q to %d, %v %v", b, at, n, f.off, want, scope, s.off, bad, slow.Fault)
			}
		}
	}
	if taken < 10_000 || given < 10_000 {
		t.Fatalf("%d taken, %d given up: the test does not test", taken, given)
	}
}
