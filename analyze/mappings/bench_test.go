package mappings

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// dump yields a WINSDMP file of n lines without holding it.
type dump struct {
	n, next int
	rest    []byte
}

func (d *dump) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.next == d.n {
			return 0, io.EOF
		}
		d.rest = fmt.Appendf(d.rest[:0], "10.0.0.1,\"HOST%07d    \",32,17,%d,0,0,%d,%d,820870950,2,10.%d.%d.1,10.%d.%d.2\r\n",
			d.next, 3*(d.next&1), d.next+1, d.next&1, d.next>>8&255, d.next&255, d.next>>8&255, d.next&255)
		d.next++
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// A million lines fit into 512 MiB with room to spare, and cost next to no
// allocations: the list itself, and blocks of addresses.
func TestReadMillionLines(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million lines")
	}
	const n = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l, err := Read("dump", &dump{n: n})
	runtime.ReadMemStats(&after)
	if err != nil || len(l.Entries) != n || len(l.Problems) != 0 {
		t.Fatalf("%v, %d entries, %v", err, len(l.Entries), l.Problems)
	}
	// The first of these is the reader's doing: one line is made at a time.
	mallocs := float64(after.Mallocs-before.Mallocs) / n
	if mallocs > 8 {
		t.Errorf("%.1f allocations a line", mallocs)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if live := int64(after.HeapAlloc) - int64(before.HeapAlloc); live > 256<<20 {
		t.Errorf("the list holds %d MiB", live>>20)
	}
	t.Logf("%.2f allocations a line, %d MiB live, %d MiB from the system", mallocs,
		(after.HeapAlloc-before.HeapAlloc)>>20, after.Sys>>20)
	runtime.KeepAlive(l)
}

func BenchmarkRead(b *testing.B) {
	text, err := io.ReadAll(&dump{n: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	var lmhosts strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&lmhosts, "10.0.%d.%d\tHOST%07d\t#PRE\n", i>>8&255, i&255, i)
	}
	for name, in := range map[string]string{"WINSDMP": string(text), "LMHOSTS": lmhosts.String()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read("list", strings.NewReader(in)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
