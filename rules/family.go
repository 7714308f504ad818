package rules

import (
	"slices"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
)

// explanation is what one rule says of an event: a finding, or why it is out
// of the question.
type explanation struct {
	rule    string          // slug
	verdict analyze.Verdict // 0: excluded
	why     string          // in a few words, for the list of alternatives
	// decided: nothing that may still come within the horizon changes it.
	decided bool
	finding analyze.Finding
	// open: it is not found, and not excluded either; the capture cannot tell.
	open bool
	// silent: the explanation is ordinary behaviour and no finding; it keeps
	// the other explanations from being reported.
	silent bool
}

// cause is one possible explanation of the events of a family.
type cause func(s *subject) explanation

// excluded is the explanation that does not apply.
func excluded(rule, why string) explanation { return explanation{rule: rule, why: why} }

// registrations are the kinds of exchange by which a machine asks for a name.
var registrations = []exchange.Kind{exchange.Registration, exchange.MultihomedRegistration, exchange.Refresh}

// wantsEvent picks the events of all families, for rules that belong to
// several.
func wantsEvent(x *exchange.Exchange, st *names.State) bool {
	switch x.Kind {
	case exchange.Query:
		return answeredBroadcast(x, st) && len(x.Answers) > 1
	case exchange.KindConflictDemand, exchange.KindReleaseDemand:
		return true
	}
	return isRefusal(x, st)
}

// checkEvent weighs an event in its family.
func checkEvent(p *analyze.Pass) {
	switch p.Exchange.Kind {
	case exchange.Query:
		checkQuery(p)
	case exchange.KindConflictDemand:
		checkConflict(p)
	case exchange.KindReleaseDemand:
		checkDemand(p)
	default:
		checkRefusal(p)
	}
}

// weigh asks every cause and reports the best explanation if it is the rule's.
// The strongest verdict wins; among equals the cause listed first. Of each
// family at least one cause always says whether it applies.
func weigh(p *analyze.Pass, subjectOf func(*analyze.Pass) *subject, causes func() []cause) {
	all := p.Shared(func() any {
		s := subjectOf(p)
		var es []explanation
		for _, c := range causes() {
			if e := c(s); e.rule != "" || e.silent {
				es = append(es, e)
			}
		}
		slices.SortStableFunc(es, func(a, b explanation) int { return int(b.verdict) - int(a.verdict) })
		return es
	}).([]explanation)
	best := &all[0]
	if best.verdict == 0 || best.silent || best.rule != p.Rule.Slug || !p.Final && !best.decided {
		return
	}
	f := best.finding
	f.Verdict = best.verdict
	for _, e := range all[1:] {
		if e.silent || e.why == "" {
			continue
		}
		f.Alternatives = append(f.Alternatives, analyze.Alternative{Rule: e.rule, Excluded: e.verdict == 0 && !e.open, Why: e.why})
	}
	p.Report(f)
}
