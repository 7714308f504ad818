// Package names keeps the history of each NetBIOS name: who claimed it from
// which address at which server, what name servers and others answered for
// it, which records of it WINS servers were seen or said to hold, and the
// exchanges that were out of the ordinary. Everything is bounded; what had to
// be given up is counted. Machines with IPv6 addresses have no part in it: NBNS
// does not know IPv6.
package names

import (
	"bytes"
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/prefetch"
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

// Claim is one period of one address holding, or wanting, the name. Histories
// of hundreds of thousands of names hold claims, so it is compact.
type Claim struct {
	server     [4]byte // zero: by broadcast
	addr       [4]byte
	sender     [4]byte // zero: IPv6, or not known
	Group      bool
	Multihomed bool // registered with opcode 15
	Registered bool // an accepted registration was seen, not refreshes only
	State      ClaimState
	TTL        uint32
	Count      uint32 // confirmations
	TenMinutes uint32 // confirmations in a row that came ten minutes after the last
	Last       int64  // ns: last confirmation
	Until      int64  // ns: end of the period, 0 while it lasts
	Request    exchange.Ref
	Reply      exchange.Ref // none by broadcast
	End        exchange.Ref // that ended it
}

// From is the time of the first request, ns.
func (c *Claim) From() int64 { return c.Request.Time() }

// Addr is the address that holds or wants the name.
func (c *Claim) Addr() netip.Addr { return netip.AddrFrom4(c.addr) }

// Server is the name server that the claim was made at; zero: by broadcast.
func (c *Claim) Server() netip.Addr { return addrOf(c.server) }

// Sender is who sent the registration, mostly Addr itself; zero where it is
// not known.
func (c *Claim) Sender() netip.Addr { return addrOf(c.sender) }

// AnswerSet is what one machine answered for the name: a set of addresses, or
// that there is no such name.
type AnswerSet struct {
	responder         [4]byte
	first             [4]byte // of the addresses, in order
	rest              *string // the other ones, 4 bytes each; nil: none
	some              bool    // there is a first address
	Group             bool
	Negative          bool
	ToBroadcast       bool
	firstTo, lastTo   [4]byte // zero: IPv6, or not known
	MinTTL, MaxTTL    uint32
	FirstTTL, LastTTL uint32
	Count             uint32
	FirstRef, LastRef exchange.Ref
}

// more are the addresses behind the first, 4 bytes each.
func (a *AnswerSet) more() string {
	if a.rest == nil {
		return ""
	}
	return *a.rest
}

// Responder is who answered.
func (a *AnswerSet) Responder() netip.Addr { return netip.AddrFrom4(a.responder) }

// First is when the answer was first given, ns.
func (a *AnswerSet) First() int64 { return a.FirstRef.Time() }

// Last is when the answer was last given, ns.
func (a *AnswerSet) Last() int64 { return a.LastRef.Time() }

// FirstTo is who had asked when the answer was first given; zero where it is
// not known.
func (a *AnswerSet) FirstTo() netip.Addr { return addrOf(a.firstTo) }

// Addrs lists the addresses in order.
func (a *AnswerSet) Addrs() []netip.Addr {
	if !a.some {
		return nil
	}
	rest := a.more()
	out := make([]netip.Addr, 0, 1+len(rest)/4)
	out = append(out, netip.AddrFrom4(a.first))
	for i := 0; i+4 <= len(rest); i += 4 {
		out = append(out, netip.AddrFrom4([4]byte([]byte(rest[i:i+4]))))
	}
	return out
}

// lists reports whether addr is among the addresses.
func (a *AnswerSet) lists(addr [4]byte) bool {
	if !a.some {
		return false
	}
	if a.first == addr {
		return true
	}
	rest := a.more()
	for i := 0; i+4 <= len(rest); i += 4 {
		if rest[i:i+4] == string(addr[:]) {
			return true
		}
	}
	return false
}

// addrOf is an IPv4 address that is known unless it is zero.
func addrOf(b [4]byte) netip.Addr {
	if b == ([4]byte{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom4(b)
}

// four is the reverse of addrOf; zero for anything but IPv4.
func four(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
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
	addr, via [4]byte // via is zero where it is addr
	Count     uint32
	Last      int64
	Ref       exchange.Ref // of the first
}

// Addr is the address that the datagram names as its source.
func (u *Use) Addr() netip.Addr { return netip.AddrFrom4(u.addr) }

// Via is the IP source, if it is another one.
func (u *Use) Via() netip.Addr { return addrOf(u.via) }

// Asker is who asked for the name in vain.
type Asker struct {
	addr     [4]byte
	Count    int32 // queries in vain
	Requests int32 // messages sent for them, with retransmissions
	Last     int64
	Ref      exchange.Ref // of the first
	LastRef  exchange.Ref
}

// Addr is who asks.
func (a *Asker) Addr() netip.Addr { return netip.AddrFrom4(a.addr) }

// First is when it asked first, ns.
func (a *Asker) First() int64 { return a.Ref.Time() }

// State is the history of one name. Hundreds of thousands are held: it takes
// two lines of the processor's cache.
type State struct {
	ID          uint64 // never used again for another name; 0: the table gave it up
	Name        nbns.Name
	touched     uint64 // when last, in touches of the table
	First, Last int64
	Cut         bool   // something was given up to keep within the limits
	Released    bool   // a holder released it
	Hostless    bool   // somebody claimed it for an address that no other machine can have: 0.0.0.0/8, 127.0.0.0/8
	Noted       uint32 // a number for the machine that it was last noted for, hosts.Registry.AddName
	Claims      []Claim
	Answers     []AnswerSet
	*rare
	*seen
	Queries uint32
	InVain  uint32 // queries that nobody answered, or only with a no
}

// seen is the part of a history that names have whose use was seen, or whom
// somebody asked for in vain.
type seen struct {
	Uses   []Use
	Askers []Asker
}

// rare is the part of a history that few names have.
type rare struct {
	Scope   string
	Records []Record
	Wanted  []Claim              // registrations that the end of the capture cut short
	Recent  []*exchange.Exchange // out of the ordinary, oldest first
}

// These are the parts of the names that have none. They are only read.
var (
	unseen  seen
	nothing rare
)

// ownRare makes the rare part one that may be written to.
func (s *State) ownRare() *rare {
	if s.rare == &nothing {
		s.rare = &rare{}
	}
	return s.rare
}

func (s *State) ownSeen() *seen {
	if s.seen == &unseen {
		s.seen = &seen{}
	}
	return s.seen
}

type nameKey struct {
	name  nbns.Name
	scope string
}

// Table holds the histories.
type Table struct {
	plain   index // of names without a scope, nearly all
	scoped  map[nameKey]*State
	scopes  []*State // in order of appearance
	chunks  [][]State
	free    []*State // that were given up
	nextID  uint64
	touches uint64
	limit   int
	oldest  []victim // next to be evicted, unless touched since
	Evicted int64
}

// NewTable makes a table of at most limit names (0: 1,000,000).
func NewTable(limit int) *Table {
	if limit <= 0 {
		limit = 1_000_000
	}
	return &Table{plain: newIndex(), scoped: map[nameKey]*State{}, limit: limit}
}

// Len is the number of names.
func (t *Table) Len() int { return t.plain.used + len(t.scoped) }

// Hash is the hash of a name without a scope.
func (t *Table) Hash(n *nbns.Name) uint64 { return t.plain.hash(n) }

// Seek asks for the memory that tells where the history of a name without a
// scope lies. It returns the name's hash.
func (t *Table) Seek(n *nbns.Name) uint64 {
	h := t.plain.hash(n)
	t.plain.seek(h)
	return h
}

// Fetch looks up the history of the name with a hash, nil if there is none, and
// asks for its memory. It may be another name's with the same hash.
func (t *Table) Fetch(hash uint64) *State {
	s := t.plain.likely(hash)
	s.Fetch()
	return s
}

// GetAll appends to into the histories that there are of names without a scope.
// It is Get for all of them at one time, which takes a fraction of the time
// where there are many histories.
func (t *Table) GetAll(all []nbns.Name, into []*State) []*State {
	for i := range all {
		t.Seek(&all[i])
	}
	for i := range all {
		t.Fetch(t.Hash(&all[i]))
	}
	first := len(into)
	for i := range all {
		if s := t.Get(all[i], ""); s != nil {
			into = append(into, s)
		}
	}
	for _, s := range into[first:] {
		s.FetchClaims()
		s.FetchAnswers()
	}
	return into
}

// Fetch asks for the memory of the history itself.
func (s *State) Fetch() { prefetch.Object(s) }

// FetchClaims asks for the memory of the first claim.
func (s *State) FetchClaims() { prefetch.Elements(s.Claims, 1) }

// FetchAnswers asks for the memory of the first answers.
func (s *State) FetchAnswers() { prefetch.Elements(s.Answers, 3) }

// Get returns the history of a name, nil if there is none.
func (t *Table) Get(n nbns.Name, scope string) *State {
	if scope == "" {
		return t.plain.get(&n, t.plain.hash(&n))
	}
	return t.scoped[nameKey{n, scope}]
}

// Touch returns the history of a name, begun at now if there was none.
func (t *Table) Touch(n nbns.Name, scope string, now int64) *State {
	var s *State
	var h uint64
	if scope == "" {
		h = t.plain.hash(&n)
		s = t.plain.get(&n, h)
	} else {
		s = t.scoped[nameKey{n, scope}]
	}
	if s == nil {
		s = t.begin(n, scope, h, now)
	}
	t.touch(s, now)
	return s
}

// TouchFound is Touch with what Fetch found for the name.
func (t *Table) TouchFound(s *State, n nbns.Name, scope string, now int64) *State {
	if s == nil || s.ID == 0 || scope != "" || s.Name != n || s.Scope != "" {
		return t.Touch(n, scope, now)
	}
	t.touch(s, now)
	return s
}

func (t *Table) touch(s *State, now int64) {
	t.touches++
	s.touched = t.touches
	s.Last = max(s.Last, now)
}

func (t *Table) begin(n nbns.Name, scope string, h uint64, now int64) *State {
	if t.Len() >= t.limit {
		t.evict()
	}
	s := t.fresh()
	t.nextID++
	*s = State{ID: t.nextID, Name: n, First: now, Last: now, rare: &nothing, seen: &unseen}
	if scope == "" {
		t.plain.add(s, h)
	} else {
		s.ownRare().Scope = scope
		t.scoped[nameKey{n, scope}] = s
		t.scopes = append(t.scopes, s)
	}
	return s
}

// chunk is how many histories are allocated at one time: the collector then
// finds few objects, and neighbours in time are neighbours in memory.
const chunk = 64

// fresh is room for a history.
func (t *Table) fresh() *State {
	if n := len(t.free); n > 0 {
		s := t.free[n-1]
		t.free = t.free[:n-1]
		return s
	}
	n := len(t.chunks)
	if n == 0 || len(t.chunks[n-1]) == chunk {
		t.chunks = append(t.chunks, make([]State, 0, chunk))
		n++
	}
	last := &t.chunks[n-1]
	*last = (*last)[:len(*last)+1]
	return &(*last)[len(*last)-1]
}

// Again returns s, or, if the table gave up what it was when it had the id, the
// history of the name that it was for.
func (t *Table) Again(s *State, id uint64, n nbns.Name, scope string, now int64) *State {
	if s.ID != id {
		return t.Touch(n, scope, now)
	}
	s.Last = max(s.Last, now)
	return s
}

// victim is a history that was due to be evicted when the list was made.
type victim struct {
	s       *State
	touched uint64
}

// victims is how many histories are lined up for eviction at one time, as a
// part of all.
const victims = 16

// evict gives up the history that was not touched for longest. Keeping all of
// them in order would cost every message; so the oldest few are lined up at
// one time. Those touched since then are no longer among the oldest, and what
// is not in the line was touched later than all that is.
func (t *Table) evict() {
	for {
		if len(t.oldest) == 0 {
			t.lineUp()
		}
		v := t.oldest[0]
		t.oldest = t.oldest[1:]
		if v.s.touched == v.touched && v.s.ID != 0 {
			t.forget(v.s)
			return
		}
	}
}

func (t *Table) lineUp() {
	all := t.byTouch()
	n := len(all)/victims + 1
	t.oldest = make([]victim, 0, n)
	for i := range n {
		s := all[len(all)-1-i]
		t.oldest = append(t.oldest, victim{s, s.touched})
	}
}

func (t *Table) forget(s *State) {
	if s.Scope == "" {
		t.plain.remove(s)
	} else {
		delete(t.scoped, nameKey{s.Name, s.Scope})
		t.scopes = slices.DeleteFunc(t.scopes, func(o *State) bool { return o == s })
	}
	*s = State{rare: &nothing, seen: &unseen}
	t.free = append(t.free, s)
	t.Evicted++
}

// byTouch lists the histories, the one touched last first.
func (t *Table) byTouch() []*State {
	out := make([]*State, 0, t.Len())
	t.Since(math.MinInt64, func(s *State) { out = append(out, s) })
	slices.SortFunc(out, func(a, b *State) int { return cmp.Compare(b.touched, a.touched) })
	return out
}

// Since goes over the histories that something was added to at or after at
// (ns), in the order in which they lie in memory, mostly that of appearance:
// going over hundreds of thousands of them in another order takes several
// times as long.
func (t *Table) Since(at int64, do func(*State)) {
	for _, c := range t.chunks {
		for i := range c {
			if s := &c[i]; s.ID != 0 && s.Last >= at {
				do(s)
			}
		}
	}
}

// All lists the histories by first appearance, then name.
func (t *Table) All() []*State { return t.Where(func(*State) bool { return true }) }

// Where lists those histories that are wanted, in the same order.
func (t *Table) Where(wanted func(*State) bool) []*State {
	var out []*State
	t.Since(math.MinInt64, func(s *State) {
		if wanted(s) {
			out = append(out, s)
		}
	})
	slices.SortFunc(out, func(a, b *State) int {
		if c := cmp.Compare(a.First, b.First); c != 0 {
			return c
		}
		return cmp.Or(bytes.Compare(a.Name[:], b.Name[:]), strings.Compare(a.Scope, b.Scope))
	})
	return out
}

// Scoped lists the histories of names with a scope, oldest first.
func (t *Table) Scoped() []*State { return t.scopes }

// CutShort notes a registration whose outcome the capture does not show.
func (s *State) CutShort(x *exchange.Exchange) {
	addr, server, ok := parties(x)
	if !ok || len(s.Wanted) >= maxUses {
		return
	}
	r := s.ownRare()
	r.Wanted = append(grown(r.Wanted), newClaim(x, addr, server))
}

// parties are the address that x is about and the name server, zero by
// broadcast. It is false if one is not IPv4.
func parties(x *exchange.Exchange) (addr, server [4]byte, ok bool) {
	if !x.Address().Is4() || !x.Broadcast && !x.Asked.Is4() {
		return addr, server, false
	}
	if !x.Broadcast {
		server = x.Asked.As4()
	}
	return x.Address().As4(), server, true
}

// claim returns the latest claim of addr at server, nil if there is none.
func (s *State) claim(addr [4]byte, server [4]byte) *Claim {
	for i := len(s.Claims) - 1; i >= 0; i-- {
		if c := &s.Claims[i]; c.addr == addr && c.server == server {
			return c
		}
	}
	return nil
}

// Settled works a settled registration, refresh, release or demand into the
// claims.
func (s *State) Settled(x *exchange.Exchange) {
	addr, server, ok := parties(x)
	if !ok {
		return
	}
	switch {
	case x.Registers():
		s.registered(x, addr, server)
	case x.Kind == exchange.Release:
		for i := range s.Claims {
			c := &s.Claims[i]
			if c.addr == addr && c.State == Active && (c.server == server || x.Broadcast && c.server == [4]byte{}) && x.Outcome == exchange.Accepted {
				c.State, c.Until, c.End = Released, x.Start, x.FirstRef()
				s.Released = true
			}
		}
	case x.Kind == exchange.KindReleaseDemand || x.Kind == exchange.KindConflictDemand:
		for i := range s.Claims {
			c := &s.Claims[i]
			if c.Addr() == x.Asked && c.State == Active {
				c.State, c.Until, c.End = Conflict, x.Start, x.FirstRef()
			}
		}
	}
}

// newClaim is the claim that x makes.
func newClaim(x *exchange.Exchange, addr [4]byte, server [4]byte) Claim {
	return Claim{addr: addr, sender: four(x.Initiator), server: server, Group: x.Group,
		Multihomed: x.Kind == exchange.MultihomedRegistration, Request: x.FirstRef()}
}

func (s *State) registered(x *exchange.Exchange, addr [4]byte, server [4]byte) {
	c := s.claim(addr, server)
	switch x.Outcome {
	case exchange.Accepted:
		if c == nil || c.State != Active || c.Group != x.Group {
			c = s.addClaim(newClaim(x, addr, server))
		}
		c.Multihomed = c.Multihomed || x.Kind == exchange.MultihomedRegistration
		c.Registered = c.Registered || x.Kind != exchange.Refresh
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
		if !x.Group && server != [4]byte{} && x.Kind == exchange.Registration {
			for i := range s.Claims {
				o := &s.Claims[i]
				if o.server == server && o.addr != addr && o.State == Active && !o.Group {
					o.State, o.Until, o.End = Displaced, x.End, x.FirstRef()
				}
			}
		}
	case exchange.Refused, exchange.Defended:
		if c != nil && c.State == Active {
			c.State, c.Until, c.End = Refused, x.End, x.FirstRef()
		}
		if c == nil || c.State != Refused {
			n := newClaim(x, addr, server)
			n.State, n.Until = Refused, x.End
			c = s.addClaim(n)
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
	s.Claims = append(grown(s.Claims), c)
	s.Hostless = s.Hostless || c.addr[0] == 0 || c.addr[0] == 127
	return &s.Claims[len(s.Claims)-1]
}

// grown makes room for one more, and for no more than that while there are
// few: most names have one claim and two or three answers, for ever.
func grown[T any](s []T) []T {
	if n := len(s); n == cap(s) && n < 8 {
		out := make([]T, n, n+1)
		copy(out, s)
		return out
	}
	return s
}

// Answer notes what the answer a says of the name.
func (s *State) Answer(a *exchange.Answer, to netip.Addr, toBroadcast bool) {
	if !a.From.Is4() {
		return
	}
	var buf [32 * 4]byte
	sorted := buf[:0]
	for _, e := range a.Addrs {
		b := four(e)
		sorted = append(sorted, b[:]...)
	}
	if len(sorted) > 4 {
		sortFours(sorted)
	}
	n := AnswerSet{responder: a.From.As4(), Group: a.Group, Negative: !a.Positive(), ToBroadcast: toBroadcast,
		FirstRef: a.Ref, LastRef: a.Ref, firstTo: four(to), lastTo: four(to), Count: 1, MinTTL: a.TTL, MaxTTL: a.TTL, FirstTTL: a.TTL, LastTTL: a.TTL}
	var rest []byte
	if len(sorted) > 0 {
		n.first, n.some = [4]byte(sorted), true
		rest = sorted[4:]
	}
	for i := range s.Answers {
		e := &s.Answers[i]
		if e.responder == n.responder && e.Group == n.Group && e.Negative == n.Negative && e.some == n.some && e.first == n.first && e.more() == string(rest) {
			e.LastRef, e.LastTTL, e.lastTo = a.Ref, a.TTL, n.lastTo
			e.Count++
			e.MinTTL, e.MaxTTL = min(e.MinTTL, a.TTL), max(e.MaxTTL, a.TTL)
			e.ToBroadcast = e.ToBroadcast || toBroadcast
			return
		}
	}
	if len(s.Answers) >= maxAnswers {
		oldest := 0
		for i := range s.Answers {
			if s.Answers[i].Last() < s.Answers[oldest].Last() {
				oldest = i
			}
		}
		s.Answers = slices.Delete(s.Answers, oldest, oldest+1)
		s.Cut = true
	}
	if len(rest) > 0 {
		n.rest = new(string(rest))
	}
	s.Answers = append(grown(s.Answers), n)
}

// sortFours sorts addresses of 4 bytes each.
func sortFours(b []byte) {
	list := make([][4]byte, 0, len(b)/4)
	for i := 0; i < len(b); i += 4 {
		list = append(list, [4]byte(b[i:]))
	}
	slices.SortFunc(list, func(x, y [4]byte) int { return bytes.Compare(x[:], y[:]) })
	for i := range list {
		copy(b[4*i:], list[i][:])
	}
}

// Remember keeps an exchange that was out of the ordinary.
func (s *State) Remember(x *exchange.Exchange) {
	r := s.ownRare()
	if len(r.Recent) >= maxRecent {
		r.Recent = slices.Delete(r.Recent, 0, 1)
		s.Cut = true
	}
	r.Recent = append(r.Recent, x)
}

// Drop takes an exchange out of those that were out of the ordinary.
func (s *State) Drop(x *exchange.Exchange) {
	r := s.ownRare()
	r.Recent = slices.DeleteFunc(r.Recent, func(o *exchange.Exchange) bool { return o == x })
	s.Cut = true
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
	own := s.ownRare()
	if len(own.Records) >= maxRecords {
		own.Records = slices.Delete(own.Records, 0, 1)
		s.Cut = true
	}
	own.Records = append(own.Records, r)
}

// Holds reports whether addr is known to hold or want the name: an active
// claim, or an address that somebody gives for the name.
func (s *State) Holds(addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	a := addr.As4()
	for i := range s.Claims {
		if c := &s.Claims[i]; c.addr == a && (c.State == Active || c.State == Conflict) {
			return true
		}
	}
	for i := range s.Answers {
		if s.Answers[i].lists(a) {
			return true
		}
	}
	return false
}

// Witness notes a datagram whose source is the name at addr, sent by via.
func (s *State) Witness(addr, via netip.Addr, t int64, ref exchange.Ref) {
	if !addr.Is4() {
		return
	}
	n := Use{addr: addr.As4(), Last: t, Ref: ref, Count: 1}
	if via != addr {
		n.via = four(via)
	}
	for i := range s.Uses {
		if u := &s.Uses[i]; u.addr == n.addr && u.via == n.via {
			u.Last = max(u.Last, t)
			u.Count++
			return
		}
	}
	r := s.ownSeen()
	if len(r.Uses) >= maxUses {
		r.Uses = slices.Delete(r.Uses, 0, 1)
		s.Cut = true
	}
	r.Uses = append(grown(r.Uses), n)
}

// FirstFrames shows the first answer.
func (a *AnswerSet) FirstFrames(role string) []exchange.FrameRef {
	return a.FirstRef.As(role, a.Responder(), a.FirstTo(), "answer")
}

// LastFrames shows the latest answer.
func (a *AnswerSet) LastFrames(role string) []exchange.FrameRef {
	return a.LastRef.As(role, a.Responder(), addrOf(a.lastTo), "answer")
}

// Frames shows the first and the latest answer.
func (a *AnswerSet) Frames(role string) []exchange.FrameRef {
	return append(a.FirstFrames(role), a.LastFrames(role)...)
}

// RequestFrames shows the registration that opened the claim.
func (c *Claim) RequestFrames(role string) []exchange.FrameRef {
	return c.Request.As(role, c.Sender(), c.Server(), "register")
}

// Frames shows the registration that opened the claim and its latest
// confirmation.
func (c *Claim) Frames(role string) []exchange.FrameRef {
	return append(c.RequestFrames(role), c.Reply.As("accepted", c.Server(), c.Sender(), "accepted")...)
}

// EndFrames shows what ended the claim.
func (c *Claim) EndFrames(role string) []exchange.FrameRef {
	if c.State == Conflict {
		return c.End.As(role, c.Server(), c.Addr(), "demand")
	}
	return c.End.As(role, c.Addr(), c.Server(), c.State.String())
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
	if !x.Initiator.Is4() {
		return
	}
	asker := x.Initiator.As4()
	for i := range s.Askers {
		if a := &s.Askers[i]; a.addr == asker {
			a.Count++
			a.Requests += int32(x.Requests)
			a.Last = x.End
			a.LastRef = x.FirstRef()
			return
		}
	}
	if r := s.ownSeen(); len(r.Askers) < maxAskers {
		r.Askers = append(grown(r.Askers), Asker{addr: asker, Count: 1, Requests: int32(x.Requests), Last: x.End,
			Ref: x.FirstRef(), LastRef: x.FirstRef()})
	}
}

// ClaimedBy reports whether the address was seen to register the name.
func (s *State) ClaimedBy(addr netip.Addr) bool {
	for i := range s.Claims {
		if s.Claims[i].Addr() == addr {
			return true
		}
	}
	return false
}
