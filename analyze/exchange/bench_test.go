package exchange

import (
	"net/netip"
	"testing"

	"nbtrace/analyze/nbns"
)

// BenchmarkTracker is the time of one exchange: a registration, its answer,
// and the settling of an earlier one.
func BenchmarkTracker(b *testing.B) {
	settled := 0
	t := NewTracker(stranger{}, 0, func(*Exchange) bool { settled++; return false })
	server := netip.AddrFrom4([4]byte{10, 0, 0, 5})
	request := nbns.Message{Flags: 0x2900, Questions: make([]nbns.Question, 1), Records: []nbns.Record{{Type: nbns.TypeNB, TTL: 300000, Addrs: make([]nbns.AddrEntry, 1)}}}
	reply := nbns.Message{Flags: 0xAD80, ANCount: 1, Records: []nbns.Record{{Type: nbns.TypeNB, TTL: 300000, Addrs: make([]nbns.AddrEntry, 1)}}}
	now := int64(0)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		now += 1_000_000 // 2,000 exchanges linger
		for {
			at, ok := t.NextDeadline()
			if !ok || at >= now {
				break
			}
			t.SettleNext()
		}
		name := uint64(i%5000 + 1)
		addr := [4]byte{10, 1, byte(i % 5000 >> 8), byte(i % 5000)}
		host := netip.AddrFrom4(addr)
		request.TrnID, reply.TrnID = uint16(i), uint16(i)
		request.Records[0].Addrs[0].Addr, reply.Records[0].Addrs[0].Addr = addr, addr
		t.Observe(&Message{Name: name, Time: now, Frame: int64(2 * i), Src: host, Dst: server, NBNS: &request})
		t.Observe(&Message{Name: name, Time: now, Frame: int64(2*i + 1), Src: server, Dst: host, NBNS: &reply})
	}
	if settled == 0 && b.N > 10_000 {
		b.Fatal("nothing settled")
	}
}

type stranger struct{}

func (stranger) NameServer(netip.Addr) bool               { return false }
func (stranger) Holds(nbns.Name, string, netip.Addr) bool { return false }
func (stranger) SameMachine(a, b netip.Addr) bool         { return a == b }
