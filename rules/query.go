package rules

import (
	"fmt"
	"slices"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
)

// The families of broadcast queries that somebody answered, and of conflict
// demands.

var (
	queryTriggers     = []exchange.Kind{exchange.Query}
	conflictTriggers  = []exchange.Kind{exchange.KindConflictDemand}
	duplicateTriggers = append(append(append([]exchange.Kind{}, registrations...), queryTriggers...), conflictTriggers...)
)

// spoofNames is how many unrelated names one machine must answer for, without
// ever having registered them, to be taken for a spoofer.
const spoofNames = 3

func answeredBroadcast(x *exchange.Exchange, _ *names.State) bool {
	return x.Broadcast && len(x.Answers) > 0 && some(x.Answers, func(a *exchange.Answer) bool { return a.Positive() && !a.Group })
}

func querySubject(p *analyze.Pass) *subject {
	return newSubject(p, p.Exchange.Answers[0].From, p.Exchange.Answers[0].From)
}

func queryCauses() []cause { return []cause{querySpoofing, twoAnswers} }

func checkQuery(p *analyze.Pass) {
	// Most answered queries are in order: one answer, from a machine that
	// answers for one name.
	suspect := len(p.Exchange.Answers) > 1
	for i := range p.Exchange.Answers {
		from := p.Exchange.Answers[i].From
		suspect = suspect || len(p.Answered(from)) > 1 && spoofer(p, from)
	}
	if suspect {
		weigh(p, querySubject, queryCauses)
	}
}

// unowned lists the names that a machine answered broadcast queries for with
// its own address although it was never seen to register or use them. Names
// that come with a role in a domain (<1B>, <1D>, …) do not count, nor a second
// suffix of a name.
func unowned(p *analyze.Pass, a addr) []analyze.AnsweredName { return foreignNames(p, a, false) }

// objected lists the names that a machine objected to, by broadcast, although
// it was never seen to register or use them.
func objected(p *analyze.Pass, a addr) []analyze.AnsweredName { return foreignNames(p, a, true) }

func foreignNames(p *analyze.Pass, a addr, objection bool) []analyze.AnsweredName {
	var out []analyze.AnsweredName
	for _, n := range p.Answered(a) {
		if n.Objection != objection {
			continue
		}
		// What came after a question is judged with its own, when all answers
		// to that are in.
		if p.Exchange.Kind == exchange.Query && n.Ref.Time > p.Exchange.End {
			continue
		}
		if suffix := n.Name.Suffix(); suffix == 0x01 || suffix >= 0x1B && suffix <= 0x1E {
			continue
		}
		if st := p.Names.Get(n.Name, n.Scope); st != nil && (some(st.Claims, func(c *names.Claim) bool { return p.Hosts.SameMachine(c.Addr(), a) }) ||
			slices.ContainsFunc(st.Uses, func(u names.Use) bool { return !u.Via().IsValid() && p.Hosts.SameMachine(u.Addr(), a) })) {
			continue
		}
		if !slices.ContainsFunc(out, func(o analyze.AnsweredName) bool { return [15]byte(o.Name[:15]) == [15]byte(n.Name[:15]) }) {
			out = append(out, n)
		}
	}
	return out
}

// dispute is a question that two machines answered, each with its own address.
type dispute struct {
	frames []exchange.FrameRef // of the other one's answer, and of its registration
	other  addr
	owner  ownership // whether the other one is the owner
}

// ownership is how well it is known that the name is the other machine's.
type ownership uint8

const (
	// ownerUnclear: the other one was not seen to register the name. Either of
	// the two may be the owner, as with a duplicate name.
	ownerUnclear ownership = iota
	// ownerContested: it registered it by broadcast, but the machine objects to
	// registrations of the name, as its owner would.
	ownerContested
	// ownerUnheard: it registered it by broadcast and nobody was heard to object,
	// in a capture that misses packets.
	ownerUnheard
	// ownerKnown: it registered it.
	ownerKnown
)

// ownerOf says how well the claim c of the other machine shows whose the name n
// is that a answers for. A name server asks before it gives a name away; by
// broadcast it is silence that consents, RFC 1002 5.1.1.
func ownerOf(p *analyze.Pass, c *names.Claim, a addr, n analyze.AnsweredName) ownership {
	switch {
	case c.Server().IsValid():
		return ownerKnown
	case slices.ContainsFunc(p.Answered(a), func(o analyze.AnsweredName) bool { return o.Objection && o.Name == n.Name && o.Scope == n.Scope }):
		return ownerContested
	case p.Gaps:
		return ownerUnheard
	}
	return ownerKnown
}

// decided reports whether there is a dispute and it is known whose the name is.
func (d *dispute) decided() bool { return d != nil && d.owner >= ownerUnheard }

// disputed looks for a dispute over one of the names that a answered for, the
// one that is decided best; nil if there is none.
func disputed(p *analyze.Pass, a addr, ns []analyze.AnsweredName) *dispute {
	var found *dispute
	for _, n := range ns {
		st := p.Names.Get(n.Name, n.Scope)
		if st == nil {
			continue
		}
		for _, q := range st.Recent {
			x, y := rivals(p, q)
			if x == nil || x.From != a && y.From != a {
				continue
			}
			if x.From == a {
				x = y
			}
			d := &dispute{frames: x.Frames("owner-answer", q.Initiator), other: x.From}
			for i := range st.Claims {
				c := &st.Claims[i]
				if c.Group || c.State == names.Refused || c.From() >= q.Start || !p.Hosts.SameMachine(c.Addr(), x.From) {
					continue
				}
				if o := ownerOf(p, c, a, n); o > d.owner {
					d.owner, d.frames = o, append(x.Frames("owner-answer", q.Initiator), c.Frames("registration")...)
				}
			}
			if found == nil || d.owner > found.owner {
				found = d
			}
		}
	}
	return found
}

// spoofed lists the names that a spoofs, none if it does not: many unrelated
// ones, or two of which one was registered by somebody else. The dispute is one
// over such a name, nil if there is none.
func spoofed(p *analyze.Pass, a addr) ([]analyze.AnsweredName, *dispute) {
	ns := unowned(p, a)
	if len(ns) < 2 {
		return nil, nil
	}
	d := disputed(p, a, ns)
	if !d.decided() && len(ns) < spoofNames {
		return nil, nil
	}
	return ns, d
}

// spoofer reports whether a spoofs names.
func spoofer(p *analyze.Pass, a addr) bool {
	ns, _ := spoofed(p, a)
	return len(ns) > 0
}

// spoofs is evidence that the sender of something also spoofs, and how sure
// that is; 0 if it does not.
func spoofs(p *analyze.Pass, a addr, text string) (analyze.Evidence, analyze.Verdict) {
	ns, d := spoofed(p, a)
	if len(ns) == 0 {
		return analyze.Evidence{}, 0
	}
	v := analyze.Likely
	if d != nil && d.owner == ownerKnown {
		v = analyze.Proved
	}
	return ev("sender-spoofs", true, nameFrames("spoofed-answer", ns), "%s", text), v
}

func querySpoofing(s *subject) explanation {
	for i := range s.x.Answers {
		a := &s.x.Answers[i]
		if !a.Positive() || s.p.Hosts.MachineHasRole(a.From, hosts.WINSServer|hosts.WINSProxy) {
			continue
		}
		ns, d := spoofed(s.p, a.From)
		if len(ns) == 0 {
			continue
		}
		v := analyze.Likely
		evidence := []analyze.Evidence{
			ev("answers-for-many", true, nameFrames("spoofed-answer", ns), "%s answered broadcast queries for %s with its own address and was never seen to register them", a.From, nameList(ns)),
		}
		if d.decided() {
			evidence = append(evidence, ev("owner-known", true, d.frames, "%s registered one of the names and answered for it too", d.other))
			if d.owner == ownerKnown {
				v = analyze.Proved
			} else {
				evidence = append(evidence, ev("capture-has-gaps", false, nil, "the capture misses packets; an objection to the registration by broadcast may be among them"))
			}
		} else if d != nil {
			if len(ns) == spoofNames {
				v = analyze.Possible // a duplicate of one of them leaves too few
			}
			why := "the capture does not show which of the two registered it"
			if d.owner == ownerContested {
				why = fmt.Sprintf("it registered the name, but %s objects to registrations of it as an owner would", a.From)
			}
			evidence = append(evidence, ev("owner-unclear", false, d.frames, "%s answered for one of the names too; %s", d.other, why))
		}
		return explanation{rule: slugQuerySpoofing, verdict: v, why: "the machine answers for many names that are not its own", finding: analyze.Finding{
			Host: hostOf(a.From), Server: a.From, Title: "One machine answers name queries for everybody",
			Evidence: evidence, Remedy: remedySpoofing,
		}}
	}
	return excluded(slugQuerySpoofing, "no machine answers for several names that are not its own")
}

var remedySpoofing = []string{
	"Treat the machine as hostile until shown otherwise (Responder, Inveigh, Metasploit answer like this): find it by its MAC address, isolate it, and look who authenticated to it after the answers.",
	"Switch LLMNR and NetBIOS over TCP/IP off where nothing needs them, and require SMB signing.",
	"Names that people mistype or that programs ask for without end (wpad) are the bait: resolve them in DNS.",
}

// nameList enumerates names, of which there is at least one, or counts many.
func nameList(ns []analyze.AnsweredName) string {
	if len(ns) > 6 {
		return fmt.Sprintf("%d names", len(ns))
	}
	words := make([]string, len(ns))
	for i, n := range ns {
		words[i] = n.Name.Display(n.Scope)
	}
	return listed(words)
}

func nameFrames(role string, ns []analyze.AnsweredName) []exchange.FrameRef {
	fs := make([]exchange.FrameRef, len(ns))
	for i, n := range ns {
		fs[i] = n.Ref
	}
	return withRole(role, fs...)
}

// rivals returns two positive answers of one broadcast query for a unique
// name that come from different machines and give different addresses.
func rivals(p *analyze.Pass, x *exchange.Exchange) (a, b *exchange.Answer) {
	for i := range x.Answers {
		for j := i + 1; j < len(x.Answers); j++ {
			a, b := &x.Answers[i], &x.Answers[j]
			if !a.Positive() || !b.Positive() || a.Group || b.Group || p.Hosts.SameMachine(a.From, b.From) {
				continue
			}
			// Not a proxy, nor a name server, that answers for another. Who
			// lists the other's address beside its own is the same machine.
			if !slices.Contains(a.Addrs, a.From) || !slices.Contains(b.Addrs, b.From) {
				continue
			}
			return a, b
		}
	}
	return nil, nil
}

func twoAnswers(s *subject) explanation {
	a, b := rivals(s.p, s.x)
	if masterBrowser(s.x.Name) {
		return excluded(slugLiveDuplicate, "master browsers contend for the name by design")
	}
	if a == nil {
		return excluded(slugLiveDuplicate, "one machine answers for the name")
	}
	fs := append(a.Frames("answer", s.x.Initiator), b.Frames("answer", s.x.Initiator)...)
	return explanation{rule: slugLiveDuplicate, verdict: analyze.Likely, why: "two machines answer for the name", finding: analyze.Finding{
		HasName: true, Name: s.x.Name, Scope: s.x.Scope, Host: hostOf(b.From), Server: a.From, Events: []int{4319},
		Title: fmt.Sprintf("Two machines answer for one name: %s and %s", a.From, b.From),
		Evidence: []analyze.Evidence{ev("two-answers", true, append(frames(s.x, "query", exchange.RoleRequest), fs...),
			"%s and %s both answered one broadcast query for %s, each with its own address", a.From, b.From, s.name())},
		Remedy: remedyDuplicate(s),
	}}
}

// questionLasts is how long after its question a node that got two answers
// tells the second owner, at most.
const questionLasts = 10 * time.Second

func conflictSubject(p *analyze.Pass) *subject {
	return newSubject(p, p.Exchange.Asked, p.Exchange.Initiator)
}

func conflictCauses() []cause { return []cause{conflictOfTwo, forgedConflict} }

func checkConflict(p *analyze.Pass) { weigh(p, conflictSubject, conflictCauses) }

func conflictHow(s *subject) analyze.Evidence {
	return ev("conflict-demand", true, frames(s.x, "conflict-demand", exchange.RoleDemand, exchange.RoleRetransmission),
		"%s told %s that %s is in conflict (a negative registration response that nobody had asked for)", s.x.Initiator, s.x.Asked, s.name())
}

// conflictOfTwo: a node that got two answers to a query tells the second
// owner, RFC 1001 15.1.3.5; or the owner itself tells a rival.
func conflictOfTwo(s *subject) explanation {
	finding := func(server addr, evidence ...analyze.Evidence) explanation {
		return explanation{rule: slugLiveDuplicate, verdict: analyze.Likely, why: "two machines hold the name", decided: true, finding: s.finding(analyze.Finding{
			Server: server, Events: []int{4319},
			Title:    "Two machines hold one name; one was told that it is in conflict",
			Evidence: append([]analyze.Evidence{conflictHow(s)}, evidence...), Remedy: remedyDuplicate(s),
		})}
	}
	for _, q := range slices.Backward(s.p.Name.Recent) {
		if q.Kind != exchange.Query || q.Initiator != s.x.Initiator || q.Start > s.x.Start || s.x.Start-q.Start > int64(horizon) {
			continue
		}
		// The receiver of the demand is one of the two that answered.
		var mine, other *exchange.Answer
		for i := range q.Answers {
			a := &q.Answers[i]
			switch {
			case !a.Positive() || a.Group:
			case s.mine(a.From):
				mine = a
			default:
				other = a
			}
		}
		if mine == nil || other == nil {
			continue
		}
		if slices.ContainsFunc([]addr{mine.From, other.From}, func(a addr) bool { return spoofer(s.p, a) }) {
			return explanation{silent: true, verdict: analyze.Likely} // told as spoofing
		}
		return finding(other.From, ev("two-answers", true, append(mine.Frames("answer", q.Initiator), other.Frames("answer", q.Initiator)...), "before that, %s and %s both answered a query for the name", mine.From, other.From))
	}
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if c.Addr() == s.x.Initiator && !c.Group && c.State == names.Active && c.From() < s.x.Start && !s.mine(c.Addr()) {
			return finding(c.Addr(), ev("defended-by-end-node", true, c.RequestFrames("registration"), "the sender holds the name itself"))
		}
	}
	// The sender's question may have come before the capture began.
	if s.x.Start-s.p.Start < int64(questionLasts) {
		return explanation{rule: slugLiveDuplicate, verdict: analyze.Possible, why: "the two answers may have come before the capture began", finding: s.finding(analyze.Finding{
			Server: s.x.Initiator, Events: []int{4319},
			Title: "A machine was told that its name is in conflict; the capture does not show with whom",
			Evidence: []analyze.Evidence{conflictHow(s), ev("cause-unseen", false, nil,
				"the capture began %s before: a question of %s that two machines answered may have come earlier", duration(s.x.Start-s.p.Start), s.x.Initiator)},
			Remedy: remedyDuplicate(s),
		})}
	}
	return excluded(slugLiveDuplicate, "nobody else was seen to hold the name")
}

func forgedConflict(s *subject) explanation {
	if s.actsAsServer() {
		return excluded(slugForgedConflict, "the sender acts as a name server")
	}
	f := s.finding(analyze.Finding{Server: s.x.Initiator, Events: []int{4319},
		Evidence: []analyze.Evidence{conflictHow(s),
			ev("sender-no-server", true, nil, "%s is no name server, does not hold the name, and asked for it from nobody who gave it two answers", s.x.Initiator)},
		Remedy: remedyForged})
	v := analyze.Possible
	if claims := s.claimsAnywhere(); len(claims) > 0 {
		v = analyze.Likely
		f.Evidence = append(f.Evidence, claims...)
	}
	if e, sure := spoofs(s.p, s.x.Initiator, "the sender also answers queries for names that are not its own"); sure > 0 {
		v = max(v, sure)
		f.Evidence = append(f.Evidence, e)
	}
	if e, many := objectsToMany(s.p, s.x.Initiator); many {
		v = max(v, analyze.Likely)
		f.Evidence = append(f.Evidence, e)
	}
	return explanation{rule: slugForgedConflict, verdict: v, why: "the sender has nothing to do with the name", finding: f}
}

// objectsToMany reports whether a machine objects to registrations as NBName
// does (CVE-2000-0673): to several unrelated names of several machines, none
// of which it holds. Name servers and proxies object for others and do not
// count.
func objectsToMany(p *analyze.Pass, a addr) (analyze.Evidence, bool) {
	h := p.Hosts
	if h.MachineHasRole(a, hosts.WINSServer|hosts.WINSPartner|hosts.WINSProxy) {
		return analyze.Evidence{}, false
	}
	ns := objected(p, a)
	severalVictims := slices.ContainsFunc(ns, func(n analyze.AnsweredName) bool { return !h.SameMachine(n.Ref.Dst, ns[0].Ref.Dst) })
	if len(ns) < spoofNames || !severalVictims {
		return analyze.Evidence{}, false
	}
	return ev("objects-to-many", true, nameFrames("objection", ns),
		"%s objected to the registrations of %s by several machines and was never seen to hold one of the names", a, nameList(ns)), true
}

// forgedObjection: somebody refuses every registration by broadcast.
func forgedObjection(s *subject) explanation {
	if !s.x.Broadcast {
		return explanation{}
	}
	many, ok := objectsToMany(s.p, s.x.Responder)
	if !ok || len(s.holding(s.x.Responder)) > 0 {
		return excluded(slugForgedConflict, "the objector does not object to the names of many")
	}
	f := about(s)
	f.Title = "One machine refuses names that are not its own to several others"
	f.Server, f.Events = s.x.Responder, refusalEvents
	f.Evidence = []analyze.Evidence{objection(s), many}
	f.Remedy = remedyForged
	v := analyze.Likely
	if e, sure := spoofs(s.p, s.x.Responder, "the objector also answers queries for names that are not its own"); sure > 0 {
		v = analyze.Proved // nobody holds so many names of others by right
		f.Evidence = append(f.Evidence, e)
	}
	return explanation{rule: slugForgedConflict, verdict: v, why: "the objector refuses many names and holds none of them", finding: f}
}
