package analyze

import (
	"nbtrace/analyze/exchange"
	"nbtrace/captures"
)

// Options configure an Engine. The zero value judges nothing and has the
// default limits.
type Options struct {
	Rules []*Rule
}

// Result is what a run knows at its end.
type Result struct {
	Summary  Summary
	Findings []*Finding // by severity (worst first), then time, then rule and name
	Names    []Name
	Hosts    []Host
	Mappings []Mapping
}

// Pass is what a rule's Check sees.
type Pass struct {
	Exchange *exchange.Exchange
}

// Engine is the one pipeline for files and devices.
type Engine struct {
	sink Sink
}

// New makes an engine that hands its rows to sink.
func New(o Options, sink Sink) *Engine { return &Engine{sink: sink} }

// Feed applies one frame. Frames come in time order as far as the source can.
func (e *Engine) Feed(f *captures.Frame) {}

// Heartbeat promises that no frame at or before t (ns) is still to come.
func (e *Engine) Heartbeat(t int64) {}

// Finish closes open exchanges as unfinished and returns what is known.
func (e *Engine) Finish() *Result { return &Result{} }
