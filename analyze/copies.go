package analyze

import (
	"hash/maphash"
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
	seed   maphash.Seed
	seen   map[uint64]*sighting
	order  []*sighting // by time of the first sighting
	head   int
	spares []*sighting
}

// sighting is a packet with the places that saw it.
type sighting struct {
	hash   uint64
	time   int64
	places []place
	gone   bool

	kind exchange.MessageKind
	x    *exchange.Exchange
	id   uint64 // of x, which may since have been used again
	ref  exchange.FrameRef
}

type place struct {
	input, iface int
	ttl          uint8
	src, dst     [6]byte
}

func newCopies() *copies {
	return &copies{seed: maphash.MakeSeed(), seen: map[uint64]*sighting{}}
}

// look returns the earlier sighting of the packet, or begins a new one.
func (c *copies) look(p *wire.Packet, now int64) (s *sighting, isCopy bool) {
	for c.head < len(c.order) && now-c.order[c.head].time > copyWindow {
		o := c.order[c.head]
		c.order[c.head] = nil
		c.head++
		if !o.gone {
			delete(c.seen, o.hash)
		}
		o.x = nil
		c.spares = append(c.spares, o)
	}
	if c.head > 1024 && c.head*2 > len(c.order) {
		c.order = c.order[:copy(c.order, c.order[c.head:])]
		c.head = 0
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.Write(p.Payload)
	src, dst := p.Src.Addr().As16(), p.Dst.Addr().As16()
	h.Write(src[:])
	h.Write(dst[:])
	h.Write([]byte{byte(p.Src.Port()), byte(p.Src.Port() >> 8), byte(p.Dst.Port()), byte(p.Dst.Port() >> 8), byte(p.IPID), byte(p.IPID >> 8)})
	sum := h.Sum64()
	at := place{p.Input, p.Interface, p.TTL, p.SrcMAC, p.DstMAC}
	if s = c.seen[sum]; s != nil {
		fresh := true
		for _, q := range s.places {
			if q == at {
				fresh = false
				break
			}
		}
		if fresh {
			s.places = append(s.places, at)
			return s, true
		}
		s.gone = true
	}
	if n := len(c.spares); n > 0 {
		s, c.spares = c.spares[n-1], c.spares[:n-1]
		*s = sighting{places: s.places[:0]}
	} else {
		s = &sighting{}
	}
	s.hash, s.time = sum, now
	s.places = append(s.places, at)
	c.seen[sum] = s
	c.order = append(c.order, s)
	return s, false
}
