package analyze

import (
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
	items      []batched
	names      []nbns.Name // of the messages, in order
	bytes      []byte      // payloads
	vlans      []uint16
}

// batched is a packet with the message in it, if it is an NBNS message.
type batched struct {
	packet wire.Packet
	nbns   nbns.Message
}

// Reset empties the batch for use again.
func (b *Batch) Reset() {
	b.frames, b.items, b.names, b.bytes, b.vlans = 0, b.items[:0], b.names[:0], b.bytes[:0], b.vlans[:0]
}

// Full reports whether it is time to apply the batch.
func (b *Batch) Full() bool { return len(b.items) >= batchMessages || len(b.bytes) >= batchBytes }

// Decoder decodes frames for an engine. It is not for concurrent use.
type Decoder struct {
	wire    *wire.Decoder
	packets []wire.Packet
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
	d.packets = d.wire.Decode(f, d.packets[:0])
	if len(d.packets) > 0 {
		b.add(d.packets)
	}
}

func (b *Batch) add(packets []wire.Packet) {
	for i := range packets {
		n := len(b.items)
		if n < cap(b.items) {
			b.items = b.items[:n+1]
		} else {
			b.items = append(b.items, batched{})
		}
		it := &b.items[n]
		p := &it.packet
		*p = packets[i]
		at := len(b.bytes)
		b.bytes = append(b.bytes, p.Payload...)
		p.Payload = b.bytes[at:len(b.bytes):len(b.bytes)]
		if len(p.VLAN) > 0 {
			at := len(b.vlans)
			b.vlans = append(b.vlans, p.VLAN...)
			p.VLAN = b.vlans[at:len(b.vlans):len(b.vlans)]
		}
		if p.Protocol == wire.NBNS {
			nbns.Decode(&it.nbns, p.Payload)
			if name, ok := it.nbns.Name(); ok {
				b.names = append(b.names, name)
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
	e.applyItems(b)
}

func (e *Engine) applyItems(b *Batch) {
	if len(b.names) > 1 {
		e.names.Fetch(b.names)
	}
	for i := range b.items {
		e.packet(&b.items[i])
	}
}
