package main

import (
	"slices"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/report"
	"nbtrace/analyze/wire"
)

// messageBatch is how many messages go to the writing goroutine at one time.
const messageBatch = 256

// keptMessage is a message that outlives the engine's call, with all that the
// messages table and its criteria look at: not the payload, nor the raw data
// of records.
type keptMessage struct {
	row    analyze.Message
	packet wire.Packet
	nbns   nbns.Message
	vlan   []uint16
}

func (k *keptMessage) set(m *analyze.Message) {
	k.packet = *m.Packet
	k.packet.Payload = nil
	k.vlan = append(k.vlan[:0], m.Packet.VLAN...)
	k.packet.VLAN = k.vlan
	n := &k.nbns
	questions, records, status := append(n.Questions[:0], m.NBNS.Questions...), n.Records, append(n.Status[:0], m.NBNS.Status...)
	*n = *m.NBNS
	n.Questions, n.Status = questions, status
	n.Records = slices.Grow(records[:0], len(m.NBNS.Records))[:len(m.NBNS.Records)]
	for i := range n.Records {
		addrs := append(n.Records[i].Addrs[:0], m.NBNS.Records[i].Addrs...)
		n.Records[i] = m.NBNS.Records[i]
		n.Records[i].Addrs, n.Records[i].Data = addrs, nil
	}
	k.row = analyze.Message{Packet: &k.packet, NBNS: n, Kind: m.Kind}
}

// messageWriter writes the rows of the messages table in a goroutine of its
// own, in order: that takes as long as finding out what the messages do.
type messageWriter struct {
	full, free chan []keptMessage
	done       chan struct{}
	batch      []keptMessage
}

// writeMessages begins to hand messages over to the sheet. Until close, the
// caller leaves r to it.
func (r *rows) writeMessages(s *sheet) *messageWriter {
	const batches = 4
	w := &messageWriter{full: make(chan []keptMessage, batches), free: make(chan []keptMessage, batches), done: make(chan struct{})}
	for range batches {
		w.free <- make([]keptMessage, 0, messageBatch)
	}
	w.batch = <-w.free
	go func() {
		defer close(w.done)
		row := report.Row{Files: r.row.Files}
		for batch := range w.full {
			for i := range batch {
				row.Message = &batch[i].row
				r.addRow(s, &row)
			}
			w.free <- batch[:0]
		}
	}()
	return w
}

func (w *messageWriter) add(m *analyze.Message) {
	n := len(w.batch)
	w.batch = w.batch[:n+1]
	w.batch[n].set(m)
	if n+1 == messageBatch {
		w.full <- w.batch
		w.batch = <-w.free
	}
}

// close waits until all rows are written.
func (w *messageWriter) close() {
	w.full <- w.batch
	close(w.full)
	<-w.done
}
