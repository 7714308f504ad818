package wire

import (
	"bytes"
	"container/list"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

const (
	maxDatagram = 0xFFFF - 20 // payload of an IPv4 datagram
	maxRanges   = 64          // pieces with holes between them in one datagram

	// afterlife is how long a finished or refused datagram is remembered,
	// so that a second tap's copies do not begin a new one. Identifications
	// come round again later than that.
	afterlife = int64(time.Second)
)

// fragments holds the IPv4 datagrams that are not complete yet, RFC 791 3.2.
type fragments struct {
	byKey map[fragKey]*datagram
	age   *list.List // of *datagram, by time of the first fragment or of the end
	bytes int        // capacity of all buffers
}

type fragKey struct {
	src, dst netip.Addr
	id       uint16
	proto    uint8
}

type datagram struct {
	key    fragKey
	since  int64
	buf    []byte
	ranges []span // what is there, in order, not touching each other
	total  int    // its length, -1 until the last fragment is seen
	pieces int64
	over   bool // complete, refused or not ours: swallow what comes
	place  *list.Element
}

type span struct{ from, to int }

func (t *fragments) init() {
	t.byKey = make(map[fragKey]*datagram)
	t.age = list.New()
}

// fragment takes the payload of one fragment, of which want bytes were sent,
// and goes on with the datagram if that completes it. Exact copies are
// tolerated; fragments that overlap otherwise or contradict each other refuse
// the whole datagram.
func (d *Decoder) fragment(proto uint8, offset int, more bool, b []byte, want int) {
	if !canFragment(proto) {
		return
	}
	if len(b) < want { // cut, or shorter than it claims: the rest will not come
		if offset == 0 && d.lack > 0 {
			d.transport(proto, b, maxDatagram)
			return
		}
		d.stats.Fragments++
		d.stats.FragmentsBad++
		return
	}
	t := &d.frags
	key := fragKey{src: d.src, dst: d.dst, id: d.p.IPID, proto: proto}
	d.expireDatagrams()
	g := t.byKey[key]
	if g != nil && g.over && d.now-g.since > afterlife {
		d.dropDatagram(g)
		g = nil
	}
	if g == nil {
		g = d.newDatagram(key)
	}
	if g.over {
		return
	}
	if offset == 0 && !fragmentConcerns(proto, b) {
		d.stats.Fragments -= g.pieces
		d.finish(g)
		return
	}
	d.stats.Fragments++
	g.pieces++
	end := offset + len(b)
	if len(b) == 0 || more && len(b)%8 != 0 || end > maxDatagram || !g.fits(end, more) {
		d.refuse(g)
		return
	}
	if !d.store(g, offset, b) {
		d.refuse(g)
		return
	}
	if g.total < 0 || len(g.ranges) != 1 || g.ranges[0] != (span{0, g.total}) {
		return
	}
	whole := g.buf[:g.total]
	d.finish(g)
	lack := d.lack
	d.lack = 0
	d.transport(proto, whole, len(whole))
	d.lack = lack
}

// fragmentConcerns judges the first fragment of a datagram by its ports.
func fragmentConcerns(proto uint8, b []byte) bool {
	if proto != protoUDP && proto != protoTCP {
		return true
	}
	if len(b) < 4 {
		return false
	}
	src, dst := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if proto == protoTCP {
		return tcpProtocol(src, dst) != 0
	}
	return udpProtocol(src, dst) != 0 || isTunnelPort(src) || isTunnelPort(dst)
}

// fits checks the end of a fragment against what is known of the datagram's
// length, and learns from it.
func (g *datagram) fits(end int, more bool) bool {
	if g.total >= 0 {
		return end <= g.total && (more || end == g.total)
	}
	if more {
		return true
	}
	if n := len(g.ranges); n > 0 && g.ranges[n-1].to > end {
		return false
	}
	g.total = end
	return true
}

// store keeps the bytes of one fragment and reports false for an overlap that
// is no copy, or too many pieces.
func (d *Decoder) store(g *datagram, from int, b []byte) bool {
	to := from + len(b)
	// The first range that ends behind from: the only one that may hold it.
	i, _ := slices.BinarySearchFunc(g.ranges, from, func(s span, at int) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	if i < len(g.ranges) && g.ranges[i].from < to {
		s := g.ranges[i]
		return s.from <= from && to <= s.to && bytes.Equal(g.buf[from:to], b)
	}
	joinsLeft := i > 0 && g.ranges[i-1].to == from
	joinsRight := i < len(g.ranges) && g.ranges[i].from == to
	switch {
	case joinsLeft && joinsRight:
		g.ranges[i-1].to = g.ranges[i].to
		g.ranges = slices.Delete(g.ranges, i, i+1)
	case joinsLeft:
		g.ranges[i-1].to = to
	case joinsRight:
		g.ranges[i].from = from
	default:
		if len(g.ranges) == maxRanges {
			return false
		}
		g.ranges = slices.Insert(g.ranges, i, span{from, to})
	}
	if to > len(g.buf) {
		before := cap(g.buf)
		g.buf = append(g.buf, make([]byte, to-len(g.buf))...)
		d.frags.bytes += cap(g.buf) - before
	}
	copy(g.buf[from:], b)
	d.limitFragments(g)
	return true
}

func (d *Decoder) newDatagram(key fragKey) *datagram {
	t := &d.frags
	for t.age.Len() >= d.opts.MaxDatagrams {
		d.dropDatagram(t.age.Front().Value.(*datagram))
	}
	g := &datagram{key: key, since: d.now, total: -1}
	g.place = t.age.PushBack(g)
	t.byKey[key] = g
	return g
}

// limitFragments drops the oldest datagrams but g until the bytes fit. One
// datagram alone always fits.
func (d *Decoder) limitFragments(g *datagram) {
	t := &d.frags
	for e := t.age.Front(); e != nil && t.bytes > d.opts.MaxFragments; {
		next := e.Next()
		if old := e.Value.(*datagram); old != g {
			d.dropDatagram(old)
		}
		e = next
	}
}

// finish frees a datagram's buffer and leaves it to swallow copies.
func (d *Decoder) finish(g *datagram) {
	d.frags.bytes -= cap(g.buf)
	g.buf, g.ranges, g.over, g.since = nil, nil, true, d.now
	d.frags.age.MoveToBack(g.place)
}

func (d *Decoder) refuse(g *datagram) {
	d.stats.FragmentsBad += g.pieces
	d.finish(g)
}

func (d *Decoder) dropDatagram(g *datagram) {
	if !g.over {
		d.refuse(g)
	}
	delete(d.frags.byKey, g.key)
	d.frags.age.Remove(g.place)
}

// expireDatagrams drops what is too old. A finished one may have to wait for
// an older one in front of it; fragment then looks at its age again.
func (d *Decoder) expireDatagrams() {
	t := &d.frags
	for e := t.age.Front(); e != nil; e = t.age.Front() {
		g := e.Value.(*datagram)
		limit := int64(d.opts.FragmentTimeout)
		if g.over {
			limit = afterlife
		}
		if d.now-g.since <= limit {
			break
		}
		d.dropDatagram(g)
	}
}

// dropAllDatagrams ends the input.
func (d *Decoder) dropAllDatagrams() {
	for e := d.frags.age.Front(); e != nil; e = d.frags.age.Front() {
		d.dropDatagram(e.Value.(*datagram))
	}
}
