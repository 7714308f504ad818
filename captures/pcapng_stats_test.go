package captures

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// stats is an interface statistics block.
func stats(o byteOrder, iface uint32, options ...[]byte) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint64(b, 1) // time
	return block(o, blockStats, join(append([][]byte{b}, options...)...))
}

// counter is an option that counts packets.
func counter(o byteOrder, code uint16, n uint64) []byte {
	return ngOption(o, code, o.AppendUint64(nil, n))
}

// TestLost: what the statistics say was lost is known at the end of any file,
// and of a plain one from the beginning if they stand at its end.
func TestLost(t *testing.T) {
	const received = 4 // isb_ifrecv
	for _, o := range []byteOrder{le, be} {
		end := ngOption(o, optionEnd, nil)
		head := join(shb(o), idb(o, 1, 0), idb(o, 1, 0), epb(o, 0, 1, "abc", 3))
		huge := counter(o, optionIfDrop, math.MaxUint64)
		for name, c := range map[string]struct {
			file         []byte
			before, lost int64
		}{
			"no statistics":          {head, 0, 0},
			"nothing lost":           {join(head, stats(o, 0, counter(o, received, 9), counter(o, optionIfDrop, 0), end)), 0, 0},
			"by interface and by OS": {join(head, stats(o, 0, counter(o, received, 9), counter(o, optionIfDrop, 3), counter(o, optionOSDrop, 4), end)), 7, 7},
			"two interfaces":         {join(head, stats(o, 0, counter(o, optionIfDrop, 3)), stats(o, 1, counter(o, optionIfDrop, 5))), 8, 8},
			"the latest counts":      {join(head, stats(o, 0, counter(o, optionIfDrop, 3)), stats(o, 0, counter(o, optionIfDrop, 5))), 5, 5},
			"in the middle":          {join(head, stats(o, 0, counter(o, optionIfDrop, 3)), epb(o, 0, 2, "abc", 3)), 0, 3},
			"two sections":           {join(head, stats(o, 0, counter(o, optionIfDrop, 3)), head, stats(o, 0, counter(o, optionIfDrop, 5))), 5, 8},
			"more than fits":         {join(head, stats(o, 0, huge, huge), stats(o, 1, huge)), math.MaxInt64, math.MaxInt64},
			"an unknown interface":   {join(head, stats(o, 2, counter(o, optionIfDrop, 3))), 3, 3},
			"an impossible one":      {join(head, stats(o, maxInterfaces, counter(o, optionIfDrop, 3))), 0, 0},
			"after the end":          {join(head, stats(o, 0, end, counter(o, optionIfDrop, 3))), 0, 0},
			"option too long":        {join(head, stats(o, 0, patch(counter(o, optionIfDrop, 3), 2, 99))), 0, 0},
			"count of four bytes":    {join(head, stats(o, 0, ngOption(o, optionIfDrop, o.AppendUint32(nil, 3)))), 0, 0},
			"too short":              {join(head, block(o, blockStats, nil)), 0, 0},
		} {
			path := filepath.Join(t.TempDir(), "a.pcapng")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			plain, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := NewReader("a.pcapng.gz", bytes.NewReader(gz(t, c.file)))
			if err != nil {
				t.Fatal(err)
			}
			if got := plain.Info().Lost; got != c.before {
				t.Errorf("%s: %d lost before it is read, want %d", name, got, c.before)
			}
			for _, r := range []*Reader{plain, packed} {
				if _, err := readAll(r); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if got := r.Info().Lost; got != c.lost {
					t.Errorf("%s: %s: %d lost, want %d", name, r.Info().Format, got, c.lost)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
