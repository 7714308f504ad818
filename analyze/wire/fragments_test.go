package wire

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nbtrace/captures"
)

// datagramOf is a UDP datagram to port 137 with n bytes of payload.
func datagramOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return udp(137, 137, b)
}

// piece is the frame of the bytes from..to of a datagram, in an IPv4 fragment.
func piece(proto byte, id int, datagram []byte, from, to int) []byte {
	field := from / 8
	if to < len(datagram) {
		field |= 0x2000
	}
	return eth(etherIPv4, ip4(hostA, hostB, proto, id, field, datagram[from:to]))
}

type fed struct {
	data []byte
	at   time.Duration
}

func feedAll(d *Decoder, in []fed) (out []Packet, where []int) {
	for i, x := range in {
		f := &captures.Frame{Number: int64(i + 1), Time: int64(x.at), Link: ethernet, Length: len(x.data), Data: x.data}
		for _, p := range d.Decode(f, nil) {
			p.Payload = slices.Clone(p.Payload)
			out = append(out, p)
			where = append(where, i)
		}
	}
	return out, where
}

func TestFragments(t *testing.T) {
	g := datagramOf(92) // 100 bytes
	other := slices.Clone(g)
	other[50] ^= 1
	p := func(from, to int) fed { return fed{data: piece(protoUDP, 9, g, from, to)} }
	later := func(x fed, at time.Duration) fed { x.at = at; return x }
	dns := udp(53, 53, make([]byte, 92))
	long := datagramOf(120)
	tests := []struct {
		name    string
		in      []fed
		frames  []int // 0-based, that complete a datagram
		seen    int64
		dropped int64
	}{
		{"in order", []fed{p(0, 48), p(48, 100)}, []int{1}, 2, 0},
		{"backwards", []fed{p(96, 100), p(48, 96), p(0, 48)}, []int{2}, 3, 0},
		{"tiny", []fed{p(0, 8), p(8, 16), p(16, 24), p(24, 100)}, []int{3}, 4, 0},
		{"copies", []fed{p(0, 48), p(0, 48), p(48, 100), p(48, 100), p(0, 48)}, []int{2}, 3, 0},
		{"a copy inside another piece", []fed{p(0, 48), p(8, 24), p(48, 100)}, []int{2}, 3, 0},
		{"no end", []fed{p(0, 48), p(48, 96)}, nil, 2, 2},
		{"no beginning", []fed{p(48, 100)}, nil, 1, 1},
		{"a copy with other bytes", []fed{p(0, 48), p(48, 96), {data: piece(protoUDP, 9, other, 48, 96)}, p(96, 100)}, nil, 3, 3},
		{"overlap", []fed{p(0, 48), p(40, 100), p(48, 100)}, nil, 2, 2},
		{"overlap from the right", []fed{p(48, 100), p(0, 56)}, nil, 2, 2},
		{"two ends", []fed{p(96, 100), {data: piece(protoUDP, 9, long, 96, 128)}}, nil, 2, 2},
		{"two ends, the nearer one later", []fed{p(96, 100), {data: piece(protoUDP, 9, g[:96], 48, 96)}, p(0, 48)}, nil, 2, 2},
		{"beyond the end", []fed{{data: piece(protoUDP, 9, long, 104, 112)}, p(96, 100)}, nil, 2, 2},
		{"not a multiple of 8", []fed{p(0, 50), p(56, 100)}, nil, 1, 1},
		{"too late", []fed{p(0, 48), later(p(48, 100), 31*time.Second)}, nil, 2, 2},
		{"just in time", []fed{p(0, 48), later(p(48, 100), 30*time.Second)}, []int{1}, 2, 0},
		{"identification used again", []fed{p(0, 48), p(48, 100), later(p(0, 48), 2*time.Second), later(p(48, 100), 2*time.Second)}, []int{1, 3}, 4, 0},
		{"identification used again behind a waiting one", []fed{{data: piece(protoUDP, 8, g, 0, 48)}, p(0, 48), p(48, 100), later(p(0, 48), 2*time.Second), later(p(48, 100), 2*time.Second)}, []int{2, 4}, 5, 1},
		{"not ours, known at once", []fed{{data: piece(protoUDP, 9, dns, 0, 48)}, {data: piece(protoUDP, 9, dns, 48, 100)}}, nil, 0, 0},
		{"not ours, known at last", []fed{{data: piece(protoUDP, 9, dns, 48, 100)}, {data: piece(protoUDP, 9, dns, 0, 48)}}, nil, 0, 0},
		{"protocols apart", []fed{p(0, 48), {data: piece(protoTCP, 9, g, 48, 100)}}, nil, 2, 2},
		{"ICMP", []fed{{data: piece(1, 9, g, 0, 48)}, {data: piece(1, 9, g, 48, 100)}}, nil, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDecoder(Options{})
			out, where := feedAll(d, tt.in)
			if !slices.Equal(where, tt.frames) {
				t.Errorf("completed by %v, want %v", where, tt.frames)
			}
			for _, p := range out {
				if !bytes.Equal(p.Payload, g[8:]) || p.Snapped || p.IPID != 9 || p.TTL != 64 {
					t.Errorf("packet %+v", p)
				}
			}
			d.Flush(nil)
			if s := d.Stats(); s.Fragments != tt.seen || s.FragmentsBad != tt.dropped {
				t.Errorf("fragments %d, dropped %d; want %d, %d", s.Fragments, s.FragmentsBad, tt.seen, tt.dropped)
			}
			if d.frags.bytes != 0 || d.frags.age.Len() != 0 || len(d.frags.byKey) != 0 {
				t.Errorf("left behind: %d bytes, %d datagrams", d.frags.bytes, d.frags.age.Len())
			}
		})
	}
}

// A first fragment that the snap length cut still has the message's beginning.
func TestSnappedFirstFragment(t *testing.T) {
	g := datagramOf(92)
	f := frame(ethernet, piece(protoUDP, 9, g, 0, 96))
	f.Data = f.Data[:14+20+8+40]
	out := NewDecoder(Options{}).Decode(f, nil)
	if len(out) != 1 || !out[0].Snapped || len(out[0].Payload) != 40 {
		t.Fatalf("%+v", out)
	}
}

// A tunnel whose outer packet was fragmented, the message inside being whole
// or fragmented itself.
func TestFragmentedTunnels(t *testing.T) {
	g := datagramOf(92)
	wholeGRE := cat(u16(0), u16(etherIPv4), ip4(hostA, hostB, protoUDP, 9, 0, g))
	halfGRE := cat(u16(0), u16(etherIPv4), ip4(hostA, hostB, protoUDP, 9, 0x2000, g[:48]))
	carried := udp(5000, portVXLAN, cat([]byte{8, 0, 0, 0, 0, 0, 7, 0}, eth(etherIPv4, ip4(hostA, hostB, protoUDP, 9, 0, g))))
	for _, tt := range []struct {
		name string
		in   []fed
	}{
		{"GRE", []fed{{data: piece(protoGRE, 1, wholeGRE, 0, 64)}, {data: piece(protoGRE, 1, wholeGRE, 64, len(wholeGRE))}}},
		{"VXLAN", []fed{{data: piece(protoUDP, 1, carried, 64, len(carried))}, {data: piece(protoUDP, 1, carried, 0, 64)}}},
		{"both", []fed{{data: piece(protoUDP, 9, g, 48, 100)}, {data: piece(protoGRE, 1, halfGRE, 0, 64)}, {data: piece(protoGRE, 1, halfGRE, 64, len(halfGRE))}}},
	} {
		out, where := feedAll(NewDecoder(Options{}), tt.in)
		if len(out) != 1 || where[0] != len(tt.in)-1 || !bytes.Equal(out[0].Payload, g[8:]) {
			t.Errorf("%s: %d packets at %v", tt.name, len(out), where)
		}
	}
}

func TestFragmentLimits(t *testing.T) {
	g := datagramOf(60000)
	o := Options{MaxDatagrams: 50, MaxFragments: 1 << 20}
	d := NewDecoder(o)
	for id := range 2000 {
		at := 8 * (id % 7000)
		d.Decode(frame(ethernet, piece(protoUDP, id, g, at, at+8)), nil)
		if d.frags.bytes > o.MaxFragments+64<<10 || d.frags.age.Len() > o.MaxDatagrams {
			t.Fatalf("after %d: %d bytes in %d datagrams", id, d.frags.bytes, d.frags.age.Len())
		}
	}
	if s := d.Stats(); s.FragmentsBad < 1900 {
		t.Errorf("dropped %d", s.FragmentsBad)
	}
	// A datagram with too many holes is given up.
	d = NewDecoder(Options{})
	for i := range maxRanges + 1 {
		d.Decode(frame(ethernet, piece(protoUDP, 1, g, 16*i, 16*i+8)), nil)
	}
	if s := d.Stats(); s.FragmentsBad != maxRanges+1 || d.frags.bytes != 0 {
		t.Errorf("dropped %d, %d bytes held", s.FragmentsBad, d.frags.bytes)
	}
}

// Any cutting, in any order, with copies, gives the datagram once, at the
// piece that completes it.
func TestFragmentsAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := datagramOf(rapid.IntRange(1, 3000).Draw(t, "length"))
		var in []fed
		for from := 0; from < len(g); {
			to := min(from+8*rapid.IntRange(1, 100).Draw(t, "size"), len(g))
			if from == 0 {
				to = min(to, (len(g)-1)/8*8) // at least two pieces
			}
			for range rapid.IntRange(1, 2).Draw(t, "copies") {
				in = append(in, fed{data: piece(protoUDP, 3, g, from, to)})
			}
			from = to
		}
		if len(in) > 2*maxRanges {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		d := NewDecoder(Options{})
		out, _ := feedAll(d, in)
		if len(out) != 1 || !bytes.Equal(out[0].Payload, g[8:]) {
			t.Fatalf("%d packets; stats %+v", len(out), d.Stats())
		}
	})
}
