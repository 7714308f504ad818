package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// horizon is how long after an event the rules look for what follows it: the
// query that shows where the server sends people, the retry, the refusal
// after a restart.
const horizon = 2 * time.Minute

// subject is what the rules of a family want to know of one event: who
// suffers, at which server, and what the server knows of the name.
type subject struct {
	p      *analyze.Pass
	x      *exchange.Exchange
	host   netip.Addr // the machine that suffers
	server netip.Addr // the name server, or whoever acted as one

	multihomed []analyze.Evidence // why the machine has several addresses; empty: no sign of it
	weakly     bool               // the only sign is Windows' use of opcode 15

	answers     []*names.AnswerSet // of the server: positive, unique, neither the machine's own addresses alone
	sibling     []*names.AnswerSet // the same for the machine's other names of the same text
	siblingName string
	same        *names.AnswerSet // of the server: the machine's own addresses only
	static      []*names.Record  // static records of the name that the server holds
	imported    []*names.Record  // static mappings that the user supplied
	notStatic   []*names.Record  // mappings of the name that the list says are not static
	dynamic     []*names.Record  // replicas without the static bit
	group       []exchange.FrameRef
	groupLast   int64 // ns, of the latest sign of the group
	groupHow    string
	groupLeft   bool                 // all that registered it as a group released it
	owners      []*names.Claim       // other machines with an active dynamic claim at the server
	refused     []*exchange.Exchange // other refusals of this name to this machine, at once
	accepted    *names.Claim         // a later registration of the machine that the server accepted

	refusal *staticCase // what speaks for a static mapping, once it was asked for
}

func newSubject(p *analyze.Pass, host, server netip.Addr) *subject {
	s := &subject{p: p, x: p.Exchange, host: host, server: server}
	s.readMultihomed()
	s.readAnswers()
	s.readSiblings()
	s.readClaims()
	s.readRecords()
	for _, r := range p.Name.Recent {
		if r != s.x && r.Registers() && r.Outcome == exchange.Refused && r.Unicast() && r.Asked == server && !r.WACK &&
			refusal(r.RCode) && s.mine(r.Initiator) && atOnce(r) {
			s.refused = append(s.refused, r)
		}
	}
	return s
}

// refusal reports whether a result code says that the name may not be had:
// RFS_ERR and ACT_ERR, which servers use for static mappings alike.
func refusal(rc nbns.RCode) bool { return rc == nbns.RCodeRfsErr || rc == nbns.RCodeActErr }

// answeredAfter is the time, ns, from the latest request before it to the answer
// that counts. Exchange.RTT is that to the first one, which may be another
// machine's, or come from another adapter of the server.
func answeredAfter(x *exchange.Exchange) int64 {
	last := x.Start
	for _, f := range x.FramesWithRole(exchange.RoleRequest, exchange.RoleRetransmission) {
		if f.Time <= x.Answers[0].Time {
			last = max(last, f.Time)
		}
	}
	return max(x.Answers[0].Time-last, 0)
}

// atOnce reports whether an answer came too soon after the latest request for
// the server to have asked anybody in vain.
func atOnce(x *exchange.Exchange) bool { return answeredAfter(x) < int64(answeredWithin) }

func (s *subject) mine(a netip.Addr) bool { return s.p.Hosts.SameMachine(a, s.host) }

// finding makes f one about the exchange's name and the machine that suffers,
// by the subject's server unless f names another.
func (s *subject) finding(f analyze.Finding) analyze.Finding {
	f.HasName, f.Name, f.Scope, f.Host = true, s.x.Name, s.x.Scope, hostOf(s.host)
	if !f.Server.IsValid() {
		f.Server = s.server
	}
	return f
}

// about begins a finding that is filled in later.
func about(s *subject) analyze.Finding { return s.finding(analyze.Finding{}) }

func (s *subject) name() string { return s.x.Name.Display(s.x.Scope) }

// sibling reports whether two names differ in the suffix only, among those
// that one machine registers for itself.
func siblings(n nbns.Name) []nbns.Name {
	var out []nbns.Name
	for _, suffix := range []byte{0x00, 0x03, 0x20} {
		o := n
		o[15] = suffix
		if o != n {
			out = append(out, o)
		}
	}
	return out
}

func (s *subject) readMultihomed() {
	h := s.p.Hosts
	for _, j := range h.MultihomedJoins(s.host) {
		src, what := j.A, "several addresses"
		if j.Sign == hosts.SeveralRegs || j.Sign == hosts.SentForOther {
			src, what = j.B, "register"
		}
		frames := []analyze.FrameRef{{Input: j.Input, Frame: j.Frame, Role: "multihomed", Time: j.Time, Src: src, What: what}}
		if j.Other != 0 {
			frames = append(frames, analyze.FrameRef{Input: j.OtherInput, Frame: j.Other, Role: "multihomed", Time: j.OtherTime, Src: j.A, What: what})
		}
		sign := map[hosts.Sign]string{hosts.OwnAnswer: "answers-with-several-addresses", hosts.NodeStatus: "same-node-status",
			hosts.SameMAC: "same-mac", hosts.SeveralRegs: "registered-from-several-addresses", hosts.SentForOther: "registered-from-several-addresses"}[j.Sign]
		s.multihomed = append(s.multihomed, analyze.Evidence{Sign: sign, For: true, Text: analyze.JoinText(j), Frames: frames})
	}
	if len(s.x.Requested) > 1 && s.x.Registers() {
		s.multihomed = append(s.multihomed, analyze.Evidence{Sign: "several-addresses-in-one-packet", For: true,
			Text:   fmt.Sprintf("it registers %s with one packet", addrList(s.x.Requested)),
			Frames: s.x.FramesWithRole(exchange.RoleRequest)})
	}
	for _, n := range append([]nbns.Name{s.x.Name}, siblings(s.x.Name)...) {
		st := s.p.Names.Get(n, s.x.Scope)
		if st == nil {
			continue
		}
		for i := range st.Answers {
			a := &st.Answers[i]
			if !a.Group && !a.Negative && len(a.Addrs()) > 1 && n != s.x.Name && slices.Contains(a.Addrs(), s.host) && a.Responder() == s.server &&
				!slices.ContainsFunc(a.Addrs(), func(b addr) bool { return !s.mine(b) && !registered(st, b) }) {
				s.multihomed = append(s.multihomed, analyze.Evidence{Sign: "server-lists-several-addresses", For: true,
					Text:   fmt.Sprintf("the server lists %s for %s", addrList(a.Addrs()), n.Display(s.x.Scope)),
					Frames: a.FirstFrames("multihomed")})
			}
		}
	}
	if len(s.multihomed) == 0 && s.x.Kind == exchange.MultihomedRegistration && h.Implementation(s.host) == hosts.Windows {
		s.weakly = true
		s.multihomed = append(s.multihomed, analyze.Evidence{Sign: "opcode-15-by-windows", For: true,
			Text:   "it registers with opcode 15, which Windows uses only when it has several addresses (other software always does)",
			Frames: s.x.FramesWithRole(exchange.RoleRequest)})
	}
}

func (s *subject) readAnswers() {
	for i := range s.p.Name.Answers {
		a := &s.p.Name.Answers[i]
		if !s.p.Hosts.SameMachine(a.Responder(), s.server) || a.Negative {
			continue
		}
		if a.Group || slices.Contains(a.Addrs(), exchange.LimitedBroadcast) {
			s.group, s.groupLast = append(s.group, a.FirstFrames("group")...), max(s.groupLast, a.Last())
			s.groupHow = "the server answers for it as a group"
			continue
		}
		foreign := false
		for _, b := range a.Addrs() {
			foreign = foreign || !s.mine(b)
		}
		switch {
		case foreign:
			s.answers = append(s.answers, a)
		case s.same == nil || a.Last() > s.same.Last():
			s.same = a
		}
	}
}

// readSiblings collects where the server sends people who ask for the other
// names of the machine: a static mapping of a computer is made for <00>, <03>
// and <20> together. Only names that were refused, or demanded, like this one
// count.
func (s *subject) readSiblings() {
	for _, n := range siblings(s.x.Name) {
		st := s.p.Names.Get(n, s.x.Scope)
		if st == nil || !s.treatedAlike(st) {
			continue
		}
		for i := range st.Answers {
			a := &st.Answers[i]
			if a.Negative || a.Group || !s.p.Hosts.SameMachine(a.Responder(), s.server) || runsDown(a) {
				continue
			}
			if slices.ContainsFunc(a.Addrs(), func(b addr) bool { return !s.mine(b) && !registered(st, b) && !s.p.Hosts.SameMachine(b, s.server) }) {
				s.sibling = append(s.sibling, a)
				s.siblingName = n.Display(s.x.Scope)
			}
		}
	}
}

// treatedAlike reports whether the server did to another name of the machine
// what it did to this one.
func (s *subject) treatedAlike(st *names.State) bool {
	return slices.ContainsFunc(st.Recent, func(r *exchange.Exchange) bool {
		return r.Kind == s.x.Kind && r.Initiator == s.x.Initiator && r.Asked == s.x.Asked && r.Outcome == s.x.Outcome && r.WACK == s.x.WACK
	})
}

// some is slices.ContainsFunc without copying what it looks at: the first looks
// of rules go over the claims and answers of every exchange.
func some[T any](list []T, is func(*T) bool) bool {
	for i := range list {
		if is(&list[i]) {
			return true
		}
	}
	return false
}

func registered(st *names.State, a addr) bool {
	return some(st.Claims, func(c *names.Claim) bool { return c.Addr() == a && c.State != names.Refused })
}

func (s *subject) siblingEvidence(a *names.AnswerSet) analyze.Evidence {
	return ev("sibling-resolves-elsewhere", true, a.Frames("answer"),
		"the server treats the machine's name %s in the same way and resolves it to %s", s.siblingName, s.foreign(a))
}

func (s *subject) readClaims() {
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		switch {
		case c.Group && c.State != names.Refused:
			if c.Server() == s.server {
				s.group, s.groupLast = append(s.group, c.RequestFrames("group")...), max(s.groupLast, c.Last)
				if s.groupHow == "" {
					s.groupHow = fmt.Sprintf("%s registered it as a group", c.Addr())
					s.groupLeft = true
				}
				s.groupLeft = s.groupLeft && c.State == names.Released
			}
		case c.Group || !c.Server().IsValid() || c.Server() != s.server:
		case s.mine(c.Addr()):
			if c.State != names.Refused && c.From() > s.x.Start && c.From() > s.x.End-1 {
				s.accepted = c
			} else if c.State == names.Active && c.Last > s.x.End {
				s.accepted = c
			}
		case c.From() < s.x.Start && (c.State == names.Active || c.Until >= s.x.Start):
			if c.State != names.Refused {
				s.owners = append(s.owners, c)
			}
		}
	}
}

// readRecords sorts the known records of the name. A record fits when the
// server holds it, or when it is not said who holds it.
func (s *subject) readRecords() {
	for _, r := range s.p.Imported() {
		if r.State != "" && r.State != "active" {
			continue
		}
		switch r.Static {
		case names.StaticYes:
			s.imported = append(s.imported, &r)
		case names.StaticNo:
			s.notStatic = append(s.notStatic, &r)
		}
	}
	for i := range s.p.Name.Records {
		r := &s.p.Name.Records[i]
		if r.State != "" && r.State != "active" {
			continue
		}
		here := !r.Server.IsValid()
		for _, a := range []addr{r.Server, r.Owner, r.From} {
			here = here || a.IsValid() && s.p.Hosts.SameMachine(a, s.server)
		}
		if !here || s.superseded(r) {
			continue
		}
		switch {
		case r.Static == names.StaticYes && r.Time <= s.x.End:
			s.static = append(s.static, r)
		case r.Static == names.StaticNo && r.Source == "replication" && r.Time <= s.x.End:
			s.dynamic = append(s.dynamic, r)
		}
	}
}

// superseded reports whether a later record of the same owner, at the same
// server, replaced r before the event, or may have: the owner is told by the
// request for records, which the capture may miss.
func (s *subject) superseded(r *names.Record) bool {
	for i := range s.p.Name.Records {
		o := &s.p.Name.Records[i]
		if o != r && o.Source == r.Source && o.Server == r.Server && (o.Owner == r.Owner || !o.Owner.IsValid() || !r.Owner.IsValid()) && o.VersionID > r.VersionID && o.Time >= r.Last && o.Time <= s.x.Start {
			return true
		}
	}
	return false
}

// challenges returns the questions that the server asked because of the
// exchange, linked or not.
func (s *subject) challenges() []*exchange.Exchange {
	var out []*exchange.Exchange
	for _, r := range s.p.Name.Recent {
		if r.Kind != exchange.Challenge || !s.p.Hosts.SameMachine(r.Initiator, s.server) {
			continue
		}
		if slices.Contains(s.x.Challenges, r.ID) || r.Cause == 0 && r.Start >= s.x.Start && r.Start <= s.x.End {
			out = append(out, r)
		}
	}
	return out
}

// ownName reports whether the name is the server's own.
func (s *subject) ownName() ([]exchange.FrameRef, bool) {
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if !c.Group && c.State != names.Refused && s.p.Hosts.SameMachine(c.Addr(), s.server) {
			return c.RequestFrames("own-name"), true
		}
	}
	for _, a := range s.answers {
		for _, b := range a.Addrs() {
			if s.p.Hosts.SameMachine(b, s.server) {
				return a.FirstFrames("own-name"), true
			}
		}
	}
	for i := range s.p.Name.Uses {
		if u := &s.p.Name.Uses[i]; !u.Via().IsValid() && s.p.Hosts.SameMachine(u.Addr(), s.server) {
			return u.Ref.As("own-name", u.Addr(), addr{}, "uses the name"), true
		}
	}
	return nil, false
}

// everRegistered returns the claim by which an address holds, or held, the
// name dynamically; nil if the capture shows none.
func (s *subject) everRegistered(a netip.Addr) *names.Claim {
	for i := range s.p.Name.Claims {
		c := &s.p.Name.Claims[i]
		if c.Addr() == a && c.State != names.Refused {
			return c
		}
	}
	return nil
}

// steady reports whether the TTLs of an answer do not run down: the same
// remaining time at two moments well apart. Samba 4 always answers with 0.
func steady(a *names.AnswerSet) bool {
	return a.MinTTL != 0 && a.MinTTL == a.MaxTTL && a.Last()-a.First() >= int64(5*time.Second)
}

// nmbdPermanent reports whether every answer gives nmbd's "max wins ttl" to
// the second, its default: the time of its permanent entries, and of a record
// for the first second of its life only.
func nmbdPermanent(a *names.AnswerSet) bool {
	const maxWINSTTL = 518400
	return a.MinTTL == maxWINSTTL && a.MaxTTL == maxWINSTTL
}

// runsDown reports whether the TTLs of an answer decrease as time passes, be it
// to 0.
func runsDown(a *names.AnswerSet) bool { return a.FirstTTL > a.LastTTL }

func withRole(role string, fs ...exchange.FrameRef) []exchange.FrameRef {
	out := make([]exchange.FrameRef, 0, len(fs))
	for _, f := range fs {
		if f.Frame != 0 {
			f.Role = role
			out = append(out, f)
		}
	}
	return out
}

// frames lists the frames of x that play one of the roles, under a new role.
func frames(x *exchange.Exchange, as string, roles ...string) []exchange.FrameRef {
	return withRole(as, x.FramesWithRole(roles...)...)
}

// pair shows a request and its answer, under new roles.
func pair(x *exchange.Exchange, request, answer string) []exchange.FrameRef {
	return append(frames(x, request, exchange.RoleRequest), frames(x, answer, exchange.RoleResponse)...)
}

func addrList(as []netip.Addr) string {
	if len(as) == 0 {
		return "no address"
	}
	s := make([]string, len(as))
	for i, a := range as {
		s[i] = a.String()
	}
	return listed(s)
}

// listed enumerates words, of which there is at least one.
func listed(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// ev builds a piece of evidence.
func ev(sign string, supports bool, frames []exchange.FrameRef, format string, args ...any) analyze.Evidence {
	return analyze.Evidence{Sign: sign, For: supports, Text: fmt.Sprintf(format, args...), Frames: frames}
}

// foreign lists the addresses of an answer and says which are not the
// machine's.
func (s *subject) foreign(a *names.AnswerSet) string {
	var others []addr
	for _, b := range a.Addrs() {
		if !s.mine(b) {
			others = append(others, b)
		}
	}
	verb := "is"
	if len(others) > 1 {
		verb = "are"
	}
	if len(others) == len(a.Addrs()) {
		return fmt.Sprintf("%s, which %s not this machine's", addrList(a.Addrs()), verb)
	}
	return fmt.Sprintf("%s, of which %s %s not this machine's", addrList(a.Addrs()), addrList(others), verb)
}

// duration prints a span of capture time for people.
func duration(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
