package analyze

import (
	"math"
	"net/netip"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/mappings"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbdgm"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

// Limits bound the engine's tables; 0 means the default in brackets.
type Limits struct {
	Names     int // names with a history (1,000,000)
	Addresses int // addresses of machines (200,000)
	Open      int // exchanges open at one time (250,000)
	Kept      int // settled exchanges kept as history (50,000)
	Findings  int // different findings (10,000)
}

// Options configure an Engine. The zero value judges nothing and has the
// default limits.
type Options struct {
	Rules  []*Rule
	Limits Limits
	// Mappings are lists of WINS mappings that the user supplied.
	Mappings []*mappings.List
	// NoNames leaves the names out of the Result, also those of the hosts: they
	// take as much memory as all the rest, and a diagnosis does not show them.
	NoNames bool
}

// Result is what a run knows at its end.
type Result struct {
	Summary  Summary
	Findings []*Finding // by severity (worst first), then time, then rule and name
	Names    []Name     // none with Options.NoNames
	Hosts    []Host
	Mappings []Mapping
	Wire     wire.Stats
}

// earlyCheck is how long after settling a rule is asked for the first time.
const earlyCheck = 5 * time.Second

// Engine is the one pipeline for files and devices. Its invariants:
//
// The only clock is frame time: below Feed there is no timer, no goroutine
// and no look at the wall clock. Before a frame at T is applied, every
// deadline before T fires, in order of deadline, then exchange, then rule.
// Heartbeats promise that nothing at or before their time is still to come;
// they make findings appear sooner, never different. No map is ranged over on
// a path to output. A frame older than the clock is applied and counted as
// late. Every table has a limit; what is given up is counted.
type Engine struct {
	opts    Options
	sink    Sink
	decoder Decoder
	one     Batch // of Feed
	dgm     nbdgm.Datagram
	repl    winsrepl.Message

	replTracker *winsrepl.Tracker

	tracker      *exchange.Tracker
	hosts        *hosts.Registry
	names        *names.Table
	takings      takings
	imports      *imports
	anomalies    anomalies
	dns          dnsLookups
	associations map[association]*associationState
	attempts     map[servers]*associationState
	units        map[unitKey]netip.Addr
	foreign      map[netip.Addr]nbns.Name
	answered     map[netip.Addr][]AnsweredName

	agenda   agenda
	triggers [exchange.KindCount][]trigger
	surveys  []surveyor
	findings map[findingKey]*occurrence
	order    []*occurrence
	kept     []*exchange.Exchange // ring of kept exchanges, oldest first
	keptHead int

	sum     Summary
	clock   int64
	first   int64
	end     int64
	late    int64
	dropped int64 // findings beyond the limit
	survey  int64 // ns, of the next survey
	fresh   bool  // a message came since the last survey
	started bool
	gaps    bool

	pass    Pass
	memo    any // what the rules of a family share for memoFor at memoAt
	memoFor *exchange.Exchange
	memoAt  int64
}

type ruleRef struct {
	index int
	rule  *Rule
}

// trigger is a rule with its first look, which every settled exchange of a
// kind gets.
type trigger struct {
	wants func(*exchange.Exchange, *names.State) bool
	ruleRef
}

// New makes an engine that hands its rows to sink.
func New(o Options, sink Sink) *Engine {
	if o.Limits.Kept <= 0 {
		o.Limits.Kept = 50_000
	}
	if o.Limits.Findings <= 0 {
		o.Limits.Findings = 10_000
	}
	e := &Engine{opts: o, sink: sink, decoder: Decoder{wire.NewDecoder(wire.Options{}), newCopies()}, imports: newImports(o.Mappings),
		anomalies: anomalies{index: map[anomalyKey]*Anomaly{}}, associations: map[association]*associationState{}, attempts: map[servers]*associationState{}, replTracker: winsrepl.NewTracker(0),
		hosts: hosts.NewRegistry(o.Limits.Addresses), names: names.NewTable(o.Limits.Names),
		units: map[unitKey]netip.Addr{}, foreign: map[netip.Addr]nbns.Name{}, answered: map[netip.Addr][]AnsweredName{}, findings: map[findingKey]*occurrence{}}
	e.tracker = exchange.NewTracker(knowledge{e}, o.Limits.Open, e.settled)
	for i, r := range o.Rules {
		if r.Survey != nil {
			e.surveys = append(e.surveys, surveyor{rule: r})
		}
		for _, k := range r.Triggers {
			e.triggers[k] = append(e.triggers[k], trigger{r.Wants, ruleRef{i, r}})
		}
	}
	return e
}

// latest is the greatest time that the engine counts with, ns: a year before
// its numbers end (in 2262), so that no deadline runs over. Frames of hostile
// captures beyond it, or before 1970, are taken for the nearest time within.
const latest = math.MaxInt64 - int64(365*24*time.Hour)

// knowledge is what the tracker may ask.
type knowledge struct{ e *Engine }

func (k knowledge) NameServer(a netip.Addr) bool { return k.e.hosts.HasRole(a, hosts.WINSServer) }

func (k knowledge) SameMachine(a, b netip.Addr) bool { return k.e.hosts.SameMachine(a, b) }

func (k knowledge) Holds(n nbns.Name, scope string, a netip.Addr) bool {
	s := k.e.names.Get(n, scope)
	return s != nil && s.Holds(a)
}

// Feed applies one frame. Frames come in time order as far as the source can.
func (e *Engine) Feed(f *captures.Frame) {
	e.one.Reset()
	e.decoder.Decode(&e.one, f)
	e.Apply(&e.one)
}

// Heartbeat promises that no frame at or before t (ns) is still to come.
func (e *Engine) Heartbeat(t int64) {
	t = min(t, latest)
	if !e.started || t <= e.clock {
		return
	}
	e.end = max(e.end, t)
	e.advance(t + 1)
	e.clock = max(e.clock, t)
}

// Missed says that packets were lost on the way: what rests on a packet's not
// having come is weighed with care from now on.
func (e *Engine) Missed() { e.gaps = true }

// Clock is the engine's time, ns: the latest frame or heartbeat applied.
func (e *Engine) Clock() int64 { return e.clock }

// Counts is the summary so far.
func (e *Engine) Counts() Summary {
	s := e.sum
	s.Exchanges = e.tracker.Opened
	s.Names = int64(e.names.Len())
	s.Hosts = int64(e.hosts.Len())
	s.Evicted = e.tracker.Evicted + e.hosts.Evicted + e.names.Evicted + e.dropped
	return s
}

// advance fires every deadline before t.
func (e *Engine) advance(t int64) {
	if e.survey >= t && e.agenda.quiet(t) && e.tracker.Quiet(t) {
		return
	}
	for {
		at, ok := e.tracker.NextDeadline()
		c := e.agenda.first()
		if ok && c != nil && c.at < at {
			ok = false
		}
		switch {
		case e.survey < t && (!ok || e.survey < at) && (c == nil || e.survey < c.at):
			e.surveyDue(t)
		case ok && at < t:
			e.clock = max(e.clock, at)
			e.fetchDue()
			e.tracker.SettleNext()
		case !ok && c != nil && c.at < t:
			due := e.agenda.pop()
			e.clock = max(e.clock, due.at)
			e.run(due, due.at, false)
		default:
			return
		}
	}
}

func (e *Engine) packet(p *wire.Packet, m *message) {
	if p.Time < e.clock {
		e.late++
	} else {
		e.advance(p.Time)
		e.clock = p.Time
	}
	e.fresh = true
	switch p.Protocol {
	case wire.NBNS:
		e.nbns(p, m)
	case wire.NBDGM:
		if !m.copy {
			e.datagram(p)
		}
	case wire.WINSRepl, wire.WINSGap:
		e.replication(p)
	}
}

func (e *Engine) nbns(p *wire.Packet, decoded *message) {
	m := &decoded.Message
	if m.Fault != nil && p.Snapped {
		m.Fault.Reason += " (the frame was cut by the snap length)"
	}
	s := e.takings.at(decoded.seen)
	if decoded.copy {
		e.sum.Duplicates++
		if s.x != nil && s.x.ID == s.id {
			e.tracker.Copy(s.x, p.Input, p.Frame, int(s.frame))
		}
		// Within one file the copy is a row as in Wireshark; what a second
		// file saw too is one message.
		if e.sink.Message != nil && decoded.within {
			e.sink.Message(&Message{Packet: p, NBNS: m, Kind: s.kind})
		}
		return
	}
	e.sum.Messages++
	if m.Fault != nil {
		e.sum.Malformed++
	}
	e.odd(p, m)
	src := e.hosts.TouchFound(decoded.host, p.Src.Addr(), p.Time)
	if p.HasSrcMAC && !p.Tunnelled {
		e.hosts.SeenMAC(src, p.SrcMAC, p.TTL, p.Time, p.Input, p.Frame)
	}
	if p.Src.Port() == 53 && !m.Flags.Response() {
		e.hosts.AddRole(src, hosts.DNSServer)
	}
	kind := exchange.MsgUnknown
	var x *exchange.Exchange
	if name, ok := m.Name(); ok && usable(m) {
		history := e.names.TouchFound(decoded.found, name, m.Scope(), e.clock)
		kind, x = e.tracker.Observe(&exchange.Message{Name: history.ID, Time: e.clock, Input: p.Input, Frame: p.Frame,
			Src: p.Src.Addr(), Dst: p.Dst.Addr(), Broadcast: p.LinkBcast, NBNS: m})
		if x != nil && x.History == nil {
			x.History, x.Host = history, src
		}
		e.learn(src, p, m, kind, x, history)
		if p.Src.Port() == 53 && !m.Flags.Response() {
			e.dnsLookup(p, history, m.TrnID)
		}
	}
	*s = taken{x: x, kind: kind}
	if x != nil {
		s.id, s.frame = x.ID, uint8(x.FrameCount()-1)
	}
	if e.sink.Message != nil {
		e.sink.Message(&Message{Packet: p, NBNS: m, Kind: kind})
	}
}

// usable reports whether enough of a message was decoded to act on it: its
// header and a name that is one.
func usable(m *nbns.Message) bool {
	if m.Fault != nil && (m.Fault.Field == "QUESTION_NAME" || m.Fault.Field == "RR_NAME") {
		return false
	}
	return len(m.Questions) > 0 || len(m.Records) > 0
}

// settled takes an exchange that has come to its end; it reports whether the
// engine keeps it.
func (e *Engine) settled(x *exchange.Exchange) bool {
	s := e.names.Again(x.History.(*names.State), x.NameID(), x.Name, x.Scope, x.Start)
	e.learnSettled(s, x)
	keep := false
	if notable(x) {
		s.Remember(x)
		e.keep(x)
		keep = true
	}
	for i := range e.triggers[x.Kind] {
		t := &e.triggers[x.Kind][i]
		switch {
		case t.wants != nil && !t.wants(x, s):
		case t.rule.Horizon == 0:
			e.run(check{at: x.Settled, x: x, id: x.ID, rule: t.ruleRef, final: true}, x.Settled, false)
		default:
			e.appoint(x, t.ruleRef)
			keep = true
		}
	}
	if e.sink.Exchange != nil {
		e.sink.Exchange(x)
	}
	return keep
}

// notable reports whether an exchange is worth keeping as history beyond what
// claims and answers hold.
func notable(x *exchange.Exchange) bool {
	switch x.Kind {
	case exchange.Query, exchange.NodeStatus:
		return x.Broadcast && len(x.Answers) > 1
	case exchange.Registration, exchange.MultihomedRegistration, exchange.Refresh:
		return x.WACK || len(x.Challenges) > 0 || x.Outcome == exchange.Refused || x.Outcome == exchange.Defended ||
			x.Unicast() && x.Outcome == exchange.Unanswered
	case exchange.Release:
		return x.Outcome == exchange.Refused
	}
	return true
}

// keep bounds the exchanges that histories hold: the oldest lose their place
// in their name's history.
func (e *Engine) keep(x *exchange.Exchange) {
	e.kept = append(e.kept, x)
	for len(e.kept)-e.keptHead > e.opts.Limits.Kept {
		o := e.kept[e.keptHead]
		e.kept[e.keptHead] = nil
		e.keptHead++
		if s := e.names.Get(o.Name, o.Scope); s != nil {
			s.Drop(o)
		}
	}
	if e.keptHead > 4096 && e.keptHead*2 > len(e.kept) {
		e.kept = e.kept[:copy(e.kept, e.kept[e.keptHead:])]
		e.keptHead = 0
	}
}

// Finish closes open exchanges as unfinished and returns what is known.
func (e *Engine) Finish() *Result {
	e.one.Reset()
	e.decoder.flush(&e.one)
	e.applyPackets(&e.one)
	e.advance(e.end + 1)
	e.clock = max(e.clock, e.end)
	e.tracker.Finish(e.end)
	for e.agenda.first() != nil {
		if c := e.agenda.pop(); c.final {
			e.run(c, e.end, true)
		}
	}
	e.runSurveys(e.end, true)
	r := &Result{Summary: e.Counts(), Findings: e.allFindings(), Wire: e.decoder.wire.Stats()}
	r.Hosts = e.hostRows()
	if !e.opts.NoNames {
		r.Names = e.nameRows()
	}
	r.Mappings = e.mappingRows()
	r.Summary.Hosts = int64(len(r.Hosts))
	return r
}
