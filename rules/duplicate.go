package rules

import (
	"fmt"
	"slices"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// decidedAt is when the server gave its answer to the registration, ns. One
// that was accepted by a server, or refused, has an answer.
func (s *subject) decidedAt() int64 { return s.x.Answers[0].Time }

// answeredChallenge returns the challenge that somebody answered positively
// before the server decided, and whether the answer came from the machine
// itself.
func (s *subject) answeredChallenge() (q *exchange.Exchange, own bool) {
	for _, c := range s.challenges() {
		for i := range c.Answers {
			a := &c.Answers[i]
			if !a.Positive() || a.Time > s.decidedAt() {
				continue
			}
			own := s.mine(a.From)
			for _, b := range a.Addrs {
				own = own || b == s.x.Address()
			}
			return c, own
		}
	}
	return nil, false
}

func challengeEvidence(s *subject, q *exchange.Exchange) analyze.Evidence {
	a := &q.Answers[0]
	return ev("challenge-answered", true, pair(q, "challenge", "challenge-answer"),
		"the server asked %s, which answered with %s", q.Asked, addrList(a.Addrs))
}

// duplicateCase finds the living owner behind a refusal, for the rules that
// differ in the kind of name only.
func (s *subject) duplicateCase() (verdict analyze.Verdict, why string, evidence []analyze.Evidence, owner addr) {
	x := s.x
	if x.Broadcast {
		owner = x.Responder
		if s.mine(owner) {
			return 0, "the objection came from the machine itself", nil, owner
		}
		held := s.holding(owner)
		if len(held) == 0 {
			// Another adapter of the machine, a proxy or an attacker objects
			// in the same way.
			return analyze.Likely, "another end node defends the name", []analyze.Evidence{objection(s)}, owner
		}
		return analyze.Proved, "another end node defends the name and holds it", []analyze.Evidence{objection(s),
			ev("objector-holds-name", true, held, "%s holds the name", owner)}, owner
	}
	q, own := s.answeredChallenge()
	if e, asked, ok := s.unseenAnswer(); ok {
		if s.mine(asked) {
			return 0, "the machine itself was asked for the name", nil, owner
		}
		v := analyze.Likely
		if len(s.multihomed) > 0 {
			v = analyze.Possible // another adapter of its own may have answered
		}
		if !asked.IsValid() {
			asked = s.recorded()
		}
		return v, "the server waited and then refused, as it does when the recorded owner answers", []analyze.Evidence{refusedHow(s), e}, asked
	}
	if q == nil && s.refusedByRecord() {
		return s.otherOnRecord()
	}
	if q == nil {
		if len(s.owners) > 0 && !x.WACK && len(s.challenges()) == 0 {
			return 0, "the server did not ask the other holder", nil, owner
		}
		return 0, "no other machine answered for the name", nil, owner
	}
	if own {
		return 0, "the machine itself answered for the name", nil, owner
	}
	verdict, doubt := s.unlessOwn(q.Asked, analyze.Proved, analyze.Likely)
	return verdict, "a machine answered for the name", append([]analyze.Evidence{refusedHow(s), challengeEvidence(s, q)}, doubt...), q.Asked
}

// lateAnswer returns the evidence that somebody answered the server's challenge
// positively only after the server had refused: the owner is there, and slow or
// far away. The challenge is nil if nobody did.
func (s *subject) lateAnswer() (*exchange.Exchange, []analyze.Evidence) {
	for _, q := range s.challenges() {
		if len(q.Answers) > 0 && q.Answers[0].Time <= s.decidedAt() {
			continue
		}
		for i := range q.Answers {
			if a := &q.Answers[i]; a.Positive() {
				return q, []analyze.Evidence{ev("answered-too-late", true, append(frames(q, "challenge", exchange.RoleRequest, exchange.RoleRetransmission), a.Frames("late-answer", q.Initiator)...),
					"the server asked %s, which answered with %s only %s after the server had refused", q.Asked, addrList(a.Addrs), duration(a.Time-s.decidedAt()))}
			}
		}
	}
	return nil, nil
}

// refusedByRecord reports whether a refresh was refused as nmbd does it with
// every address that it does not have on record: with RFS_ERR at once, be the
// record static or another machine's or the machine's own. Other servers treat
// such a refresh like a registration, and ask.
func (s *subject) refusedByRecord() bool {
	x := s.x
	return x.Kind == exchange.Refresh && x.Unicast() && x.RCode == nbns.RCodeRfsErr && !x.WACK && len(s.challenges()) == 0
}

// otherOnRecord finds the other machine whose record made a server refuse a
// refresh without asking.
func (s *subject) otherOnRecord() (verdict analyze.Verdict, why string, evidence []analyze.Evidence, owner addr) {
	why = "another machine has the name on record, and Samba's nmbd refuses the refresh of an address that it has not without asking"
	for _, c := range s.owners {
		if s.registeredBefore(c) {
			continue
		}
		verdict, doubt := s.unlessOwn(c.Addr(), analyze.Likely, analyze.Possible)
		return verdict, why, append([]analyze.Evidence{refusedHow(s), ev("registered-by-another", true, c.RequestFrames("owner"),
			"%s registered the name at this server meanwhile; Samba's nmbd refuses the refresh of an address that is not on record without asking", c.Addr())}, doubt...), c.Addr()
	}
	for i, a := range append(slices.Clone(s.answers), s.sibling...) {
		at := slices.IndexFunc(a.Addrs(), func(b addr) bool { return !s.mine(b) })
		if at < 0 || steady(a) || nmbdPermanent(a) {
			continue
		}
		owner = a.Addrs()[at]
		verdict, doubt := s.unlessOwn(owner, analyze.Possible, analyze.Possible)
		return verdict, why, append([]analyze.Evidence{refusedHow(s), s.shown(a, i >= len(s.answers))}, doubt...), owner
	}
	return 0, "no other machine answered for the name", nil, owner
}

// registeredBefore reports whether the server accepted the machine's name again
// after the other machine's claim began: it held the name in spite of it.
func (s *subject) registeredBefore(other *names.Claim) bool {
	return some(s.p.Name.Claims, func(c *names.Claim) bool {
		return s.mine(c.Addr()) && !c.Group && c.Server() == s.server && c.State != names.Refused && c.From() > other.From() && c.From() < s.x.Start
	})
}

// ownRecord returns the claim of another address of the machine that the server
// confirmed right before, or after, it refused the refresh, and never refused in
// between; nil if there is none.
func (s *subject) ownRecord() *names.Claim {
	i := slices.IndexFunc(s.p.Name.Claims, func(c names.Claim) bool {
		return !c.Group && c.Server() == s.server && c.State == names.Active && c.Addr() != s.x.Address() && s.mine(c.Addr()) &&
			c.From() <= s.x.Start && s.x.Start-c.Last <= int64(analyze.TogetherAtServer)
	})
	if i < 0 {
		return nil
	}
	return &s.p.Name.Claims[i]
}

// unseenAnswer is the evidence that somebody answered the server's challenge,
// which the capture does not show: the server decided before its tries can have
// run out. The address is who was asked, zero if that is not known.
func (s *subject) unseenAnswer() (e analyze.Evidence, asked addr, ok bool) {
	cs := s.challenges()
	if len(cs) == 0 {
		if !s.x.WACK || s.decidedAt()-s.x.Start >= int64(answeredWithin) {
			return e, asked, false
		}
		return ev("waited-then-refused", true, frames(s.x, "wack", exchange.RoleWACK), "the server asked for time (WACK) and refused %s later: somebody answered its challenge, which this capture does not show",
			duration(s.decidedAt()-s.x.WACKTime)), asked, true
	}
	var last *exchange.Exchange
	for _, q := range cs {
		if len(q.Answers) > 0 {
			return e, asked, false
		}
		if q.Start <= s.decidedAt() && (last == nil || q.Start > last.Start) {
			last = q
		}
	}
	if last == nil || s.decidedAt()-last.Start >= int64(answeredWithin) {
		return e, asked, false
	}
	return ev("waited-then-refused", true, frames(last, "challenge", exchange.RoleRequest, exchange.RoleRetransmission), "the server asked %s for the name and decided %s later, before its tries can have run out: somebody answered, which this capture does not show",
		last.Asked, duration(s.decidedAt()-last.Start)), last.Asked, true
}

// apart reports whether the capture shows that the machine at the owner's
// address is another one than the subject's. Addresses of one machine are
// joined by what it sends when it starts; a capture that began later shows two
// addresses and no more. A machine that registers with opcode 5 at a server has
// one address, one that answers for its name lists all that it has, and the
// adapters of one machine register within seconds of each other.
func (s *subject) apart(owner addr) bool {
	if s.x.Kind == exchange.Registration {
		return true
	}
	if slices.ContainsFunc(s.p.Hosts.MultihomedJoins(s.host), func(j hosts.Join) bool { return j.Sign == hosts.OwnAnswer }) {
		return true
	}
	return some(s.p.Name.Claims, func(c *names.Claim) bool {
		return c.Addr() == owner && c.Registered && c.Server().IsValid() && (!c.Multihomed || s.x.Start-c.From() > int64(analyze.TogetherAtServer))
	})
}

// unlessOwn is the verdict on two machines at the subject's and the owner's
// addresses: v, or no more than doubtful, with what raises the doubt, where the
// two may be adapters of one.
func (s *subject) unlessOwn(owner addr, v, doubtful analyze.Verdict) (analyze.Verdict, []analyze.Evidence) {
	if s.apart(owner) {
		return v, nil
	}
	return min(v, doubtful), []analyze.Evidence{ev("maybe-one-machine", false, nil,
		"the capture does not show that %s is another machine, and not another adapter of this one", owner)}
}

func objectionFrames(x *exchange.Exchange) []exchange.FrameRef {
	return append(frames(x, "registration", exchange.RoleRequest), frames(x, "defence", exchange.RoleResponse, exchange.RoleDuplicate)...)
}

func objection(s *subject) analyze.Evidence {
	x := s.x
	return ev("defended-by-end-node", true, objectionFrames(x), "%s objected to the broadcast registration with %s", x.Responder, x.RCode)
}

// holding returns what shows, beside its objection, that a machine has the
// name: its registration, its own answer to a query, a datagram or a node status
// response with it.
func (s *subject) holding(a addr) []exchange.FrameRef {
	st := s.p.Name
	for i := range st.Claims {
		if c := &st.Claims[i]; s.p.Hosts.SameMachine(c.Addr(), a) && !c.Group && c.State != names.Refused && c.From() < s.x.End {
			return c.RequestFrames("holder")
		}
	}
	for i := range st.Answers {
		t := &st.Answers[i]
		if !t.Negative && !t.Group && t.Responder() == a && slices.ContainsFunc(t.Addrs(), func(b addr) bool { return s.p.Hosts.SameMachine(b, a) }) {
			return t.FirstFrames("holder")
		}
	}
	for i := range st.Uses {
		if u := &st.Uses[i]; !u.Via().IsValid() && s.p.Hosts.SameMachine(u.Addr(), a) {
			return u.Ref.As("holder", u.Addr(), addr{}, "uses the name")
		}
	}
	return nil
}

func (s *subject) duplicateFinding(slug, title string) explanation {
	v, why, evidence, owner := s.duplicateCase()
	holder := "another machine"
	if owner.IsValid() {
		holder = owner.String()
	}
	return explanation{rule: slug, verdict: v, why: why, decided: v == analyze.Proved, finding: s.finding(analyze.Finding{
		Events:   refusalEvents,
		Title:    fmt.Sprintf(title, holder),
		Evidence: evidence, Remedy: remedyDuplicate(s),
	})}
}

func liveDuplicate(s *subject) explanation {
	if s.x.Group {
		return excluded(slugLiveDuplicate, "it is a group name")
	}
	if masterBrowser(s.x.Name) {
		return excluded(slugLiveDuplicate, "master browsers contend for the name by design")
	}
	if s.isUserName() || s.x.Name.Suffix() == 0x1B {
		return explanation{} // told by the rules for these names
	}
	return s.duplicateFinding(slugLiveDuplicate, "Two machines claim one name: %s holds it")
}

// isUserName reports whether a <03> name is a user's, not the computer's: the
// machine registers no <00> or <20> of the same text.
func (s *subject) isUserName() bool {
	if s.x.Name.Suffix() != 0x03 {
		return false
	}
	for _, n := range siblings(s.x.Name) {
		st := s.p.Names.Get(n, s.x.Scope)
		if st == nil {
			continue
		}
		for i := range st.Claims {
			if !st.Claims[i].Group && s.mine(st.Claims[i].Addr()) {
				return false
			}
		}
	}
	return true
}

// computerNamed reports whether the machine was seen to have a computer name,
// which then is another one than a <03> name that isUserName found.
func (s *subject) computerNamed() bool {
	return slices.ContainsFunc(s.p.Hosts.Addresses(s.host), func(a addr) bool {
		return slices.ContainsFunc(s.p.Hosts.Names(a), func(n hosts.Name) bool {
			if n.Bytes[15] != 0x00 && n.Bytes[15] != 0x20 {
				return false
			}
			st := s.p.Names.Get(n.Bytes, n.Scope)
			return st != nil && some(st.Claims, func(c *names.Claim) bool { return !c.Group && s.mine(c.Addr()) })
		})
	})
}

func userNameDuplicate(s *subject) explanation {
	if !s.isUserName() {
		return explanation{}
	}
	e := s.duplicateFinding(slugUserDuplicate, "A user name is registered by two machines: %s holds it")
	if e.verdict == analyze.Proved && !s.computerNamed() {
		e.verdict, e.decided = analyze.Likely, false
		e.finding.Evidence = append(e.finding.Evidence, ev("maybe-computer-name", false, nil,
			"the capture does not show the computer name of %s: it may be this one", s.host))
	}
	return e
}

func twoPrimaryControllers(s *subject) explanation {
	if s.x.Name.Suffix() != 0x1B {
		return explanation{}
	}
	return s.duplicateFinding(slugTwoPDC, "Two machines claim to be the domain's primary controller: %s holds <1B>")
}

// Where the capture does not show a challenge, the time between request and
// refusal tells what came of it: soon, somebody answered; after long, nmbd's
// tries ran out (21 s) without an answer. In between, other servers' tries run
// out (1.5 s to 3 s), after which they should accept.
const (
	answeredWithin = time.Second
	triesRanOut    = 10 * time.Second
)

// recorded is the address that the server gives for the name, zero if the
// capture does not show it.
func (s *subject) recorded() addr {
	for _, a := range s.answers {
		for _, b := range a.Addrs() {
			if !s.mine(b) {
				return b
			}
		}
	}
	return addr{}
}

// masterBrowser reports whether the name goes to whoever wins the browser
// election: the segment's master browser.
func masterBrowser(n nbns.Name) bool { return n.Suffix() == 0x1D || n.Suffix() == 0x01 && n[0] == 0x01 }

func remedyDuplicate(s *subject) []string {
	steps := []string{
		"Find both machines (addresses above; the MAC address names the adapter) and rename one of them.",
		"If one of them is gone for good or was cloned, remove its registration: on Windows `nbtstat -RR` on the machine that stays, with nmbd restart it.",
	}
	if s.refusedByRecord() {
		return append(steps, "If there is no second machine, look into wins.dat of the server: time 0 in the name's line makes it a permanent entry.")
	}
	return append(steps, "Do not look for a static mapping first: the owner answered for itself.")
}

// groupClash: the name is a group.
func groupClash(s *subject) explanation {
	x := s.x
	if x.Group {
		return groupOverUnique(s)
	}
	if len(s.group) == 0 {
		return s.siblingGroup()
	}
	if len(s.static) > 0 {
		return excluded(slugGroupClash, "a static record of the name is known")
	}
	if x.WACK || len(s.challenges()) > 0 {
		return excluded(slugGroupClash, "the server asked for the name, as it does not for a group's")
	}
	v := analyze.Proved
	evidence := []analyze.Evidence{refusedHow(s), ev("name-is-a-group", true, s.group, "%s is a group name: %s", s.name(), s.groupHow)}
	if s.groupLeft {
		v = analyze.Likely
		evidence = append(evidence, ev("group-released", false, nil, "all members that this capture shows had released it"))
	}
	if x.Unicast() && !atOnce(x) {
		v = analyze.Likely // there was time for a WACK and a challenge, see refusedHow
	}
	if s.p.Gaps {
		v = analyze.Likely
		evidence = append(evidence, ev("capture-has-gaps", false, nil, "the capture misses packets; a WACK and a challenge may be among them"))
	}
	if c := s.afterGroup(); c != nil {
		v = analyze.Possible
		evidence = append(evidence, ev("dynamic-owner-known", false, c.Frames("registration"), "%s registered it as its own name after that, and the server accepted it", c.Addr()))
	}
	return explanation{rule: slugGroupClash, verdict: v, why: s.groupHow, decided: v == analyze.Proved, finding: s.finding(analyze.Finding{
		Events:   refusalEvents,
		Title:    "A machine's name is also a group's name",
		Evidence: evidence, Remedy: remedyGroup,
	})}
}

const renameOne = "Rename the machine or the workgroup/domain: a computer and a group must not share a name."

var remedyGroup = []string{
	renameOne,
	"If the group is a leftover, delete its record at the WINS server and register again (nbtstat -RR, or restart nmbd).",
}

// siblingGroup: the server refuses the machine's other names alike, and one of
// them is a group's. An entry for a whole machine, made for a group by mistake,
// has all three suffixes. A group <00> is any workgroup's and tells nothing of
// the others.
func (s *subject) siblingGroup() explanation {
	if s.x.Broadcast || s.x.WACK || len(s.challenges()) > 0 || !atOnce(s.x) || len(s.static) > 0 || len(s.answers) > 0 {
		return excluded(slugGroupClash, "nothing shows a group of that name")
	}
	for _, n := range siblings(s.x.Name) {
		st := s.p.Names.Get(n, s.x.Scope)
		if st == nil || n.Suffix() == 0x00 || !s.treatedAlike(st) {
			continue
		}
		i := slices.IndexFunc(st.Answers, func(a names.AnswerSet) bool {
			return a.Group && !a.Negative && s.p.Hosts.SameMachine(a.Responder(), s.server)
		})
		if i < 0 {
			continue
		}
		why := fmt.Sprintf("%s, refused alike, is a group's", n.Display(s.x.Scope))
		return explanation{rule: slugGroupClash, verdict: analyze.Likely, why: why, finding: s.finding(analyze.Finding{
			Events: refusalEvents,
			Title:  "A machine's name is also a group's name",
			Evidence: []analyze.Evidence{refusedHow(s), ev("sibling-is-a-group", true, st.Answers[i].FirstFrames("group"),
				"the server refuses the machine's name %s in the same way and answers for it as a group", n.Display(s.x.Scope))},
			Remedy: remedyGroup,
		})}
	}
	return excluded(slugGroupClash, "nothing shows a group of that name")
}

// afterGroup returns another machine's claim of the name as its own that the
// server accepted after the last sign of the group: the record was no group's
// any more. It is nil if there is none.
func (s *subject) afterGroup() *names.Claim {
	for _, c := range s.owners {
		if c.Last > s.groupLast {
			return c
		}
	}
	return nil
}

// groupOverUnique: the reverse, a group that is refused since a machine has
// the name.
func groupOverUnique(s *subject) explanation {
	q, _ := s.answeredChallenge()
	v := analyze.Proved
	evidence := []analyze.Evidence{refusedHow(s)}
	if q != nil {
		evidence = append(evidence, challengeEvidence(s, q))
	} else if e, _, ok := s.unseenAnswer(); ok {
		v, evidence = analyze.Likely, append(evidence, e)
	} else {
		return excluded(slugGroupClash, "no machine answered a challenge")
	}
	if len(s.owners) > 0 {
		evidence = append(evidence, ev("name-is-a-machines", true, s.owners[0].RequestFrames("owner"), "%s registered it as its own name", s.owners[0].Addr()))
	}
	return explanation{rule: slugGroupClash, verdict: v, why: "a living machine has the name as its own", decided: v == analyze.Proved, finding: s.finding(analyze.Finding{
		Events:   refusalEvents,
		Title:    "A group's name is also a machine's name",
		Evidence: evidence,
		Remedy: []string{
			renameOne,
			"Then let the members of the group register again (nbtstat -RR, or restart nmbd).",
		},
	})}
}

// wantsGroupClash picks the refusals, and the groups that a server accepted
// although it has, or had, a machine's own record of the name.
func wantsGroupClash(x *exchange.Exchange, st *names.State) bool {
	if !x.Group || x.Outcome != exchange.Accepted || x.Broadcast {
		return isRefusal(x, st)
	}
	return x.WACK || len(x.Challenges) > 0 || some(st.Claims, func(c *names.Claim) bool {
		return !c.Group && c.State != names.Refused && c.Server() == x.Asked
	})
}

func checkGroupClash(p *analyze.Pass) {
	if p.Exchange.Outcome == exchange.Accepted {
		weigh(p, acceptedSubject, groupAcceptedCauses)
		return
	}
	checkRefusal(p)
}

func groupAcceptedCauses() []cause { return []cause{groupTakesUnique} }

// groupTakesUnique: a server gave the name of a machine that is there to a group.
func groupTakesUnique(s *subject) explanation {
	var owner addr
	var evidence []analyze.Evidence
	v := analyze.Likely
	switch q, own := s.answeredChallenge(); {
	case own:
		return excluded(slugGroupClash, "the machine itself answered the challenge")
	case q != nil && q.Group:
		return excluded(slugGroupClash, "a member of the group answered the challenge")
	case q != nil:
		v, owner, evidence = analyze.Proved, q.Asked, []analyze.Evidence{challengeEvidence(s, q)}
	default:
		if len(s.owners) == 0 {
			return excluded(slugGroupClash, "no machine was seen to have the name as its own")
		}
		c := s.owners[0]
		owner = c.Addr()
		there, _ := s.stillThere(owner)
		if len(there) == 0 {
			return excluded(slugGroupClash, "nothing shows that the machine still has the name")
		}
		evidence = append([]analyze.Evidence{ev("name-is-a-machines", true, c.RequestFrames("owner"), "%s registered it as its own name", owner)}, there...)
	}
	evidence = append(evidence, ev("given-to-group", true, pair(s.x, "registration", "accepted"), "the server accepted it as a group's from %s", s.x.Address()))
	group := slices.IndexFunc(s.p.Name.Answers, func(a names.AnswerSet) bool {
		return a.Group && !a.Negative && a.Last() > s.x.End && s.p.Hosts.SameMachine(a.Responder(), s.server)
	})
	if group >= 0 {
		v = analyze.Proved
		evidence = append(evidence, ev("name-is-a-group", true, s.p.Name.Answers[group].LastFrames("group"), "%s is a group name: the server answers for it as a group", s.name()))
	} else if slices.ContainsFunc(s.answers, func(a *names.AnswerSet) bool { return a.Last() > s.x.End && slices.Contains(a.Addrs(), owner) }) {
		return excluded(slugGroupClash, "the server still gives the machine's address for the name")
	}
	f := s.finding(analyze.Finding{
		Title:    "A WINS server gave a machine's name to a group",
		Evidence: evidence,
		Remedy: []string{
			renameOne,
			fmt.Sprintf("Then delete the group's record at the WINS server and let %s register again (nbtstat -RR, or restart nmbd).", owner),
		},
	})
	f.Host = hostOf(owner)
	return explanation{rule: slugGroupClash, verdict: v, why: "a group took a living machine's name", finding: f}
}

// otherAddressOnRecord: nmbd lost its records, takes the refresh of one address
// for a new registration, and then refuses those of the machine's others.
func otherAddressOnRecord(s *subject) explanation {
	if !s.refusedByRecord() || len(s.static) > 0 || slices.ContainsFunc(s.imported, s.contradicts) {
		return explanation{}
	}
	own := s.ownRecord()
	if own == nil {
		return explanation{}
	}
	evidence := []analyze.Evidence{refusedHow(s), ev("other-address-accepted", true, own.Frames("accepted"),
		"at that time the server accepted the name for %s, another address of the machine", own.Addr())}
	v := analyze.Likely
	if a := s.same; a != nil && a.Last() > s.x.End && slices.Contains(a.Addrs(), own.Addr()) && !slices.Contains(a.Addrs(), s.x.Address()) {
		v = analyze.Proved
		evidence = append(evidence, ev("other-address-on-record", true, a.LastFrames("answer"), "the server resolves the name to %s, and not to the refused %s", addrList(a.Addrs()), s.x.Address()))
	}
	return explanation{rule: slugRace, verdict: v, why: "the server has another address of the machine on record", finding: s.finding(analyze.Finding{
		Events:   eventsOfRefusal(s.x),
		Title:    "A server refused the refresh of one address of a multihomed host, and has another one on record",
		Evidence: append(evidence, s.multihomed...),
		Remedy: []string{
			"Nothing is wrong with the name: the server lost what it had of the host and takes a refresh for one address only. Restart nmbd on the host (Windows: nbtstat -RR), which registers every address again.",
			"Find out why the server lost its records: wins.tdb and wins.dat of nmbd must outlive its restart.",
		},
	})}
}

// registrationRace: the machine registered several adapters at once, and the
// server lost track of its own challenges.
func registrationRace(s *subject) explanation {
	if e := otherAddressOnRecord(s); e.rule != "" {
		return e
	}
	q, own := s.answeredChallenge()
	if q == nil {
		return excluded(slugRace, "the machine was not asked")
	}
	if !own {
		return excluded(slugRace, "another machine answered the challenge")
	}
	evidence := append([]analyze.Evidence{refusedHow(s), challengeEvidence(s, q)}, s.multihomed...)
	v := analyze.Likely
	if s.accepted != nil {
		v = analyze.Proved
		evidence = append(evidence, ev("accepted-later", true, s.accepted.Frames("accepted"),
			"the same registration was accepted later"))
	}
	return explanation{rule: slugRace, verdict: v, why: "the machine itself answered the challenge", decided: true, finding: s.finding(analyze.Finding{
		Events:   refusalEvents,
		Evidence: evidence, Remedy: remedyRace,
	})}
}

var remedyRace = []string{
	"Nothing is wrong with the name: let the host register again (it does so by itself after some minutes; nbtstat -RR or a restart of nmbd does it now).",
	"To avoid it, bind NetBIOS to fewer adapters, or let them come up one after the other.",
}

// notKept is the evidence that the machines which the server asked did not keep
// the name: nobody answered in time, or one of them with a no, and then it is
// denied.
func (s *subject) notKept(cs []*exchange.Exchange) (e analyze.Evidence, denied bool) {
	var asked []addr
	var fs []exchange.FrameRef
	var no *exchange.Exchange
	for _, q := range cs {
		if !slices.Contains(asked, q.Asked) {
			asked = append(asked, q.Asked)
		}
		fs = append(fs, frames(q, "challenge", exchange.RoleRequest, exchange.RoleRetransmission)...)
		if len(q.Answers) > 0 && q.Answers[0].Time <= s.decidedAt() {
			no = q
			fs = append(fs, q.Answers[0].Frames("challenge-answer", q.Initiator)...)
		}
	}
	if no != nil {
		return ev("challenge-denied", true, fs, "the server asked the recorded address %s, %s answered that it has not the name, and the server refused all the same", addrList(asked), no.Asked), true
	}
	return ev("challenge-unanswered", true, fs, "the server asked the recorded address %s, nobody answered in time, and it refused all the same", addrList(asked)), false
}

// staleRegistration: a dynamic record whose machine is gone.
func staleRegistration(s *subject) explanation {
	x := s.x
	cs := s.challenges()
	if len(cs) == 0 && x.WACK && s.decidedAt()-x.Start >= int64(triesRanOut) {
		return explanation{rule: slugStale, verdict: analyze.Possible, why: "the server waited long and refused", finding: s.finding(analyze.Finding{
			Events:   refusalEvents,
			Evidence: []analyze.Evidence{refusedHow(s)}, Remedy: remedyStale(s, s.recorded()),
		})}
	}
	if len(cs) == 0 {
		return excluded(slugStale, "nobody was asked for the name")
	}
	if _, _, ok := s.unseenAnswer(); ok {
		return excluded(slugStale, "the server decided before its tries can have run out")
	}
	if q, _ := s.answeredChallenge(); q != nil {
		return excluded(slugStale, "the recorded owner answered")
	}
	gone := cs[len(cs)-1].Asked
	e, denied := s.notKept(cs)
	why, remedy := "the recorded owner did not answer in time", remedyStale(s, gone)
	if denied {
		why = "the recorded owner says that it has not the name"
		remedy[0] = fmt.Sprintf("%s does not have %s any more: delete its record at the WINS server, or wait until it ages out.", gone, s.name())
	}
	v := analyze.Possible
	evidence := []analyze.Evidence{refusedHow(s), e}
	if f := s.everRegistered(gone); f != nil {
		v = analyze.Likely
		if denied || slices.ContainsFunc(cs, func(q *exchange.Exchange) bool { return q.Requests > 1 }) {
			v = analyze.Proved // asked again: there was no answer that the capture misses
		}
		evidence = append(evidence, ev("dynamic-owner-known", true, f.RequestFrames("registration"), "%s registered the name dynamically before", gone))
	} else {
		for _, a := range s.answers {
			if runsDown(a) {
				v = analyze.Likely
				evidence = append(evidence, ev("ttl-runs-down", true, a.Frames("answer"),
					"the time to live of the server's answers falls from %d s to %d s: the record is dynamic", a.FirstTTL, a.LastTTL))
			}
		}
	}
	title := ""
	switch late, answers := s.lateAnswer(); {
	case denied:
		title = "The registration of a machine that has not the name any more blocks it"
	case s.mine(gone):
		title = "A server refused a multihomed host whose other address did not answer in time"
		remedy = []string{fmt.Sprintf("Find out why %s, an address of the host itself, does not answer name queries of %s: a firewall on UDP 137, a path that is down, or an address that the host has given up.", gone, s.server),
			"Then delete the record of the name at the WINS server and let the host register again (restart nmbd, nbtstat -RR)."}
	case late != nil:
		title = "A server refused a name whose owner answered too late"
		evidence = append(evidence, answers...)
		remedy = append(remedyDuplicate(s), fmt.Sprintf("Find out why %s answers late: a slow link, or a machine under load.", gone))
	}
	// Not decided by silence: the owner's answer may still come.
	return explanation{rule: slugStale, verdict: v, why: why, decided: v == analyze.Proved && denied, finding: s.finding(analyze.Finding{
		Events: refusalEvents, Title: title,
		Evidence: evidence, Remedy: remedy,
	})}
}

func remedyStale(s *subject, gone addr) []string {
	who := ""
	if gone.IsValid() {
		who = fmt.Sprintf(" (%s)", gone)
	}
	return []string{
		fmt.Sprintf("The record of %s belongs to a machine that is gone%s: delete it at the WINS server, or wait until it ages out.", s.name(), who),
		"nmbd: stop nmbd, remove the line of the name from wins.dat, start nmbd. Windows: console > Active Registrations > Delete.",
		"Then let the host register again (restart nmbd, nbtstat -RR).",
	}
}
