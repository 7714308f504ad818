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
	buckets []int              // by hash: number of the latest sighting, which may be over
	others  map[uint64][]place // by hash: further places that saw a packet
	head    int                // number of the oldest that is not over
	end     int                // number of the next one, from 1
}

// sighting is a packet with the first place that saw it.
type sighting struct {
	hash   uint64
	time   int64
	older  int // number of the one before it in the bucket, which may be over
	first  place
	copied bool // there are others
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
	return copies{hash: newPacketHash(), ring: make([]sighting, leastSightings), buckets: make([]int, leastSightings), others: map[uint64][]place{}, head: 1, end: 1}
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
	for c.head < c.end && p.Time-c.at(c.head).time > copyWindow {
		if o := c.at(c.head); o.copied {
			delete(c.others, o.hash)
		}
		c.head++
	}
	at := place{int32(p.Input), int32(p.Interface), p.SrcMAC, p.DstMAC, p.TTL}
	for n := *c.bucket(sum); n >= c.head; n = c.at(n).older {
		s := c.at(n)
		if s.hash != sum {
			continue
		}
		if s.first != at && !(s.copied && slices.Contains(c.others[sum], at)) {
			s.copied = true
			c.others[sum] = append(c.others[sum], at)
			return seen{n, c.head, true, s.first.input == at.input}
		}
		// It was sent again, and what comes is a copy of that.
		if s.copied {
			delete(c.others, sum)
			s.copied = false
		}
		break
	}
	if c.end-c.head == len(c.ring) {
		c.grow()
	}
	n := c.end
	c.end++
	b := c.bucket(sum)
	*c.at(n) = sighting{hash: sum, time: p.Time, first: at, older: *b}
	*b = n
	return seen{number: n, oldest: c.head}
}

func (c *copies) at(number int) *sighting { return &c.ring[number&(len(c.ring)-1)] }

func (c *copies) bucket(sum uint64) *int { return &c.buckets[int(sum)&(len(c.buckets)-1)] }

// grow makes the ring twice as large.
func (c *copies) grow() {
	old := c.ring
	c.ring = make([]sighting, 2*len(old))
	c.buckets = make([]int, 2*len(old))
	for n := c.head; n < c.end; n++ {
		s := old[n&(len(old)-1)]
		b := c.bucket(s.hash)
		s.older, *b = *b, n
		*c.at(n) = s
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
