package wire

import (
	"container/list"
	"net/netip"
	"slices"
)

const (
	maxPending = 256     // segments that wait behind holes of one stream
	maxAhead   = 1 << 24 // sequence numbers farther off than this begin anew

	// segmentCost is what a waiting segment counts beside its bytes.
	segmentCost = 512

	// keepBuffer is the largest empty buffer that a stream holds on to.
	keepBuffer = 4 << 10

	// lateSYN is how far before the bytes seen a SYN may lie that is taken
	// for the beginning of the same connection.
	lateSYN = 64 << 10
)

// TCP flags.
const (
	tcpSYN = 0x02
	tcpRST = 0x04
)

// streams holds the TCP directions that carry messages of ours. Bytes are put
// in order by sequence number; of bytes sent twice the first to arrive are
// used. A hole is waited for and then given up, at the price of the message
// it hits: by the first frame of use after HoleWait, or by Flush.
type streams struct {
	byKey map[streamKey]*stream
	used  *list.List // of *stream, the least recently used in front
	holes *list.List // of *stream with segments behind a hole, the longest waiting in front
	bytes int        // held by all of them
	last  uint64     // number given to the last one
}

type streamKey struct{ src, dst netip.AddrPort }

// stream is one direction of a connection.
type stream struct {
	key   streamKey
	id    uint64
	proto Protocol

	known bool   // next is known
	next  uint32 // sequence number of the first byte that is missing
	syn   bool   // the SYN was seen
	isn   uint32

	// Framing of the bytes in order.
	foreign   bool // the first bytes are no message: some other protocol
	confirmed bool // a message has been seen
	search    bool // where the next message begins is not known
	skip      int  // bytes until the next message begins
	buf       []byte
	off       int    // buf[off:] is not used up
	epoch     uint64 // call in which buf was last written or read

	pending      []*pending // behind holes, in order, without overlaps
	pendingBytes int
	since        int64 // when the wait for the first hole began

	place *list.Element // in used
	hole  *list.Element // in holes, nil without pending segments
}

// pending is a segment that came before its turn, with what its frame says.
type pending struct {
	seq  uint32
	data []byte
	p    Packet
}

func (t *streams) init() {
	t.byKey = make(map[streamKey]*stream)
	t.used = list.New()
	t.holes = list.New()
}

// distance is a-b in the circle of sequence numbers, RFC 9293 3.4.
func distance(a, b uint32) int { return int(int32(a - b)) }

// segment takes a TCP segment. p says where it comes from.
func (d *Decoder) segment(p *Packet, seq uint32, flags uint8, data []byte) {
	key := streamKey{src: p.Src, dst: p.Dst}
	s := d.streams.byKey[key]
	if s == nil && flags&tcpSYN == 0 && len(data) == 0 {
		return
	}
	if flags&tcpRST != 0 { // its text, if any, is no part of the stream
		if s != nil {
			d.giveUpHolesOf(s)
		}
		return
	}
	if flags&tcpSYN != 0 {
		if s != nil && !s.begins(seq) { // the ports are used again
			d.endStream(s)
			s = nil
		}
		if s == nil {
			s = d.newStream(key, p.Protocol)
			s.syn, s.isn = true, seq
			s.known, s.next = true, seq+1
		}
		seq++
	}
	if s == nil {
		s = d.newStream(key, p.Protocol)
	}
	d.streams.used.MoveToBack(s.place)
	if len(data) > 0 && !s.foreign {
		d.arrive(s, p, seq, data)
	}
}

// arrive puts bytes of a stream in their place: in order, behind a hole, or
// nowhere if they were there before.
func (d *Decoder) arrive(s *stream, p *Packet, seq uint32, data []byte) {
	if !s.known {
		s.known, s.next, s.search = true, seq, true
	}
	ahead := distance(seq, s.next)
	switch {
	case ahead > maxAhead || ahead < -maxAhead:
		d.restart(s, p, seq)
	case ahead > 0:
		d.hold(s, p, seq, data)
		for len(s.pending) > maxPending || s.pendingBytes > d.opts.MaxMessage {
			d.giveUpHole(s)
		}
		d.limitStreams(s)
		return
	case -ahead >= len(data): // seen before
		return
	default:
		data = data[-ahead:]
	}
	if len(s.pending) > 0 && len(data) > distance(s.pending[0].seq, s.next) {
		d.hold(s, p, s.next, data) // some of it came before
	} else {
		d.feed(s, data, p)
		s.next += uint32(len(data))
	}
	d.drain(s, p)
	d.limitStreams(s)
}

// begins reports whether a SYN with this sequence number is a copy of the one
// that began s, or a late one that s has begun without.
func (s *stream) begins(seq uint32) bool {
	if s.syn {
		return s.isn == seq
	}
	ahead := distance(seq+1, s.next)
	return ahead <= 0 && ahead >= -lateSYN
}

func (d *Decoder) newStream(key streamKey, proto Protocol) *stream {
	t := &d.streams
	for t.used.Len() >= d.opts.MaxStreams {
		d.evictStream(t.used.Front().Value.(*stream))
	}
	t.last++
	s := &stream{key: key, id: t.last, proto: proto}
	s.place = t.used.PushBack(s)
	t.byKey[key] = s
	return s
}

// restart goes on at seq after sequence numbers that cannot belong to what
// came before.
func (d *Decoder) restart(s *stream, p *Packet, seq uint32) {
	d.giveUpHolesOf(s)
	d.lose(s, 0, p)
	s.next = seq
}

// hold keeps a segment for later, without the bytes that others brought first.
func (d *Decoder) hold(s *stream, p *Packet, seq uint32, data []byte) {
	for i := 0; len(data) > 0; i++ {
		room := len(data)
		if i < len(s.pending) {
			room = distance(s.pending[i].seq, seq)
		}
		if room > 0 {
			n := min(room, len(data))
			q := &pending{seq: seq, data: slices.Clone(data[:n]), p: *p}
			q.p.VLAN = slices.Clone(p.VLAN)
			s.pending = slices.Insert(s.pending, i, q)
			d.weigh(s, n+segmentCost)
			seq += uint32(n)
			data = data[n:]
			continue
		}
		if over := distance(s.pending[i].end(), seq); over > 0 {
			n := min(over, len(data))
			seq += uint32(n)
			data = data[n:]
		}
	}
	if s.hole == nil {
		s.since = d.now
		s.hole = d.streams.holes.PushBack(s)
	}
}

func (q *pending) end() uint32 { return q.seq + uint32(len(q.data)) }

// weigh counts bytes of pending segments, negative ones when they go.
func (d *Decoder) weigh(s *stream, n int) {
	s.pendingBytes += n
	d.streams.bytes += n
}

// drain feeds the segments whose turn has come. p is the packet that closed
// the hole in front of them, nil if it was given up. If that leads to another
// hole, the wait for that one begins now.
func (d *Decoder) drain(s *stream, p *Packet) {
	drained := 0
	for _, q := range s.pending {
		ahead := distance(q.seq, s.next)
		if ahead > 0 {
			break
		}
		drained++
		d.weigh(s, -len(q.data)-segmentCost)
		if -ahead >= len(q.data) {
			continue
		}
		from := p
		if from == nil {
			from = &q.p
		}
		d.feed(s, q.data[-ahead:], from)
		s.next = q.end()
	}
	if drained == 0 {
		return
	}
	s.pending = slices.Delete(s.pending, 0, drained)
	if len(s.pending) == 0 {
		d.streams.holes.Remove(s.hole)
		s.hole = nil
		return
	}
	s.since = d.now
	d.streams.holes.MoveToBack(s.hole)
}

// giveUpHole takes the first hole for lost and goes on behind it.
func (d *Decoder) giveUpHole(s *stream) {
	q := s.pending[0]
	d.lose(s, distance(q.seq, s.next), &q.p)
	s.next = q.seq
	d.drain(s, nil)
}

// giveUpHolesOf gives up all holes of a stream.
func (d *Decoder) giveUpHolesOf(s *stream) {
	for len(s.pending) > 0 {
		d.giveUpHole(s)
	}
}

// giveUpHoles gives up what has waited too long at the time now.
func (d *Decoder) giveUpHoles(now int64) {
	for e := d.streams.holes.Front(); e != nil; e = d.streams.holes.Front() {
		s := e.Value.(*stream)
		if now-s.since <= int64(d.opts.HoleWait) {
			return
		}
		d.giveUpHole(s)
	}
}

// giveUpAllHoles ends the input.
func (d *Decoder) giveUpAllHoles() {
	for e := d.streams.holes.Front(); e != nil; e = d.streams.holes.Front() {
		d.giveUpHole(e.Value.(*stream))
	}
}

// endStream gives up the holes of a stream and forgets it.
func (d *Decoder) endStream(s *stream) {
	d.giveUpHolesOf(s)
	d.forget(s)
}

// evictStream forgets a stream because of the limits, with what it holds.
func (d *Decoder) evictStream(s *stream) {
	if len(s.pending) > 0 || s.off < len(s.buf) || s.skip > 0 {
		d.stats.StreamsLost++
	}
	d.forget(s)
}

func (d *Decoder) forget(s *stream) {
	t := &d.streams
	d.weigh(s, -s.pendingBytes)
	t.bytes -= cap(s.buf)
	if s.hole != nil {
		t.holes.Remove(s.hole)
	}
	t.used.Remove(s.place)
	delete(t.byKey, s.key)
}

// limitStreams evicts the least recently used streams but s until the bytes
// fit; s alone is bounded by the longest message and as much behind holes.
func (d *Decoder) limitStreams(s *stream) {
	t := &d.streams
	for e := t.used.Front(); e != nil && t.bytes > d.opts.MaxStreamBytes; {
		next := e.Next()
		if old := e.Value.(*stream); old != s && old.held() {
			d.evictStream(old)
		}
		e = next
	}
}

func (s *stream) held() bool { return cap(s.buf) > 0 || s.pendingBytes > 0 }

// feed takes the next bytes in order. Messages that lie in data as a whole
// are handed over from there; the rest is kept.
func (d *Decoder) feed(s *stream, data []byte, p *Packet) {
	if s.foreign {
		return
	}
	if s.epoch != d.epoch { // nobody uses the consumed bytes any more
		s.epoch = d.epoch
		if s.off > 0 {
			n := copy(s.buf, s.buf[s.off:])
			s.buf, s.off = s.buf[:n], 0
		}
	}
	if s.off == len(s.buf) {
		d.keep(s, d.parse(s, data, p))
		return
	}
	d.keep(s, data)
	rest := d.parse(s, s.buf[s.off:], p)
	s.off = len(s.buf) - len(rest)
	if len(rest) == 0 && cap(s.buf) > keepBuffer {
		d.streams.bytes -= cap(s.buf)
		s.buf, s.off = nil, 0
	}
}

// keep appends to the buffer. What was handed over from it in this call
// stays where it is.
func (d *Decoder) keep(s *stream, data []byte) {
	if len(data) == 0 {
		return
	}
	before := cap(s.buf)
	s.buf = append(s.buf, data...)
	d.streams.bytes += cap(s.buf) - before
}

// parse hands over the messages at the front of b and returns what is left.
func (d *Decoder) parse(s *stream, b []byte, p *Packet) []byte {
	for len(b) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(b))
			s.skip -= n
			b = b[n:]
			continue
		}
		if s.search {
			var found bool
			if b, found = d.resync(s, b); !found {
				return b
			}
		}
		size, v := frameMessage(s.proto, b, d.opts.MaxMessage, false)
		switch v {
		case more:
			return b
		case wrong:
			if s.syn && !s.confirmed {
				s.foreign = true
				return nil
			}
			s.search = true
			b = b[1:]
			continue
		case oversize:
			s.skip = size
			d.gap(s, size, p)
			continue
		}
		if len(b) < size {
			return b
		}
		s.confirmed = true
		m := d.emit(p)
		m.Protocol = s.proto
		m.Stream = s.id
		m.Payload = b[prefixLen(s.proto):size]
		b = b[size:]
	}
	return nil
}

// resync looks for the first plausible beginning of a message and ends the
// search there. Where the message's end is in sight, what follows it must be
// plausible too. Without one, it returns the few last bytes that may be part of it.
func (d *Decoder) resync(s *stream, b []byte) ([]byte, bool) {
	for i := range b {
		size, v := frameMessage(s.proto, b[i:], d.opts.MaxMessage, true)
		switch v {
		case more:
			return b[i:], false
		case plain:
			if len(b)-i > size {
				if _, after := frameMessage(s.proto, b[i+size:], d.opts.MaxMessage, true); after == wrong {
					continue
				}
			}
			s.search = false
			return b[i:], true
		}
	}
	return nil, false
}

// lose notes that n bytes behind the last ones fed will not come, 0 for an
// unknown number.
func (d *Decoder) lose(s *stream, n int, p *Packet) {
	if s.foreign {
		return
	}
	d.stats.Gaps++
	held := s.buf[s.off:]
	s.off = len(s.buf)
	size, v := frameMessage(s.proto, held, d.opts.MaxMessage, false)
	inside := v == plain && !s.search && s.skip == 0
	if s.confirmed || inside || s.skip > 0 {
		d.gap(s, n, p)
	}
	switch {
	case n == 0 || s.search:
		s.search, s.skip = true, 0
	case s.skip > 0:
		s.skip -= n
		if s.skip < 0 {
			s.search, s.skip = true, 0
		}
	case !inside || n > size-len(held):
		s.search = true
	default:
		s.skip = size - len(held) - n
	}
}

// gap hands over a WINSGap of n bytes.
func (d *Decoder) gap(s *stream, n int, p *Packet) {
	if s.proto != WINSRepl {
		return
	}
	m := d.emit(p)
	m.Protocol = WINSGap
	m.Stream = s.id
	m.Gap = n
}
