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
type copies struct {
	ring    []sighting         // a power of two, by time of the first sighting
	buckets []int32            // by hash: the latest sighting, 0 for none, else its place in the ring plus one
	others  map[uint64][]place // by hash: further places that saw a packet
	head    int                // of the oldest, counted without end
	end     int                // behind the latest
}

// sighting is a packet with the first place that saw it, in a line of the
// processor's cache.
type sighting struct {
	hash uint64
	time int64
	x    *exchange.Exchange
	id   uint64 // of x, which may since have been used again

	first  place
	next   int32 // in the bucket
	frame  uint8 // place of the message among the frames of x
	kind   exchange.MessageKind
	gone   bool // no longer in its bucket: the packet was sent again
	copied bool // there are others
}

type place struct {
	input, iface int32
	src, dst     [6]byte
	ttl          uint8
}

const leastSightings = 256

func newCopies() *copies {
	return &copies{ring: make([]sighting, leastSightings), buckets: make([]int32, leastSightings), others: map[uint64][]place{}}
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

// look returns the earlier sighting of the packet with the sum, or begins a new
// one. It is valid until the next call.
func (c *copies) look(p *wire.Packet, sum uint64, now int64) (s *sighting, isCopy bool) {
	mask := len(c.ring) - 1
	for c.head < c.end && now-c.ring[c.head&mask].time > copyWindow {
		o := &c.ring[c.head&mask]
		if !o.gone {
			c.unlink(o, c.head&mask)
		}
		o.x = nil
		c.head++
	}
	at := place{int32(p.Input), int32(p.Interface), p.SrcMAC, p.DstMAC, p.TTL}
	for i := c.buckets[int(sum)&mask]; i != 0; i = s.next {
		s = &c.ring[i-1]
		if s.hash != sum {
			continue
		}
		if s.first != at && !(s.copied && slices.Contains(c.others[sum], at)) {
			s.copied = true
			c.others[sum] = append(c.others[sum], at)
			return s, true
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
	c.end++
	s = &c.ring[i]
	*s = sighting{hash: sum, time: now, first: at}
	c.link(s, i)
	return s, false
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
	old, n := c.ring, len(c.ring)
	c.ring = make([]sighting, 2*n)
	c.buckets = make([]int32, 2*n)
	for k := range n {
		c.ring[k] = old[(c.head+k)&(n-1)]
		if s := &c.ring[k]; !s.gone {
			c.link(s, k)
		}
	}
	c.head, c.end = 0, n
}
