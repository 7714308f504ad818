package rules

import (
	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

// Slugs that several files name.
const (
	slugStaticRefusal  = "static-multihomed-refusal"
	slugStaticRelease  = "static-multihomed-release"
	slugStaticBlocks   = "static-blocks-registration"
	slugLiveDuplicate  = "live-duplicate-name"
	slugUserDuplicate  = "user-name-duplicate"
	slugTwoPDC         = "two-primary-controllers"
	slugGroupClash     = "unique-group-clash"
	slugRace           = "multihomed-registration-race"
	slugStale          = "stale-registration-blocks"
	slugForgedRelease  = "forged-release"
	slugForgedConflict = "forged-conflict"
	slugDynamicReplica = "release-by-dynamic-replica"
	slugIncomplete     = "incomplete-release-multihomed"
	slugDemand         = "release-demand-received"
	slugGroupRelease1C = "group-release-1c"
	slugSplitWINS      = "self-conflict-split-wins"
	slugQuerySpoofing  = "name-query-spoofing"
	slugShared         = "name-shared-by-two-hosts"
	slugTakeover       = "challenge-timeout-takeover"
	slugBrowser        = "browser-split-or-duplicate-master"
)

// The family of refusals: a registration or refresh that was refused, by a
// name server or by broadcast.

func isRefusal(x *exchange.Exchange, _ *names.State) bool {
	return (x.Outcome == exchange.Refused || x.Outcome == exchange.Defended) && (refusal(x.RCode) || x.RCode == nbns.RCodeCftErr)
}

func refusalSubject(p *analyze.Pass) *subject {
	x := p.Exchange
	s := newSubject(p, x.Initiator, x.Asked)
	if x.Broadcast {
		s.server = x.Responder
	}
	return s
}

// refusalCauses lists what a refusal can come from. What leaves a positive
// trace (a challenge that somebody answered, a group) stands before what is
// concluded from the absence of one.
func refusalCauses() []cause {
	return []cause{
		policyRefusal, masterContention, ownNameRefusal, groupClash, splitRefusal, registrationRace, forgedObjection, twoPrimaryControllers, userNameDuplicate, liveDuplicate,
		staticRefusal, staticBlocks, staleRegistration,
	}
}

func checkRefusal(p *analyze.Pass) { weigh(p, refusalSubject, refusalCauses) }

// refusedHow describes the refusal itself, as the first piece of evidence.
func refusedHow(s *subject) analyze.Evidence {
	x := s.x
	fs := append(frames(x, "registration", exchange.RoleRequest), frames(x, "refusal", exchange.RoleResponse, exchange.RoleDuplicate)...)
	what := "registration"
	if x.Kind == exchange.Refresh {
		what = "refresh"
	}
	if x.WACK || len(x.Challenges) > 0 {
		return ev("refused-after-wait", true, append(fs, frames(x, "wack", exchange.RoleWACK)...),
			"the %s of %s for %s was refused with %s, %s after the request", what, s.name(), x.Address(), x.RCode, duration(x.Answers[0].Time-x.Start))
	}
	if x.Unicast() && !atOnce(x) {
		return ev("refused-after-wait", true, fs,
			"the %s of %s for %s was refused with %s only %s after the request: the server may have asked somebody, which this capture does not show",
			what, s.name(), x.Address(), x.RCode, duration(x.Answers[0].Time-x.Start))
	}
	asksFirst := ", as it would for a dynamic record"
	if s.refusedByRecord() {
		asksFirst = " (Samba's nmbd never does before it refuses a refresh)"
	}
	return ev("refused-at-once", true, fs,
		"the %s of %s for %s was refused with %s within %s: no WACK, and the server asked nobody%s",
		what, s.name(), x.Address(), x.RCode, duration(answeredAfter(x)), asksFirst)
}

// policyRefusal: servers refuse some suffixes whatever they hold: <1B> as a
// group, <1C> and <1E> as a unique name (MS-WINSRA; Samba does as Windows).
func policyRefusal(s *subject) explanation {
	x := s.x
	if x.Broadcast {
		return explanation{}
	}
	suffix := x.Name.Suffix()
	if suffix == 0x1B && x.Group || (suffix == 0x1C || suffix == 0x1E) && !x.Group {
		return explanation{silent: true, verdict: analyze.Proved}
	}
	return explanation{}
}

// ownNameRefusal: a server does not give away its own names.
func ownNameRefusal(s *subject) explanation {
	if s.x.Broadcast || s.mine(s.server) {
		return explanation{}
	}
	fs, own := s.ownName()
	if !own {
		return explanation{}
	}
	return explanation{rule: slugLiveDuplicate, verdict: analyze.Likely, decided: true, why: "the name is the name server's own",
		finding: s.finding(analyze.Finding{
			Events: []int{4321},
			Title:  "A machine uses the name of the WINS server itself",
			Evidence: append([]analyze.Evidence{refusedHow(s),
				ev("servers-own-name", true, fs, "%s is a name of the server %s itself", s.name(), s.server)}, s.multihomed...),
			Remedy: remedyDuplicate(s),
		})}
}

func hostOf(a ...addr) analyze.FindingHost { return analyze.FindingHost{Addresses: a} }
