package analyze

import (
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

// Limits of a batch. It is as large as fits a processor's cache together with
// what the engine looks at.
const (
	batchMessages = 128
	batchBytes    = 64 << 10
)

// Batch is what consecutive frames carried, decoded. Decoding a capture into
// batches needs nothing of the engine, so it may run beside it; the result is
// that of Feed for each frame.
type Batch struct {
	frames     int64
	first, end int64 // ns: time of the first frame, and the latest
	packets    []wire.Packet
	messages   []message // of the packets
	bytes      []byte    // payloads
	vlans      []uint16
}

// message is what a packet holds if it is an NBNS message.
type message struct {
	nbns.Message
	seen // which sighting the packet is, also that of a NetBIOS datagram

	// What was looked up some messages ahead; it may have changed since.
	hash  uint64       // of the name
	found *names.State // history of the name, or of another one with its hash
	host  int32        // the sender

	// Room for what nearly all messages hold, beside them.
	question [1]nbns.Question
	record   [1]nbns.Record
	addr     [1]nbns.AddrEntry
}

// Reset empties the batch for use again.
func (b *Batch) Reset() {
	b.frames, b.packets, b.bytes, b.vlans = 0, b.packets[:0], b.bytes[:0], b.vlans[:0]
}

// Full reports whether it is time to apply the batch.
func (b *Batch) Full() bool { return len(b.packets) >= batchMessages || len(b.bytes) >= batchBytes }

// Decoder decodes frames for an engine. It is not for concurrent use.
type Decoder struct {
	wire   *wire.Decoder
	copies copies
}

// Decode adds the frame to the batch. It keeps nothing of the frame's data.
func (d *Decoder) Decode(b *Batch, f *captures.Frame) {
	t := f.Time
	if t < 0 || t > latest {
		within := *f
		within.Time = min(max(t, 0), latest)
		f, t = &within, within.Time
	}
	if b.frames == 0 {
		b.first, b.end = t, t
	}
	b.frames++
	b.end = max(b.end, t)
	n := len(b.packets)
	b.packets = d.wire.Decode(f, b.packets)
	b.decode(n, &d.copies)
}

// flush adds what was still waiting for further frames.
func (d *Decoder) flush(b *Batch) {
	n := len(b.packets)
	b.packets = d.wire.Flush(b.packets)
	b.decode(n, &d.copies)
}

// decode makes the packets from the n-th on the batch's own, and decodes the
// messages in them.
func (b *Batch) decode(n int, copies *copies) {
	for ; n < len(b.packets); n++ {
		p := &b.packets[n]
		at := len(b.bytes)
		b.bytes = append(b.bytes, p.Payload...)
		p.Payload = b.bytes[at:len(b.bytes):len(b.bytes)]
		if len(p.VLAN) > 0 {
			at := len(b.vlans)
			b.vlans = append(b.vlans, p.VLAN...)
			p.VLAN = b.vlans[at:len(b.vlans):len(b.vlans)]
		}
		if n == len(b.messages) {
			b.messages = append(b.messages, message{})
			m := &b.messages[n]
			m.record[0].Addrs = m.addr[:0]
			m.Questions, m.Records = m.question[:0], m.record[:0]
		}
		m := &b.messages[n]
		m.found = nil
		if p.Protocol == wire.NBNS || p.Protocol == wire.NBDGM {
			m.seen = copies.look(p)
		}
		if p.Protocol == wire.NBNS {
			nbns.Decode(&m.Message, p.Payload)
		}
	}
}

// Decoder is the engine's decoder of frames. Whoever decodes beside the engine
// must have ended before Finish.
func (e *Engine) Decoder() *Decoder { return &e.decoder }

// Apply applies the frames of a batch in order.
func (e *Engine) Apply(b *Batch) {
	if b.frames == 0 {
		return
	}
	e.sum.Packets += b.frames
	if !e.started {
		e.started, e.first, e.clock, e.survey, e.end = true, b.first, b.first, b.first+int64(surveyEvery), b.first
	}
	e.end = max(e.end, b.end)
	e.applyPackets(b)
}

// LeftBehind counts frames that were never decoded because they carry nothing
// (wire.Quick says No); latestTime is the greatest of their times, ns. It is the
// same as decoding them, wherever among the others they came, but that the
// first frame of all must be decoded. It comes before Finish.
func (e *Engine) LeftBehind(frames, latestTime int64) {
	e.sum.Packets += frames
	e.end = max(e.end, min(latestTime, latest))
}

// How many messages ahead of the one that is applied memory is asked for: what
// tells where a history lies, then the history.
const (
	placesAhead    = 16
	historiesAhead = 8
)

// applyPackets applies the packets in order. What a message needs is brought
// into the processor's cache while those before it are applied.
func (e *Engine) applyPackets(b *Batch) {
	n := len(b.packets)
	for i := -placesAhead; i < n; i++ {
		if k := i + placesAhead; k < n {
			e.seek(&b.packets[k], &b.messages[k])
		}
		if k := i + historiesAhead; k >= 0 && k < n {
			e.fetch(&b.packets[k], &b.messages[k])
		}
		if i >= 0 {
			e.packet(&b.packets[i], &b.messages[i])
		}
	}
}

// seek asks for the memory that tells where the histories of the message's
// names lie.
func (e *Engine) seek(p *wire.Packet, m *message) {
	if p.Protocol != wire.NBNS {
		return
	}
	if name, ok := m.Name(); ok {
		m.hash = e.names.Seek(&name)
	}
	for i := range m.Status {
		e.names.Seek(&m.Status[i].Name)
	}
}

// fetch asks for the memory of the histories, and of the machines that the
// message comes from and speaks of.
func (e *Engine) fetch(p *wire.Packet, m *message) {
	m.host = e.hosts.Fetch(p.Src.Addr())
	if p.Protocol != wire.NBNS {
		return
	}
	if _, ok := m.Name(); ok {
		m.found = e.names.Fetch(m.hash)
	}
	for i := range m.Status {
		e.names.Fetch(e.names.Hash(&m.Status[i].Name))
	}
	if m.Flags.Response() && len(m.Records) > 0 && len(m.Records[0].Addrs) > 0 {
		e.hosts.Fetch(m.Records[0].Addrs[0].IP())
	}
}

// How many exchanges ahead of the one that settles memory is asked for: the
// exchange, the history of its name, and what that holds.
const (
	exchangesAhead = 12
	namesAhead     = 8
	heldAhead      = 4
)

// fetchDue asks for the memory that the exchanges need that settle soon.
func (e *Engine) fetchDue() {
	next := e.tracker.Upcoming()
	if x := next.At(exchangesAhead); x != nil {
		x.Fetch()
	}
	if x := next.At(namesAhead); x != nil {
		x.FetchAnswers()
		x.History.(*names.State).Fetch()
		e.hosts.FetchAt(x.Host)
	}
	if x := next.At(heldAhead); x != nil {
		if s := x.History.(*names.State); x.Registers() || x.Kind == exchange.Release {
			s.FetchClaims()
		} else {
			s.FetchAnswers()
		}
	}
}
