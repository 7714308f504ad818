package main

import (
	"runtime"
	"sync/atomic"

	"nbtrace/analyze"
	"nbtrace/captures"
)

// feedFrames reads src to its end, or until stop is set, and feeds the engine,
// a batch of messages at a time. It returns why src ended. Where there is a
// second core, reading and decoding have a goroutine of their own; what the
// engine gets, and in which order, is the same.
func feedFrames(src captures.Source, engine *analyze.Engine, stop *atomic.Bool) error {
	memory := newMemory()
	if runtime.GOMAXPROCS(0) == 1 {
		var b analyze.Batch
		for {
			err := fillBatch(&b, src, engine.Decoder(), stop)
			engine.Apply(&b)
			memory.check()
			if err != nil || stop.Load() {
				return err
			}
		}
	}
	const batches = 4
	full, free := make(chan *analyze.Batch, batches), make(chan *analyze.Batch, batches)
	for range batches {
		free <- &analyze.Batch{}
	}
	var end error
	go func() {
		defer close(full)
		for b := range free {
			end = fillBatch(b, src, engine.Decoder(), stop)
			full <- b
			if end != nil || stop.Load() {
				return
			}
		}
	}()
	for b := range full {
		engine.Apply(b)
		memory.check()
		free <- b
	}
	return end
}

// fillBatch decodes frames until the batch is full, src ends or stop is set.
func fillBatch(b *analyze.Batch, src captures.Source, d *analyze.Decoder, stop *atomic.Bool) error {
	b.Reset()
	var f captures.Frame
	for !b.Full() && !stop.Load() {
		if err := src.Next(&f); err != nil {
			return err
		}
		d.Decode(b, &f)
	}
	return nil
}
