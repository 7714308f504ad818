package analyze

import (
	"nbtrace/analyze/exchange"
)

// check is a rule's appointment with an exchange.
type check struct {
	at    int64
	x     *exchange.Exchange
	id    uint64
	rule  ruleRef
	final bool
}

func (c *check) before(o *check) bool {
	switch {
	case c.at != o.at:
		return c.at < o.at
	case c.id != o.id:
		return c.id < o.id
	case c.rule.index != o.rule.index:
		return c.rule.index < o.rule.index
	}
	return !c.final && o.final
}

// agenda holds the appointments. There are few distinct delays, and exchanges
// settle in order of time, so each delay has a queue that is in order already.
type agenda struct {
	queues []agendaQueue
}

type agendaQueue struct {
	delay int64
	items []check
	head  int
}

func (a *agenda) add(delay int64, c check) {
	for i := range a.queues {
		if q := &a.queues[i]; q.delay == delay {
			q.items = append(q.items, c)
			return
		}
	}
	a.queues = append(a.queues, agendaQueue{delay: delay, items: []check{c}})
}

func (a *agenda) next() *agendaQueue {
	var best *agendaQueue
	for i := range a.queues {
		q := &a.queues[i]
		if q.head < len(q.items) && (best == nil || q.items[q.head].before(&best.items[best.head])) {
			best = q
		}
	}
	return best
}

// quiet reports whether there is no appointment before t.
func (a *agenda) quiet(t int64) bool {
	for i := range a.queues {
		if q := &a.queues[i]; q.head < len(q.items) && q.items[q.head].at < t {
			return false
		}
	}
	return true
}

// first is the earliest appointment, nil if there is none.
func (a *agenda) first() *check {
	if q := a.next(); q != nil {
		return &q.items[q.head]
	}
	return nil
}

// pop takes the earliest appointment.
func (a *agenda) pop() check {
	q := a.next()
	c := q.items[q.head]
	q.items[q.head] = check{}
	q.head++
	if q.head > 1024 && q.head*2 > len(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	return c
}

// appoint makes the rule's two appointments with a settled exchange.
func (e *Engine) appoint(x *exchange.Exchange, r ruleRef) {
	at := max(x.Settled, e.clock)
	horizon := int64(max(r.rule.Horizon, earlyCheck)) + 1 // after the early check
	e.agenda.add(int64(earlyCheck), check{at: at + int64(earlyCheck), x: x, id: x.ID, rule: r})
	e.agenda.add(horizon, check{at: at + horizon, x: x, id: x.ID, rule: r, final: true})
}
