package analyze

import (
	"net/netip"

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
	messages   []message   // of the packets
	names      []nbns.Name // of the messages, in order, and those that they list
	bytes      []byte      // payloads
	vlans      []uint16
}

// message is what a packet holds if it is an NBNS message.
type message struct {
	nbns.Message
	sum  uint64 // of what copies of the packet have in common; of NetBIOS datagrams too
	name int    // place of its name among the batch's
	host int32  // of the sender, as far as it was known when the batch was fetched

	// Room for what nearly all messages hold, beside them.
	question [1]nbns.Question
	record   [1]nbns.Record
	addr     [1]nbns.AddrEntry
}

// Reset empties the batch for use again.
func (b *Batch) Reset() {
	b.frames, b.packets, b.names, b.bytes, b.vlans = 0, b.packets[:0], b.names[:0], b.bytes[:0], b.vlans[:0]
}

// Full reports whether it is time to apply the batch.
func (b *Batch) Full() bool { return len(b.packets) >= batchMessages || len(b.bytes) >= batchBytes }

// Decoder decodes frames for an engine. It is not for concurrent use.
type Decoder struct {
	wire *wire.Decoder
	hash packetHash
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
	b.decode(n, d.hash)
}

// flush adds what was still waiting for further frames.
func (d *Decoder) flush(b *Batch) {
	n := len(b.packets)
	b.packets = d.wire.Flush(b.packets)
	b.decode(n, d.hash)
}

// decode makes the packets from the n-th on the batch's own, and decodes the
// messages in them.
func (b *Batch) decode(n int, hash packetHash) {
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
		known := n < len(b.messages)
		if !known {
			b.messages = append(b.messages, message{})
		}
		m := &b.messages[n]
		if !known {
			m.record[0].Addrs = m.addr[:0]
			m.Questions, m.Records = m.question[:0], m.record[:0]
		}
		if p.Protocol == wire.NBNS || p.Protocol == wire.NBDGM {
			m.sum = hash.of(p)
		}
		if p.Protocol == wire.NBNS {
			nbns.Decode(&m.Message, p.Payload)
			if name, ok := m.Name(); ok {
				m.name = len(b.names)
				b.names = append(b.names, name)
			}
			for i := range m.Status {
				b.names = append(b.names, m.Status[i].Name)
			}
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

func (e *Engine) applyPackets(b *Batch) {
	e.fetch(b)
	for i := range b.packets {
		e.packet(&b.packets[i], &b.messages[i])
	}
}

// fetched is what was brought into the processor's cache for a batch.
type fetched struct {
	histories []*names.State // of the batch's names, as many as were looked up
	due       []*exchange.Exchange
	dueNames  []*names.State
	senders   []netip.Addr
	hosts     []int32
	sum       uint64 // of what was fetched, so that reading it is not left out
}

// fewNames are found in the processor's cache anyway.
const fewNames = 4096

// mostDue is how many exchanges are fetched at most.
const mostDue = 256

// fetch brings what a batch needs into the processor's cache: its senders, the
// histories of its names, and the exchanges that will settle meanwhile with
// theirs. So memory is waited for once for many of them, and not for each when
// its turn comes.
func (e *Engine) fetch(b *Batch) {
	f := &e.fetched
	if len(b.packets) < 2 || e.names.Len() < fewNames {
		f.histories = f.histories[:0]
		return
	}
	f.senders = f.senders[:0]
	for i := range b.packets {
		f.senders = append(f.senders, b.packets[i].Src.Addr())
	}
	f.hosts = e.hosts.Fetch(f.senders, f.hosts[:0])
	for i, h := range f.hosts {
		b.messages[i].host = h
	}
	f.histories = e.names.Fetch(b.names, f.histories[:0])
	f.due = e.tracker.Due(b.end, f.due[:0])
	f.dueNames = f.dueNames[:0]
	for _, x := range f.due {
		f.dueNames = append(f.dueNames, x.History.(*names.State))
		f.sum += uint64(x.Settled) + uint64(x.RTT) + uint64(x.Name[0])
		if len(x.Answers) > 0 {
			f.sum += uint64(x.Answers[0].TTL)
		}
	}
	e.names.FetchWhole(f.dueNames)
}

// history is the history of a message's name.
func (e *Engine) history(name nbns.Name, m *message) *names.State {
	var found *names.State
	if m.name < len(e.fetched.histories) {
		found = e.fetched.histories[m.name]
	}
	return e.names.TouchFound(found, name, m.Scope(), e.clock)
}
