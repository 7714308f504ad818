package analyze

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/wire"
)

// modelled is a sighting as a list holds it that is searched from its end.
type modelled struct {
	ipid   uint16
	time   int64
	places []int
	number int
	gone   bool
}

// TestCopies holds copies to a list, over bursts that make its ring grow, and
// what the engine keeps of each message with it.
func TestCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCopies()
		var kept takings
		var model []modelled
		now := int64(0)
		packets := rapid.IntRange(1, 1500).Draw(t, "packets")
		kinds := rapid.IntRange(1, 1500).Draw(t, "different packets")
		every := rapid.Int64Range(0, int64(5*time.Millisecond)).Draw(t, "apart")
		seed := rapid.IntRange(1, 1<<20).Draw(t, "seed")
		for i := range packets {
			seed = (seed*1103515245 + 12345) & 0x7fffffff
			now += every
			// One in eight is the packet before once more, mostly elsewhere.
			ipid, at := uint16(seed>>8%kinds), seed>>4&3
			if seed&7 == 0 && len(model) > 0 {
				ipid = model[len(model)-1].ipid
			}
			got := c.look(packetAt(at, now, ipid))
			k := -1
			for j := len(model) - 1; j >= 0 && now-model[j].time <= copyWindow; j-- {
				if model[j].ipid == ipid && !model[j].gone {
					k = j
					break
				}
			}
			if k >= 0 && !slices.Contains(model[k].places, at) {
				first := model[k].places[0]
				if !got.copy || got.number != model[k].number || got.within != (first>>1 == at>>1) {
					t.Fatalf("packet %d: got %+v, want a copy of %d", i, got, model[k].number)
				}
				if x := kept.at(got).id; x != uint64(got.number) {
					t.Fatalf("packet %d: what was kept of sighting %d is that of %d", i, got.number, x)
				}
				model[k].places = append(model[k].places, at)
				continue
			}
			if k >= 0 {
				model[k].gone = true
			}
			if got.copy {
				t.Fatalf("packet %d: got a copy of %d, want none", i, got.number)
			}
			*kept.at(got) = taken{id: uint64(got.number), kind: exchange.QueryRequest}
			model = append(model, modelled{ipid: ipid, time: now, places: []int{at}, number: got.number})
		}
		for sum := range c.others {
			if !slices.ContainsFunc(c.ring, func(s sighting) bool { return s.hash == sum && s.copied }) {
				t.Fatal("places are kept of a packet that is over")
			}
		}
	})
}

func packetAt(place int, at int64, ipid uint16) *wire.Packet {
	return &wire.Packet{Protocol: wire.NBNS, Input: place >> 1, Interface: place & 1, Time: at, IPID: ipid, Payload: []byte("message"),
		Src: netip.MustParseAddrPort("10.0.0.1:137"), Dst: netip.MustParseAddrPort("10.0.0.2:137")}
}

// TestCopyWindow: what comes later than a second is no copy.
func TestCopyWindow(t *testing.T) {
	for late, want := range map[int64]bool{copyWindow: true, copyWindow + 1: false} {
		c := newCopies()
		c.look(packetAt(0, 0, 1))
		if got := c.look(packetAt(1, late, 1)); got.copy != want {
			t.Errorf("after %s: got %v, want %v", time.Duration(late), got.copy, want)
		}
	}
}
