package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

type addr = netip.Addr

var staticSigns = []analyze.Sign{
	{Slug: "refused-at-once", For: true, Text: "The server refused without a WACK and without asking anybody, as it does for static mappings and groups."},
	{Slug: "refused-after-wait", For: true, Text: "The server first asked the recorded address, which did not answer or has not the name, and then refused all the same (Samba's nmbd with a permanent entry)."},
	{Slug: "static-record-replicated", For: true, Text: "A WINS replication record of the name has the static bit."},
	{Slug: "static-mapping-imported", For: true, Text: "The list of mappings that you supplied has a static mapping of the name."},
	{Slug: "server-resolves-elsewhere", For: true, Text: "The server resolves the name to an address that is not this machine's."},
	{Slug: "sibling-resolves-elsewhere", For: true, Text: "Another name of the machine, refused or demanded alike, is resolved to an address that is not this machine's."},
	{Slug: "server-resolves-to-refused-address", For: true, Text: "The server resolves the name to the very address that it refused: a dynamic record with the same address is always accepted."},
	{Slug: "ttl-never-falls", For: true, Text: "The time to live of the server's answers does not run down, as it would for a dynamic record."},
	{Slug: "ttl-of-permanent-entry", For: true, Text: "The server's answers have the very time to live that nmbd gives its permanent entries."},
	{Slug: "refused-repeatedly", For: true, Text: "The refusal repeats, each time at once."},
	{Slug: "address-never-seen", For: true, Text: "The address that the server gives never registered the name in this capture."},
	{Slug: "registered-from-several-addresses", For: true, Text: "One machine registers the name from several addresses."},
	{Slug: "answers-with-several-addresses", For: true, Text: "The machine answers for its name with several addresses."},
	{Slug: "same-mac", For: true, Text: "Several addresses send from one MAC address."},
	{Slug: "same-node-status", For: true, Text: "Node status responses from several addresses show one machine."},
	{Slug: "several-addresses-in-one-packet", For: true, Text: "One registration names several addresses."},
	{Slug: "server-lists-several-addresses", For: true, Text: "The server lists several addresses of the machine for another of its names."},
	{Slug: "opcode-15-by-windows", For: true, Text: "Windows registers with opcode 15 only when it has several addresses."},
	{Slug: "release-demanded", For: true, Text: "The server told the machine to release the name."},
	{Slug: "accepted-later", For: false, Text: "The server accepted the machine's registration later."},
	{Slug: "ttl-runs-down", For: false, Text: "The time to live of the server's answers runs down: the record is dynamic."},
	{Slug: "dynamic-owner-known", For: false, Text: "Another machine registered the name dynamically."},
	{Slug: "list-is-stale", For: false, Text: "The server's answers do not fit the supplied list."},
	{Slug: "list-says-dynamic", For: false, Text: "The supplied list has the name, and not as a static mapping."},
	{Slug: "challenge-unanswered", For: true, Text: "The server asked the recorded address; nobody answered."},
	{Slug: "challenge-denied", For: true, Text: "The server asked the recorded address; the machine there has not the name."},
	gapSign,
}

var gapSign = analyze.Sign{Slug: "capture-has-gaps", For: false, Text: "The capture misses packets; what it does not show may have happened."}

var refusalEvents = []int{4321, 4319}

// staticCase is what speaks for a static mapping behind a refusal or demand.
type staticCase struct {
	verdict  analyze.Verdict
	why      string // for the list of alternatives
	evidence []analyze.Evidence
	against  []analyze.Evidence
	decided  bool
	open     bool   // verdict 0, but not excluded: the capture cannot tell
	address  string // where the mapping points to, if known
}

// staticRefusal weighs whether the refusal comes from a static mapping, leaving
// aside whether the machine is multihomed. Verdict 0 means excluded.
func (s *subject) staticRefusal() staticCase {
	if s.refusal == nil {
		c := s.weighStatic()
		s.refusal = &c
	}
	return *s.refusal
}

func (s *subject) weighStatic() staticCase {
	x := s.x
	c := staticCase{}
	switch {
	case x.Broadcast:
		c.why = "no name server refused it, another end node did"
		return c
	case !refusal(x.RCode):
		c.why = fmt.Sprintf("static mappings are refused with RFS_ERR or ACT_ERR, not %s", x.RCode)
		return c
	case !s.p.Hosts.SameMachine(x.Responder, x.Asked):
		c.why = "the refusal did not come from the server that was asked"
		return c
	}
	if len(s.group) > 0 && len(s.static) == 0 {
		c.why = "the name is a group: " + s.groupHow
		return c
	}
	if _, own := s.ownName(); own {
		c.why = "the name is the server's own"
		return c
	}
	s.proofs(&c)
	challenges := s.challenges()
	waited := x.WACK || len(challenges) > 0
	if waited && c.verdict != analyze.Proved {
		s.unansweredStatic(&c, challenges)
	} else {
		if len(s.owners) > 0 && c.verdict == 0 {
			// A dynamic record is challenged, so a refusal at once says that
			// it was no dynamic record that stood in the way, unless the
			// challenge was not captured.
			o := s.owners[0]
			c.against = append(c.against, ev("dynamic-owner-known", false, o.Frames("registration"),
				"%s registered the name dynamically at this server before", o.Addr()))
			c.verdict, c.why = analyze.Possible, "refused at once, but another machine holds the name dynamically"
		}
		s.hints(&c)
		if c.verdict == analyze.Likely && !atOnce(x) {
			c.verdict = analyze.Possible
		}
	}
	if len(s.notStatic) > 0 && len(s.imported) == 0 && c.verdict != 0 && c.verdict != analyze.Proved {
		c.verdict = analyze.Possible
		c.against = append(c.against, ev("list-says-dynamic", false, nil, "the supplied list has the name, and not as a static mapping"))
	}
	if s.accepted != nil && s.accepted.Last > x.End {
		what := "the mapping was removed meanwhile, or it was none"
		if len(s.static) > 0 {
			what = "the mapping was removed meanwhile"
		}
		c.against = append(c.against, ev("accepted-later", false, s.accepted.Frames("accepted"),
			"the server accepted the registration from %s later: %s", s.accepted.Addr(), what))
		// A replicated record was there; a list may be older than the refusal.
		if len(s.static) == 0 && c.verdict > analyze.Possible {
			c.verdict--
		}
	}
	if s.p.Gaps && c.verdict == analyze.Likely {
		c.against = append(c.against, ev("capture-has-gaps", false, nil, "the capture misses packets; a challenge may be among them"))
	}
	return c
}

// proofs looks for records that are known to be static.
func (s *subject) proofs(c *staticCase) {
	for _, r := range s.static {
		c.verdict, c.why, c.decided = analyze.Proved, "a static record of the name was replicated to the server", true
		c.address = addrList(s.blocking().Addrs)
		c.evidence = append(c.evidence, ev("static-record-replicated", true, r.Frames,
			"a record of %s with the static bit (%s, %s%s) was replicated to %s before", s.name(), r.Type, addrList(r.Addrs), owned(r), r.Server))
	}
	if c.verdict == analyze.Proved && s.p.Gaps {
		c.verdict, c.decided = analyze.Likely, false
		c.against = append(c.against, changedUnseen())
	}
	fits := slices.ContainsFunc(s.imported, func(r *names.Record) bool { return s.contradicts(r) && s.otherThan(r, s.beforeRefusal()) == nil })
	for _, r := range s.imported {
		if !s.contradicts(r) {
			continue
		}
		if a := s.otherThan(r, s.beforeRefusal()); a != nil {
			if fits {
				continue // another mapping of the list explains the answers
			}
			c.against = append(c.against, s.staleList(r, a))
			continue
		}
		c.why = "the supplied list has a static mapping of the name"
		s.provedByList(c, r)
	}
}

// provedByList takes a mapping of a supplied list for the cause. It is not
// decided: answers still to come can show that the list is old.
func (s *subject) provedByList(c *staticCase, r *names.Record) {
	c.verdict, c.address = analyze.Proved, addrList(r.Addrs)
	c.evidence = append(c.evidence, ev("static-mapping-imported", true, nil, "the supplied list %s has the static mapping %s (%s, %s; line %d)",
		strings.TrimPrefix(r.Source, "import:"), s.name(), r.Type, addrList(r.Addrs), r.Line))
}

// staleList says that the server's answer does not fit a mapping of the list.
func (s *subject) staleList(r *names.Record, a *names.AnswerSet) analyze.Evidence {
	return ev("list-is-stale", false, a.LastFrames("answer"), "the supplied list has the static mapping %s (%s), but the server gives %s: the list may be old",
		s.name(), addrList(r.Addrs), addrList(a.Addrs()))
}

// beforeRefusal is since when, ns, answers tell what stands in the way of a
// registration that is refused.
func (s *subject) beforeRefusal() int64 { return s.x.Start - int64(horizon) }

// blocking returns the static record by which the server acts: its own one
// comes before those of its partners, of which the latest counts. It is nil if
// none is known.
func (s *subject) blocking() *names.Record {
	var latest *names.Record
	for _, r := range s.static {
		if s.p.Hosts.SameMachine(r.Owner, s.server) {
			return r
		}
		latest = r
	}
	return latest
}

// changedUnseen says what a replicated record is worth once packets are known
// to be missing.
func changedUnseen() analyze.Evidence {
	return ev("capture-has-gaps", false, nil, "the capture misses packets; the record may have changed since")
}

// otherThan returns an answer of the server about the time of the event that
// has no address of the mapping; nil if there is none.
func (s *subject) otherThan(r *names.Record, since int64) *names.AnswerSet {
	for _, a := range append(slices.Clone(s.answers), s.same) {
		if a == nil || a.Last() < since || s.accepted != nil && a.Last() > s.accepted.From() {
			continue
		}
		if !slices.ContainsFunc(a.Addrs(), func(b addr) bool { return slices.Contains(r.Addrs, b) }) {
			return a
		}
	}
	return nil
}

// contradicts reports whether a mapping stands in the machine's way: a unique
// one always does for a multihomed registration, a multihomed one if it lacks
// an address of the machine.
func (s *subject) contradicts(r *names.Record) bool {
	if r.Type == names.Group || r.Type == names.SpecialGroup {
		return false
	}
	if r.Type == names.Unique {
		return true
	}
	return !slices.Contains(r.Addrs, s.x.Address())
}

func owned(r *names.Record) string {
	if !r.Owner.IsValid() {
		return ""
	}
	return ", owned by " + r.Owner.String()
}

// unansweredStatic judges a refusal that followed a WACK: nmbd treats a
// permanent entry of wins.dat like a dynamic record, asks its address, and
// refuses an opcode-15 registration when nobody answers. A dynamic record of
// a dead machine gives the same picture, so something must speak for the
// entry's being permanent.
func (s *subject) unansweredStatic(c *staticCase, challenges []*exchange.Exchange) {
	if q, _ := s.answeredChallenge(); q != nil {
		c.why = fmt.Sprintf("the server asked %s, which answered: the record is a living machine's", q.Asked)
		return
	}
	if _, a, ok := s.unseenAnswer(); ok && a.IsValid() {
		c.why = fmt.Sprintf("the server asked %s and decided before its tries can have run out: somebody answered", a)
		return
	}
	asked := make([]addr, 0, len(challenges))
	for _, q := range challenges {
		asked = append(asked, q.Asked)
		if s.everRegistered(q.Asked) != nil {
			c.why = fmt.Sprintf("the server asked %s, which registered the name dynamically", q.Asked)
			return
		}
	}
	unseen := len(asked) == 0
	if unseen && s.decidedAt()-s.x.Start < int64(triesRanOut) {
		c.why = "the server waited before it refused, as for a dynamic record"
		return
	}
	var shown *names.AnswerSet
	for _, a := range s.answers {
		if slices.ContainsFunc(a.Addrs(), func(b addr) bool {
			return slices.Contains(asked, b) || unseen && (steady(a) || nmbdPermanent(a)) && s.everRegistered(b) == nil && !s.mine(b)
		}) {
			shown = a
		}
	}
	fromSibling := false
	if shown == nil {
		for _, a := range s.sibling {
			if slices.ContainsFunc(a.Addrs(), func(b addr) bool { return slices.Contains(asked, b) }) {
				shown, fromSibling = a, true
			}
		}
	}
	if shown == nil {
		c.why = "the server waited before it refused; nothing shows whether the record is static"
		c.open = len(s.owners) == 0 && !slices.ContainsFunc(s.answers, runsDown)
		return
	}
	if runsDown(shown) {
		c.why = "the time to live of the server's answers runs down: the record is dynamic"
		return
	}
	c.address = addrList(shown.Addrs())
	c.verdict, c.why = analyze.Possible, "the server keeps resolving the name to an address that nobody registered"
	if !unseen {
		e, _ := s.notKept(challenges)
		c.evidence = append(c.evidence, e)
	}
	c.evidence = append(c.evidence,
		s.shown(shown, fromSibling))
	if strange := s.neverSeen(shown); len(strange) > 0 {
		c.evidence = append(c.evidence, ev("address-never-seen", true, nil, "%s never registered the name in this capture", addrList(strange)))
	}
	if steady(shown) || nmbdPermanent(shown) {
		c.verdict, c.why = analyze.Likely, "the record that stands in the way does not age"
		c.evidence = append(c.evidence, steadyTTL(shown))
	}
}

// neverSeen lists the addresses of an answer that are neither the machine's nor
// registered the name.
func (s *subject) neverSeen(a *names.AnswerSet) (list []addr) {
	for _, b := range a.Addrs() {
		if !s.mine(b) && s.everRegistered(b) == nil {
			list = append(list, b)
		}
	}
	return list
}

func (s *subject) shown(a *names.AnswerSet, ofSibling bool) analyze.Evidence {
	if ofSibling {
		return s.siblingEvidence(a)
	}
	return s.elsewhere(a)
}

func (s *subject) elsewhere(a *names.AnswerSet) analyze.Evidence {
	when := "afterwards"
	switch {
	case a.First() < s.x.Start && a.Last() > s.x.End:
		when = "before and afterwards"
	case a.Last() <= s.x.End:
		when = "before"
	}
	return ev("server-resolves-elsewhere", true, a.Frames("answer"),
		"%s the server resolves the name to %s", when, s.foreign(a))
}

func steadyTTL(a *names.AnswerSet) analyze.Evidence {
	if steady(a) {
		return ev("ttl-never-falls", true, a.Frames("answer"),
			"the time to live in the server's answers stays at %d s; a dynamic record's would run down", a.MaxTTL)
	}
	return ev("ttl-of-permanent-entry", true, a.Frames("answer"),
		"the server answers with a time to live of exactly %d s, which nmbd gives its permanent entries; a dynamic record's would have run down since it was registered", a.MaxTTL)
}

// ageless reports whether the record behind an answer of the server does not
// age. What nmbd gives its permanent entries is the usual renewal interval of
// other servers, so it counts only where the refusal is nmbd's.
func (s *subject) ageless(a *names.AnswerSet) bool {
	return steady(a) || s.refusedByRecord() && nmbdPermanent(a)
}

// hints weighs what speaks for a static mapping behind a refusal at once.
func (s *subject) hints(c *staticCase) {
	x := s.x
	strength := analyze.Possible
	ageless := false // the record that the server answers from does not age
	if c.why == "" {
		c.why = "refused at once, without a WACK or a challenge"
	}
	for _, a := range s.answers {
		if runsDown(a) {
			c.against = append(c.against, ev("ttl-runs-down", false, a.Frames("answer"),
				"the time to live of the server's answers falls from %d s to %d s", a.FirstTTL, a.LastTTL))
			continue
		}
		if c.address == "" {
			c.address = addrList(a.Addrs())
		}
		c.evidence = append(c.evidence, s.elsewhere(a))
		known := false
		for _, b := range a.Addrs() {
			if f := s.everRegistered(b); f != nil && !s.mine(b) {
				known = true
				c.against = append(c.against, ev("dynamic-owner-known", false, f.RequestFrames("registration"), "%s registered the name dynamically", b))
			}
		}
		if !known {
			strength = analyze.Likely
			if s.ageless(a) {
				ageless = true
				c.evidence = append(c.evidence, steadyTTL(a))
			}
		}
	}
	if len(s.answers) == 0 && len(s.sibling) > 0 && !x.Group {
		a := s.sibling[0]
		strength = analyze.Likely
		c.address = addrList(a.Addrs())
		c.evidence = append(c.evidence, s.siblingEvidence(a))
		ageless = s.ageless(a)
	}
	if s.same != nil && slices.Contains(s.same.Addrs(), x.Address()) && s.same.Last() > x.Start && s.accepted == nil {
		strength = analyze.Likely
		c.address = addrList(s.same.Addrs())
		c.evidence = append(c.evidence, ev("server-resolves-to-refused-address", true, s.same.Frames("answer"),
			"the server resolves the name to %s, the very address that it refused; a dynamic record with that address would have been accepted", addrList(s.same.Addrs())))
	}
	if n := len(s.refused); n > 0 {
		var fs []exchange.FrameRef
		spread := int64(0)
		for _, r := range s.refused {
			fs = append(fs, frames(r, "refusal", exchange.RoleResponse)...)
			spread = max(spread, r.Start-x.Start, x.Start-r.Start)
		}
		c.evidence = append(c.evidence, ev("refused-repeatedly", true, fs, "the refusal repeats %s more, each time at once", times(n)))
		if spread >= int64(5*time.Second) && len(s.owners) == 0 {
			strength = max(strength, analyze.Likely)
		}
	}
	if len(s.owners) > 0 || s.refusedByRecord() && !ageless {
		strength = min(strength, analyze.Possible)
	}
	c.verdict = max(c.verdict, strength)
}

func staticRefusal(s *subject) explanation {
	c := s.staticRefusal()
	switch {
	case s.x.Group:
		return excluded(slugStaticRefusal, "it was registered as a group name")
	case c.verdict == 0 && !c.open:
		return excluded(slugStaticRefusal, c.why)
	case len(s.multihomed) == 0:
		return excluded(slugStaticRefusal, "nothing shows that the machine has several addresses")
	case c.open:
		return explanation{rule: slugStaticRefusal, why: c.why, open: true}
	}
	if s.weakly {
		c.verdict, c.decided = min(c.verdict, analyze.Possible), false
	}
	how := "registration"
	if s.x.Kind == exchange.Refresh {
		how = "refresh"
	}
	return explanation{rule: slugStaticRefusal, verdict: c.verdict, why: c.why, decided: c.decided, finding: s.finding(analyze.Finding{
		Events:   eventsOfRefusal(s.x),
		Title:    fmt.Sprintf("A static mapping in WINS refuses the %s of a multihomed host", how),
		Evidence: s.caseEvidence(c), Remedy: s.remedyStatic(c),
	})}
}

func eventsOfRefusal(x *exchange.Exchange) []int {
	if x.Kind == exchange.Refresh {
		return []int{4319, 4321}
	}
	return refusalEvents
}

func (s *subject) caseEvidence(c staticCase) []analyze.Evidence {
	out := []analyze.Evidence{refusedHow(s)}
	out = append(out, c.evidence...)
	out = append(out, s.multihomed...)
	return append(out, c.against...)
}

func staticBlocks(s *subject) explanation {
	c := s.staticRefusal()
	switch {
	case c.verdict == 0 && !c.open:
		return excluded(slugStaticBlocks, c.why)
	case s.x.Group && c.verdict == analyze.Possible:
		return excluded(slugStaticBlocks, "nothing but the refusal of the group speaks for a static mapping")
	case len(s.multihomed) > 0 && !s.weakly && !s.x.Group:
		return excluded(slugStaticBlocks, "the machine has several addresses; see "+slugStaticRefusal)
	case c.open:
		return explanation{rule: slugStaticBlocks, why: c.why, open: true}
	}
	return explanation{rule: slugStaticBlocks, verdict: c.verdict, why: c.why, decided: c.decided, finding: s.finding(analyze.Finding{
		Events:   eventsOfRefusal(s.x),
		Evidence: append(append([]analyze.Evidence{refusedHow(s)}, c.evidence...), c.against...), Remedy: s.remedyStatic(c),
	})}
}

// staticSuffixes are the suffixes that a static mapping of the name has: one of
// a computer has three.
func staticSuffixes(n nbns.Name) []byte {
	switch n.Suffix() {
	case 0x00, 0x03, 0x20:
		return []byte{0x00, 0x03, 0x20}
	}
	return []byte{n.Suffix()}
}

// remedyStatic says how to get rid of the mapping, for Windows and Samba.
func (s *subject) remedyStatic(c staticCase) []string {
	base := s.x.Name
	plain := base.Raw()
	printable := strings.IndexFunc(plain, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'&|<>^%;$`+"`\\", r) }) < 0 && plain != ""
	at := s.server.String()
	if r := s.blocking(); r != nil && r.Owner.IsValid() {
		at = r.Owner.String()
	}
	steps := []string{}
	if c.address != "" {
		steps = append(steps, fmt.Sprintf("Find the static mapping of %s (it points to %s) on the WINS server %s and delete it with every suffix that it has there, mostly <00>, <03> and <20>.", s.name(), c.address, at))
	} else {
		steps = append(steps, fmt.Sprintf("Look on the WINS server %s for a static mapping of %s and delete it with every suffix that it has there, mostly <00>, <03> and <20>.", at, s.name()))
	}
	if printable {
		for _, suffix := range staticSuffixes(base) {
			steps = append(steps, fmt.Sprintf(`Windows Server, to look: netsh wins server \\%s show name name=%s endchar=%02x`, at, plain, suffix))
		}
		for _, suffix := range staticSuffixes(base) {
			steps = append(steps, fmt.Sprintf(`Windows Server, to delete: netsh wins server \\%s delete name name=%s endchar=%02x`, at, plain, suffix))
		}
	}
	steps = append(steps,
		"Windows Server, console: Active Registrations > Display Records > the name > Delete > \"Replicate deletion of the record to other servers (tombstone)\", at the server that owns the record; else it comes back by replication.",
		"Windows NT 3.5x/4.0, WINS Manager: Mappings > Static Mappings > the name > Delete Mapping, on every WINS server that holds it; then restart the host, not the server.",
		"Samba as WINS server: nmbd - stop nmbd, remove the line of the name with time 0 from wins.dat, start nmbd; Samba AD DC - delete the winsRecord with isStatic: 1 from wins.ldb with ldbdel.",
		"On the host: nbtstat -RR or a restart (on NT 4.0 a restart: nbtstat -RR refreshes only the first adapter), then check nbtstat -n for Conflict.")
	if s.x.Group {
		return append(steps, "If the mapping must stay, rename the workgroup or domain: a computer and a group must not share a name.")
	}
	steps = append(steps, "If the mapping must stay, make it a multihomed one that lists every NetBT address of the host, not a unique one.")
	if lines := s.p.Corrections(); len(lines) > 0 {
		steps = append(steps, "The LMHOSTS file makes unique mappings of a multihomed host; the lines should read:")
		steps = append(steps, lines...)
	}
	return steps
}
