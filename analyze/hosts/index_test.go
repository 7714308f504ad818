package hosts

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func numbered(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// TestIndexSurvivesRemovals fills and empties the open-addressing table in
// random order.
func TestIndexSurvivesRemovals(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := newIndex()
	there := map[uint32]int32{}
	for step := range 200_000 {
		addr := uint32(rng.IntN(5000)) * 0x01000100
		got, ok := x.get(addr)
		want, known := there[addr]
		if ok != known || got != want {
			t.Fatalf("step %d: got %d %v, want %d %v", step, got, ok, want, known)
		}
		if known {
			x.remove(addr)
			delete(there, addr)
			continue
		}
		there[addr] = int32(step)
		x.add(addr, int32(step))
	}
	if x.used != len(there) || x.used < 1000 {
		t.Fatalf("%d used, want %d", x.used, len(there))
	}
}

// TestRegistryForgetsTheLongestSilent: of more addresses than there is room
// for, the ones that were not heard of for longest go.
func TestRegistryForgetsTheLongestSilent(t *testing.T) {
	const limit = 64
	r := NewRegistry(limit)
	for i := range 10 * limit {
		r.Touch(numbered(i), int64(i))
		r.Touch(numbered(0), int64(i)) // never silent
	}
	if r.Len() != limit {
		t.Fatalf("%d addresses, want %d", r.Len(), limit)
	}
	for i := range 10 * limit {
		_, known := r.Sent(numbered(i))
		if want := i == 0 || i > 9*limit; known != want {
			t.Errorf("address %d: known %v, want %v", i, known, want)
		}
	}
	v6 := netip.MustParseAddr("fe80::1")
	if r.HasRole(v6, EndNode) || r.ID(netip.Addr{}) != 0 {
		t.Error("it knows addresses that it was never told")
	}
	r.AddRole(r.Touch(v6, 1), EndNode)
	if !r.HasRole(v6, EndNode) {
		t.Error("it forgot the role of an IPv6 address")
	}
}

func BenchmarkTouch(b *testing.B) {
	const n = 5000
	r := NewRegistry(0)
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = numbered(i)
		r.SeenMAC(r.Touch(all[i], 0), [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, 64, 0, 0, 1)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		i := rng.IntN(n)
		r.SeenMAC(r.Touch(all[i], 1), [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, 64, 1, 0, 1)
	}
}
