// Package hosts knows the machines of a capture: which addresses belong to
// one machine, on what evidence, and which roles they play. Addresses are
// joined only by evidence that a router or a proxy cannot produce; the
// evidence is kept, because a finding has to show it.
package hosts

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"sort"

	"nbtrace/analyze/prefetch"
)

// Role is a set of the roles that an address was seen to play.
type Role uint8

// Roles.
const (
	WINSServer  Role = 1 << iota // answered a unicast registration, refresh or release, or sent a WACK
	EndNode                      // registered, refreshed or defended a name
	WINSProxy                    // answered broadcast queries with addresses of others
	DNSServer                    // asked from port 53
	WINSPartner                  // speaks WINS replication

	// Roles that browser announcements give; the hosts table has no word for them.
	MasterBrowser    // announces itself as the local master browser
	DomainController // announces itself as a domain controller, primary or backup
	DomainMaster     // announces itself as the domain's master browser
)

var roleNames = [...]string{"wins-server", "end-node", "wins-proxy", "dns-server", "wins-partner"}

// Strings lists the roles by the names of the hosts table.
func (r Role) Strings() []string {
	var s []string
	for i, n := range roleNames {
		if r&(1<<i) != 0 {
			s = append(s, n)
		}
	}
	return s
}

// Implementation is a guess at what software runs on a machine.
type Implementation uint8

// Implementations, told by habits that the other ones do not have.
const (
	Unknown   Implementation = iota
	SambaNMBD                // registers with a TTL of 259200 s, broadcasts registrations with TTL 0 and node type H
	Samba4                   // opcode 15 without RD
	Windows                  // registers with a TTL of 300000 s and RD
)

func (i Implementation) String() string {
	return [...]string{"", "samba-nmbd", "samba4", "windows"}[i]
}

// Sign is a reason to take several addresses for one machine.
type Sign uint8

// The signs, strongest first.
const (
	OwnAnswer    Sign = iota // it answered for its name with several addresses, its own among them
	NodeStatus               // node status from both addresses: the same adapter or the same names
	SameMAC                  // both addresses sent from one MAC address that is no router's, at the same time
	SeveralRegs              // one unique name registered from both addresses within seconds, nobody contesting it
	SentForOther             // one address registers a name for itself and for the other one
	Renumbered               // the same MAC address, one address after the other: one machine, not multihomed
)

// Multihomed reports whether the sign says that the machine has both
// addresses at the same time.
func (s Sign) Multihomed() bool { return s != Renumbered }

// Join is the evidence that A and B are one machine.
type Join struct {
	A, B  netip.Addr
	Sign  Sign
	Input int
	Frame int64 // that completed the evidence
	Time  int64 // ns, of Frame
	Other int64 // an earlier frame that it rests on, 0 if none
	// OtherInput and OtherTime (ns) say where and when Other was seen.
	OtherInput int
	OtherTime  int64
	Name       string
}

const (
	maxMACs      = 4  // kept for an address
	maxNames     = 24 // kept for an address
	maxJoins     = 8  // kept for a machine
	maxPerMAC    = 6  // addresses behind one MAC; more means a router
	maxAddresses = 64 // of one machine
)

type address struct {
	busy

	first    int64  // ns, of sending
	macs     []seen // the further ones
	names    []Name
	nameBits uint64  // nameBit of each of names
	named    int64   // ns, of the latest of names
	members  []int32 // of a root with several addresses
	joins    []Join  // of a root
}

// busy is the part of an address that nearly every message looks at.
type busy struct {
	touched  uint64 // when last, in touches of the registry
	addr     netip.Addr
	last     int64  // ns, of sending
	mac      seen   // the first MAC address
	parent   int32  // union-find; itself when it is the root
	serial   uint32 // never used again
	server   uint32 // that accepted a registration of the address, 0: none
	nodeType int8   // -1 unknown
	impl     Implementation
	samba    bool // habits of Samba were seen; they outweigh Windows'
	sent     bool // it was seen to send; else it was only mentioned
	alone    bool // nothing is to be learned from frames with its first MAC address any more
	roles    Role
}

// seen is when an address sent from a MAC address.
type seen struct {
	mac         [6]byte
	use         *macUse // nil: there is none
	first, last int64   // ns
}

// eachMAC goes over the MAC addresses, in order of appearance.
func (e *address) eachMAC(yield func(*seen) bool) {
	if e.mac.use == nil || !yield(&e.mac) {
		return
	}
	for k := range e.macs {
		if !yield(&e.macs[k]) {
			return
		}
	}
}

type macUse struct {
	addrs  []int32
	router bool
}

// shared reports whether several addresses, of one machine it seems, use it.
func (u *macUse) shared() bool { return len(u.addrs) > 1 && !u.router }

// Registry holds what is known of machines. Its zero value is not usable.
type Registry struct {
	four    index
	six     map[netip.Addr]int32 // IPv6, which NBNS does not know but hostile frames have
	list    []address
	macs    map[[6]byte]*macUse
	limit   int
	Evicted int64
	free    []int32
	touches uint64
	serials uint32   // given to addresses
	oldest  []victim // next to be evicted, unless touched since
	several bool     // SeveralServers
}

// NewRegistry makes a registry of at most limit addresses (0: 200,000). The
// address that was not seen for longest makes room.
func NewRegistry(limit int) *Registry {
	if limit <= 0 {
		limit = 200_000
	}
	return &Registry{four: newIndex(), six: map[netip.Addr]int32{}, macs: map[[6]byte]*macUse{}, limit: limit}
}

// where is the index of a.
func (r *Registry) where(a netip.Addr) (int32, bool) {
	if a.Is4() {
		return r.four.get(number(a))
	}
	i, ok := r.six[a]
	return i, ok
}

func (r *Registry) put(a netip.Addr, i int32) {
	if a.Is4() {
		r.four.add(number(a), i)
	} else {
		r.six[a] = i
	}
}

func (r *Registry) drop(a netip.Addr) {
	if a.Is4() {
		r.four.remove(number(a))
	} else {
		delete(r.six, a)
	}
}

// number is an IPv4 address as a number.
func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// victim is an address that was due to be evicted when the list was made.
type victim struct {
	at      int32
	touched uint64
}

// victims is how many addresses are lined up for eviction at one time, as a
// part of all.
const victims = 16

// longestSilent is the address that was not touched for longest, -1 if there
// is none. Keeping all of them in order would cost every message; so the
// oldest few are lined up at one time. Those touched since then are no longer
// among the oldest, and what is not in the line was touched later than all
// that is.
func (r *Registry) longestSilent() int32 {
	for r.Len() > 0 {
		if len(r.oldest) == 0 {
			r.lineUp()
		}
		v := r.oldest[0]
		r.oldest = r.oldest[1:]
		if r.list[v.at].touched == v.touched {
			return v.at
		}
	}
	return -1
}

func (r *Registry) lineUp() {
	all := make([]victim, 0, r.Len())
	for i := range r.list {
		if t := r.list[i].touched; t > 0 {
			all = append(all, victim{int32(i), t})
		}
	}
	slices.SortFunc(all, func(a, b victim) int { return cmp.Compare(a.touched, b.touched) })
	r.oldest = slices.Clone(all[:len(all)/victims+1])
}

// evict gives up the machine whose last address was silent for longest.
func (r *Registry) evict() {
	i := r.longestSilent()
	if i < 0 {
		return
	}
	root := r.find(i)
	group := r.list[root].members
	if len(group) == 0 {
		group = []int32{root}
	}
	for _, m := range slices.Clone(group) {
		a := r.list[m].addr
		r.drop(a)
		for at := range r.list[m].eachMAC {
			at.use.addrs = slices.DeleteFunc(at.use.addrs, func(x int32) bool { return x == m })
			if len(at.use.addrs) == 0 && !at.use.router {
				delete(r.macs, at.mac)
			}
		}
		r.several = r.several || r.list[m].server != 0
		r.list[m] = address{}
		r.free = append(r.free, m)
		r.Evicted++
	}
}

func (r *Registry) find(i int32) int32 {
	for r.list[i].parent != i {
		r.list[i].parent = r.list[r.list[i].parent].parent
		i = r.list[i].parent
	}
	return i
}

// Touch notes that a sent something at t (ns) and returns its index, which
// stays valid until the address is evicted.
func (r *Registry) Touch(a netip.Addr, t int64) int32 {
	return r.sent(r.Mention(a), t)
}

// TouchFound is Touch with the index that Fetch gave for the address, or any
// other number.
func (r *Registry) TouchFound(i int32, a netip.Addr, t int64) int32 {
	return r.sent(r.MentionFound(i, a), t)
}

func (r *Registry) sent(i int32, t int64) int32 {
	e := &r.list[i]
	if !e.sent {
		e.sent, e.first, e.last = true, t, t
	}
	e.last = max(e.last, t)
	return i
}

// Fetch looks up an address whose turn comes soon, -1 if it is not known, and
// asks for what a message needs of it.
func (r *Registry) Fetch(a netip.Addr) int32 {
	i, ok := r.where(a)
	if !ok {
		return -1
	}
	r.FetchAt(i)
	return i
}

// FetchAt asks for what a message needs of the address with an index, or any
// other number.
func (r *Registry) FetchAt(i int32) {
	if uint(i) < uint(len(r.list)) {
		prefetch.Object(&r.list[i].busy)
	}
}

// MentionFound is Mention with the index that Fetch or Touch gave for the
// address some time ago, or any other number.
func (r *Registry) MentionFound(i int32, a netip.Addr) int32 {
	if uint(i) >= uint(len(r.list)) || r.list[i].addr != a {
		return r.Mention(a)
	}
	r.touches++
	r.list[i].touched = r.touches
	return i
}

// Mention makes a known without its having sent anything, as an address that
// a machine names as its own.
func (r *Registry) Mention(a netip.Addr) int32 {
	i, ok := r.where(a)
	if !ok {
		if r.Len() >= r.limit {
			r.evict()
		}
		if n := len(r.free); n > 0 {
			i, r.free = r.free[n-1], r.free[:n-1]
		} else {
			i = int32(len(r.list))
			r.list = append(r.list, address{})
		}
		r.serials++
		r.list[i] = address{busy: busy{addr: a, parent: i, serial: r.serials, nodeType: -1}}
		r.put(a, i)
	}
	r.touches++
	r.list[i].touched = r.touches
	return i
}

// initialTTL reports whether a TTL is one that hosts start with: the frame
// then came from the machine itself, not from a router.
func initialTTL(ttl uint8) bool { return ttl == 64 || ttl == 128 || ttl == 255 || ttl == 32 }

// SeenMAC notes that the address with index i sent a frame from mac at t with
// the given IP TTL, and joins addresses that share a MAC address.
func (r *Registry) SeenMAC(i int32, mac [6]byte, ttl uint8, t int64, input int, frame int64) {
	e := &r.list[i]
	if e.alone && e.mac.mac == mac {
		e.mac.last = max(e.mac.last, t)
		return
	}
	n := 0
	for at := range e.eachMAC {
		if at.mac == mac {
			at.last = max(at.last, t)
			if at.use.shared() {
				r.joinMAC(i, at.use, t, input, frame)
			} else {
				e.alone = n == 0
			}
			return
		}
		n++
	}
	if mac == ([6]byte{}) || !initialTTL(ttl) || n >= maxMACs {
		return
	}
	u := r.macs[mac]
	if u == nil {
		u = &macUse{}
		r.macs[mac] = u
	}
	if at := (seen{mac, u, t, t}); n == 0 {
		e.mac = at
	} else {
		e.macs = append(e.macs, at)
	}
	if u.router {
		return
	}
	u.addrs = append(u.addrs, i)
	for _, o := range u.addrs {
		r.list[o].alone = false
	}
	if len(u.addrs) > maxPerMAC {
		u.router, u.addrs = true, nil
		return
	}
	r.joinMAC(i, u, t, input, frame)
}

// from is when the address sent from the MAC address of u.
func (e *address) from(u *macUse) seen {
	for at := range e.eachMAC {
		if at.use == u {
			return *at
		}
	}
	return seen{}
}

func (r *Registry) joinMAC(i int32, u *macUse, t int64, input int, frame int64) {
	for _, o := range u.addrs {
		if o == i {
			continue
		}
		a, b := &r.list[i], &r.list[o]
		x, y := a.from(u), b.from(u)
		sign := Renumbered
		// Both were used after the other one had appeared.
		if x.last >= y.first && y.last >= x.first && y.last > x.first && x.last > y.first {
			sign = SameMAC
		} else if len(a.macs) > 0 || len(b.macs) > 0 {
			// The address was leased again to a second machine: joining would
			// chain machines together that only followed each other.
			continue
		}
		r.join(i, o, Join{A: b.addr, B: a.addr, Sign: sign, Input: input, Frame: frame, Time: t})
	}
}

// join unites two machines. The same sign for the same pair is kept once.
func (r *Registry) join(i, o int32, j Join) {
	x, y := r.find(i), r.find(o)
	if x != y {
		if y < x {
			x, y = y, x
		}
		rx, ry := &r.list[x], &r.list[y]
		mx, my := rx.members, ry.members
		if len(mx) == 0 {
			mx = []int32{x}
		}
		if len(my) == 0 {
			my = []int32{y}
		}
		if len(mx)+len(my) > maxAddresses {
			return
		}
		ry.parent = x
		rx.members = append(mx, my...)
		ry.members = nil
		for _, k := range ry.joins {
			rx.joins = appendJoin(rx.joins, k)
		}
		ry.joins = nil
	}
	root := &r.list[x]
	root.joins = appendJoin(root.joins, j)
}

func appendJoin(js []Join, j Join) []Join {
	for _, k := range js {
		if k.Sign == j.Sign && (k.A == j.A && k.B == j.B || k.A == j.B && k.B == j.A) {
			return js
		}
	}
	if len(js) >= maxJoins {
		return js
	}
	return append(js, j)
}

// Join unites the machines of two addresses on the evidence of j.
func (r *Registry) Join(j Join) {
	i, ok := r.where(j.A)
	o, ok2 := r.where(j.B)
	if ok && ok2 && i != o {
		r.join(i, o, j)
	}
}

// AddRole notes a role of an address.
func (r *Registry) AddRole(i int32, role Role) { r.list[i].roles |= role }

// Plays reports whether the address with index i plays the role, as far as seen.
func (r *Registry) Plays(i int32, role Role) bool { return r.list[i].roles&role != 0 }

// HasRole reports whether a plays the role, as far as seen.
func (r *Registry) HasRole(a netip.Addr, role Role) bool {
	i, ok := r.where(a)
	return ok && r.Plays(i, role)
}

// MachineHasRole reports whether any address of a's machine plays one of the
// roles.
func (r *Registry) MachineHasRole(a netip.Addr, role Role) bool {
	for _, b := range r.Addresses(a) {
		if r.HasRole(b, role) {
			return true
		}
	}
	return false
}

// SetNodeType notes the node type that an address registered with.
func (r *Registry) SetNodeType(i int32, ont uint8) { r.list[i].nodeType = int8(ont) }

// SetImplementation notes a habit of some software.
func (r *Registry) SetImplementation(i int32, impl Implementation) {
	e := &r.list[i]
	switch {
	case impl == Windows && e.samba:
	case impl == Windows:
		e.impl = impl
	default:
		e.impl, e.samba = impl, true
	}
}

// Implementation is what a's machine seems to run.
func (r *Registry) Implementation(a netip.Addr) Implementation {
	best := Unknown
	for _, b := range r.Addresses(a) {
		i, ok := r.where(b)
		if !ok {
			continue
		}
		if e := &r.list[i]; e.samba {
			return e.impl
		} else if e.impl != Unknown {
			best = e.impl
		}
	}
	return best
}

// Name is a name that an address registered or uses.
type Name struct {
	Bytes [16]byte
	Scope string
}

// AddName notes a name that an address registered or uses, at t (ns). Of many
// names the first few are kept. It returns a number for the address, never
// used again for another one: given back with the same name, it saves looking
// whether the name is there. 0 is no such number.
func (r *Registry) AddName(i int32, name [16]byte, scope string, t int64, noted uint32) uint32 {
	e := &r.list[i]
	if noted == e.serial || len(e.names) >= maxNames {
		return e.serial
	}
	bit := nameBit(&name)
	if e.nameBits&bit != 0 && slices.Contains(e.names, Name{name, scope}) {
		return e.serial
	}
	e.nameBits |= bit
	e.names = append(e.names, Name{name, scope})
	e.named = t
	return e.serial
}

// NamedApart reports whether each of two addresses has a computer's name that
// the other one has not, with any suffix: they are two computers, whatever else
// they share.
func (r *Registry) NamedApart(a, b netip.Addr) bool {
	i, known := r.where(a)
	j, too := r.where(b)
	return known && too && r.namedBeside(i, j) && r.namedBeside(j, i)
}

func (r *Registry) namedBeside(i, j int32) bool {
	return slices.ContainsFunc(r.list[i].names, func(n Name) bool {
		suffix := n.Bytes[15]
		return (suffix == 0x00 || suffix == 0x20) && !slices.ContainsFunc(r.list[j].names, func(o Name) bool {
			return [15]byte(o.Bytes[:15]) == [15]byte(n.Bytes[:15]) && o.Scope == n.Scope
		})
	})
}

// nameBit is one of 64 bits for a name: a name whose bit is not set among those
// of an address is not among its names either.
func nameBit(name *[16]byte) uint64 {
	a, b := binary.LittleEndian.Uint64(name[:]), binary.LittleEndian.Uint64(name[8:])
	return 1 << ((a ^ bits.RotateLeft64(b, 29)) * 0x9E3779B97F4A7C15 >> 58)
}

// Served notes that a name server accepted a registration of an address.
func (r *Registry) Served(a, server netip.Addr) {
	i, ok := r.where(a)
	switch {
	case !ok || !server.Is4():
		r.several = true
	case r.list[i].server == 0:
		r.list[i].server = number(server)
	case r.list[i].server != number(server):
		r.several = true
	}
}

// SeveralServers reports whether name servers accepted registrations of one
// address at more than one of them, or it cannot be told any more.
func (r *Registry) SeveralServers() bool { return r.several }

// Registrants lists the addresses with names of at least n different texts
// among the suffixes <00> and <20>, one of their names new at or after since
// (ns), in order of address.
func (r *Registry) Registrants(n int, since int64) []netip.Addr {
	var out []netip.Addr
	for i := range r.list {
		e := &r.list[i]
		if !e.addr.IsValid() || len(e.names) < n || e.named < since {
			continue
		}
		var texts [][15]byte
		for _, name := range e.names {
			if s := name.Bytes[15]; s != 0x00 && s != 0x20 {
				continue
			}
			if t := [15]byte(name.Bytes[:15]); !slices.Contains(texts, t) {
				texts = append(texts, t)
			}
		}
		if len(texts) >= n {
			out = append(out, e.addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// Names lists the names of an address.
func (r *Registry) Names(a netip.Addr) []Name {
	if i, ok := r.where(a); ok {
		return r.list[i].names
	}
	return nil
}

// Sent reports whether the address was seen to send anything, and when last (ns).
func (r *Registry) Sent(a netip.Addr) (last int64, ok bool) {
	i, ok := r.where(a)
	if !ok || !r.list[i].sent {
		return 0, false
	}
	return r.list[i].last, true
}

// Is reports whether a is the address with index i, or known to be one machine's
// with it.
func (r *Registry) Is(i int32, a netip.Addr) bool {
	if r.list[i].addr == a {
		return true
	}
	o, ok := r.where(a)
	return ok && r.find(i) == r.find(o)
}

// SameMachine reports whether two addresses are known to be one machine's.
func (r *Registry) SameMachine(a, b netip.Addr) bool {
	if a == b {
		return true
	}
	i, ok := r.where(a)
	return ok && r.Is(i, b)
}

// Addresses lists the addresses of a's machine, a alone if nothing joins it.
func (r *Registry) Addresses(a netip.Addr) []netip.Addr {
	i, ok := r.where(a)
	if !ok {
		return []netip.Addr{a}
	}
	root := &r.list[r.find(i)]
	if len(root.members) == 0 {
		return []netip.Addr{a}
	}
	out := make([]netip.Addr, 0, len(root.members))
	for _, m := range root.members {
		out = append(out, r.list[m].addr)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// MACs lists the MAC addresses of a's machine.
func (r *Registry) MACs(a netip.Addr) [][6]byte {
	var out [][6]byte
	for _, b := range r.Addresses(a) {
		if i, ok := r.where(b); ok {
			for at := range r.list[i].eachMAC {
				if !at.use.router && !slices.Contains(out, at.mac) {
					out = append(out, at.mac)
				}
			}
		}
	}
	return out
}

// Joins lists why a's machine has several addresses.
func (r *Registry) Joins(a netip.Addr) []Join {
	i, ok := r.where(a)
	if !ok {
		return nil
	}
	return r.list[r.find(i)].joins
}

// MultihomedJoins lists the joins that show several addresses at one time,
// strongest sign first.
func (r *Registry) MultihomedJoins(a netip.Addr) []Join {
	var out []Join
	for _, j := range r.Joins(a) {
		if j.Sign.Multihomed() {
			out = append(out, j)
		}
	}
	sort.SliceStable(out, func(x, y int) bool { return out[x].Sign < out[y].Sign })
	return out
}

// Host is one machine at the end of a run.
type Host struct {
	ID             int
	Addresses      []netip.Addr
	MACs           [][6]byte
	Names          []Name
	Roles          Role
	NodeType       int8 // -1 unknown
	Implementation Implementation
	Joins          []Join
	First          int64
}

// ID numbers a's machine: from 1, in order of first appearance. It is stable
// unless the machine is later joined with one that appeared before it.
func (r *Registry) ID(a netip.Addr) int {
	i, ok := r.where(a)
	if !ok {
		return 0
	}
	return int(r.find(i)) + 1
}

// All lists the machines by number; withNames, with the names of each.
func (r *Registry) All(withNames bool) []Host {
	var hs []Host
	for i := range r.list {
		e := &r.list[i]
		if !e.addr.IsValid() || r.find(int32(i)) != int32(i) {
			continue
		}
		h := Host{ID: i + 1, Addresses: r.Addresses(e.addr), MACs: r.MACs(e.addr), NodeType: -1, Joins: r.MultihomedJoins(e.addr),
			Implementation: r.Implementation(e.addr), First: e.first}
		for _, a := range h.Addresses {
			i, _ := r.where(a)
			m := &r.list[i]
			h.Roles |= m.roles
			if m.sent && (h.First == 0 || m.first < h.First) {
				h.First = m.first
			}
			if m.nodeType >= 0 {
				h.NodeType = m.nodeType
			}
			if !withNames {
				continue
			}
			for _, n := range m.names {
				if !slices.Contains(h.Names, n) {
					h.Names = append(h.Names, n)
				}
			}
		}
		hs = append(hs, h)
	}
	return hs
}

// Len is the number of addresses known.
func (r *Registry) Len() int { return r.four.used + len(r.six) }
