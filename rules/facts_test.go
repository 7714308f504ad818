package rules

import (
	"net/netip"
	"testing"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// A later record replaces an earlier one of its owner, and may replace it where
// the capture misses the request for records, which names the owner.
func TestSuperseded(t *testing.T) {
	server, a, b := netip.MustParseAddr("10.1.9.5"), netip.MustParseAddr("10.1.9.6"), netip.MustParseAddr("10.1.9.7")
	for _, c := range []struct {
		first, later netip.Addr // owners
		version      uint64     // of the later one
		at           int64      // when it came; the event is at 100
		want         bool
	}{
		{a, a, 52, 50, true},
		{a, b, 52, 50, false},
		{netip.Addr{}, a, 52, 50, true},
		{a, netip.Addr{}, 52, 50, true},
		{netip.Addr{}, netip.Addr{}, 52, 50, true},
		{a, netip.Addr{}, 41, 50, false},
		{a, a, 52, 101, false},
	} {
		var n nbns.Name
		st := names.NewTable(0).Touch(n, "", 0)
		for _, r := range []names.Record{{Owner: c.first, VersionID: 42, Time: 10}, {Owner: c.later, VersionID: c.version, Time: c.at}} {
			r.Source, r.Server, r.Addrs, r.Last = "replication", server, []netip.Addr{a}, r.Time
			st.AddRecord(r)
		}
		s := &subject{p: &analyze.Pass{Name: st}, x: &exchange.Exchange{Start: 100}}
		if got := s.superseded(&st.Records[0]); got != c.want {
			t.Errorf("owners %v and %v, version %d at %d: %v", c.first, c.later, c.version, c.at, got)
		}
	}
}

// nobody knows no machine.
type nobody struct{}

func (nobody) NameServer(netip.Addr) bool               { return false }
func (nobody) SameMachine(a, b netip.Addr) bool         { return a == b }
func (nobody) Holds(nbns.Name, string, netip.Addr) bool { return false }

// The answer that counts is that of whom was asked, not the first one.
func TestAnsweredAfter(t *testing.T) {
	pc, server, other := netip.MustParseAddr("10.1.1.33"), netip.MustParseAddr("10.1.9.5"), netip.MustParseAddr("10.1.9.6")
	type packet struct {
		from netip.Addr // pc: the request or its retransmission
		at   time.Duration
	}
	for _, c := range []struct {
		what    string
		packets []packet
		after   time.Duration
		atOnce  bool
	}{
		{"once", []packet{{pc, 0}, {server, 5 * time.Millisecond}}, 5 * time.Millisecond, true},
		{"late", []packet{{pc, 0}, {server, 1200 * time.Millisecond}}, 1200 * time.Millisecond, false},
		{"after a retransmission", []packet{{pc, 0}, {pc, 1500 * time.Millisecond}, {server, 1510 * time.Millisecond}}, 10 * time.Millisecond, true},
		{"of another first", []packet{{pc, 0}, {other, 5 * time.Millisecond}, {server, 1200 * time.Millisecond}}, 1200 * time.Millisecond, false},
		{"before the last retransmission", []packet{{pc, 0}, {server, 300 * time.Millisecond}, {pc, 400 * time.Millisecond}}, 300 * time.Millisecond, true},
		{"before the request, by its stamp", []packet{{pc, time.Second}, {server, 900 * time.Millisecond}}, 0, true},
	} {
		var got *exchange.Exchange
		tr := exchange.NewTracker(nobody{}, 0, func(x *exchange.Exchange) bool { got = x; return true })
		name := nbns.MakeName("PC33", 0x20)
		for i, p := range c.packets {
			m := &exchange.Message{Name: 1, Time: int64(p.at), Frame: int64(i + 1), Src: pc, Dst: server,
				NBNS: &nbns.Message{Flags: 0x2900, Questions: []nbns.Question{{Name: name, Type: nbns.TypeNB}}}}
			if p.from != pc {
				m.Src, m.Dst = p.from, pc
				m.NBNS = &nbns.Message{Flags: 0xAD86, Records: []nbns.Record{{Name: name, Type: nbns.TypeNB}}}
			}
			tr.Observe(m)
		}
		tr.Finish(int64(time.Minute))
		if after := time.Duration(answeredAfter(got)); after != c.after || atOnce(got) != c.atOnce {
			t.Errorf("%s: after %v, at once %v", c.what, after, atOnce(got))
		}
	}
}
