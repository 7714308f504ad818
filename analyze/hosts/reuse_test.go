package hosts_test

import (
	"net/netip"
	"testing"

	"nbtrace/analyze/hosts"
)

// Leases that a pool hands out again must not chain the machines together
// that had one after the other.
func TestLeasedAgain(t *testing.T) {
	r := hosts.NewRegistry(0)
	send := func(mac byte, a string, at int64) {
		r.SeenMAC(r.Touch(netip.MustParseAddr(a), at), [6]byte{2, 0, 0, 0, 0, mac}, 128, at, 1, at)
	}
	send(1, "10.0.0.1", 1)
	send(1, "10.0.0.2", 2)
	if !r.SameMachine(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")) {
		t.Fatal("a machine that got a new lease is not followed")
	}
	send(2, "10.0.0.3", 3)
	send(2, "10.0.0.1", 4) // that machine 1 gave back
	send(1, "10.0.0.2", 5)
	send(2, "10.0.0.1", 6)
	if r.SameMachine(netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.2")) {
		t.Error("two machines that had one lease after the other are taken for one")
	}
	if js := r.MultihomedJoins(netip.MustParseAddr("10.0.0.1")); len(js) != 0 {
		t.Errorf("a lease that was handed out again makes a machine multihomed: %v", js)
	}
}
