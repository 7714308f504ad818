package main

import "nbtrace/analyze"

// stamps leads from the engine's time back to the times that packets carry.
// They are the same until the system's clock is set back; from then on the
// engine's is ahead.
type stamps struct {
	spans []span // in the order of the packets
}

// span is a stretch of the engine's time, up to the next one.
type span struct {
	from  int64 // ns
	ahead int64 // of the packets' times
}

// note takes the time of a packet on both lines.
func (s *stamps) note(engine, stamp int64) {
	ahead := engine - stamp
	if n := len(s.spans); n == 0 && ahead == 0 || n > 0 && s.spans[n-1].ahead == ahead {
		return
	}
	s.spans = append(s.spans, span{engine, ahead})
}

// of is the time that a packet carries, by the engine's; 0, for unknown, stays.
func (s *stamps) of(engine int64) int64 {
	for i := len(s.spans) - 1; i >= 0 && engine != 0; i-- {
		if s.spans[i].from <= engine {
			return engine - s.spans[i].ahead
		}
	}
	return engine
}

// finding is a copy with the times of packets, for the engine goes on to use the
// finding; while the times are the same it is the finding itself. The frames
// that it cites keep the engine's times: they are shown by how far they are
// apart.
func (s *stamps) finding(f *analyze.Finding) *analyze.Finding {
	if len(s.spans) == 0 {
		return f
	}
	g := *f
	g.First, g.Last = s.of(f.First), s.of(f.Last)
	return &g
}

func (s *stamps) findings(all []*analyze.Finding) []*analyze.Finding {
	out := make([]*analyze.Finding, len(all))
	for i, f := range all {
		out[i] = s.finding(f)
	}
	return out
}

// result puts the times of packets into what a report of the run shows.
func (s *stamps) result(r *analyze.Result) {
	r.Findings = s.findings(r.Findings)
	for i := range r.Names {
		n := &r.Names[i]
		n.From, n.Until = s.of(n.From), s.of(n.Until)
	}
	for i := range r.Mappings {
		m := &r.Mappings[i]
		m.Time = s.of(m.Time)
	}
}
