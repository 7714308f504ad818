package rules

import (
	"net/netip"
	"testing"

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
