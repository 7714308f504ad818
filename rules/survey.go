package rules

import (
	"cmp"
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

// stateFinding begins a finding about a name.
func stateFinding(st *names.State) analyze.Finding {
	return analyze.Finding{HasName: true, Name: st.Name, Scope: st.Scope}
}

// The first looks of the surveys, Rule.Surveys.

func surveysRecorded(st *names.State) bool { return len(st.Records) > 0 }

func surveysDomain(st *names.State) bool {
	return st.Name.Suffix() == 0x1C && len(st.Records) > 0
}

func surveysNoisy(st *names.State) bool { return st.InVain >= noisyQueries }

func surveysWPAD(st *names.State) bool { return isWPAD(st.Name) }

// Beside a usable address, or unusable by itself.
func surveysUnusable(st *names.State) bool { return len(st.Claims) > 1 || st.Hostless }

// The other name of master browsers, MSBROWSE, is a group.
func surveysBrowser(st *names.State) bool { return st.Name.Suffix() == 0x1D && len(st.Claims) > 1 }

func surveysReleased(st *names.State) bool { return st.Released && st.Name.Suffix() == 0x20 }

// The names of master browsers and of users move as the role or the user does.
func surveysMoved(st *names.State) bool {
	suffix := st.Name.Suffix()
	return st.Released && len(st.Claims) > clusterMoves && suffix != 0x1D && suffix != 0x1B && suffix != 0x03
}

// staticOrigin says where a static record lives when the name is also
// registered dynamically, static at two owners, or comes back after deletion.
func staticOrigin(s *analyze.Survey) {
	for _, st := range s.Names {
		var static []*names.Record
		for i := range st.Records {
			if r := &st.Records[i]; r.Static == names.StaticYes && r.State == "active" && r.Source == "replication" && !deleted(st, r) {
				static = append(static, r)
			}
		}
		if len(static) == 0 {
			continue
		}
		r := static[0]
		f := stateFinding(st)
		f.First, f.Last, f.Count, f.Server, f.Verdict = r.Time, r.Last, len(static), r.Owner, analyze.Proved
		var owners []addr
		var fs []exchange.FrameRef
		for _, r := range static {
			fs = append(fs, r.Frames...)
			f.First, f.Last = min(f.First, r.Time), max(f.Last, r.Last)
			if !slices.Contains(owners, r.Owner) {
				owners = append(owners, r.Owner)
				f.Evidence = append(f.Evidence, spread(st, static, r))
			}
		}
		reason := false
		for i := range st.Claims {
			c := &st.Claims[i]
			if c.Group || !c.Server().IsValid() || c.State == names.Released && c.Until <= f.First {
				continue
			}
			f.Host = hostOf(c.Addr())
			f.Evidence = append(f.Evidence, ev("also-dynamic", true, c.RequestFrames("registration"), "%s registers the same name dynamically", c.Addr()))
			reason = true
			break
		}
		if len(owners) > 1 {
			reason = true
			f.Evidence = append(f.Evidence, ev("static-at-two-owners", true, fs, "the name is static at %d owners; it must be deleted at each", len(owners)))
		}
		for i := range st.Records {
			t := &st.Records[i]
			if t.State == "tombstone" && t.Static == names.StaticYes && slices.ContainsFunc(static, func(r *names.Record) bool { return r.Owner != t.Owner && r.Time > t.Time }) {
				reason = true
				f.Evidence = append(f.Evidence, ev("deletion-undone", true, t.Frames, "the record was deleted at %s and came back from another owner", ownerText(t.Owner)))
			}
		}
		if !reason {
			continue
		}
		at := make([]string, len(owners))
		for i, o := range owners {
			at[i] = ownerText(o)
		}
		f.Title = fmt.Sprintf("The static record lives on %s and must be deleted there", listed(at))
		f.Remedy = []string{
			fmt.Sprintf("Delete the record at its owner, %s, as a tombstone; deleted anywhere else it comes back by replication.", listed(at)),
			"To keep static records from spreading: OnlyDynRecs=1 under each push partner (Q229897).",
		}
		s.Report(f)
	}
}

// spread says where the static record of r's owner has come to.
func spread(st *names.State, static []*names.Record, r *names.Record) analyze.Evidence {
	var holders []addr
	var fs []exchange.FrameRef
	for _, o := range static {
		if o.Owner != r.Owner {
			continue
		}
		fs = append(fs, o.Frames...)
		for _, a := range []addr{o.From, o.Server} {
			if a.IsValid() && a != o.Owner && !slices.Contains(holders, a) {
				holders = append(holders, a)
			}
		}
	}
	return ev("static-record-replicated", true, fs, "the static record (%s, %s) of %s belongs to %s and is now also on %s",
		r.Type, addrList(r.Addrs), st.Name.Display(st.Scope), ownerText(r.Owner), addrList(holders))
}

// deleted reports whether a later version of its owner, at the same server, has
// taken a static record's place that is static and active no more.
func deleted(st *names.State, r *names.Record) bool {
	return some(st.Records, func(o *names.Record) bool {
		return o.Source == r.Source && o.Server == r.Server && o.Owner == r.Owner && r.Owner.IsValid() &&
			o.VersionID > r.VersionID && o.Time >= r.Last && (o.State != "active" || o.Static != names.StaticYes)
	})
}

func ownerText(a addr) string {
	if !a.IsValid() {
		return "an unknown server"
	}
	return a.String()
}

// notConverging compares what servers hold of a domain's group.
func notConverging(s *analyze.Survey) {
	for _, st := range s.Names {
		for i := range st.Records {
			for j := i + 1; j < len(st.Records); j++ {
				a, b := &st.Records[i], &st.Records[j]
				if a.Type != names.SpecialGroup || b.Type != names.SpecialGroup || a.State != "active" || b.State != "active" || slices.Equal(a.Addrs, b.Addrs) {
					continue
				}
				sameVersion := a.Owner.IsValid() && a.Owner == b.Owner && a.VersionID == b.VersionID && a.VersionID != 0
				apart := a.Source == "replication" && b.Source == "replication" && a.Server != b.Server && b.Time-a.Last > int64(30*time.Minute) && a.Owner == b.Owner && a.VersionID == b.VersionID
				if !sameVersion && !apart {
					continue
				}
				f := stateFinding(st)
				f.First, f.Last, f.Verdict, f.Server = min(a.Time, b.Time), max(a.Last, b.Last), analyze.Likely, b.Owner
				f.Evidence = []analyze.Evidence{ev("members-differ", true, append(slices.Clone(a.Frames), b.Frames...),
					"version %d of the group has the members %s at one time and %s at another", a.VersionID, addrList(a.Addrs), addrList(b.Addrs))}
				f.Remedy = []string{"Replicate in a hub-and-spoke shape, with Service Pack 4 or later on NT 4.0 servers (Q168076).", "Let the domain controllers register again: nbtstat -RR, or restart Netlogon."}
				s.Report(f)
			}
		}
	}
}

func partnerRefused(s *analyze.Survey) {
	for _, a := range s.Anomalies(analyze.PartnerRefused) {
		f := analyze.Finding{Host: hostOf(a.To), Server: a.From, First: a.First, Last: a.Last, Count: max(1, a.Count/2), Verdict: analyze.Likely}
		if a.Detail == "" {
			f.Evidence = []analyze.Evidence{ev("stopped-before-map", true, a.Frames, "%s accepted the association with %s and stopped it with an error before it gave its owner map", a.From, a.To)}
		} else {
			f.Verdict = analyze.Possible
			f.Evidence = []analyze.Evidence{ev("closed-before-map", true, a.Frames, "%s accepted the association with %s and never answered; %s tried again", a.From, a.To, a.To)}
		}
		f.Remedy = []string{
			fmt.Sprintf("Make the servers partners of each other on both sides; give %s every address that %s sends from (a multihomed server has several).", a.From, a.To),
		}
		s.Report(f)
	}
}

// noisy reports names that are asked for again and again in vain.
const (
	noisyQueries = 20
	noisyShare   = 0.9 // of all queries for the name
)

func noisy(s *analyze.Survey) {
	for _, st := range s.Names {
		if float64(st.InVain) < noisyShare*float64(st.Queries) || len(st.Askers) == 0 {
			continue
		}
		askers := slices.Clone(st.Askers)
		slices.SortStableFunc(askers, func(a, b names.Asker) int { return int(b.Count - a.Count) })
		f := stateFinding(st)
		f.Host, f.AnyHost, f.Count, f.Verdict = hostOf(askers[0].Addr()), true, int(st.InVain), analyze.Proved
		f.First, f.Last = askers[0].First(), askers[0].Last
		var who []string
		var fs []exchange.FrameRef
		for i, a := range askers {
			f.First, f.Last = min(f.First, a.First()), max(f.Last, a.Last)
			if i < 4 {
				who = append(who, fmt.Sprintf("%s %d times", a.Addr(), a.Count))
			}
			fs = append(fs, a.Ref.As("query", a.Addr(), addr{}, "query")...)
			fs = append(fs, a.LastRef.As("query", a.Addr(), addr{}, "query")...)
		}
		f.Title = fmt.Sprintf("%s is asked for again and again, and nobody has it", st.Name.Display(st.Scope))
		f.Evidence = []analyze.Evidence{ev("asked-in-vain", true, fs, "%d queries were in vain, by %s", st.InVain, strings.Join(who, ", "))}
		f.Remedy = []string{"Find the program on these machines that asks (netstat -b, Process Monitor) and correct the name, or resolve it in DNS.",
			"A name that exists nowhere is bait for spoofers: do not leave programs asking for it."}
		if isWPAD(st.Name) {
			f.Remedy = append(f.Remedy, "WPAD: switch automatic proxy detection off, or give wpad an address in DNS.")
		}
		s.Report(f)
	}
}

func isWPAD(n nbns.Name) bool { return n[0]|0x20 == 'w' && strings.EqualFold(n.Raw(), "WPAD") }

func wpadClaimed(s *analyze.Survey) {
	for _, st := range s.Names {
		for i := range st.Claims {
			c := &st.Claims[i]
			if c.State == names.Refused || c.Group {
				continue
			}
			f := stateFinding(st)
			f.Host, f.Server, f.First, f.Last, f.Verdict = hostOf(c.Addr()), c.Server(), c.From(), c.Last, analyze.Proved
			f.Evidence = []analyze.Evidence{ev("registers-wpad", true, c.Frames("registration"), "%s registered %s", c.Addr(), st.Name.Display(st.Scope))}
			f.Remedy = remedyWPAD
			s.Report(f)
		}
		for i := range st.Answers {
			a := &st.Answers[i]
			if a.Negative || !slices.Contains(a.Addrs(), a.Responder()) {
				continue
			}
			f := stateFinding(st)
			f.Host, f.First, f.Last, f.Count, f.Verdict = hostOf(a.Responder()), a.First(), a.Last(), int(a.Count), analyze.Proved
			f.Evidence = []analyze.Evidence{ev("answers-for-wpad", true, a.Frames("answer"), "%s answered a query for %s with its own address", a.Responder(), st.Name.Display(st.Scope))}
			f.Remedy = remedyWPAD
			s.Report(f)
		}
	}
}

var remedyWPAD = []string{
	"Whoever answers for WPAD can hand out a proxy configuration and see all web traffic (MS09-008, MS16-077): make sure that the machine is meant to.",
	"Switch automatic proxy detection off, or name the proxy by DHCP option 252 or DNS; block WPAD in the WINS server with a static mapping.",
}

// unusableAddress says why nobody can reach an address that was registered.
func unusableAddress(a addr) string {
	b := a.As4() // claims hold no other addresses
	switch {
	case b[0] == 0:
		return "an empty address"
	case b[0] == 127:
		return "a loopback address"
	case b[0] == 169 && b[1] == 254:
		return "an automatic private address (APIPA)"
	case b == [4]byte{192, 168, 55, 101}:
		return "the address of a Windows CE synchronisation link"
	case b[2] == 0 && b[3] == 184:
		return "an address that a RAS binding leaves behind (x.y.0.184)"
	}
	return ""
}

func unusableInterface(s *analyze.Survey) {
	for _, st := range s.Names {
		for i := range st.Claims {
			c := &st.Claims[i]
			why := unusableAddress(c.Addr())
			if why == "" || c.Group {
				continue
			}
			other := slices.IndexFunc(st.Claims, func(o names.Claim) bool {
				return o.Addr() != c.Addr() && unusableAddress(o.Addr()) == "" && (o.Sender() == c.Sender() || s.Hosts.SameMachine(o.Addr(), c.Sender()))
			})
			// Private and RAS-like addresses are wrong only beside a usable one.
			if other < 0 && !c.Addr().IsUnspecified() && !c.Addr().IsLoopback() {
				continue
			}
			f := stateFinding(st)
			f.Host, f.Server, f.First, f.Last, f.Verdict = hostOf(c.Sender()), c.Server(), c.From(), max(c.Last, c.From()), analyze.Likely
			f.Title = fmt.Sprintf("A machine registers %s", why)
			f.Evidence = []analyze.Evidence{ev("unusable-address", true, c.Frames("registration"), "%s was registered for %s, %s", c.Addr(), st.Name.Display(st.Scope), why)}
			if other >= 0 {
				o := &st.Claims[other]
				f.Evidence = append(f.Evidence, ev("usable-address-too", true, o.RequestFrames("registration"), "the machine also registers %s", o.Addr()))
			}
			f.Remedy = []string{"Unbind NetBIOS over TCP/IP (the WINS client) from the adapter that has this address, or give it a real one.",
				"Then delete the address from the name's record at the WINS server, or let the record age out."}
			s.Report(f)
		}
	}
}

func scopeMismatch(s *analyze.Survey) {
	byName := map[nbns.Name][]*names.State{}
	var order []nbns.Name
	for _, st := range s.Table.Scoped() {
		if byName[st.Name] == nil {
			order = append(order, st.Name)
			if plain := s.Table.Get(st.Name, ""); plain != nil {
				byName[st.Name] = append(byName[st.Name], plain)
			}
		}
		byName[st.Name] = append(byName[st.Name], st)
	}
	for _, n := range order {
		group := byName[n]
		if len(group) < 2 {
			continue
		}
		for _, asked := range group {
			if len(asked.Askers) == 0 && !some(asked.Answers, func(a *names.AnswerSet) bool { return a.Negative }) || len(asked.Claims) > 0 {
				continue
			}
			if some(asked.Answers, func(a *names.AnswerSet) bool { return !a.Negative }) {
				continue
			}
			for _, held := range group {
				i := slices.IndexFunc(held.Claims, func(c names.Claim) bool { return c.State != names.Refused })
				if held == asked || i < 0 {
					continue
				}
				c := &held.Claims[i]
				f := stateFinding(asked)
				f.First, f.Last, f.Verdict = asked.First, asked.Last, analyze.Likely
				fs := c.RequestFrames("registration")
				var who addr
				if len(asked.Askers) > 0 {
					a := &asked.Askers[0]
					who = a.Addr()
					fs = append(fs, a.Ref.As("query", a.Addr(), addr{}, "query")...)
					f.Count = int(asked.InVain)
				} else {
					a := &asked.Answers[0]
					who = a.FirstTo()
					fs = append(fs, a.FirstFrames("negative-answer")...)
					f.Count = int(a.Count)
				}
				f.Host = hostOf(who)
				how := "in another NetBIOS scope"
				if strings.EqualFold(asked.Scope, held.Scope) {
					how = "with the scope spelled in another case"
				}
				f.Title = "A name is asked for " + how + " than it is registered in"
				f.Evidence = []analyze.Evidence{ev("scopes-differ", true, fs, "%s asks for %s; %s registered %s", who, asked.Name.Display(asked.Scope), c.Addr(), held.Name.Display(held.Scope))}
				f.Remedy = []string{"Remove the NetBIOS scope id everywhere (DHCP option 47, registry ScopeID, `netbios scope` in smb.conf), or make it the same to the letter: scopes compare exactly."}
				s.Report(f)
				break
			}
		}
	}
}

func forwardedBroadcast(s *analyze.Survey) {
	for _, a := range s.Anomalies(analyze.ForwardedBroadcast) {
		f := analyze.Finding{Host: hostOf(a.From), First: a.First, Last: a.Last, Count: a.Count, Verdict: analyze.Likely}
		f.Evidence = []analyze.Evidence{ev("routed-broadcast", true, a.Frames, "broadcasts of %s to %s came through a router to a single machine", a.From, a.To)}
		f.Remedy = []string{"Take UDP 137 and 138 off the router's broadcast helper (Cisco: no ip forward-protocol udp netbios-ns, netbios-dgm); use WINS across subnets (Q190930)."}
		s.Report(f)
	}
}

func embeddedAddress(s *analyze.Survey) {
	for _, a := range s.Anomalies(analyze.EmbeddedAddress) {
		if _, sent := s.Hosts.Sent(a.Addr); sent || s.Hosts.SameMachine(a.Addr, a.From) || a.Count < 2 {
			continue
		}
		if s.Hosts.MachineHasRole(a.From, hosts.WINSServer) || len(s.Hosts.MultihomedJoins(a.From)) > 0 {
			continue
		}
		f := analyze.Finding{Host: hostOf(a.From), First: a.First, Last: a.Last, Count: a.Count, Verdict: analyze.Possible, HasName: a.Named, Name: a.Name}
		f.Title = "A datagram names another address than the one it comes from"
		f.Evidence = []analyze.Evidence{ev("address-inside-differs", true, a.Frames, "datagrams from %s say inside that they come from %s, which never sent anything itself", a.From, a.Addr)}
		f.Remedy = []string{"If a router translates addresses between the two, NetBIOS names do not work across it: use a translation that knows NetBIOS, or a routed path (Q172227)."}
		s.Report(f)
	}
}

func malformed(s *analyze.Survey) {
	for _, a := range s.Anomalies(analyze.Malformed) {
		f := analyze.Finding{Host: hostOf(a.From), First: a.First, Last: a.Last, Count: a.Count, Verdict: analyze.Proved}
		f.Evidence = []analyze.Evidence{ev("malformed", true, a.Frames, "%s sent messages to %s that break the protocol: %s", a.From, a.To, a.Detail)}
		f.Remedy = []string{"Find the program that sends them. Old servers stop on such messages (Q155701): keep them patched, and block UDP 137 from where it need not come."}
		s.Report(f)
	}
}

func dnsReuse(s *analyze.Survey) {
	for _, a := range s.Anomalies(analyze.ReusedDNSID) {
		// An answer that the capture misses makes one lookup after the other look
		// like two at a time.
		f := analyze.Finding{Host: hostOf(a.From), Server: a.To, First: a.First, Last: a.Last, Count: max(1, a.Count/2), Verdict: analyze.Likely}
		f.Evidence = []analyze.Evidence{ev("id-reused", true, a.Frames, "the DNS server %s used a transaction id for a second name before its lookup of %s was answered", a.From, a.Detail)}
		f.Remedy = []string{"Windows NT 4.0 DNS server: install the fix of Q160828/Q197294; answers may be given to the wrong question."}
		s.Report(f)
	}
}

// browserSplit: two machines hold the segment's master browser name at once.
func browserSplit(s *analyze.Survey) {
	for _, st := range s.Names {
		for i := range st.Claims {
			for j := i + 1; j < len(st.Claims); j++ {
				a, b := &st.Claims[i], &st.Claims[j]
				if a.Server().IsValid() || b.Server().IsValid() || a.State != names.Active || b.State != names.Active || s.Hosts.SameMachine(a.Addr(), b.Addr()) {
					continue
				}
				if last, ok := s.Hosts.Sent(a.Addr()); !ok || last < b.Last+int64(5*time.Second) || !sameSegment(a.Addr(), b.Addr()) {
					continue // the former master is gone
				}
				f := stateFinding(st)
				f.Host, f.First, f.Last, f.Verdict = hostOf(b.Addr()), a.From(), b.Last, analyze.Likely
				f.Evidence = []analyze.Evidence{ev("two-masters", true, append(a.RequestFrames("registration"), b.RequestFrames("registration")...),
					"%s and %s both hold %s on one segment", a.Addr(), b.Addr(), st.Name.Display(st.Scope))}
				f.Remedy = remedyBrowser
				s.Report(f)
			}
		}
	}
}

// sameSegment guesses whether two addresses are on one broadcast domain.
func sameSegment(a, b addr) bool {
	x, y := a.As4(), b.As4() // claims hold no other addresses
	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2]
}

var remedyBrowser = []string{
	"Check that both machines have the same subnet mask and broadcast address (Q143153).",
	"Let one machine only be a candidate: MaintainServerList=No on Windows, `local master = no` in smb.conf.",
}

// missingRelease: a machine that shut down gave up some of its names only.
func missingRelease(s *analyze.Survey) {
	for _, st := range s.Names {
		for i := range st.Claims {
			c := &st.Claims[i]
			if c.State != names.Released || !c.Server().IsValid() || s.Now-c.Until < int64(time.Minute) {
				continue
			}
			if last, ok := s.Hosts.Sent(c.Addr()); !ok || last-c.Until > int64(10*time.Second) {
				continue // it goes on: a service stopped, not the machine
			}
			for _, n := range siblings(st.Name) {
				o := s.Table.Get(n, st.Scope)
				if o == nil {
					continue
				}
				k := slices.IndexFunc(o.Claims, func(oc names.Claim) bool {
					return oc.Addr() == c.Addr() && oc.Server() == c.Server() && oc.State == names.Active && !oc.Group
				})
				if k < 0 {
					continue
				}
				kept := &o.Claims[k]
				f := stateFinding(o)
				f.Host, f.Server, f.First, f.Last, f.Verdict = hostOf(c.Addr()), c.Server(), c.Until, c.Until, analyze.Likely
				f.Evidence = []analyze.Evidence{
					ev("released-in-part", true, c.EndFrames("release"), "%s released %s and fell silent", c.Addr(), st.Name.Display(st.Scope)),
					ev("not-released", true, kept.Frames("registration"), "%s was registered and never released", o.Name.Display(o.Scope))}
				f.Remedy = []string{"Windows NT 4.0: install a later Service Pack (Q140419). The record ages out by itself."}
				s.Report(f)
			}
		}
	}
}

// rasNames is how many unrelated computer names one address must register.
const rasNames = 8

func rasDouble(s *analyze.Survey) {
	var plain []nbns.Name
	var states []*names.State
	for _, a := range s.Hosts.Registrants(rasNames, s.Since) {
		plain, states = plain[:0], states[:0]
		for _, n := range s.Hosts.Names(a) {
			switch suffix := n.Bytes[15]; {
			case suffix != 0x00 && suffix != 0x20:
			case n.Scope == "":
				plain = append(plain, n.Bytes)
			default:
				if st := s.Table.Get(n.Bytes, n.Scope); st != nil {
					states = append(states, st)
				}
			}
		}
		states = s.Table.GetAll(plain, states)
		var fs []exchange.FrameRef
		f := analyze.Finding{Host: hostOf(a), Verdict: analyze.Possible}
		for _, st := range states {
			i := slices.IndexFunc(st.Claims, func(c names.Claim) bool {
				return c.Addr() == a && !c.Group && c.State == names.Active && c.Server().IsValid()
			})
			if i < 0 {
				continue
			}
			c := &st.Claims[i]
			if f.Count == 0 {
				f.First, f.Server = c.From(), c.Server()
			}
			f.First, f.Last = min(f.First, c.From()), max(f.Last, c.Last)
			f.Count++
			if len(fs) < rasNames {
				fs = append(fs, c.RequestFrames("registration")...)
			}
		}
		if f.Count < rasNames {
			continue
		}
		f.Evidence = []analyze.Evidence{ev("many-names-one-address", true, fs, "%s registers %d names", a, f.Count)}
		f.Remedy = remedyRAS
		s.Report(f)
	}
}

var remedyRAS = []string{"A RAS server that registers its dial-in clients with its own address makes them unreachable and collides with their LAN registrations: use TCP/IP alone on the RAS link (Q176991).",
	"A cluster, or a server with aliases, looks the same and is in order."}

// splitRegistration: one boot leaves a machine's names on two servers.
func splitRegistration(s *analyze.Survey) {
	type at struct {
		c  *names.Claim
		st *names.State
	}
	// Nearly all machines use one server: look closely at the others only.
	if !s.Hosts.SeveralServers() {
		return
	}
	each := func(do func(x at)) {
		s.Lately(func(st *names.State) {
			for i := range st.Claims {
				if c := &st.Claims[i]; !c.Group && c.Server().IsValid() && c.State == names.Active {
					do(at{c, st})
				}
			}
		})
	}
	server := map[addr]addr{}
	byAddr := map[addr][]at{}
	each(func(x at) {
		if first, ok := server[x.c.Addr()]; !ok {
			server[x.c.Addr()] = x.c.Server()
		} else if first != x.c.Server() {
			byAddr[x.c.Addr()] = nil
		}
	})
	var order []addr
	each(func(x at) {
		list, ok := byAddr[x.c.Addr()]
		if !ok || len(list) >= 64 {
			return
		}
		if list == nil {
			order = append(order, x.c.Addr())
		}
		byAddr[x.c.Addr()] = append(list, x)
	})
	slices.SortFunc(order, netip.Addr.Compare)
	for _, a := range order {
		list := byAddr[a]
		slices.SortStableFunc(list, func(x, y at) int { return cmp.Or(cmp.Compare(x.c.From(), y.c.From()), cmp.Compare(x.st.ID, y.st.ID)) })
		first := list[0]
		var other at
		for _, x := range list[1:] {
			// Neither server has both names: not two names at one server then, nor
			// one name at two.
			if x.c.From()-first.c.From() < int64(10*time.Minute) && !slices.ContainsFunc(list, func(y at) bool {
				return y.st == x.st && s.Hosts.SameMachine(y.c.Server(), first.c.Server()) || y.st == first.st && s.Hosts.SameMachine(y.c.Server(), x.c.Server())
			}) {
				other = x
				break
			}
		}
		if other.c == nil {
			continue
		}
		// The first server was silent in between: an ordinary failover.
		silent := slices.ContainsFunc(append(slices.Clone(first.st.Recent), other.st.Recent...), func(x *exchange.Exchange) bool {
			return x.Initiator == a && x.Unicast() && x.Outcome == exchange.Unanswered
		})
		if silent {
			continue
		}
		f := analyze.Finding{Host: hostOf(a), Server: first.c.Server(), First: min(first.c.From(), other.c.From()), Last: max(first.c.Last, other.c.Last), Verdict: analyze.Likely}
		f.Evidence = []analyze.Evidence{ev("names-on-two-servers", true, append(first.c.Frames("registration"), other.c.Frames("registration")...),
			"%s was accepted by %s and %s by %s", first.st.Name.Display(first.st.Scope), first.c.Server(), other.st.Name.Display(other.st.Scope), other.c.Server())}
		f.Remedy = []string{"If the machine is a WINS server itself: make it its own primary and secondary WINS server (Q150737).", "Else check why it changes servers in the middle of a start: both answer."}
		s.Report(f)
	}
}

// clusterMoves is how often a name must change hands by release and
// registration to look like a cluster's.
const clusterMoves = 2

func clusterName(s *analyze.Survey) {
	for _, st := range s.Names {
		var moves []exchange.FrameRef
		n := 0
		for i := 1; i < len(st.Claims); i++ {
			a, b := &st.Claims[i-1], &st.Claims[i]
			if a.Group || b.Group || a.State != names.Released || b.State == names.Refused || s.Hosts.SameMachine(a.Addr(), b.Addr()) || b.From() < a.Until {
				continue
			}
			n++
			moves = append(append(moves, a.EndFrames("release")...), b.RequestFrames("registration")...)
		}
		if n < clusterMoves {
			continue
		}
		last := &st.Claims[len(st.Claims)-1]
		f := stateFinding(st)
		f.Host, f.Server, f.First, f.Last, f.Count, f.Verdict = hostOf(last.Addr()), last.Server(), st.Claims[0].From(), last.Last, n, analyze.Likely
		f.Evidence = []analyze.Evidence{ev("holder-alternates", true, moves, "the name changed hands %d times, each time released by one machine and registered by another", n)}
		f.Remedy = []string{"Nothing is wrong: this is how a cluster's network name moves. Do not make a static mapping of it (Q217199), and give all nodes the same WINS servers."}
		s.Report(f)
	}
}
