package prefetch

import "testing"

type object struct{ b [200]byte }

// TestNothing: there need be nothing to ask for, and asking allocates nothing.
func TestNothing(t *testing.T) {
	some := make([]object, 3)
	n := testing.AllocsPerRun(10, func() {
		Object[object](nil)
		Object(&some[2])
		Elements[object](nil, 3)
		Elements(some, 0)
		Elements(some, 2)
		Elements(some, 100)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObject(b *testing.B) {
	some := make([]object, 64)
	for i := range b.N {
		Object(&some[i&63])
	}
}
