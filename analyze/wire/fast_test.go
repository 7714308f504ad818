package wire

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"nbtrace/captures"
)

// agree checks what the fast path promises: No means that the general path
// gives nothing, changes nothing and counts nothing but the frame; Ours means
// that it comes upon one of our ports.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, link captures.LinkType, data []byte, length int) {
	t.Helper()
	d := NewDecoder(Options{})
	f := &captures.Frame{Number: 1, Link: link, Data: data, Length: length}
	answer := Quick(link, data)
	out := d.general(f, nil)
	switch answer {
	case No:
		if len(out) != 0 || d.hit {
			t.Fatalf("link %v, % x: Quick says No, the general path finds %d packets, hit %v", link, data, len(out), d.hit)
		}
		if got, want := fmt.Sprintf("%+v", d.Stats()), fmt.Sprintf("%+v", NewDecoder(Options{}).Stats()); got != want {
			t.Fatalf("link %v, % x: Quick says No, the general path counts %s", link, data, got)
		}
		if d.frags.age.Len()+d.streams.used.Len() != 0 {
			t.Fatalf("link %v, % x: Quick says No, the general path keeps something", link, data)
		}
	case Ours:
		if !d.hit {
			t.Fatalf("link %v, % x: Quick says Ours, the general path does not; %+v", link, data, d.Stats())
		}
	case Unusual:
	default:
		t.Fatalf("Quick = %d", answer)
	}
}

var fastLinks = []captures.LinkType{
	captures.LinkEthernet, captures.LinkSLL, captures.LinkSLL2, captures.LinkRaw, 12, 14,
	captures.LinkIPv4, captures.LinkIPv6, captures.LinkNull, captures.LinkLoop, captures.LinkPPP,
}

// generated draws a frame that is mostly well formed, with values near those
// that decide.
func generated(t *rapid.T) (captures.LinkType, []byte) {
	port := rapid.SampledFrom([]int{42, 53, 80, 123, 137, 138, 445, 1024, 1512, 1701, 2152, 4789, 6081, 8472})
	payload := rapid.SampledFrom([][]byte{nil, query, eth(etherIPv4, inner()), make([]byte, 9)}).Draw(t, "payload")
	proto := rapid.SampledFrom([]byte{0, 1, 4, 6, 6, 17, 17, 17, 41, 44, 47, 50, 51, 58, 60, 97, 103, 137}).Draw(t, "proto")
	var b []byte
	switch proto {
	case protoUDP:
		b = udp(port.Draw(t, "src"), port.Draw(t, "dst"), payload)
	case protoTCP:
		b = tcp(port.Draw(t, "src"), port.Draw(t, "dst"), 1, 0x18, payload)
	default:
		b = payload
	}
	ether := etherIPv4
	if rapid.Bool().Draw(t, "v6") {
		ether = etherIPv6
		b = ip6(proto, b)
	} else {
		field := rapid.SampledFrom([]int{0, 0, 0, 0x4000, 0x2000, 0x8000, 7}).Draw(t, "field")
		b = ip4(hostA, hostB, proto, 1, field, b)
		if rapid.Bool().Draw(t, "options") {
			b = cat([]byte{0x46}, b[1:20], []byte{1, 1, 1, 0}, b[20:])
			if rapid.Bool().Draw(t, "counted") {
				copy(b[2:], u16(len(b)))
			}
		}
	}
	link := rapid.SampledFrom(fastLinks).Draw(t, "link")
	switch link {
	case captures.LinkEthernet:
		for range rapid.IntRange(0, 3).Draw(t, "tags") {
			b = vlan(5, ether, b)
			ether = rapid.SampledFrom([]int{etherVLAN, etherQinQ, etherQinQOld}).Draw(t, "tag")
		}
		ether = rapid.SampledFrom([]int{ether, ether, ether, ether, 0x0806, 60, 0x88CC, etherMPLS}).Draw(t, "ether")
		b = eth(ether, b)
	case captures.LinkSLL:
		b = cat(u16(0), u16(1), u16(6), macA, u16(0), u16(ether), b)
	case captures.LinkSLL2:
		b = cat(u16(ether), u16(0), u32(1), u16(1), []byte{0, 6}, macA, u16(0), b)
	case captures.LinkNull:
		b = cat(le32(2), b)
	case captures.LinkLoop:
		b = cat(u32(2), b)
	}
	b = append(b, make([]byte, rapid.IntRange(0, 6).Draw(t, "padding"))...)
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
	}
	return link, b
}

func TestFastPathAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		link, b := generated(t)
		n := len(b)
		if rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
			n = rapid.IntRange(0, n).Draw(t, "captured")
		}
		agree(t, link, b[:n:n], len(b))
	})
}

func FuzzFastPath(f *testing.F) {
	for _, w := range wrappings() {
		f.Add(uint32(w.link), w.data, uint8(0))
	}
	f.Fuzz(func(t *testing.T, link uint32, data []byte, lack uint8) {
		agree(t, captures.LinkType(link), data, len(data)+int(lack))
	})
}

func FuzzDecode(f *testing.F) {
	for _, w := range wrappings() {
		f.Add(uint32(w.link), w.data, uint8(0))
	}
	f.Fuzz(func(t *testing.T, link uint32, data []byte, lack uint8) {
		d := NewDecoder(Options{})
		fr := &captures.Frame{Number: 1, Link: captures.LinkType(link), Data: data, Length: len(data) + int(lack)}
		for range 2 { // the second time meets what the first one left behind
			for _, p := range d.Decode(fr, nil) {
				if p.Protocol != WINSGap && (len(p.Payload) == 0 || !p.Src.IsValid() || !p.Dst.IsValid()) {
					t.Fatalf("packet %+v", p)
				}
			}
		}
		if s := d.Stats(); s.Frames != 2 {
			t.Fatalf("stats %+v", s)
		}
		d.Flush(nil)
		if d.streams.holes.Len() != 0 || d.frags.age.Len() != 0 || d.frags.bytes != 0 {
			t.Fatal("Flush left something behind")
		}
	})
}

func TestAllocations(t *testing.T) {
	var all []wrapping
	for _, w := range wrappings() {
		if w.name == "802.11 aggregate" || w.link == ethernet || w.link == captures.LinkSLL || w.link == captures.LinkSLL2 {
			all = append(all, w)
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d cases", len(all))
	}
	skipped := eth(etherIPv4, ip4(hostA, hostB, protoUDP, 1, 0, udp(1025, 53, query)))
	all = append(all, wrapping{name: "skipped", link: ethernet, data: skipped})
	d := NewDecoder(Options{})
	out := make([]Packet, 0, 8)
	for _, w := range all {
		f := frame(w.link, w.data)
		if n := testing.AllocsPerRun(100, func() { out = d.Decode(f, out[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations for a frame", w.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { Quick(w.link, w.data) }); n != 0 {
			t.Errorf("%s: Quick allocates %v times", w.name, n)
		}
	}
}

func benchmarkFrame(b *testing.B, link captures.LinkType, data []byte, packets int) {
	d := NewDecoder(Options{})
	f := frame(link, data)
	out := make([]Packet, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		out = d.Decode(f, out[:0])
	}
	if len(out) != packets {
		b.Fatalf("%d packets, want %d", len(out), packets)
	}
}

func BenchmarkSkipped(b *testing.B) {
	benchmarkFrame(b, ethernet, eth(etherIPv4, ip4(hostA, hostB, protoTCP, 1, 0x4000, tcp(50000, 443, 1, 0x10, make([]byte, 1400)))), 0)
}

func BenchmarkSkippedTagged(b *testing.B) {
	benchmarkFrame(b, ethernet, eth(etherVLAN, vlan(7, etherIPv4, ip4(hostA, hostB, protoTCP, 1, 0x4000, tcp(50000, 443, 1, 0x10, make([]byte, 1400))))), 0)
}

func BenchmarkWrappings(b *testing.B) {
	names := map[string]bool{"ethernet": true, "one tag": true, "three tags": true, "SLL2": true, "radiotap": true, "IP in IP": true,
		"ERSPAN II, tag inside": true, "VXLAN": true, "L2TP with everything": true, "GTP-U": true}
	for _, w := range wrappings() {
		if names[w.name] {
			b.Run(w.name, func(b *testing.B) { benchmarkFrame(b, w.link, w.data, 1) })
		}
	}
}

func BenchmarkSkippedInVXLAN(b *testing.B) {
	benchmarkFrame(b, ethernet, eth(etherIPv4, vxlan(eth(etherIPv4, ip4(hostA, hostB, protoTCP, 1, 0x4000, tcp(50000, 443, 1, 0x10, make([]byte, 1400)))))), 0)
}
