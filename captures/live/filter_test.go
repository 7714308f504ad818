//go:build cgo || windows

package live_test

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"

	"nbtrace/analyze/wire"
	"nbtrace/captures"
	"nbtrace/captures/live"
)

func TestWideTakesEveryKind(t *testing.T) {
	filter, err := pcap.NewBPF(layers.LinkTypeEthernet, live.DefaultSnapLen, live.Wide(captures.LinkEthernet))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds() {
		for i, data := range k.frames {
			if got := filter.Matches(gopacket.CaptureInfo{CaptureLength: len(data), Length: len(data)}, data); got != k.use {
				t.Errorf("%s, frame %d: the filter says %v", k.name, i, got)
			}
			if got := wire.Quick(captures.LinkEthernet, data) != wire.No; got != k.use {
				t.Errorf("%s, frame %d: the check in user space says %v", k.name, i, got)
			}
		}
	}
}

// A kind of tunnel that the decoder opens must not be one that the filter
// shuts out: what each frame wraps is found by decoding it.
func TestEveryKindDecodes(t *testing.T) {
	for _, k := range kinds() {
		d := wire.NewDecoder(wire.Options{})
		found := 0
		for i, data := range k.frames {
			f := captures.Frame{Number: int64(i + 1), Link: captures.LinkEthernet, Length: len(data), Data: data}
			found += len(d.Decode(&f, nil))
		}
		tcp := k.name == "NBNS on TCP 137" || k.name == "replication, TCP 42" || k.name == "802.1Q, TCP 42"
		cut := k.name == "IPv4 fragments with a tag"
		if want := k.use && !tcp && !cut; found > 0 != want && !tcp {
			t.Errorf("%s: %d messages", k.name, found)
		}
	}
}

func TestWideCompiles(t *testing.T) {
	for _, c := range []struct {
		dlt  int
		link captures.LinkType
	}{
		{0, captures.LinkNull}, {1, captures.LinkEthernet}, {6, captures.LinkTokenRing}, {9, captures.LinkPPP}, {10, captures.LinkFDDI}, {12, captures.LinkRaw},
		{50, captures.LinkPPPHDLC}, {104, captures.LinkCiscoHDLC}, {105, captures.LinkIEEE80211}, {107, captures.LinkFrameRelay}, {108, captures.LinkLoop}, {113, captures.LinkSLL},
		{119, captures.LinkPrism}, {127, captures.LinkRadiotap}, {163, captures.LinkAVS}, {166, captures.LinkPPPWithDir}, {192, captures.LinkPPI},
		{228, captures.LinkIPv4}, {147, 147},
	} {
		if _, err := pcap.NewBPF(layers.LinkType(c.dlt), live.DefaultSnapLen, live.Wide(c.link)); err != nil {
			t.Errorf("%s: %v", c.link, err)
		}
	}
}

func TestResolve(t *testing.T) {
	list := []live.Interface{{Number: 1, Name: "eth0"}, {Number: 2, Name: "any"}, {Number: 3, Name: "1"}}
	for _, c := range []struct {
		given, want string
		fails       bool
	}{
		{"eth0", "eth0", false}, {"2", "any", false}, {"1", "1", false}, {"3", "1", false}, {"4", "", true}, {"eth", "", true}, {"", "", true}, {"0", "", true},
	} {
		got, err := live.Resolve(list, c.given)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%q: %q, %v", c.given, got, err)
		}
	}
}
