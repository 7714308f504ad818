package exchange

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestQueue: whoever leaves, in whatever order, those that still wait stand in
// the order in which they came, and the first of them is at the front.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want []*Exchange
		steps := rapid.IntRange(1, 3000).Draw(t, "steps")
		many := rapid.IntRange(30, 70).Draw(t, "of a hundred steps, that add")
		seed := rapid.IntRange(1, 1<<20).Draw(t, "seed")
		for i := range steps {
			seed = (seed*1103515245 + 12345) & 0x7fffffff
			if seed>>8%100 < many || len(want) == 0 {
				x := &Exchange{ID: uint64(i), deadline: int64(i)}
				q.add(x)
				want = append(want, x)
			} else {
				at := seed >> 16 % len(want)
				q.remove(want[at])
				want = slices.Delete(want, at, at+1)
			}
			if q.empty() != (len(want) == 0) {
				t.Fatalf("step %d: empty is %v with %d waiting", i, q.empty(), len(want))
			}
			if !q.empty() && (q.front().x != want[0] || q.front().due != want[0].deadline) {
				t.Fatalf("step %d: the front is not the one that waits longest", i)
			}
			for n := range 70 {
				if q.empty() {
					break
				}
				if x := q.ahead(n); x != nil && !slices.Contains(want, x) {
					t.Fatalf("step %d: ahead is one that does not wait", i)
				}
			}
		}
		if got := q.list(nil); !slices.Equal(got, want) {
			t.Fatalf("%d wait, want %d, or in another order", len(got), len(want))
		}
		if most := max(leastTurns, 4*steps); len(q.places) > most {
			t.Fatalf("%d places", len(q.places))
		}
	})
}

// TestQueueKeepsItsSize: one that waits for long does not make the queue grow
// while others come and go behind it.
func TestQueueKeepsItsSize(t *testing.T) {
	var q queue
	q.add(&Exchange{})
	for range 100_000 {
		x := &Exchange{}
		q.add(x)
		q.remove(x)
	}
	if len(q.places) > leastTurns {
		t.Errorf("%d places for one that waits", len(q.places))
	}
}
