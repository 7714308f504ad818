package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nbtrace/analyze/names"
)

// findingKey says when two findings are the same one: a finding is found by
// any address of its machine.
type findingKey struct {
	rule   string
	name   [16]byte
	scope  string
	named  bool
	server netip.Addr
	host   netip.Addr // zero if any machine will do
}

// occurrence is a finding with the exchanges that showed it.
type occurrence struct {
	f         *Finding
	addr      netip.Addr // one address of the machine
	exchanges map[uint64]bool
	parts     []part // the evidence of the first few exchanges
}

// part is the evidence that one exchange gave.
type part struct {
	exchange uint64
	evidence []Evidence
}

// maxParts is how many exchanges tell their evidence in words of their own;
// later ones only add frames to it.
const maxParts = 4

// maxEvidenceFrames bounds the frames of one piece of evidence.
const maxEvidenceFrames = 64

// run lets a rule judge an exchange.
func (e *Engine) run(c check, now int64, ended bool) {
	x := c.x
	if x.ID != c.id {
		return
	}
	s := e.names.Again(x.History.(*names.State), x.NameID(), x.Name, x.Scope, x.Start)
	if e.memoFor != x || e.memoAt != now {
		e.memo, e.memoFor, e.memoAt = nil, x, now
	}
	// One Pass serves all checks: it is valid during the call only.
	e.pass = Pass{Rule: c.rule.rule, Exchange: x, Name: s, Names: e.names, Hosts: e.hosts, Now: now, Start: e.first,
		Final: c.final, Ended: ended, Gaps: e.gaps, engine: e}
	c.rule.rule.Check(&e.pass)
}

func (e *Engine) report(p *Pass, f Finding) {
	x := p.Exchange
	if f.First == 0 {
		f.First, f.Last = x.Start, x.End
	}
	f.Count = max(f.Count, 1)
	e.take(p.Rule, f, x.ID)
}

// take makes f a finding, or works it into the same one that there is. The id
// is of the exchange that shows it, 0 for a survey's.
func (e *Engine) take(r *Rule, f Finding, id uint64) {
	f.Rule = r.Slug
	f.Severity = r.Severity
	if f.Title == "" {
		f.Title = r.Title
	}
	if f.References == nil {
		f.References = r.References
	}
	var addr netip.Addr
	if len(f.Host.Addresses) > 0 {
		addr = f.Host.Addresses[0]
		f.Host.ID = e.hosts.ID(addr)
		f.Host.Addresses = e.hosts.Addresses(addr)
		f.Host.MACs = e.hosts.MACs(addr)
	}
	if f.Server.IsValid() && len(f.Events) > 0 && f.EventData == "" {
		f.EventData = eventData(f.Server)
	}
	for i := range f.Evidence {
		f.Evidence[i].Frames = sortedFrames(f.Evidence[i].Frames)
	}
	k := findingKey{f.Rule, f.Name, f.Scope, f.HasName, f.Server, addr}
	if f.AnyHost {
		k.host = netip.Addr{}
	}
	if o := e.known(k, f.Host.Addresses); o != nil {
		was := o.f.Verdict
		merge(o, &f, id)
		if o.f.Verdict > was && e.sink.Stronger != nil {
			e.sink.Stronger(o.f, was)
		}
		return
	}
	if len(e.order) >= e.opts.Limits.Findings {
		e.dropped++
		return
	}
	o := &occurrence{f: &f, addr: addr, exchanges: map[uint64]bool{id: true}, parts: []part{{id, f.Evidence}}}
	e.findings[k] = o
	e.order = append(e.order, o)
	if e.sink.Finding != nil {
		e.sink.Finding(o.f)
	}
}

// known looks a finding up by its key, or by another address of its machine.
func (e *Engine) known(k findingKey, addrs []netip.Addr) *occurrence {
	if o := e.findings[k]; o != nil || !k.host.IsValid() {
		return o
	}
	for _, a := range addrs {
		k.host = a
		if o := e.findings[k]; o != nil {
			return o
		}
	}
	return nil
}

// merge works a further occurrence into a finding. The stronger verdict
// stays, with its words; evidence of the same sign is united.
func merge(o *occurrence, f *Finding, id uint64) {
	t := o.f
	if id == 0 {
		t.Count = f.Count
	} else if !o.exchanges[id] {
		o.exchanges[id] = true
		t.Count += f.Count
	}
	t.First, t.Last = min(t.First, f.First), max(t.Last, f.Last)
	if f.Verdict >= t.Verdict {
		t.Verdict, t.Title, t.Alternatives, t.Remedy = f.Verdict, f.Title, f.Alternatives, f.Remedy
	}
	t.Host = f.Host
	o.add(id, f.Evidence)
	t.Evidence = o.evidence()
}

// add takes the evidence of an exchange in place of what the exchange gave
// before.
func (o *occurrence) add(id uint64, evidence []Evidence) {
	for i := range o.parts {
		if o.parts[i].exchange == id {
			o.parts[i].evidence = evidence
			return
		}
	}
	if len(o.parts) < maxParts {
		o.parts = append(o.parts, part{id, evidence})
		return
	}
	last := &o.parts[maxParts-1]
	for _, ev := range evidence {
		i := slices.IndexFunc(last.evidence, func(have Evidence) bool { return have.Sign == ev.Sign && have.For == ev.For })
		if i < 0 {
			last.evidence = append(last.evidence, ev)
			continue
		}
		have := &last.evidence[i]
		have.Frames = sortedFrames(append(slices.Clone(have.Frames), ev.Frames...))
	}
}

// evidence unites what the exchanges gave: signs in the order of the first
// one, the same words once.
func (o *occurrence) evidence() []Evidence {
	var out []Evidence
	for _, p := range o.parts {
		for _, ev := range p.evidence {
			at := len(out)
			same := false
			for i := range out {
				if out[i].Sign != ev.Sign || out[i].For != ev.For {
					continue
				}
				at = i + 1
				if out[i].Text == ev.Text || len(ev.Frames) > 0 && slices.Equal(out[i].Frames, ev.Frames) {
					out[i].Frames = sortedFrames(append(slices.Clone(out[i].Frames), ev.Frames...))
					same = true
					break
				}
			}
			if !same {
				out = slices.Insert(out, at, ev)
			}
		}
	}
	return out
}

func sortedFrames(fs []FrameRef) []FrameRef {
	fs = slices.Clone(fs)
	slices.SortFunc(fs, func(a, b FrameRef) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Frame, b.Frame), strings.Compare(a.Role, b.Role))
	})
	fs = slices.CompactFunc(fs, func(a, b FrameRef) bool { return a.Input == b.Input && a.Frame == b.Frame })
	if len(fs) > maxEvidenceFrames {
		fs = fs[:maxEvidenceFrames]
	}
	return fs
}

// eventData is an address as NetBT events 4319 and 4320 show it in their data
// (KB Q120752): four bytes in hexadecimal, last one first.
func eventData(a netip.Addr) string {
	if !a.Is4() {
		return ""
	}
	b := a.As4()
	return fmt.Sprintf("%02x %02x %02x %02x", b[3], b[2], b[1], b[0])
}

// allFindings lists the findings in the order of the contract.
func (e *Engine) allFindings() []*Finding {
	out := make([]*Finding, 0, len(e.order))
	for _, o := range e.order {
		f := o.f
		if o.addr.IsValid() {
			f.Host.ID = e.hosts.ID(o.addr)
			if f.Host.ID != 0 {
				f.Host.Addresses = e.hosts.Addresses(o.addr)
				f.Host.MACs = e.hosts.MACs(o.addr)
			}
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b *Finding) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.First, b.First), strings.Compare(a.Rule, b.Rule),
			slices.Compare(a.Name[:], b.Name[:]), strings.Compare(a.Scope, b.Scope), a.Server.Compare(b.Server))
	})
	return out
}
