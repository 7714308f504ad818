package analyze

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/wire"
)

// copyWindow is how far apart, in frame time, two taps may see one packet.
const copyWindow = int64(time.Second)

// copies recognises a packet that several taps saw: the same addresses, IP
// identification and payload at another place (another input, another
// interface, another TTL or other MAC addresses because a router lies
// between). The same packet at the same place again is a retransmission, not
// a copy, as is one with another IP identification.
//
// Packets alone say that, so it is found out where they are decoded, beside the
// engine. Sightings are numbered; by the number the engine finds what it made
// of the packet that was seen first.
type copies struct {
	hash    packetHash
	ring    []sighting         // a power of two, by time of the first sighting
	buckets []int32            // by hash: the latest sighting, 0 for none, else its place in the ring plus one
	others  map[uint64][]place // by hash: further places that saw a packet
	head    int                // number of the oldest
	end     int                // number of the next one
}

// sighting is a packet with the first place that saw it.
type sighting struct {
	hash   uint64
	time   int64
	first  place
	next   int32 // in the bucket
	gone   bool  // no longer in its bucket: the packet was sent again
	copied bool  // there are others
}

// seen says which sighting a packet is.
type seen struct {
	number int
	oldest int  // number of the oldest sighting that a copy may still be of
	copy   bool // it is not the first place to see the packet
	within bool // it is of the same input as the first
}

type place struct {
	input, iface int32
	src, dst     [6]byte
	ttl          uint8
}

const leastSightings = 256

func newCopies() copies {
	return copies{hash: newPacketHash(), ring: make([]sighting, leastSightings), buckets: make([]int32, leastSightings), others: map[uint64][]place{}}
}

// packetHash sums up what copies of a packet have in common.
type packetHash struct {
	seed maphash.Seed
	key  uint64
}

func newPacketHash() packetHash { return packetHash{maphash.MakeSeed(), rand.Uint64()} }

func (c packetHash) of(p *wire.Packet) uint64 {
	h := maphash.Bytes(c.seed, p.Payload)
	ends := uint64(p.Src.Port())<<32 | uint64(p.Dst.Port())<<16 | uint64(p.IPID)
	h = mix(h^ends, c.key)
	if src, dst := p.Src.Addr(), p.Dst.Addr(); src.Is4() && dst.Is4() {
		a, b := src.As4(), dst.As4()
		return mix(h^uint64(binary.LittleEndian.Uint32(a[:]))<<32^uint64(binary.LittleEndian.Uint32(b[:])), c.key)
	}
	for _, a := range [...][16]byte{p.Src.Addr().As16(), p.Dst.Addr().As16()} {
		h = mix(h^binary.LittleEndian.Uint64(a[:]), c.key)
		h = mix(h^binary.LittleEndian.Uint64(a[8:]), c.key)
	}
	return h
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b|1)
	return hi ^ lo
}

// look finds the sighting of the packet, or begins one.
func (c *copies) look(p *wire.Packet) seen {
	sum := c.hash.of(p)
	mask := len(c.ring) - 1
	for c.head < c.end && p.Time-c.ring[c.head&mask].time > copyWindow {
		if o := &c.ring[c.head&mask]; !o.gone {
			c.unlink(o, c.head&mask)
		}
		c.head++
	}
	at := place{int32(p.Input), int32(p.Interface), p.SrcMAC, p.DstMAC, p.TTL}
	for i := c.buckets[int(sum)&mask]; i != 0; {
		s := &c.ring[i-1]
		if s.hash != sum {
			i = s.next
			continue
		}
		if s.first != at && !(s.copied && slices.Contains(c.others[sum], at)) {
			s.copied = true
			c.others[sum] = append(c.others[sum], at)
			number := c.head + (int(i-1)-c.head)&mask
			return seen{number, c.head, true, s.first.input == at.input}
		}
		c.unlink(s, int(i-1))
		s.gone = true
		break
	}
	if c.end-c.head == len(c.ring) {
		c.grow()
		mask = len(c.ring) - 1
	}
	i := c.end & mask
	c.ring[i] = sighting{hash: sum, time: p.Time, first: at}
	c.link(&c.ring[i], i)
	c.end++
	return seen{number: c.end - 1, oldest: c.head}
}

func (c *copies) link(s *sighting, i int) {
	b := &c.buckets[int(s.hash)&(len(c.buckets)-1)]
	s.next, *b = *b, int32(i+1)
}

func (c *copies) unlink(s *sighting, i int) {
	b := &c.buckets[int(s.hash)&(len(c.buckets)-1)]
	for *b != int32(i+1) {
		b = &c.ring[*b-1].next
	}
	*b = s.next
	if s.copied {
		delete(c.others, s.hash)
	}
}

// grow makes the ring twice as large.
func (c *copies) grow() {
	old := c.ring
	c.ring = make([]sighting, 2*len(old))
	c.buckets = make([]int32, 2*len(old))
	for n := c.head; n < c.end; n++ {
		i := n & (len(c.ring) - 1)
		c.ring[i] = old[n&(len(old)-1)]
		if s := &c.ring[i]; !s.gone {
			c.link(s, i)
		}
	}
}

// taken is what the engine made of a message.
type taken struct {
	x     *exchange.Exchange
	id    uint64 // of x, which may since have been used again
	frame uint8  // place of the message among the frames of x
	kind  exchange.MessageKind
}

// takings are what the engine made of the messages that there may be copies
// of, by number of their sighting.
type takings struct{ ring []taken } // a power of two

func (t *takings) at(s seen) *taken {
	if s.number-s.oldest >= len(t.ring) {
		t.grow(s)
	}
	return &t.ring[s.number&(len(t.ring)-1)]
}

func (t *takings) grow(s seen) {
	old, n := t.ring, max(leastSightings, len(t.ring))
	for n <= s.number-s.oldest {
		n *= 2
	}
	t.ring = make([]taken, n)
	if len(old) == 0 {
		return
	}
	for k := s.oldest; k < s.number; k++ {
		t.ring[k&(n-1)] = old[k&(len(old)-1)]
	}
}
