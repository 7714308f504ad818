package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nbtrace/captures"
)

// wins is a WINS replication message with its length: type, and what follows.
func wins(kind uint32, rest ...[]byte) []byte {
	body := cat(append([][]byte{u32(0x00007800), u32(0x05371E90), u32(kind)}, rest...)...)
	return cat(u32(uint32(len(body))), body)
}

func winsStart() []byte   { return wins(0, u32(0x05371E90), u16(2), u16(5), make([]byte, 21)) }
func winsReply() []byte   { return wins(1, u32(0x05371E90), u16(2), u16(5), make([]byte, 21)) }
func winsStop() []byte    { return wins(2, u32(0), make([]byte, 24)) }
func winsTable() []byte   { return wins(3, u32(0)) }
func winsRequest() []byte { return wins(3, u32(2), make([]byte, 24)) }
func winsOwners(n int) []byte {
	return wins(3, u32(1), u32(uint32(n)), bytes.Repeat([]byte{0xAC}, 24*n), u32(0))
}

// winsRecords has n records of 48 bytes that look like no header.
func winsRecords(n int) []byte {
	rec := cat(u32(17), []byte("FILESRV         "), make([]byte, 4), u32(0x80), u32(0), u32(0), u32(0x99), []byte{10, 0, 0, 9}, u32(0xFFFFFFFF))
	return wins(3, u32(3), u32(uint32(n)), bytes.Repeat(rec, n))
}

// nbnsTCP is a query with its length of 16 bits, made longer by pad.
func nbnsTCP(id, pad int) []byte {
	m := cat(u16(id), query[2:], make([]byte, pad))
	return cat(u16(len(m)), m)
}

// talk is a connection of the test to one port.
type talk struct {
	d     *Decoder
	port  int
	now   time.Duration
	frame int64
	got   []Packet // with payloads copied
}

func newTalk(port int, o Options) *talk { return &talk{d: NewDecoder(o), port: port} }

func (c *talk) keep(out []Packet) []Packet {
	for i := range out {
		out[i].Payload = slices.Clone(out[i].Payload)
	}
	c.got = append(c.got, out...)
	return out
}

func (c *talk) from(src int, seq uint32, flags byte, data []byte) []Packet {
	c.frame++
	b := eth(etherIPv4, ip4(hostA, hostB, protoTCP, 1, 0, tcp(src, c.port, seq, flags, data)))
	f := &captures.Frame{Number: c.frame, Time: int64(c.now), Link: ethernet, Length: len(b), Data: b}
	return c.keep(c.d.Decode(f, nil))
}

func (c *talk) send(seq uint32, data []byte) []Packet { return c.from(1750, seq, 0x18, data) }
func (c *talk) syn(seq uint32) []Packet               { return c.from(1750, seq, 0x02, nil) }
func (c *talk) flush() []Packet                       { return c.keep(c.d.Flush(nil)) }

// got in short: "m<length>" for a message, "gap<n>" for a hole, each with its frame.
func (c *talk) String() string {
	s := ""
	for _, p := range c.got {
		if s != "" {
			s += " "
		}
		if p.Protocol == WINSGap {
			s += fmt.Sprintf("gap%d@%d", p.Gap, p.Frame)
		} else {
			s += fmt.Sprintf("m%d@%d", len(p.Payload), p.Frame)
		}
	}
	return s
}

// Frames that Quick rejects may be left out, so they must not end a wait
// either: the second hole's would begin earlier with them than without.
func TestOtherTrafficEndsNoWait(t *testing.T) {
	const want = "m16@2 m16@4 m16@4"
	for _, other := range []bool{false, true} {
		c := newTalk(42, Options{})
		c.syn(99)
		c.send(145, winsTable())
		c.send(185, winsTable())
		c.now += 6 * time.Second
		if other {
			b := eth(etherIPv4, ip4(hostA, hostB, protoUDP, 1, 0, udp(5000, 53, []byte("no use"))))
			if Quick(ethernet, b) != No {
				t.Fatal("the frame is of use")
			}
			c.keep(c.d.Decode(&captures.Frame{Number: 99, Time: int64(c.now), Link: ethernet, Length: len(b), Data: b}, nil))
		}
		c.now += 6 * time.Second
		c.send(165, winsTable())
		c.flush()
		if got := c.String(); got != want {
			t.Errorf("other traffic %v: got %s, want %s", other, got, want)
		}
	}
}

func TestStreams(t *testing.T) {
	start, reply, table, req, recs := winsStart(), winsReply(), winsTable(), winsRequest(), winsRecords(3) // 45, 45, 20, 44, 168 bytes
	all := cat(start, table, recs, req)
	tests := []struct {
		name string
		do   func(c *talk)
		want string
		gaps int64
	}{
		{"a message a segment", func(c *talk) { c.syn(99); c.send(100, start); c.send(145, table) }, "m41@2 m16@3", 0},
		{"several a segment", func(c *talk) { c.syn(99); c.send(100, all) }, "m41@2 m16@2 m164@2 m40@2", 0},
		{"one over several", func(c *talk) { c.syn(99); c.send(100, recs[:3]); c.send(103, recs[3:90]); c.send(190, recs[90:]) }, "m164@4", 0},
		{"reordered", func(c *talk) {
			c.syn(99)
			c.send(190, recs[90:])
			c.send(150, recs[50:90])
			c.send(100, recs[:50])
		}, "m164@4", 0},
		{"sequence numbers wrap", func(c *talk) {
			c.syn(0xFFFFFFF0)
			c.send(0x00000055, table)
			c.send(0xFFFFFFF1, cat(start, wins(2, u32(0), make([]byte, 35)))) // 45 and 55 bytes
		}, "m41@3 m51@3 m16@3", 0},
		{"retransmissions", func(c *talk) {
			c.syn(99)
			c.syn(99)
			c.send(100, start)
			c.send(100, start)
			c.send(100, cat(start, table))
			c.send(144, []byte{0}) // keep-alive
		}, "m41@3 m16@5", 0},
		{"the first bytes win", func(c *talk) {
			c.syn(99)
			c.send(120, bytes.Repeat([]byte{0xEE}, 25))
			c.send(110, start[10:])
			c.send(100, start[:12])
		}, "m41@4", 0},
		{"the same segments of two taps", func(c *talk) {
			for range 2 {
				c.syn(99)
			}
			for _, x := range [][2]int{{0, 60}, {60, 200}, {200, len(all)}} {
				for range 2 {
					c.send(uint32(100+x[0]), all[x[0]:x[1]])
				}
			}
		}, "m41@3 m16@5 m164@7 m40@7", 0},
		{"a second tap a little later", func(c *talk) {
			for range 2 {
				c.syn(99)
				c.send(100, all[:60])
				c.send(160, all[60:])
			}
		}, "m41@2 m16@3 m164@3 m40@3", 0},
		{"begun in the middle, at a message", func(c *talk) { c.send(100, start); c.send(145, table) }, "m41@1 m16@2", 0},
		{"begun in the middle of a message", func(c *talk) { c.send(100, recs[70:]); c.send(198, cat(table, start)) }, "m16@2 m41@2", 0},
		{"begun in the middle, next in the same segment", func(c *talk) { c.send(100, cat(recs[60:], table, req)) }, "m16@1 m40@1", 0},
		{"the SYN comes late", func(c *talk) { c.send(100, start); c.syn(99); c.send(100, start); c.send(145, table) }, "m41@1 m16@4", 0},
		{"a hole inside a message", func(c *talk) {
			c.syn(99)
			c.send(100, start)
			c.send(145, recs[:50])
			c.send(145+100, recs[100:])
			c.send(145+168, table)
			c.now += 6 * time.Second
			c.send(145+188, req)
		}, "m41@2 gap50@4 m16@5 m40@6", 1},
		{"a hole over the end of a message", func(c *talk) {
			c.syn(99)
			c.send(100, cat(recs, recs[:50]))
			c.send(100+168+168+10, cat(table[10:], start))
			c.flush()
		}, "m164@2 gap128@3 m41@3", 1},
		{"a hole at the beginning", func(c *talk) { c.syn(99); c.send(145, table); c.flush() }, "m16@2", 1},
		{"a hole where a message ends", func(c *talk) {
			c.syn(99)
			c.send(100, start)
			c.send(165, reply)
			c.flush()
		}, "m41@2 gap20@3 m41@3", 1},
		{"two holes", func(c *talk) {
			c.syn(99)
			c.send(100, recs[:50])
			c.send(160, recs[60:80])
			c.send(190, recs[90:])
			c.send(268, table)
			c.flush()
		}, "gap10@3 gap10@4 m16@5", 2},
		{"a hole that is filled late", func(c *talk) {
			c.syn(99)
			c.send(145, table)
			c.now += 4 * time.Second
			c.send(100, start)
		}, "m41@3 m16@3", 0},
		{"the wait begins anew for each hole", func(c *talk) {
			c.syn(99)
			c.send(145, table)
			c.send(185, table)
			c.now += 4 * time.Second
			c.send(100, start)
			c.now += 4 * time.Second
			c.send(165, table)
		}, "m41@4 m16@4 m16@5 m16@5", 0},
		{"other traffic ends the wait", func(c *talk) {
			c.syn(99)
			c.send(145, table)
			c.now += 6 * time.Second
			c.from(9999, 5, 0x18, nil)
		}, "m16@2", 1},
		{"a reset ends the wait", func(c *talk) { c.syn(99); c.send(145, table); c.from(1750, 165, 0x04, nil) }, "m16@2", 1},
		{"the ports are used again", func(c *talk) {
			c.syn(99)
			c.send(100, recs[:20])
			c.send(145, table)
			c.syn(5000)
			c.send(5001, start)
		}, "gap25@3 m41@5", 1},
		{"used again without a SYN", func(c *talk) { c.syn(99); c.send(100, start); c.send(0x70000000, table) }, "m41@2 gap0@3 m16@3", 1},
		{"FIN with data", func(c *talk) { c.syn(99); c.from(1750, 100, 0x11, winsStop()) }, "m40@2", 0},
		{"data in the SYN", func(c *talk) { c.from(1750, 99, 0x02, start); c.send(145, table) }, "m41@1 m16@2", 0},
		{"directions are apart", func(c *talk) { c.syn(99); c.send(100, start[:20]); c.from(1751, 120, 0x18, start[20:]) }, "", 0},
		{"a message beyond the limit", func(c *talk) {
			c.syn(99)
			c.send(100, cat(u32(5000), recs[4:]))
			for i := range 48 {
				c.send(uint32(268+100*i), make([]byte, 100))
			}
			c.send(268+4800, cat(make([]byte, 36), table))
		}, "gap5004@2 m16@51", 0},
		{"another protocol", func(c *talk) {
			c.syn(99)
			c.send(100, []byte("GET / HTTP/1.0\r\n\r\n"))
			c.send(118, start)
			c.send(900, start)
			c.flush()
		}, "", 0},
		{"another protocol, begun in the middle", func(c *talk) {
			c.send(100, bytes.Repeat([]byte("all work and no play "), 200))
			c.send(9000, make([]byte, 1000))
			c.flush()
		}, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTalk(42, Options{MaxMessage: 4096})
			tt.do(c)
			if got := c.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if g := c.d.Stats().Gaps; g != tt.gaps {
				t.Errorf("gaps %d, want %d", g, tt.gaps)
			}
			for _, p := range c.got {
				if !p.TCP || p.Stream == 0 || p.TTL != 64 || !p.HasDstMAC || p.Src.Port() != 1750 || p.Dst.Port() != 42 {
					t.Errorf("packet %+v", p)
				}
			}
		})
	}
}

// Of bytes that come twice the first are used, before and behind a hole.
func TestFirstBytesWin(t *testing.T) {
	m := winsRequest()
	other := bytes.Repeat([]byte{0xEE}, 10)
	c := newTalk(42, Options{})
	c.syn(99)
	c.send(130, m[30:])
	c.send(120, cat(m[20:30], other)) // its second half comes too late
	c.send(116, cat(m[16:20], other, m[30:]))
	c.send(100, m[:10])
	c.send(105, cat(other[:5], m[10:16], other))
	if len(c.got) != 1 || !bytes.Equal(c.got[0].Payload, m[4:]) {
		t.Errorf("%s: %+v", c, c.got)
	}
}

// A stream of which every segment ends inside a message keeps no more than
// that message.
func TestStreamKeepsOnlyTheRest(t *testing.T) {
	m := winsRecords(40)
	text := bytes.Repeat(m, 1000)
	c := newTalk(42, Options{})
	c.syn(99)
	for at := 0; at < len(text); at += 1000 {
		c.send(100+uint32(at), text[at:min(at+1000, len(text))])
		if n := c.d.streams.bytes; n > 8*len(m) {
			t.Fatalf("%d bytes held at %d", n, at)
		}
	}
	if len(c.got) != 1000 {
		t.Errorf("%d messages", len(c.got))
	}
}

// While looking for the next message, one that nothing sensible follows is
// not believed.
func TestResyncLooksBehindTheMessage(t *testing.T) {
	c := newTalk(42, Options{})
	c.send(100, cat([]byte("xx"), winsTable(), []byte("no header at all, whatever stood before"), winsRequest()))
	if got, want := c.String(), "m40@1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStreamsNBNS(t *testing.T) {
	a, b := nbnsTCP(1, 0), nbnsTCP(2, 30)
	answer := cat(u16(0x1234), u16(0x8503), make([]byte, 8)) // negative, without the record
	c := newTalk(137, Options{})
	c.syn(99)
	c.send(100, cat(a, b, u16(len(answer)), answer, a[:7]))
	c.send(uint32(100+len(a)+len(b)+14+7), a[7:])
	if got, want := c.String(), "m50@2 m80@2 m12@2 m50@3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, p := range c.got {
		if p.Protocol != NBNS || !p.TCP {
			t.Errorf("packet %+v", p)
		}
	}
}

func TestStreamNumbers(t *testing.T) {
	c := newTalk(42, Options{})
	c.from(1000, 1, 0x18, winsStart())
	c.from(1001, 1, 0x18, winsStart())
	c.from(1000, 46, 0x18, winsTable())
	var ids []uint64
	for _, p := range c.got {
		ids = append(ids, p.Stream)
	}
	if !slices.Equal(ids, []uint64{1, 2, 1}) {
		t.Errorf("streams %v", ids)
	}
}

// A scan's SYNs and resets leave no messages and no more streams than allowed.
func TestStreamLimits(t *testing.T) {
	o := Options{MaxStreams: 100, MaxStreamBytes: 1 << 20, MaxMessage: 128 << 10}
	c := newTalk(42, o)
	check := func() {
		t.Helper()
		s := &c.d.streams
		if s.used.Len() > o.MaxStreams || len(s.byKey) != s.used.Len() || s.bytes > o.MaxStreamBytes+2*o.MaxMessage {
			t.Fatalf("frame %d: %d streams, %d bytes", c.frame, s.used.Len(), s.bytes)
		}
	}
	for i := range 5000 {
		c.from(1024+i, uint32(i), 0x02, nil)
		check()
	}
	if s := c.d.Stats(); s.StreamsLost != 0 {
		t.Errorf("%d streams lost that held nothing", s.StreamsLost)
	}
	// Endless segments out of order, on many streams.
	for i := range 20000 {
		c.from(1024+i%200, uint32(1_000_000+1500*(i/100)), 0x18, make([]byte, 1000))
		check()
	}
	// Endless beginnings of long messages.
	long := cat(u32(120<<10), u32(0x7800), u32(0), u32(3), u32(3), u32(1000), make([]byte, 1376))
	for i := range 300 {
		c.from(30000+i, 0, 0x02, nil)
		for j := range 20 {
			c.from(30000+i, uint32(1+1400*j), 0x18, long)
			check()
		}
	}
	if s := c.d.Stats(); s.StreamsLost == 0 {
		t.Error("no stream counted as lost")
	}
	c.flush()
	if c.d.streams.holes.Len() > 0 {
		t.Error("Flush left holes behind")
	}
	held := 0
	for _, s := range c.d.streams.byKey {
		held += cap(s.buf) + s.pendingBytes
	}
	if held != c.d.streams.bytes {
		t.Errorf("%d bytes held, %d counted", held, c.d.streams.bytes)
	}
}

// conversation draws messages and says where each begins and ends in the
// stream, without its length.
func conversation(t *rapid.T, proto Protocol) (stream []byte, bounds []span) {
	for i := range rapid.IntRange(1, 12).Draw(t, "messages") {
		var m []byte
		if proto == NBNS {
			m = nbnsTCP(i, rapid.IntRange(0, 400).Draw(t, "pad"))
		} else {
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				m = winsStart()
			case 1:
				m = winsReply()
			case 2:
				m = winsStop()
			case 3:
				m = winsTable()
			case 4:
				m = winsRequest()
			case 5:
				m = winsOwners(rapid.IntRange(0, 10).Draw(t, "owners"))
			case 6:
				m = winsRecords(rapid.IntRange(0, 100).Draw(t, "records"))
			}
		}
		bounds = append(bounds, span{len(stream), len(stream) + len(m)})
		stream = append(stream, m...)
	}
	return stream, bounds
}

// cutting draws segments that cover the stream, some overlapping, some twice.
func cutting(t *rapid.T, n int) []span {
	var segs []span
	for at := 0; at < n; {
		size := rapid.IntRange(1, 1500).Draw(t, "size")
		if rapid.IntRange(0, 9).Draw(t, "tiny") == 0 {
			size = rapid.IntRange(1, 5).Draw(t, "few")
		}
		s := span{max(0, at-rapid.SampledFrom([]int{0, 0, 0, 1, 50}).Draw(t, "overlap")), min(at+size, n)}
		segs = append(segs, s)
		if rapid.IntRange(0, 5).Draw(t, "twice") == 0 {
			segs = append(segs, s)
		}
		at = s.to
	}
	return segs
}

// Any segmentation and order gives the same messages, each at the frame that
// completes it.
func TestStreamsAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proto, port := WINSRepl, 42
		if rapid.Bool().Draw(t, "nbns") {
			proto, port = NBNS, 137
		}
		stream, bounds := conversation(t, proto)
		segs := cutting(t, len(stream))
		if len(segs) > maxPending {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		if rapid.Bool().Draw(t, "shuffled") {
			r.Shuffle(len(segs), func(i, j int) { segs[i], segs[j] = segs[j], segs[i] })
		}
		first := rapid.SampledFrom([]uint32{0, 1000, 0xFFFFFFFF, 0xFFFFF000}).Draw(t, "first")
		c := newTalk(port, Options{})
		c.syn(first - 1)
		arrived := make([]int64, len(stream)) // frame that first brought each byte
		for _, s := range segs {
			c.send(first+uint32(s.from), stream[s.from:s.to])
			for i := s.from; i < s.to; i++ {
				if arrived[i] == 0 {
					arrived[i] = c.frame
				}
			}
		}
		if len(c.got) != len(bounds) {
			t.Fatalf("%d messages, want %d: %s", len(c.got), len(bounds), c)
		}
		for i, b := range bounds {
			if want := stream[b.from+prefixLen(proto) : b.to]; !bytes.Equal(c.got[i].Payload, want) {
				t.Fatalf("message %d: % x, want % x", i, c.got[i].Payload, want)
			}
			if want := slices.Max(arrived[:b.to]); c.got[i].Frame != want {
				t.Fatalf("message %d at frame %d, completed by %d", i, c.got[i].Frame, want)
			}
		}
		if s := c.d.Stats(); s.Gaps != 0 || c.d.streams.holes.Len() > 0 {
			t.Fatalf("stats %+v", s)
		}
	})
}

// With segments missing, exactly the messages that lost no byte are given,
// and holes between them are told.
func TestStreamsLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proto, port := WINSRepl, 42
		if rapid.Bool().Draw(t, "nbns") {
			proto, port = NBNS, 137
		}
		stream, bounds := conversation(t, proto)
		segs := cutting(t, len(stream))
		if len(segs) > maxPending {
			t.Skip()
		}
		segs = slices.DeleteFunc(segs, func(span) bool { return rapid.IntRange(0, 4).Draw(t, "lost") == 0 })
		covered := make([]bool, len(stream))
		for _, s := range segs {
			for i := s.from; i < s.to; i++ {
				covered[i] = true
			}
		}
		if rapid.Bool().Draw(t, "shuffled") {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
			r.Shuffle(len(segs), func(i, j int) { segs[i], segs[j] = segs[j], segs[i] })
		}
		c := newTalk(port, Options{})
		c.syn(0xFFFFFF00 - 1)
		for _, s := range segs {
			c.send(0xFFFFFF00+uint32(s.from), stream[s.from:s.to])
		}
		c.flush()
		var want [][]byte
		for _, b := range bounds {
			if !slices.Contains(covered[b.from:b.to], false) {
				want = append(want, stream[b.from+prefixLen(proto):b.to])
			}
		}
		var got [][]byte
		for _, p := range c.got {
			if p.Protocol != WINSGap {
				got = append(got, p.Payload)
			}
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%d messages, want %d: %s", len(got), len(want), c)
		}
		holes := 0
		for i := range covered {
			if i > 0 && covered[i] && !covered[i-1] {
				holes++
			}
		}
		if s := c.d.Stats(); s.Gaps != int64(holes) {
			t.Fatalf("%d gaps, want %d", s.Gaps, holes)
		}
	})
}

// FuzzStreams gives arbitrary segments to a few streams. Each five bytes of
// script are a segment: stream and flags, sequence number, place and length
// in the bytes.
func FuzzStreams(f *testing.F) {
	all := cat(winsStart(), winsTable(), winsRecords(4), winsRequest(), nbnsTCP(1, 3))
	f.Add([]byte{0x02, 0, 0, 0, 0, 0x18, 1, 0, 0, 200, 0x18, 201, 0, 200, 100}, all)
	f.Add([]byte{0x1A, 100, 0, 0, 45, 0x18, 0, 200, 0, 9}, all)
	f.Fuzz(func(t *testing.T, script, text []byte) {
		o := Options{MaxStreams: 3, MaxStreamBytes: 8 << 10, MaxMessage: 4 << 10}
		ports := []int{42, 137}
		run := func() (string, Stats) {
			c := newTalk(42, o)
			for s := script; len(s) >= 5; s = s[5:] {
				c.port = ports[s[0]>>5&1]
				c.now += time.Duration(s[0]>>6) * time.Second
				from := min(int(s[3])*4, len(text))
				to := min(from+int(s[4])*4, len(text))
				for _, p := range c.from(1024+int(s[0]>>6), uint32(s[1])<<2|uint32(s[2])<<24, s[0]&0x1F, text[from:to]) {
					if p.Protocol != WINSGap && len(p.Payload) < 12 || len(p.Payload) > 64<<10 {
						t.Fatalf("payload of %d bytes", len(p.Payload))
					}
				}
				if d := c.d; d.streams.bytes > o.MaxStreamBytes+4*o.MaxMessage || d.streams.used.Len() > o.MaxStreams {
					t.Fatalf("%d bytes in %d streams", d.streams.bytes, d.streams.used.Len())
				}
			}
			c.flush()
			return fmt.Sprintf("%v", c.got), c.d.Stats()
		}
		first, stats := run()
		if again, s := run(); again != first || fmt.Sprint(s) != fmt.Sprint(stats) {
			t.Fatal("not the same twice")
		}
	})
}

// A whole database in one message, as large sites send it.
func BenchmarkLongReply(b *testing.B) {
	reply := winsRecords(2000)
	var frames []*captures.Frame
	for at := 0; at < len(reply); at += 1448 {
		seg := reply[at:min(at+1448, len(reply))]
		frames = append(frames, frame(ethernet, eth(etherIPv4, ip4(hostA, hostB, protoTCP, 1, 0, tcp(1750, 42, uint32(at), 0x18, seg)))))
	}
	b.SetBytes(int64(len(reply)))
	b.ReportAllocs()
	offset := uint32(0)
	d := NewDecoder(Options{})
	out := make([]Packet, 0, 8)
	n := 0
	for b.Loop() {
		for i, f := range frames {
			binary.BigEndian.PutUint32(f.Data[14+20+4:], offset+uint32(1448*i))
			out = d.Decode(f, out[:0])
			n += len(out)
		}
		offset += uint32(len(reply))
	}
	if n == 0 {
		b.Fatal("no message")
	}
}
