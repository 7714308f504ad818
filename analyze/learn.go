package analyze

import (
	"net/netip"
	"slices"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
)

// TogetherAtServer is how close in time registrations of one name from several
// addresses must start to be one machine's, if nobody contests them: at a WINS
// server its adapters register one after the other.
const TogetherAtServer = 5 * time.Second

// togetherByBroadcast is the same by broadcast, where they register together.
const togetherByBroadcast = time.Second

// Registrations of one machine's adapters by Windows: how close in time they
// are sent, and how far apart their transaction ids can be.
const (
	inOneMoment = 100 * time.Millisecond
	nextIDs     = 16
)

// TTLs that tell who registers.
const (
	ttlNMBD    = 259200 // nmbd's "max ttl"
	ttlWindows = 300000
)

// unitKey identifies an adapter in node status responses: the unit ID and the
// first name, since cloned machines share the former.
type unitKey struct {
	unit [6]byte
	name nbns.Name
}

const maxUnits = 100_000

// learn takes from a message what it says of machines; history is its name's.
func (e *Engine) learn(src int32, p *wire.Packet, m *nbns.Message, kind exchange.MessageKind, x *exchange.Exchange, history *names.State) {
	switch kind {
	case exchange.RegistrationRequest, exchange.MultihomedRegistrationRequest, exchange.OverwriteDemand, exchange.RefreshRequest:
		e.hosts.AddRole(src, hosts.EndNode)
		rec := m.FirstNB()
		if rec == nil || len(rec.Addrs) == 0 {
			return
		}
		f := rec.Addrs[0].Flags
		if x != nil && x.Requests == 1 {
			e.hosts.SetNodeType(src, uint8(f.NodeType()))
			if h := habit(kind, m.Flags, rec.TTL, f, x.Broadcast); h != hosts.Unknown {
				e.hosts.SetImplementation(src, h)
			}
		}
	case exchange.RegistrationResponsePositive, exchange.RegistrationResponseNegative, exchange.WaitAcknowledgement,
		exchange.ReleaseResponsePositive:
		if x == nil {
			return
		}
		if kind == exchange.RegistrationResponseNegative && x.Broadcast && x.Registers() && !x.Group && x.Initiator != p.Src.Addr() {
			e.noteAnswered(AnsweredName{x.Name, x.Scope, FrameRef{Input: p.Input, Frame: p.Frame, Time: p.Time, Src: p.Src.Addr(), Dst: x.Initiator, What: "objection"}, true})
		}
		if x.Unicast() && x.Asked == p.Src.Addr() && (x.Registers() || x.Kind == exchange.Release) {
			e.hosts.AddRole(src, hosts.WINSServer)
		} else if x.Broadcast {
			e.hosts.AddRole(src, hosts.EndNode)
		}
	case exchange.QueryResponsePositive:
		e.learnAnswer(src, p, m, x, history)
	case exchange.StatusResponse:
		e.hosts.AddRole(src, hosts.EndNode)
		ref := exchange.MakeRef(p.Input, p.Frame, p.Time)
		for i := range m.Status {
			if s := &m.Status[i]; !s.Flags.Group() {
				e.names.Touch(s.Name, "", e.clock).Witness(p.Src.Addr(), p.Src.Addr(), e.clock, ref)
			}
		}
		if m.HasUnitID && m.UnitID != ([6]byte{}) && len(m.Status) > 0 {
			k := unitKey{m.UnitID, m.Status[0].Name}
			if o, ok := e.units[k]; !ok && len(e.units) < maxUnits {
				e.units[k] = p.Src.Addr()
			} else if ok && o != p.Src.Addr() {
				e.hosts.Join(hosts.Join{A: o, B: p.Src.Addr(), Sign: hosts.NodeStatus, Input: p.Input, Frame: p.Frame, Time: p.Time, Name: m.Status[0].Name.String()})
			}
		}
	}
}

// habit tells an implementation by how it registers.
func habit(kind exchange.MessageKind, flags nbns.Flags, ttl uint32, f nbns.NBFlags, bcast bool) hosts.Implementation {
	rd := flags&nbns.FlagRD != 0
	switch {
	case kind == exchange.MultihomedRegistrationRequest && !rd:
		return hosts.Samba4
	case kind == exchange.RefreshRequest && f&0x0400 != 0:
		return hosts.Samba4
	case kind == exchange.RegistrationRequest && bcast && !rd && ttl == ttlWindows:
		return hosts.Samba4
	case !bcast && ttl == ttlNMBD && kind != exchange.RefreshRequest:
		return hosts.SambaNMBD
	case bcast && ttl == 0 && f.NodeType() == nbns.HNode && kind == exchange.RegistrationRequest:
		return hosts.SambaNMBD
	case !bcast && ttl == ttlWindows && rd:
		return hosts.Windows
	}
	return hosts.Unknown
}

func (e *Engine) learnAnswer(src int32, p *wire.Packet, m *nbns.Message, x *exchange.Exchange, history *names.State) {
	rec := m.FirstNB()
	if rec == nil || len(rec.Addrs) == 0 {
		return
	}
	from := p.Src.Addr()
	own := false
	for _, a := range rec.Addrs {
		own = own || e.hosts.Is(src, netip.AddrFrom4(a.Addr))
	}
	group := rec.Addrs[0].Flags.Group()
	if own && !group && x != nil && x.Broadcast && !history.ClaimedBy(from) {
		e.noteAnswered(AnsweredName{rec.Name, rec.Scope, FrameRef{Input: p.Input, Frame: p.Frame, Time: p.Time, Src: from, Dst: p.Dst.Addr(), What: "positive answer"}, false})
	}
	switch {
	case own && !group:
		if !e.hosts.Plays(src, hosts.WINSServer) {
			e.hosts.AddRole(src, hosts.EndNode)
		}
		for _, a := range rec.Addrs {
			b := netip.AddrFrom4(a.Addr)
			if b == from || !plausibleHost(b) {
				continue
			}
			e.hosts.Mention(b)
			e.hosts.Join(hosts.Join{A: from, B: b, Sign: hosts.OwnAnswer, Input: p.Input, Frame: p.Frame, Time: p.Time, Name: rec.Name.Display(rec.Scope)})
		}
	case !own && x != nil && x.Broadcast && !group:
		e.hosts.AddRole(src, hosts.WINSProxy)
	case !own && x != nil && x.Unicast() && x.Asked == from && m.Flags&nbns.FlagRA != 0 && !e.hosts.Plays(src, hosts.WINSServer):
		// Answering for two names of others makes it a name server; one may
		// be its own name with the address of another adapter.
		if n, ok := e.foreign[from]; !ok && len(e.foreign) < maxUnits {
			e.foreign[from] = rec.Name
		} else if ok && n != rec.Name {
			e.hosts.AddRole(src, hosts.WINSServer)
		}
	}
}

const maxAnswered = 32

func (e *Engine) noteAnswered(n AnsweredName) {
	list := e.answered[n.Ref.Src]
	if len(list) >= maxAnswered || list == nil && len(e.answered) >= maxUnits ||
		slices.ContainsFunc(list, func(a AnsweredName) bool {
			return a.Name == n.Name && a.Scope == n.Scope && a.Objection == n.Objection
		}) {
		return
	}
	e.answered[n.Ref.Src] = append(list, n)
}

// plausibleHost reports whether an address can be a machine's.
func plausibleHost(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && a != exchange.LimitedBroadcast
}

// learnSettled works a settled exchange into the name's history.
func (e *Engine) learnSettled(s *names.State, x *exchange.Exchange) {
	switch x.Kind {
	case exchange.Query, exchange.Challenge:
		if x.Kind == exchange.Query {
			s.Asked(x)
		}
		for i := range x.Answers {
			s.Answer(&x.Answers[i], x.Initiator, x.Broadcast)
		}
	case exchange.NodeStatus:
	default:
		if x.FrameCount() == 0 {
			return
		}
		s.Settled(x)
		if x.Registers() && x.Outcome == exchange.Unfinished {
			s.CutShort(x)
		}
		if x.Registers() && x.Requests > 0 {
			i := e.hosts.MentionFound(x.Host, x.Initiator)
			s.Noted = e.hosts.AddName(i, x.Name, x.Scope, e.clock, s.Noted)
			if !x.Group {
				if x.Unicast() && x.Outcome == exchange.Accepted {
					e.hosts.Served(x.Address(), x.Asked)
				}
				e.joinRegistrations(s, x)
			}
		}
	}
}

// joinRegistrations takes addresses for one machine's that register one
// unique name within seconds of each other, if no name server had to ask
// whose name it is and no end node objected: two machines would have met, unless
// both began at the same time, when neither has the name yet, or a record
// refuses both.
// Some software sends the registrations of all its adapters from one of them.
// At a name server a machine with several adapters uses opcode 15 for each.
func (e *Engine) joinRegistrations(s *names.State, x *exchange.Exchange) {
	if x.Kind == exchange.Refresh || x.Outcome == exchange.Defended || !plausibleHost(x.Address()) {
		return
	}
	asked := x.WACK || len(x.Challenges) > 0
	within := int64(TogetherAtServer)
	if x.Broadcast {
		within = int64(togetherByBroadcast)
	} else if x.Kind != exchange.MultihomedRegistration {
		return
	}
	for i := range len(s.Claims) + len(s.Wanted) {
		var c *names.Claim
		if i < len(s.Claims) {
			c = &s.Claims[i]
		} else {
			c = &s.Wanted[i-len(s.Claims)]
		}
		if c.Addr() == x.Address() || c.Server().IsValid() == x.Broadcast || c.Group || !plausibleHost(c.Addr()) || e.hosts.SameMachine(c.Addr(), x.Address()) {
			continue
		}
		if d := x.Start - c.From(); d > within || d < -within {
			continue
		}
		if atItself(c.Addr(), c.Server()) || atItself(x.Address(), x.Asked) {
			continue
		}
		j := hosts.Join{A: c.Addr(), B: x.Address(), Input: x.FirstRef().Input(), Frame: x.FirstRef().Frame(), Time: x.FirstRef().Time(),
			Other: c.Request.Frame(), OtherInput: c.Request.Input(), OtherTime: c.Request.Time(), Name: x.Name.Display(x.Scope)}
		switch {
		case c.Sender() == x.Initiator && x.Initiator == c.Addr() && x.Outcome == exchange.Accepted:
			j.Sign = hosts.SentForOther
		case x.Address() == x.Initiator && c.Addr() == c.Sender() && (x.Broadcast || c.Multihomed) &&
			(!asked && !contested(s, c) || e.inOneBreath(s, c, x)) && !e.apart(s, c, x):
			j.Sign = hosts.SeveralRegs
		default:
			continue
		}
		e.hosts.Mention(c.Addr())
		e.hosts.Mention(x.Address())
		e.hosts.Join(j)
	}
}

// atItself reports whether an address registers at a name server on the same
// machine, as nmbd does over the loopback. A server gives its own names to
// nobody and asks nobody about them, so that nothing contests a stranger's.
func atItself(a, server netip.Addr) bool { return a == server || server.IsLoopback() }

// inOneBreath reports whether a claim and a registration were sent in the same
// moment with transaction ids that follow one another, as Windows registers the
// adapters of a machine, and the server had to ask a third one for the name.
// Samba registers one address after the other, and the ids of two nmbd that
// start together are alike.
func (e *Engine) inOneBreath(s *names.State, c *names.Claim, x *exchange.Exchange) bool {
	if x.Broadcast || e.hosts.Implementation(c.Addr()) != hosts.Windows || e.hosts.Implementation(x.Address()) != hosts.Windows {
		return false
	}
	of := func(r *exchange.Exchange, a netip.Addr) bool {
		return r.Kind == exchange.MultihomedRegistration && r.Address() == a && r.Asked == x.Asked
	}
	asks := func(r *exchange.Exchange) bool {
		return r.Kind == exchange.Challenge && (r.Asked == c.Addr() || r.Asked == x.Address())
	}
	return !slices.ContainsFunc(s.Recent, asks) && slices.ContainsFunc(s.Recent, func(r *exchange.Exchange) bool {
		apart := r.Start - x.Start
		return of(r, c.Addr()) && max(apart, -apart) <= int64(inOneMoment) && r.TrnID != x.TrnID && (r.TrnID-x.TrnID <= nextIDs || x.TrnID-r.TrnID <= nextIDs)
	})
}

// apart reports whether two registrations that nobody contested are of two
// machines all the same: both have names of their own, or broadcast on one
// segment, where a machine has one adapter; or nmbd sends them, which goes on
// to its next adapter when the first one has the name.
func (e *Engine) apart(s *names.State, c *names.Claim, x *exchange.Exchange) bool {
	if e.hosts.NamedApart(c.Addr(), x.Address()) {
		return true
	}
	if !x.Broadcast {
		return c.State == names.Refused && c.From() <= x.Start && e.hosts.Implementation(c.Addr()) == hosts.SambaNMBD
	}
	return slices.ContainsFunc(s.Recent, func(r *exchange.Exchange) bool {
		return r.Broadcast && r.Registers() && r.Address() == c.Addr() && r.Asked == x.Asked && r.Asked != exchange.LimitedBroadcast
	})
}

// contested reports whether somebody had to be asked about a claim, or
// objected to it.
func contested(s *names.State, c *names.Claim) bool {
	return slices.ContainsFunc(s.Recent, func(r *exchange.Exchange) bool {
		return r.Address() == c.Addr() && r.Registers() && r.Start >= c.From() && (r.WACK || len(r.Challenges) > 0 || r.Outcome == exchange.Defended)
	})
}
