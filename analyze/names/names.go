// Package names keeps the history of each NetBIOS name: who claimed it from
// which address at which server, what name servers and others answered for
// it, which records of it WINS servers were seen or said to hold, and the
// exchanges that were out of the ordinary. Everything is bounded; what had to
// be given up is counted.
package names

import (
	"net/netip"
	"slices"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
)

// Limits of one name's history.
const (
	maxClaims  = 32
	maxAnswers = 16
	maxRecords = 24
	maxRecent  = 48
	maxUses    = 8
	maxAskers  = 8
)

// ClaimState is where a claim stands.
type ClaimState uint8

// States of a claim.
const (
	Active    ClaimState = iota // accepted by the server, or unopposed by broadcast
	Released                    // given up by its holder
	Refused                     // never accepted, or no longer at the refresh
	Conflict                    // told to give the name up, or in conflict
	Displaced                   // the name went to somebody else
)

// Claim is one period of one address holding, or wanting, the name.
type Claim struct {
	Addr       netip.Addr
	Server     netip.Addr // zero: by broadcast
	Group      bool
	Multihomed bool       // registered with opcode 15
	Sender     netip.Addr // who sent the registration; mostly Addr itself
	State      ClaimState
	From, Last int64 // ns: first request, last confirmation
	Until      int64 // ns: end of the period, 0 while it lasts
	TTL        uint32
	Exchange   uint64 // that opened it
	Request    exchange.Ref
	Reply      exchange.Ref // none by broadcast
	End        exchange.Ref // that ended it
	Count      int          // confirmations
	TenMinutes int          // confirmations in a row that came ten minutes after the last
}

// AnswerSet is what one machine answered for the name: a set of addresses, or
// that there is no such name.
type AnswerSet struct {
	Responder         netip.Addr
	FirstTo, LastTo   netip.Addr   // who had asked
	Addrs             []netip.Addr // sorted
	Group             bool
	Negative          bool
	ToBroadcast       bool
	First, Last       int64
	FirstRef, LastRef exchange.Ref
	Count             int
	MinTTL, MaxTTL    uint32
	FirstTTL, LastTTL uint32
}

// Type is a WINS record type, MS-WINSRA 2.2.10.1.
type Type uint8

// Record types.
const (
	Unique Type = iota
	Group
	SpecialGroup
	Multihomed
)

func (t Type) String() string {
	return [...]string{"unique", "group", "special-group", "multihomed"}[t&3]
}

// Static says whether a record is a static mapping.
type Static uint8

// Values of Static.
const (
	StaticUnknown Static = iota
	StaticYes
	StaticNo
)

// Record is what a WINS server is known to hold for the name.
type Record struct {
	Type      Type
	Static    Static
	Addrs     []netip.Addr
	Owner     netip.Addr // the server that owns the record; zero: unknown
	Server    netip.Addr // the server that holds it; zero: unknown
	From      netip.Addr // of a replica: the server that sent it
	Source    string     // replication, import:FILE, inferred
	State     string     // active, released, tombstone
	VersionID uint64
	Time      int64 // ns, of first sight; 0: unknown
	Line      int   // of an imported mapping: its line in the file
	Last      int64
	Frames    []exchange.FrameRef
}

// Use is a sign in NetBIOS datagrams that an address uses the name.
type Use struct {
	Addr        netip.Addr // that the datagram names as its source
	Via         netip.Addr // the IP source, if another one
	First, Last int64
	Ref         exchange.Ref
	Count       int
}

// Asker is who asked for the name in vain.
type Asker struct {
	Addr        netip.Addr
	Count       int64 // queries in vain
	Requests    int64 // messages sent for them, with retransmissions
	First, Last int64
	Ref         exchange.Ref // of the first
	LastRef     exchange.Ref
}

// State is the history of one name.
type State struct {
	ID          uint64 // never used again for another name
	Name        nbns.Name
	Scope       string
	First, Last int64
	Claims      []Claim
	Answers     []AnswerSet
	Records     []Record
	Uses        []Use
	Wanted      []Claim              // registrations that the end of the capture cut short
	Recent      []*exchange.Exchange // out of the ordinary, oldest first
	Cut         bool                 // something was given up to keep within the limits
	Queries     int64
	InVain      int64 // queries that nobody answered, or only with a no
	Askers      []Asker
	evicted     bool
	older       *State
	newer       *State
}

type nameKey struct {
	name  nbns.Name
	scope string
}

// Table holds the histories.
type Table struct {
	plain   map[nbns.Name]*State // of names without a scope, nearly all
	scoped  map[nameKey]*State
	scopes  []*State // in order of appearance
	nextID  uint64
	limit   int
	oldest  *State
	newest  *State
	Evicted int64
}

// NewTable makes a table of at most limit names (0: 1,000,000).
func NewTable(limit int) *Table {
	if limit <= 0 {
		limit = 1_000_000
	}
	return &Table{plain: map[nbns.Name]*State{}, scoped: map[nameKey]*State{}, limit: limit}
}

// Len is the number of names.
func (t *Table) Len() int { return len(t.plain) + len(t.scoped) }

// Get returns the history of a name, nil if there is none.
func (t *Table) Get(n nbns.Name, scope string) *State {
	if scope == "" {
		return t.plain[n]
	}
	return t.scoped[nameKey{n, scope}]
}

// Touch returns the history of a name, begun at now if there was none.
func (t *Table) Touch(n nbns.Name, scope string, now int64) *State {
	s := t.Get(n, scope)
	if s == nil {
		if t.Len() >= t.limit {
			t.evict()
		}
		t.nextID++
		s = &State{ID: t.nextID, Name: n, Scope: scope, First: now, Last: now}
		if scope == "" {
			t.plain[n] = s
		} else {
			t.scoped[nameKey{n, scope}] = s
			t.scopes = append(t.scopes, s)
		}
		t.append(s)
		return s
	}
	s.Last = max(s.Last, now)
	if t.newest != s {
		t.remove(s)
		t.append(s)
	}
	return s
}

// Again returns s, or, if it was evicted since, a new history of its name.
func (t *Table) Again(s *State, now int64) *State {
	if s.evicted {
		return t.Touch(s.Name, s.Scope, now)
	}
	s.Last = max(s.Last, now)
	return s
}

func (t *Table) append(s *State) {
	s.older, s.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = s
	} else {
		t.oldest = s
	}
	t.newest = s
}

func (t *Table) remove(s *State) {
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		t.oldest = s.newer
	}
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		t.newest = s.older
	}
}

func (t *Table) evict() {
	s := t.oldest
	if s == nil {
		return
	}
	t.remove(s)
	s.evicted = true
	if s.Scope == "" {
		delete(t.plain, s.Name)
	} else {
		delete(t.scoped, nameKey{s.Name, s.Scope})
		t.scopes = slices.DeleteFunc(t.scopes, func(o *State) bool { return o == s })
	}
	t.Evicted++
}

// All lists the histories by first appearance, then name.
func (t *Table) All() []*State {
	out := make([]*State, 0, t.Len())
	for s := t.oldest; s != nil; s = s.newer {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *State) int {
		switch {
		case a.First != b.First:
			if a.First < b.First {
				return -1
			}
			return 1
		case a.Name != b.Name:
			return slices.Compare(a.Name[:], b.Name[:])
		case a.Scope < b.Scope:
			return -1
		}
		return 1
	})
	return out
}

// CutShort notes a registration whose outcome the capture does not show.
func (s *State) CutShort(x *exchange.Exchange) {
	if addr := x.Address(); addr.IsValid() && len(s.Wanted) < maxUses {
		c := Claim{Addr: addr, Sender: x.Initiator, Group: x.Group, From: x.Start, Exchange: x.ID, Request: x.Frames[0].Short()}
		if !x.Broadcast {
			c.Server = x.Asked
		}
		s.Wanted = append(s.Wanted, c)
	}
}

// claim returns the latest claim of addr at server, nil if there is none.
func (s *State) claim(addr, server netip.Addr) *Claim {
	for i := len(s.Claims) - 1; i >= 0; i-- {
		if c := &s.Claims[i]; c.Addr == addr && c.Server == server {
			return c
		}
	}
	return nil
}

// Settled works a settled registration, refresh, release or demand into the
// claims.
func (s *State) Settled(x *exchange.Exchange) {
	addr := x.Address()
	if !addr.IsValid() {
		return
	}
	server := netip.Addr{}
	if !x.Broadcast {
		server = x.Asked
	}
	switch {
	case x.Registers():
		s.registered(x, addr, server)
	case x.Kind == exchange.Release:
		for i := range s.Claims {
			c := &s.Claims[i]
			if c.Addr == addr && c.State == Active && (c.Server == server || x.Broadcast && !c.Server.IsValid()) && x.Outcome == exchange.Accepted {
				c.State, c.Until, c.End = Released, x.Start, x.Frames[0].Short()
			}
		}
	case x.Kind == exchange.KindReleaseDemand || x.Kind == exchange.KindConflictDemand:
		for i := range s.Claims {
			c := &s.Claims[i]
			if c.Addr == x.Asked && c.State == Active {
				c.State, c.Until, c.End = Conflict, x.Start, x.Frames[0].Short()
			}
		}
	}
}

func (s *State) registered(x *exchange.Exchange, addr, server netip.Addr) {
	c := s.claim(addr, server)
	switch x.Outcome {
	case exchange.Accepted:
		if c == nil || c.State != Active || c.Group != x.Group {
			c = s.addClaim(Claim{Addr: addr, Sender: x.Initiator, Server: server, Group: x.Group, From: x.Start, Exchange: x.ID, Request: x.Frames[0].Short()})
		}
		c.Multihomed = c.Multihomed || x.Kind == exchange.MultihomedRegistration
		if gap := x.Start - c.Last; c.Count > 0 && gap > int64(9*time.Minute) && gap < int64(11*time.Minute) {
			c.TenMinutes++
		} else {
			c.TenMinutes = 0
		}
		c.Last, c.TTL = x.End, x.TTL
		c.Count++
		if len(x.Answers) > 0 {
			c.Reply = x.Answers[0].Ref
		}
		// An ordinary registration of a unique name, and one that was
		// accepted after an unanswered challenge, takes the name from others.
		if !x.Group && server.IsValid() && x.Kind == exchange.Registration {
			for i := range s.Claims {
				o := &s.Claims[i]
				if o.Server == server && o.Addr != addr && o.State == Active && !o.Group {
					o.State, o.Until, o.End = Displaced, x.End, x.Frames[0].Short()
				}
			}
		}
	case exchange.Refused, exchange.Defended:
		if c != nil && c.State == Active {
			c.State, c.Until, c.End = Refused, x.End, x.Frames[0].Short()
		}
		if c == nil || c.State != Refused {
			n := s.addClaim(Claim{Addr: addr, Sender: x.Initiator, Server: server, Group: x.Group, From: x.Start, Exchange: x.ID, State: Refused, Request: x.Frames[0].Short()})
			n.Multihomed = x.Kind == exchange.MultihomedRegistration
			n.Until = x.End
			c = n
		}
		c.Last = x.End
		c.Count++
		if len(x.Answers) > 0 {
			c.Reply = x.Answers[0].Ref
		}
	}
}

func (s *State) addClaim(c Claim) *Claim {
	if len(s.Claims) >= maxClaims {
		s.Claims = slices.Delete(s.Claims, 0, 1)
		s.Cut = true
	}
	s.Claims = append(s.Claims, c)
	return &s.Claims[len(s.Claims)-1]
}

// Answer notes what the answer a says of the name.
func (s *State) Answer(a *exchange.Answer, to netip.Addr, toBroadcast bool) {
	var buf [32]netip.Addr
	addrs := append(buf[:0], a.Addrs...)
	slices.SortFunc(addrs, netip.Addr.Compare)
	for i := range s.Answers {
		e := &s.Answers[i]
		if e.Responder == a.From && e.Group == a.Group && e.Negative == !a.Positive() && slices.Equal(e.Addrs, addrs) {
			e.Last, e.LastRef, e.LastTTL, e.LastTo = a.Time, a.Ref, a.TTL, to
			e.Count++
			e.MinTTL, e.MaxTTL = min(e.MinTTL, a.TTL), max(e.MaxTTL, a.TTL)
			e.ToBroadcast = e.ToBroadcast || toBroadcast
			return
		}
	}
	if len(s.Answers) >= maxAnswers {
		oldest := 0
		for i := range s.Answers {
			if s.Answers[i].Last < s.Answers[oldest].Last {
				oldest = i
			}
		}
		s.Answers = slices.Delete(s.Answers, oldest, oldest+1)
		s.Cut = true
	}
	s.Answers = append(s.Answers, AnswerSet{Responder: a.From, Addrs: slices.Clone(addrs), Group: a.Group, Negative: !a.Positive(),
		ToBroadcast: toBroadcast, First: a.Time, Last: a.Time, FirstRef: a.Ref, LastRef: a.Ref, FirstTo: to, LastTo: to, Count: 1,
		MinTTL: a.TTL, MaxTTL: a.TTL, FirstTTL: a.TTL, LastTTL: a.TTL})
}

// Remember keeps an exchange that was out of the ordinary.
func (s *State) Remember(x *exchange.Exchange) {
	if len(s.Recent) >= maxRecent {
		s.Recent = slices.Delete(s.Recent, 0, 1)
		s.Cut = true
	}
	s.Recent = append(s.Recent, x)
}

// AddRecord notes a record that a WINS server holds. A record that repeats
// one of the same server, owner, type, addresses and static bit renews it.
func (s *State) AddRecord(r Record) {
	slices.SortFunc(r.Addrs, netip.Addr.Compare)
	for i := range s.Records {
		e := &s.Records[i]
		if e.Server == r.Server && e.Owner == r.Owner && e.Type == r.Type && e.Static == r.Static && e.State == r.State &&
			e.Source == r.Source && e.VersionID == r.VersionID && slices.Equal(e.Addrs, r.Addrs) {
			e.Last = r.Last
			return
		}
	}
	if len(s.Records) >= maxRecords {
		s.Records = slices.Delete(s.Records, 0, 1)
		s.Cut = true
	}
	s.Records = append(s.Records, r)
}

// Holds reports whether addr is known to hold or want the name: an active
// claim, or an address that somebody gives for the name.
func (s *State) Holds(addr netip.Addr) bool {
	for i := range s.Claims {
		if c := &s.Claims[i]; c.Addr == addr && (c.State == Active || c.State == Conflict) {
			return true
		}
	}
	for i := range s.Answers {
		if slices.Contains(s.Answers[i].Addrs, addr) {
			return true
		}
	}
	return false
}

// Witness notes a datagram whose source is the name at addr, sent by via.
func (s *State) Witness(addr, via netip.Addr, t int64, ref exchange.Ref) {
	if via == addr {
		via = netip.Addr{}
	}
	for i := range s.Uses {
		if u := &s.Uses[i]; u.Addr == addr && u.Via == via {
			u.Last = max(u.Last, t)
			u.Count++
			return
		}
	}
	if len(s.Uses) >= maxUses {
		s.Uses = slices.Delete(s.Uses, 0, 1)
		s.Cut = true
	}
	s.Uses = append(s.Uses, Use{Addr: addr, Via: via, First: t, Last: t, Ref: ref, Count: 1})
}

// FirstFrames shows the first answer.
func (a *AnswerSet) FirstFrames(role string) []exchange.FrameRef {
	return a.FirstRef.As(role, a.Responder, a.FirstTo, "answer")
}

// LastFrames shows the latest answer.
func (a *AnswerSet) LastFrames(role string) []exchange.FrameRef {
	return a.LastRef.As(role, a.Responder, a.LastTo, "answer")
}

// Frames shows the first and the latest answer.
func (a *AnswerSet) Frames(role string) []exchange.FrameRef {
	return append(a.FirstFrames(role), a.LastFrames(role)...)
}

// RequestFrames shows the registration that opened the claim.
func (c *Claim) RequestFrames(role string) []exchange.FrameRef {
	return c.Request.As(role, c.Sender, c.Server, "register")
}

// Frames shows the registration that opened the claim and its latest
// confirmation.
func (c *Claim) Frames(role string) []exchange.FrameRef {
	return append(c.RequestFrames(role), c.Reply.As("accepted", c.Server, c.Sender, "accepted")...)
}

// EndFrames shows what ended the claim.
func (c *Claim) EndFrames(role string) []exchange.FrameRef {
	if c.State == Conflict {
		return c.End.As(role, c.Server, c.Addr, "demand")
	}
	return c.End.As(role, c.Addr, c.Server, c.State.String())
}

func (s ClaimState) String() string {
	return [...]string{"held", "release", "refused", "conflict", "displaced"}[s]
}

// inVain reports whether a query found no address.
func inVain(x *exchange.Exchange) bool {
	for i := range x.Answers {
		if x.Answers[i].Positive() {
			return false
		}
	}
	return x.Outcome == exchange.Unanswered || x.Outcome == exchange.Answered
}

// Asked notes a settled query. Of the askers in vain the first few are kept.
func (s *State) Asked(x *exchange.Exchange) {
	s.Queries++
	if !inVain(x) {
		return
	}
	s.InVain++
	for i := range s.Askers {
		if a := &s.Askers[i]; a.Addr == x.Initiator {
			a.Count++
			a.Requests += int64(x.Requests)
			a.Last = x.End
			a.LastRef = x.Frames[0].Short()
			return
		}
	}
	if len(s.Askers) < maxAskers {
		s.Askers = append(s.Askers, Asker{Addr: x.Initiator, Count: 1, Requests: int64(x.Requests), First: x.Start, Last: x.End,
			Ref: x.Frames[0].Short(), LastRef: x.Frames[0].Short()})
	}
}

// ClaimedBy reports whether the address was seen to register the name.
func (s *State) ClaimedBy(addr netip.Addr) bool {
	for i := range s.Claims {
		if s.Claims[i].Addr == addr {
			return true
		}
	}
	return false
}

// Since lists the histories that something was added to at or after t, the
// latest first.
func (t *Table) Since(at int64) []*State {
	var out []*State
	for s := t.newest; s != nil && s.Last >= at; s = s.older {
		out = append(out, s)
	}
	return out
}

// Scoped lists the histories of names with a scope, oldest first.
func (t *Table) Scoped() []*State { return t.scopes }
