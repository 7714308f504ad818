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

// TestAddName: each name is there once, whatever the caller remembers, and an
// address that takes the place of an evicted one begins without names.
func TestAddName(t *testing.T) {
	r := NewRegistry(1)
	name := func(i int) (n [16]byte) { n[0], n[15] = byte(i), 0x20; return n }
	i := r.Mention(numbered(1))
	noted := r.AddName(i, name(1), "", 1, 0)
	for k := range 100 {
		r.AddName(i, name(k%10), "", 2, 0)
		r.AddName(i, name(k%10), "", 2, noted) // the caller knows it
	}
	if got := r.Names(numbered(1)); len(got) != 10 {
		t.Fatalf("%d names, want 10: %v", len(got), got)
	}
	if got := r.Registrants(10, 3); len(got) != 0 {
		t.Errorf("%v had no new name at 3", got)
	}
	if got := r.Registrants(10, 2); len(got) != 1 {
		t.Errorf("nobody had a new name at 2: %v", got)
	}
	i = r.Mention(numbered(2))
	if again := r.AddName(i, name(1), "", 4, noted); again == noted || len(r.Names(numbered(2))) != 1 {
		t.Errorf("another address: number %d again, names %v", again, r.Names(numbered(2)))
	}
	if got := r.TouchFound(i, numbered(3), 5); len(r.Names(numbered(3))) != 0 || r.ID(numbered(3)) != int(got)+1 {
		t.Errorf("a found index of another address was taken: %v", r.Names(numbered(3)))
	}
}

// TestServed: an address whose registrations two servers accepted is noticed.
func TestServed(t *testing.T) {
	r := NewRegistry(0)
	for i := range 10 {
		r.Mention(numbered(i))
		r.Served(numbered(i), numbered(100+i%2))
		r.Served(numbered(i), numbered(100+i%2))
	}
	if r.SeveralServers() {
		t.Fatal("each has one server")
	}
	r.Served(numbered(3), numbered(100))
	if !r.SeveralServers() {
		t.Error("one has two servers")
	}
}
