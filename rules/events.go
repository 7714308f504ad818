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

// Rules that judge one settled exchange by itself.

// acceptedSubject is the family of registrations that a server accepted after
// it had asked somebody. A WACK says that it did: the question may come from an
// address that is known for the server's only later.
func acceptedSubject(p *analyze.Pass) *subject {
	return newSubject(p, p.Exchange.Initiator, p.Exchange.Asked)
}

func acceptedAfterChallenge(x *exchange.Exchange, _ *names.State) bool {
	return x.Unicast() && x.Outcome == exchange.Accepted && !x.Group && (x.WACK || len(x.Challenges) > 0)
}

func acceptedCauses() []cause { return []cause{nameShared, challengeTimeout} }

func checkAccepted(p *analyze.Pass) { weigh(p, acceptedSubject, acceptedCauses) }

// nameShared: the server took any answer to its challenge for consent and put
// the addresses of two machines into one record.
func nameShared(s *subject) explanation {
	q, own := s.answeredChallenge()
	switch {
	case q == nil:
		return excluded(slugShared, "nobody answered the challenge")
	case own:
		return excluded(slugShared, "the machine itself answered the challenge")
	}
	f := about(s)
	f.Evidence = []analyze.Evidence{
		challengeEvidence(s, q),
		ev("accepted-all-the-same", true, pair(s.x, "registration", "accepted"),
			"the server accepted the name for %s all the same", s.x.Address()),
	}
	for _, a := range s.answers {
		if slices.Contains(a.Addrs(), q.Asked) && slices.Contains(a.Addrs(), s.x.Address()) {
			f.Evidence = append(f.Evidence, ev("one-record-two-machines", true, a.Frames("answer"), "the server gives %s for the name", addrList(a.Addrs())))
		}
	}
	f.Remedy = []string{
		fmt.Sprintf("Rename one of the two machines (%s and %s): clients reach now the one, now the other.", q.Asked, s.x.Address()),
		"If a permanent entry stands behind it (nmbd, wins.dat with time 0), remove the line while nmbd is stopped.",
	}
	doubtful := analyze.Likely
	if s.startedTogether(q.Asked) {
		doubtful = analyze.Possible
	}
	v, doubt := s.unlessOwn(q.Asked, analyze.Proved, doubtful)
	f.Evidence = append(f.Evidence, doubt...)
	return explanation{rule: slugShared, verdict: v, why: "another machine answered the challenge", decided: v == analyze.Proved, finding: f}
}

// startedTogether reports whether the owner registered with opcode 15 right
// before the newcomer, as the adapters of one machine do. An nmbd whose servers
// have tags answers a challenge with the address that was asked only, not with
// all that it has.
func (s *subject) startedTogether(owner addr) bool {
	return some(s.p.Name.Claims, func(c *names.Claim) bool {
		return c.Addr() == owner && c.Registered && c.Multihomed && c.Server() == s.server && c.From() <= s.x.Start && s.x.Start-c.From() <= int64(analyze.TogetherAtServer)
	})
}

// challengeTimeout: the name went to the newcomer because the owner's answer
// did not come in time, and the owner is still there.
func challengeTimeout(s *subject) explanation {
	cs := s.challenges()
	if len(cs) == 0 {
		return excluded(slugTakeover, "nobody was asked for the name")
	}
	var asked, late []exchange.FrameRef
	var owner addr
	again := false
	for _, q := range cs {
		for i := range q.Answers {
			a := &q.Answers[i]
			switch {
			case a.Time <= s.decidedAt():
				return excluded(slugTakeover, "the machine asked kept the name, or gave it up, in time")
			case a.Positive():
				late = append(late, a.Frames("late-answer", q.Initiator)...)
			}
		}
		again = again || q.Requests > 1
		owner = q.Asked
		asked = append(asked, frames(q, "challenge", exchange.RoleRequest, exchange.RoleRetransmission)...)
	}
	if s.mine(owner) {
		return excluded(slugTakeover, "no other machine was asked")
	}
	if _, _, ok := s.unseenAnswer(); ok {
		return excluded(slugTakeover, "the server decided before its tries can have run out")
	}
	if last, _ := s.p.Hosts.Sent(owner); last <= s.x.End {
		return excluded(slugTakeover, "the old owner is silent: the name moved as it should")
	}
	f := about(s)
	f.Host = hostOf(owner)
	f.Evidence = []analyze.Evidence{
		ev("challenge-unanswered", true, asked, "the server asked %s for the name %s and got no answer in time", owner, times(len(asked))),
		ev("handed-over", true, pair(s.x, "registration", "accepted"), "and gave it to %s", s.x.Address()),
	}
	v := analyze.Possible
	if len(late) > 0 {
		v = analyze.Proved
		f.Evidence = append(f.Evidence, ev("answered-too-late", true, late, "the owner answered the challenge after the server had decided"))
	}
	there, denies := s.stillThere(owner)
	if denies {
		return excluded(slugTakeover, "the old owner says that it has not the name")
	}
	if len(there) > 0 {
		v = analyze.Proved
		f.Evidence = append(f.Evidence, there...)
	}
	if v == analyze.Possible {
		if s.p.Hosts.Implementation(owner) == hosts.Unknown && s.everRegistered(owner) == nil {
			return excluded(slugTakeover, "nothing shows that the machine at the old address is the old owner")
		}
		f.Evidence = append(f.Evidence, ev("owner-address-alive", true, nil, "%s still sends name service traffic afterwards", owner))
	}
	if s.x.Kind == exchange.MultihomedRegistration {
		v = min(v, analyze.Likely) // the address asked may be the newcomer's own
	}
	if !again && len(late) == 0 {
		v = min(v, analyze.Likely) // an answer that the capture misses
	}
	v, doubt := s.unlessOwn(owner, v, analyze.Possible)
	f.Evidence = append(f.Evidence, doubt...)
	f.Title = "A WINS server gave a living machine's name away because its answer did not come in time"
	f.Remedy = []string{
		"Windows: raise ChlMaxNoOfRetries and InitChlRetryInterval of the WINS server for slow links (Q173519).",
		"Rename one of the two machines; check what keeps the owner from answering (firewall on UDP 137, link down).",
	}
	return explanation{rule: slugTakeover, verdict: v, why: "the owner did not answer in time", finding: f}
}

// stillThere is the evidence that a machine has the name after the event, none
// if nothing shows it; it denies if it says that it has not.
func (s *subject) stillThere(owner addr) (es []analyze.Evidence, denies bool) {
	for i := range s.p.Name.Claims {
		if c := &s.p.Name.Claims[i]; c.Addr() == owner && !c.Group && c.Last > s.x.End {
			es = append(es, ev("owner-still-there", true, c.Frames("refresh"), "the old owner still registers or refreshes the name"))
		}
	}
	for i := range s.p.Name.Answers {
		a := &s.p.Name.Answers[i]
		if a.Responder() != owner || a.Last() <= s.x.End {
			continue
		}
		if a.Negative {
			return nil, true
		}
		if !a.Group {
			es = append(es, ev("owner-still-there", true, a.LastFrames("answer"), "the old owner still answers for the name"))
		}
	}
	return es, false
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// checkReleaseIgnored: the server said yes to a release that does not fit what
// it has on record, and kept the record.
func checkReleaseIgnored(p *analyze.Pass) {
	x := p.Exchange
	if !p.Final {
		return
	}
	s := newSubject(p, x.Initiator, x.Asked)
	var kept *names.Claim
	for i := range p.Name.Claims {
		c := &p.Name.Claims[i]
		if c.Server() == x.Asked && c.From() < x.Start && s.mine(c.Addr()) &&
			(c.State == names.Active && c.Last <= x.End || releasedOtherwise(c, x) && !goesOn(p, c)) {
			kept = c
		}
	}
	if kept == nil {
		return
	}
	for i := range p.Name.Answers {
		a := &p.Name.Answers[i]
		if !p.Hosts.SameMachine(a.Responder(), x.Asked) || a.Negative || a.Last() <= x.End+int64(time.Second) || !a.Group && !slices.Contains(a.Addrs(), kept.Addr()) {
			continue
		}
		f := about(s)
		f.Verdict = analyze.Likely
		f.Evidence = []analyze.Evidence{
			ev("release-accepted", true, pair(x, "release", "reply"), "the server accepted the release of %s for %s (%s)", s.name(), x.Address(), flagText(x.Group)),
			ev("registered-otherwise", true, kept.Frames("registration"), "the name is registered for %s (%s)", kept.Addr(), flagText(kept.Group)),
			ev("still-resolves", true, a.LastFrames("answer"), "and still resolves to %s", addrList(a.Addrs())),
		}
		if kept.Group {
			f.Verdict = analyze.Possible
			f.Evidence = append(f.Evidence, ev("members-unseen", false, nil, "a group stays while it has members, which this capture may not show"))
		}
		f.Remedy = []string{
			"A server says yes to every release, also to one whose address or group flag is not what it has on record. Look at the record on the server.",
			"Delete the record there if it is wrong, or release it from the adapter that registered it.",
		}
		p.Report(f)
		return
	}
}

// releasedOtherwise reports whether x is a release with the group flag that the
// claim lacks, or without the one that it has. By the answer the claim is over;
// a server that compares the flags keeps its record (Q123171).
func releasedOtherwise(c *names.Claim, x *exchange.Exchange) bool {
	return c.State == names.Released && c.End == x.FirstRef() && c.Group != x.Group
}

// goesOn reports whether the name stays at the server by right after a claim was
// released: the address was registered again, or the group has other members.
func goesOn(p *analyze.Pass, released *names.Claim) bool {
	return some(p.Name.Claims, func(c *names.Claim) bool {
		return c.Server() == released.Server() && c.State == names.Active &&
			(c.Addr() == released.Addr() || c.Group && released.Group)
	})
}

func flagText(group bool) string {
	if group {
		return "group"
	}
	return "unique"
}

// misfitRelease: the server accepted a release that fits no registration that
// the capture shows.
func misfitRelease(x *exchange.Exchange, st *names.State) bool {
	return x.Unicast() && x.Outcome == exchange.Accepted && !some(st.Claims, func(c *names.Claim) bool {
		return c.Server() == x.Asked && c.State != names.Refused && c.Addr() == x.Address() && c.Group == x.Group
	})
}

// answeredByOther: the answer came from an address that was not asked.
func answeredByOther(x *exchange.Exchange, _ *names.State) bool {
	return x.Unicast() && len(x.Answers) > 0 && x.Answers[0].From != x.Asked && x.Answers[0].From != x.Initiator
}

func checkOtherAddress(p *analyze.Pass) {
	x := p.Exchange
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Server = x.Answers[0].From
	f.Verdict = analyze.Likely
	f.Evidence = []analyze.Evidence{ev("answered-from-elsewhere", true, pair(x, "request", "response"),
		"%s was asked, %s answered", x.Asked, x.Answers[0].From)}
	if p.Hosts.SameMachine(x.Asked, x.Answers[0].From) {
		f.Verdict = analyze.Proved
	}
	f.Remedy = []string{fmt.Sprintf("List %s as a WINS server of the client too, or bind the server to one adapter: clients ignore answers from an address that they did not ask (Q152705).", x.Answers[0].From)}
	p.Report(f)
}

// answeredAsGroupWants: a unique name is answered with the group flag.
func answeredAsGroupWants(x *exchange.Exchange, _ *names.State) bool {
	if len(x.Answers) == 0 || !x.Answers[0].Positive() || !x.Answers[0].Group {
		return false
	}
	suffix := x.Name.Suffix()
	return suffix == 0x20 || suffix == 0x00 || suffix == 0x03
}

func checkAnsweredAsGroup(p *analyze.Pass) {
	x := p.Exchange
	var unique *names.Claim
	for i := range p.Name.Claims {
		c := &p.Name.Claims[i]
		if c.Group {
			return // told by unique-group-clash where it does harm
		}
		if c.State == names.Active && c.Last <= x.End && (unique == nil || c.Server().IsValid()) {
			unique = c
		}
	}
	for i := range p.Name.Records {
		if r := &p.Name.Records[i]; r.Type == names.Group || r.Type == names.SpecialGroup {
			return
		}
	}
	if unique == nil && x.Name.Suffix() != 0x20 {
		return // a workgroup's <00>, most likely
	}
	s := newSubject(p, x.Answers[0].From, x.Answers[0].From)
	f := about(s)
	f.Verdict = analyze.Possible
	f.Evidence = []analyze.Evidence{ev("answered-as-group", true, pair(x, "query", "answer"),
		"%s answered for %s with the group flag", x.Answers[0].From, s.name())}
	if unique != nil {
		f.Verdict = analyze.Proved
		if x.Name.Suffix() == 0x00 {
			f.Verdict = analyze.Likely // a workgroup may have registered it before the capture
		}
		f.Evidence = append(f.Evidence, ev("registered-as-unique", true, unique.Frames("registration"), "%s registered it as a unique name", unique.Addr()))
	}
	if unique != nil && unique.Server().IsValid() && p.Hosts.SameMachine(unique.Server(), x.Answers[0].From) {
		// A group stays when a machine registers its name: servers say yes to
		// the machine and keep the record.
		f.Title = "A name server keeps a group under a machine's name"
		f.Host = hostOf(unique.Addr())
		f.Evidence = append(f.Evidence, newSubject(p, unique.Addr(), unique.Server()).multihomed...)
		f.Remedy = []string{
			fmt.Sprintf("Look at %s for a record of %s of the type group, normal or special, static ones among them, and delete it, if it is no domain's or workgroup's; then register the machine's name again.", x.Answers[0].From, s.name()),
			"If the group is a domain's or workgroup's, rename it or the machine (Q161432).",
		}
		p.Report(f)
		return
	}
	f.Remedy = []string{"Correct the software that answers (Q225324, Q124485), or install NT 4.0 Service Pack 6 on the clients."}
	p.Report(f)
}

// proxyWants: somebody answers broadcasts with the addresses of others.
func proxyWants(x *exchange.Exchange, _ *names.State) bool {
	if !x.Broadcast {
		return false
	}
	return some(x.Answers, func(a *exchange.Answer) bool {
		return a.Positive() && !a.Group && len(a.Addrs) > 0 && !slices.Contains(a.Addrs, a.From)
	})
}

func checkProxy(p *analyze.Pass) {
	x := p.Exchange
	for i := range x.Answers {
		a := &x.Answers[i]
		if !a.Positive() || a.Group || len(a.Addrs) == 0 || slices.ContainsFunc(a.Addrs, func(b addr) bool { return p.Hosts.SameMachine(a.From, b) }) {
			continue
		}
		f := analyze.Finding{HasName: true, Name: x.Name, Scope: x.Scope, Host: hostOf(a.From), Server: a.From, Verdict: analyze.Likely}
		f.Evidence = []analyze.Evidence{ev("answers-for-others", true, append(frames(x, "query", exchange.RoleRequest), a.Frames("answer", x.Initiator)...),
			"%s answered a broadcast for %s with %s, which is not its own", a.From, x.Name.Display(x.Scope), addrList(a.Addrs))}
		f.Remedy = []string{"A WINS proxy helps machines that know no WINS server. If nothing needs it, switch it off (EnableProxy=0 under NetBT\\Parameters; `wins proxy = no` in smb.conf); never run it on a domain controller."}
		p.Report(f)
		return
	}
}

// domainWants: a domain's name is unknown to a server.
func domainWants(x *exchange.Exchange, _ *names.State) bool {
	suffix := x.Name.Suffix()
	return (suffix == 0x1B || suffix == 0x1C) && x.Unicast() && len(x.Answers) > 0 && !x.Answers[0].Positive()
}

// checkDomainMissing: the server does not know the name although a machine of
// the domain holds it.
func checkDomainMissing(p *analyze.Pass) {
	if !p.Final {
		return
	}
	x := p.Exchange
	var held *names.Claim
	for i := range p.Name.Claims {
		c := &p.Name.Claims[i]
		if c.Server() == x.Asked && (c.State == names.Active || c.From() > x.Start && (c.State != names.Refused || c.Registered)) {
			return // the server knows the name, or came to know it
		}
		if c.State == names.Active && c.From() < x.Start {
			held = c
		}
	}
	if held == nil {
		return
	}
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Verdict = analyze.Likely
	where := "by broadcast"
	if held.Server().IsValid() {
		where = "at " + held.Server().String()
	}
	f.Evidence = []analyze.Evidence{
		ev("server-does-not-know", true, pair(x, "query", "negative-answer"), "%s does not know %s", x.Asked, s.name()),
		ev("held-elsewhere", true, held.Frames("registration"), "%s registered it %s", held.Addr(), where),
	}
	for _, r := range p.Name.Recent {
		if r.Registers() && r.Outcome == exchange.Refused && r.Asked == x.Asked && p.Hosts.SameMachine(r.Initiator, held.Addr()) {
			f.Evidence = append(f.Evidence, ev("refused-there", true, pair(r, "registration", "refusal"), "%s refused it to %s with %s", x.Asked, r.Initiator, r.RCode))
		}
	}
	if since := p.Now - held.From(); p.Ended && since < int64(horizon) {
		f.Verdict = analyze.Possible
		f.Evidence = append(f.Evidence, ev("may-still-register", false, nil, "the capture ends %s after that: %s may register it at %s too", duration(since), held.Addr(), x.Asked))
	}
	f.Remedy = []string{
		"Let the controller use a WINS server that replicates with this one, and register again: nbtstat -RR, or restart Netlogon (Samba: restart nmbd).",
		"Check the replication between the servers; as a stopgap put the domain into LMHOSTS with #DOM.",
	}
	p.Report(f)
}

// addressLimit is how many addresses a WINS record holds.
const addressLimit = 25

func limitWants(x *exchange.Exchange, _ *names.State) bool {
	return some(x.Answers, func(a *exchange.Answer) bool { return len(a.Addrs) >= addressLimit }) || len(x.Requested) >= addressLimit
}

func checkAddressLimit(p *analyze.Pass) {
	x := p.Exchange
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Verdict = analyze.Proved
	n := len(x.Requested)
	for i := range x.Answers {
		n = max(n, len(x.Answers[i].Addrs))
	}
	f.Evidence = []analyze.Evidence{ev("list-is-full", true, pair(x, "request", "answer"),
		"%s has %d addresses; WINS keeps %d", s.name(), n, addressLimit)}
	f.Remedy = []string{"A WINS record holds 25 addresses; a further one pushes the oldest out. Use fewer members, or several groups (Q140978)."}
	p.Report(f)
}

// refreshStorm: refreshes every ten minutes although the time to live is
// longer by far. A node refreshes when half of it is over (Q164308), so that
// ten minutes are in order for little more than twenty, and a storm only where
// half as many refreshes would do: from the shortest renewal interval of
// Windows' WINS servers on (Q132740).
const (
	stormTTL    = 40 * time.Minute
	stormCycles = 3
)

func refreshWants(x *exchange.Exchange, st *names.State) bool {
	return x.Unicast() && x.Outcome == exchange.Accepted && x.TTL >= uint32(stormTTL/time.Second) &&
		stormClaim(x, st) != nil
}

// stormClaim is the claim that x renews after renewals every ten minutes, nil
// if they were not so many.
func stormClaim(x *exchange.Exchange, st *names.State) *names.Claim {
	for i := range st.Claims {
		if c := &st.Claims[i]; c.TenMinutes >= stormCycles && c.Last <= x.End && c.Addr() == x.Address() && c.Server() == x.Asked {
			return c
		}
	}
	return nil
}

func checkRefreshStorm(p *analyze.Pass) {
	x := p.Exchange
	c := stormClaim(x, p.Name)
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Verdict = analyze.Likely
	f.Evidence = []analyze.Evidence{ev("refreshed-every-ten-minutes", true, append(c.RequestFrames("registration"), frames(x, "refresh", exchange.RoleRequest, exchange.RoleResponse)...),
		"%s renews %s every ten minutes, %d times in a row, although the server granted %d s", c.Addr(), s.name(), c.TenMinutes, x.TTL)}
	f.Remedy = []string{"Windows NT 3.51 and 4.0 do this when another adapter (RAS, unplugged) cannot register: unbind the WINS client from it, or install the latest service pack (Q164308)."}
	p.Report(f)
}

// Flaps are judged some time after the refresh: the failed tries at the first
// server settle later than the success at the second. A failover in the last
// hour and a half explains the way there and, by design, the way back (Q247559).
const (
	flapHorizon   = 20 * time.Second
	failoverLasts = 90 * time.Minute
	flapForgotten = 12 * time.Hour
)

// refreshElsewhere: a refresh was accepted of a name that another server holds
// for the same address.
func refreshElsewhere(x *exchange.Exchange, st *names.State) bool {
	return x.Unicast() && x.Outcome == exchange.Accepted && !x.Group && some(st.Claims, func(c *names.Claim) bool {
		return c.Addr() == x.Address() && c.Server() != x.Asked && c.Server().IsValid() && c.State == names.Active
	})
}

// checkServerFlap: a machine leaves a server that answers it.
func checkServerFlap(p *analyze.Pass) {
	x := p.Exchange
	if !p.Final {
		return
	}
	if slices.ContainsFunc(p.Name.Wanted, func(c names.Claim) bool {
		return c.Addr() == x.Address() && c.Server().IsValid() && c.Server() != x.Asked
	}) {
		return // tries at another server that the end of the capture cut short
	}
	for _, r := range p.Name.Recent {
		if r.Registers() && r.Unicast() && r.Address() == x.Address() && r.Outcome != exchange.Accepted && x.Start-r.Start < int64(failoverLasts) && r.Start <= x.End {
			return // a server was silent, or refused: a real failover
		}
	}
	for i := range p.Name.Claims {
		c := &p.Name.Claims[i]
		if c.Addr() != x.Address() || !c.Server().IsValid() || p.Hosts.SameMachine(c.Server(), x.Asked) || c.State != names.Active || c.Last >= x.Start || x.Start-c.Last > int64(flapForgotten) {
			continue
		}
		s := newSubject(p, x.Initiator, x.Asked)
		f := about(s)
		f.Verdict = analyze.Possible
		f.Evidence = []analyze.Evidence{
			ev("server-answered", true, c.Frames("registration"), "%s had answered the machine's last request", c.Server()),
			ev("moved-on", true, pair(x, "refresh", "accepted"), "the machine refreshes at %s all the same", x.Asked),
		}
		f.Remedy = []string{"Known faults of Windows NT 4.0's NetBT: install Service Pack 6 (Q164309, Q174869, Q238966). Check DHCP option 44 for the order of the servers."}
		p.Report(f)
		return
	}
}

// unansweredByServer is the trigger of the rules about silent servers.
func unansweredByServer(x *exchange.Exchange, _ *names.State) bool {
	return x.Unicast() && x.Outcome == exchange.Unanswered && x.Requests >= 2
}

// checkSilentFallback: a machine gives a working server up.
func checkSilentFallback(p *analyze.Pass) {
	x := p.Exchange
	// A machine that asks by broadcast may try the server again shortly.
	if !p.Final || p.Ended || !p.Hosts.HasRole(x.Asked, hosts.WINSServer) {
		return
	}
	if alive, _ := p.Hosts.Sent(x.Asked); alive <= x.End {
		return
	}
	// It went to broadcast for the name, and was not heard at the server again.
	var bcast *names.Claim
	for i := range p.Name.Claims {
		c := &p.Name.Claims[i]
		if c.Addr() != x.Initiator {
			continue
		}
		if c.Server().IsValid() && c.Last > x.End {
			return
		}
		if !c.Server().IsValid() && c.Last > x.Start {
			bcast = c
		}
	}
	if bcast == nil {
		return
	}
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Verdict = analyze.Possible
	f.Evidence = []analyze.Evidence{
		ev("server-silent", true, frames(x, "request", exchange.RoleRequest, exchange.RoleRetransmission), "%s did not answer %s about %s", x.Asked, times(x.Requests), s.name()),
		ev("broadcast-only", true, bcast.RequestFrames("registration"), "since then the machine uses broadcasts for the name"),
		ev("server-works", true, nil, "the server answers others afterwards"),
	}
	f.Remedy = []string{"Give the machine a second WINS server, or list the single one twice (Q155501); nbtstat -RR brings it back at once.", "Look for what swallowed the requests: a firewall, a route back that is missing."}
	p.Report(f)
}

// checkMNode: a machine whose first name one server accepted sends the others
// to a dead one.
func checkMNode(p *analyze.Pass) {
	x := p.Exchange
	// The other server's turn may still come.
	if !p.Final || p.Ended {
		return
	}
	if _, alive := p.Hosts.Sent(x.Asked); alive {
		return
	}
	for i := range p.Name.Claims {
		if c := &p.Name.Claims[i]; c.Addr() == x.Initiator && c.Server().IsValid() && c.State == names.Active {
			return
		}
	}
	var elsewhere *names.Claim
	for _, n := range siblings(x.Name) {
		st := p.Names.Get(n, x.Scope)
		if st == nil {
			continue
		}
		for i := range st.Claims {
			if c := &st.Claims[i]; c.Addr() == x.Initiator && c.Server().IsValid() && c.Server() != x.Asked && c.State == names.Active {
				elsewhere = c
			}
		}
	}
	if elsewhere == nil {
		return
	}
	s := newSubject(p, x.Initiator, x.Asked)
	f := about(s)
	f.Verdict = analyze.Likely
	f.Evidence = []analyze.Evidence{
		ev("server-dead", true, frames(x, "registration", exchange.RoleRequest, exchange.RoleRetransmission), "%s never answers; %s was not registered anywhere", x.Asked, s.name()),
		ev("other-server-accepted", true, elsewhere.Frames("registration"), "another name of the machine was accepted by %s", elsewhere.Server()),
	}
	f.Remedy = []string{"Put the working WINS server first, or bring the dead one back; Windows: install the service pack of Q153073."}
	p.Report(f)
}

// masterContention: machines contend for the segment's master browser name,
// as they should, but one keeps trying.
func masterContention(s *subject) explanation {
	if !s.x.Broadcast || !masterBrowser(s.x.Name) {
		return explanation{}
	}
	f := about(s)
	f.Server = s.x.Responder
	f.Evidence = []analyze.Evidence{ev("master-contended", true, objectionFrames(s.x),
		"%s wants to be master browser; %s is it and objects", s.host, s.x.Responder)}
	f.Remedy = remedyBrowser
	return explanation{rule: slugBrowser, verdict: analyze.Likely, why: "the name goes to the segment's master browser", decided: true, finding: f}
}
