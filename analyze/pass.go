package analyze

import (
	"net/netip"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// Pass is what a rule's Check sees: one settled exchange, and what is known of
// its name and of the machines at this moment of the capture.
type Pass struct {
	Rule     *Rule
	Exchange *exchange.Exchange
	Name     *names.State // never nil
	Names    *names.Table
	Hosts    *hosts.Registry
	Now      int64 // ns, capture time of this check
	Start    int64 // ns, of the first frame of the capture
	Final    bool  // the horizon is reached, or the capture has ended
	Ended    bool  // the capture has ended before the horizon
	Gaps     bool  // the capture is known to miss packets

	engine *Engine
}

// Report hands over a finding. Rule and Severity are the rule's; Title,
// References, First, Last and Count are filled where they are empty.
func (p *Pass) Report(f Finding) { p.engine.report(p, f) }

// Shared computes what the rules of a family share once for each exchange and
// moment.
func (p *Pass) Shared(compute func() any) any {
	e := p.engine
	if e.memo == nil {
		e.memo = compute()
	}
	return e.memo
}

// Find looks up an exchange of the same name by its id among those that were
// kept; nil if it was not kept.
func (p *Pass) Find(id uint64) *exchange.Exchange {
	for _, x := range p.Name.Recent {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// AnsweredName is a name that a machine answered a broadcast query for with
// its own address, or whose registration by broadcast it objected to.
type AnsweredName struct {
	Name  nbns.Name
	Scope string
	Ref   FrameRef

	Objection bool
}

// Answered lists the distinct unique names that a answered broadcast queries
// for with its own address or objected to, oldest first and no more than 32.
func (p *Pass) Answered(a netip.Addr) []AnsweredName { return p.engine.answered[a] }

// Imported lists the mappings of the exchange's name that the user supplied.
func (p *Pass) Imported() []names.Record {
	return p.engine.imports.find(p.Exchange.Name, p.Exchange.Scope)
}

// Corrections lists the LMHOSTS lines as they should be for the computer of
// the exchange's name, where a supplied LMHOSTS file has others.
func (p *Pass) Corrections() []string { return p.engine.imports.corrections(p.Exchange.Name) }
