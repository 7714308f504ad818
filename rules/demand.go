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

// The family of release demands: op 6 sent to a holder of the name.

var demandTriggers = []exchange.Kind{exchange.KindReleaseDemand}

func demandSubject(p *analyze.Pass) *subject {
	return newSubject(p, p.Exchange.Asked, p.Exchange.Initiator)
}

func demandCauses() []cause {
	return []cause{groupRelease1C, dynamicReplica, incompleteRelease, splitWINS, staticRelease, plainDemand, forgedRelease}
}

func checkDemand(p *analyze.Pass) { weigh(p, demandSubject, demandCauses) }

// actsAsServer reports whether the sender of a demand is a name server: it was
// seen to act as one, or owns a record of the name that others replicate.
func (s *subject) actsAsServer() bool {
	return s.p.Hosts.MachineHasRole(s.server, hosts.WINSServer|hosts.WINSPartner) ||
		slices.ContainsFunc(s.p.Name.Records, func(r names.Record) bool {
			return r.Source == "replication" && s.p.Hosts.SameMachine(r.Owner, s.server)
		})
}

func demandedHow(s *subject) analyze.Evidence {
	x := s.x
	fs := append(frames(x, "release-demand", exchange.RoleDemand, exchange.RoleRetransmission), frames(x, "reply", exchange.RoleResponse, exchange.RoleDuplicate)...)
	reply := "; it did not answer"
	if x.Outcome == exchange.Accepted {
		reply = "; it obeyed"
	} else if x.Outcome == exchange.Refused {
		reply = fmt.Sprintf("; it answered %s", x.RCode)
	}
	return ev("release-demanded", true, fs, "%s told %s to release %s%s", s.server, x.Asked, s.name(), reply)
}

func (s *subject) demandFinding(title string, evidence ...analyze.Evidence) analyze.Finding {
	return s.finding(analyze.Finding{Events: []int{4320},
		Title: title, Evidence: append([]analyze.Evidence{demandedHow(s)}, evidence...)})
}

// claims returns the machine's registrations at the sender before the demand.
func (s *subject) claims() []*names.Claim {
	var out []*names.Claim
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if c.Server() == s.server && s.mine(c.Addr()) && c.From() < s.x.Start && c.State != names.Refused {
			out = append(out, c)
		}
	}
	return out
}

func (s *subject) claimsEvidence() []analyze.Evidence {
	var fs []exchange.FrameRef
	var as []addr
	for _, c := range s.claims() {
		fs = append(fs, c.Frames("registration")...)
		if !slices.Contains(as, c.Addr()) {
			as = append(as, c.Addr())
		}
	}
	if len(as) == 0 {
		return nil
	}
	slices.SortFunc(as, addr.Compare)
	return []analyze.Evidence{ev("registered-before", true, fs, "the same server had accepted the name for %s", addrList(as))}
}

func staticRelease(s *subject) explanation {
	x := s.x
	switch {
	case !s.actsAsServer():
		return excluded(slugStaticRelease, "the sender was never seen to act as a name server")
	case len(s.multihomed) == 0:
		return excluded(slugStaticRelease, "nothing shows that the machine has several addresses")
	case len(s.static) == 0 && len(s.group) > 0:
		return excluded(slugStaticRelease, "the name is a group: "+s.groupHow)
	}
	c := staticCase{}
	for _, r := range s.static {
		if r.Time > x.Start {
			continue
		}
		c.verdict, c.decided, c.address = analyze.Proved, true, addrList(r.Addrs)
		c.evidence = append(c.evidence, ev("static-record-replicated", true, r.Frames,
			"a record of %s with the static bit (%s, %s%s) was replicated to %s before; %s", s.name(), r.Type, addrList(r.Addrs), owned(r), r.Server, pathOf(r)))
	}
	if c.verdict == analyze.Proved && s.p.Gaps {
		c.verdict, c.decided = analyze.Likely, false
		c.against = append(c.against, changedUnseen())
	}
	for _, r := range s.imported {
		if !s.contradictsHost(r) {
			continue
		}
		// Before the demand the server gave what the machine registered.
		if a := s.otherThan(r, x.End+1); a != nil {
			c.against = append(c.against, s.staleList(r, a))
			continue
		}
		s.provedByList(&c, r)
	}
	if c.verdict == 0 && len(s.dynamic) > 0 {
		return excluded(slugStaticRelease, "the record that was replicated has no static bit")
	}
	after := false
	for _, a := range s.answers {
		if a.Last() < x.Start || runsDown(a) {
			continue
		}
		foreign := slices.ContainsFunc(a.Addrs(), func(b addr) bool {
			return !s.mine(b) && s.everRegistered(b) == nil
		})
		if foreign {
			after = true
			if c.address == "" {
				c.address = addrList(a.Addrs())
			}
			c.evidence = append(c.evidence, ev("server-resolves-elsewhere", true, laterFrames(a, x.Start),
				"afterwards the server resolves the name to %s", s.foreign(a)))
		}
	}
	if !after && len(s.answers) == 0 && len(s.sibling) > 0 && s.sibling[0].Last() > x.Start {
		after = true
		c.address = addrList(s.sibling[0].Addrs())
		c.evidence = append(c.evidence, s.siblingEvidence(s.sibling[0]))
	}
	var refusals []exchange.FrameRef
	for _, r := range s.p.Name.Recent {
		if r.Registers() && r.Outcome == exchange.Refused && refusal(r.RCode) && r.Asked == s.server && r.Start > x.Start && !r.WACK && s.mine(r.Initiator) && atOnce(r) {
			refusals = append(refusals, frames(r, "refusal", exchange.RoleResponse)...)
		}
	}
	if len(refusals) > 0 {
		c.evidence = append(c.evidence, ev("refused-at-once", true, refusals, "after the demand the server refuses the machine's registration at once, without a WACK or a challenge"))
	}
	if s.accepted != nil && s.accepted.Last > x.End {
		c.against = append(c.against, ev("accepted-later", false, s.accepted.Frames("accepted"),
			"the server accepted the name from %s again afterwards", s.accepted.Addr()))
		if c.verdict != analyze.Proved {
			return excluded(slugStaticRelease, "the server accepted the machine's registration again afterwards")
		}
		c.verdict = analyze.Likely
	}
	switch {
	case c.verdict != 0:
		c.why = "a static record of the name is known"
	case after:
		c.verdict, c.why = analyze.Likely, "the server now resolves the name elsewhere"
	case len(refusals) > 0:
		c.verdict, c.why = analyze.Likely, "the server now refuses the machine at once"
	default:
		return excluded(slugStaticRelease, "nothing shows a static record: no replication, no answer that leads elsewhere, no refusal at once; a capture of TCP port 42 at the server would settle it")
	}
	f := s.demandFinding("A static mapping in WINS makes the server demand a multihomed host's name", c.evidence...)
	f.Evidence = append(f.Evidence, s.claimsEvidence()...)
	f.Evidence = append(append(f.Evidence, s.multihomed...), c.against...)
	f.Remedy = s.remedyStatic(c)
	return explanation{rule: slugStaticRelease, verdict: c.verdict, why: c.why, decided: c.decided, finding: f}
}

func (s *subject) contradictsHost(r *names.Record) bool {
	if r.Type == names.Group || r.Type == names.SpecialGroup {
		return false
	}
	for _, a := range s.p.Hosts.Addresses(s.host) {
		if !slices.Contains(r.Addrs, a) {
			return true
		}
	}
	return false
}

// laterFrames shows the answers after t.
func laterFrames(a *names.AnswerSet, t int64) []exchange.FrameRef {
	if a.First() > t {
		return a.Frames("answer")
	}
	return a.LastFrames("answer")
}

// pathOf names the flow chart of MS-WINSRA 3.2.5.5 by which a replica of that
// type leads to a release demand.
func pathOf(r *names.Record) string {
	switch r.Type {
	case names.Multihomed:
		return "a multihomed replica displaces the other members after a challenge (MS-WINSRA figure 8)"
	case names.Group:
		return "a group replica displaces a unique name without a challenge (MS-WINSRA figure 6)"
	case names.SpecialGroup:
		return "a special group replica displaces a unique name without a challenge (MS-WINSRA figure 7)"
	}
	return "NT 3.5x demands the release when a unique replica displaces an own record (Q136571); later servers do so after an unanswered challenge (MS-WINSRA figure 4)"
}

func dynamicReplica(s *subject) explanation {
	var rec *names.Record
	for _, r := range s.dynamic {
		if r.Time <= s.x.Start && s.x.Start-r.Last <= int64(time.Hour) {
			rec = r
		}
	}
	if rec == nil {
		return excluded(slugDynamicReplica, "no dynamic record of the name was replicated before")
	}
	if s.ownReplica() != nil {
		return excluded(slugDynamicReplica, "the replicated record is the machine's own, from another server")
	}
	for _, r := range s.static {
		if r.Time <= s.x.Start {
			return excluded(slugDynamicReplica, "the record that was replicated is static")
		}
	}
	f := s.demandFinding("A replicated dynamic record makes the server demand a name",
		ev("dynamic-record-replicated", true, rec.Frames, "a record of %s without the static bit (%s, %s%s) was replicated to %s before",
			s.name(), rec.Type, addrList(rec.Addrs), owned(rec), rec.Server))
	f.Evidence = append(append(f.Evidence, s.claimsEvidence()...), s.multihomed...)
	f.Remedy = []string{
		"No static mapping is involved. Another machine or group registered the name at the replication partner: find it by the addresses of the record and its owner.",
		"If the partner's record is stale, delete it there (as a tombstone) and let the host register again.",
		"If a group has the name, rename the machine or the group.",
		"If the adapters of one host use different WINS servers, give them the same ones.",
	}
	// Whose addresses a unique record holds may be unknown: they can be further
	// adapters of the same machine, unless one of them registered as the only one.
	v := analyze.Likely
	if rec.Type == names.Group || rec.Type == names.SpecialGroup || slices.ContainsFunc(rec.Addrs, func(a addr) bool {
		return !s.mine(a) && some(s.p.Name.Claims, func(c *names.Claim) bool {
			return c.Addr() == a && c.Registered && !c.Multihomed && c.Server().IsValid()
		})
	}) {
		v = analyze.Proved
	}
	if s.p.Gaps {
		v = max(v-1, analyze.Possible)
		f.Evidence = append(f.Evidence, changedUnseen())
	}
	return explanation{rule: slugDynamicReplica, verdict: v, why: "a dynamic record of the name was replicated to the server before", decided: !s.p.Gaps, finding: f}
}

// incompleteRelease: the machine had released the name for some of its
// addresses only, and the server clears the rest.
func incompleteRelease(s *subject) explanation {
	var released, kept *names.Claim
	for _, c := range s.claims() {
		switch {
		case c.State == names.Released && c.Until < s.x.Start && c.Addr() != s.x.Asked:
			released = c
		case c.Addr() == s.x.Asked:
			kept = c
		}
	}
	if released == nil || kept == nil {
		return excluded(slugIncomplete, "the machine did not release some of its addresses only")
	}
	if kept.From() > released.Until {
		return excluded(slugIncomplete, "the address was registered anew after the release")
	}
	v := analyze.Likely
	f := s.demandFinding("A multihomed host released only some of its addresses; the server demands the rest",
		ev("released-in-part", true, released.EndFrames("release"), "the machine released the name for %s, but not for %s", released.Addr(), kept.Addr()))
	if s.accepted != nil {
		v = analyze.Proved
		f.Evidence = append(f.Evidence, ev("accepted-later", true, s.accepted.Frames("accepted"), "the server accepted the name from %s again", s.accepted.Addr()))
	}
	f.Evidence = append(append(f.Evidence, s.claimsEvidence()...), s.multihomed...)
	f.Remedy = remedyIncomplete
	return explanation{rule: slugIncomplete, verdict: v, why: "the machine had released the name in part", decided: v == analyze.Proved, finding: f}
}

var remedyIncomplete = []string{
	"Windows NT 4.0: install Service Pack 4 or later (Q184832); the server service then releases every adapter.",
	"Until then the event is harmless: the host registers the address again by itself.",
	"Other systems: check that every adapter is up when the system shuts down.",
}

// splitWINS: the machine registers at several servers, and their replication
// brings its own name back as a stranger's.
func splitWINS(s *subject) explanation {
	if !s.actsAsServer() {
		return excluded(slugSplitWINS, "the sender was never seen to act as a name server")
	}
	var other *names.Claim
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if c.Server().IsValid() && c.Server() != s.server && s.mine(c.Addr()) && c.State != names.Refused && c.From() < s.x.Start {
			other = c
		}
	}
	if other == nil {
		return excluded(slugSplitWINS, "the machine registers at one server only")
	}
	f := s.demandFinding("A host's adapters use different WINS servers, whose records of it clash",
		ev("registered-at-two-servers", true, other.Frames("registration"), "the machine registered the name from %s at %s too", other.Addr(), other.Server()))
	f.Evidence = append(append(f.Evidence, s.claimsEvidence()...), s.multihomed...)
	f.Remedy = remedySplit
	if r := s.ownReplica(); r != nil {
		f.Evidence = append(f.Evidence, ev("own-record-replicated", true, r.Frames, "the record that was replicated to %s is the machine's own, from the other server: %s", r.Server, addrList(r.Addrs)))
		return explanation{rule: slugSplitWINS, verdict: analyze.Proved, why: "the replicated record is the machine's own", decided: true, finding: f}
	}
	return explanation{rule: slugSplitWINS, verdict: analyze.Likely, why: "the machine registered the name at another server too", finding: f}
}

// groupRelease1C: NT 4.0 takes the release of one domain controller's
// membership of <1C> for its own.
func groupRelease1C(s *subject) explanation {
	if s.x.Name.Suffix() != 0x1C {
		return explanation{}
	}
	if !s.actsAsServer() {
		return excluded(slugGroupRelease1C, "the sender was never seen to act as a name server")
	}
	f := s.demandFinding("A WINS server sends a domain controller a release of the domain's <1C> group")
	f.Remedy = []string{
		"Windows NT 4.0: install the NetBT hotfix of Q314696; it checks the type of the name before it gives it up.",
		"On the domain controller: nbtstat -RR, or restart Netlogon, registers the group again.",
	}
	return explanation{rule: slugGroupRelease1C, verdict: analyze.Likely, why: "the name is a domain's group of controllers", decided: true, finding: f}
}

func forgedRelease(s *subject) explanation {
	if s.actsAsServer() {
		return excluded(slugForgedRelease, "the sender acts as a name server")
	}
	// Only absence shows that the sender is no server, so that it needs a server
	// that is known to be the machine's.
	v := analyze.Possible
	why := "the sender never acted as a name server"
	f := s.demandFinding("A machine that is no name server tells another one to release its name",
		ev("sender-no-server", true, nil, "%s never answered a registration and never took part in WINS replication in this capture", s.server))
	if c := s.otherServer(); c != nil {
		v = analyze.Likely
		f.Evidence = append(f.Evidence, ev("registers-elsewhere", true, c.Frames("registration"), "the machine registers the name at %s", c.Server()))
	}
	if e, sure := spoofs(s.p, s.server, "the sender also answers queries for names that are not its own"); sure > 0 {
		v = max(v, sure)
		f.Evidence = append(f.Evidence, e)
	}
	f.Evidence = append(f.Evidence, s.claimsAnywhere()...)
	f.Remedy = remedyForged
	return explanation{rule: slugForgedRelease, verdict: v, why: why, finding: f}
}

// otherServer returns a claim of the machine that another server than the sender
// accepted.
func (s *subject) otherServer() *names.Claim {
	return s.elsewhereAt(func(c *names.Claim) bool { return c.State != names.Refused })
}

// elsewhereAt returns a claim of the machine at another server than the sender.
func (s *subject) elsewhereAt(is func(*names.Claim) bool) *names.Claim {
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if s.mine(c.Addr()) && c.Server().IsValid() && !s.p.Hosts.SameMachine(c.Server(), s.server) && is(c) {
			return c
		}
	}
	return nil
}

// claimsAnywhere shows that the receiver holds the name.
func (s *subject) claimsAnywhere() []analyze.Evidence {
	var fs []exchange.FrameRef
	for i := range s.p.Name.Claims {
		if c := &s.p.Name.Claims[i]; s.mine(c.Addr()) && c.From() < s.x.Start && c.State != names.Refused {
			fs = append(fs, c.Frames("registration")...)
		}
	}
	if len(fs) == 0 {
		return nil
	}
	return []analyze.Evidence{ev("receiver-holds-name", true, fs, "%s holds the name", s.host)}
}

var remedyForged = []string{
	"Treat the sender as an attacker or a broken program: find it by its MAC address and take it off the network.",
	"Windows: set NoNameReleaseOnDemand=1 under HKLM\\SYSTEM\\CurrentControlSet\\Services\\NetBT\\Parameters (MS00-047); hosts then ignore release demands except from their WINS servers.",
	"Block UDP 137 at the border, and switch NetBIOS over TCP/IP off where nothing needs it.",
	"Samba ignores such messages.",
}

// plainDemand remains when nothing explains a demand.
func plainDemand(s *subject) explanation {
	title, remedy := "A WINS server told a machine to release its name, and the capture does not show why", []string{
		"Capture TCP port 42 at the WINS server as well, or supply its list of mappings with --mappings: a static or replicated record of the name would show.",
		"Look at the server for the name in all its records (static, other owners), and at the host with nbtstat -n.",
	}
	var unknown []analyze.Evidence
	if !s.actsAsServer() {
		title = "A machine was told to release its name, and the capture does not show whether by its name server"
		e := ev("sender-unknown", false, nil, "%s was not seen to act as a name server, and no other one of the machine was seen", s.server)
		if c := s.elsewhereAt(func(c *names.Claim) bool { return c.State == names.Refused }); c != nil {
			e = ev("sender-unknown", false, append(c.RequestFrames("registration"), c.Reply.As("refusal", c.Server(), c.Sender(), "refused")...),
				"%s was not seen to act as a name server; %s was, and refused the machine the name, so that another server may have it", s.server, c.Server())
		}
		unknown = []analyze.Evidence{e}
		remedy = append([]string{fmt.Sprintf("Find out whether %s is a WINS server. If it is none, the message is forged (forged-release).", s.server)}, remedy...)
	}
	f := s.demandFinding(title)
	f.Evidence = append(append(append(f.Evidence, s.claimsEvidence()...), s.multihomed...), unknown...)
	f.Remedy = remedy
	if len(s.static) > 0 {
		r := s.static[0]
		f.Title = "A static record displaced a machine's name; the server told it to release the name"
		f.Evidence = append(f.Evidence, ev("static-record-replicated", true, r.Frames, "a record of %s with the static bit (%s, %s%s) was replicated to %s before; the machine has one address as far as seen",
			s.name(), r.Type, addrList(r.Addrs), owned(r), r.Server))
		f.Remedy = s.remedyStatic(staticCase{address: addrList(r.Addrs)})
	}
	return explanation{rule: slugDemand, verdict: analyze.Possible, finding: f}
}

// ownReplica returns a dynamic replica that holds addresses of the machine only:
// what it registered at another server.
func (s *subject) ownReplica() *names.Record {
	for _, r := range s.dynamic {
		if len(r.Addrs) > 0 && !slices.ContainsFunc(r.Addrs, func(a addr) bool { return !s.mine(a) }) {
			for i := range s.p.Name.Claims {
				if c := &s.p.Name.Claims[i]; c.Server().IsValid() && c.Server() != s.server && slices.Contains(r.Addrs, c.Addr()) {
					return r
				}
			}
		}
	}
	return nil
}

// splitRefusal: the adapters of a machine use different servers; one server
// asks about the record that the other one has of the same machine.
func splitRefusal(s *subject) explanation {
	if s.x.Broadcast || s.x.Group {
		return explanation{}
	}
	var other *names.Claim
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if c.Server().IsValid() && !s.p.Hosts.SameMachine(c.Server(), s.server) && s.mine(c.Addr()) && c.Addr() != s.x.Address() &&
			c.State != names.Refused && c.From() < s.x.Start {
			other = c
		}
	}
	if other == nil {
		return excluded(slugSplitWINS, "the machine registers at one server only")
	}
	f := about(s)
	f.Events = refusalEvents
	f.Evidence = []analyze.Evidence{refusedHow(s),
		ev("registered-at-two-servers", true, other.Frames("registration"), "the machine registered the name from %s at %s", other.Addr(), other.Server())}
	v := analyze.Possible
	if q, own := s.answeredChallenge(); q != nil && own {
		v = analyze.Proved
		f.Evidence = append(f.Evidence, challengeEvidence(s, q))
	} else if len(s.dynamic) > 0 {
		v = analyze.Likely
		f.Evidence = append(f.Evidence, ev("dynamic-record-replicated", true, s.dynamic[0].Frames, "the other server's record of the machine was replicated to %s", s.server))
	}
	f.Evidence = append(f.Evidence, s.multihomed...)
	f.Remedy = remedySplit
	return explanation{rule: slugSplitWINS, verdict: v, why: "the machine registers the name at another server too", decided: v == analyze.Proved, finding: f}
}

var remedySplit = []string{
	"Give every adapter of the host the same WINS servers in the same order (Q170808).",
	"Or switch NetBIOS over TCP/IP off on all adapters but one.",
}
