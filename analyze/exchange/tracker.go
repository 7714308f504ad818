package exchange

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"nbtrace/analyze/nbns"
)

// How long an exchange stays open, in capture time. The retry schedules
// behind the numbers: RFC 1002 section 6 (broadcast 250 ms, unicast 5 s),
// Windows (750 ms, 1.5 s), nmbd (2 s by broadcast, unicast 5 s, its challenge
// 6 s), Samba's waiting time of up to 105 s after a WACK.
const (
	Linger        = 2 * time.Second // after an answer, for further answers and late copies
	BroadcastWait = 4 * time.Second // after the last broadcast request
	UnicastWait   = 8 * time.Second // after the last unicast request
	WACKWait      = 110 * time.Second
	// reuse is how long after its answer a request with the same transaction
	// id is a retransmission; later it starts a new exchange.
	reuse = time.Second
)

const (
	maxFrames  = 48 // kept for an exchange
	maxAnswers = 8
)

// Knowledge is what the tracker has to know of the rest of the world to tell
// acts apart that look alike.
type Knowledge interface {
	// NameServer reports whether a has acted as a name server so far.
	NameServer(a netip.Addr) bool
	// SameMachine reports whether a and b are known to be one machine's.
	SameMachine(a, b netip.Addr) bool
	// Holds reports whether a is known to hold, or have claimed, the name.
	Holds(name nbns.Name, scope string, a netip.Addr) bool
}

// Message is one NBNS message as the tracker takes it.
type Message struct {
	Name      uint64 // a number for the name with its scope, the same for the same name
	Time      int64
	Input     int
	Frame     int64
	Src, Dst  netip.Addr
	Broadcast bool // at the link layer
	NBNS      *nbns.Message
}

type class uint8

const (
	classQuery class = iota
	classStatus
	classRegistration
	classRelease
)

// key finds open exchanges. It is flat, so that hashing it is cheap.
type key struct {
	name      uint64
	requester uint64
	rest      uint64 // transaction id and class
}

func makeKey(name uint64, requester netip.Addr, trn uint16, c class) key {
	return key{name, addrKey(requester), uint64(trn)<<8 | uint64(c)}
}

// addrKey is a number for an address: IPv4 as it is; IPv6, which NBNS does not
// know but hostile frames have, folded.
func addrKey(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	}
	h := uint64(14695981039346656037)
	for _, c := range a.As16() {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h | 1<<63
}

// wait is one of the times for which an open exchange waits.
type wait uint8

const (
	waitLinger wait = iota
	waitBroadcast
	waitUnicast
	waitWACK
	waits
)

var durations = [waits]int64{int64(Linger), int64(BroadcastWait), int64(UnicastWait), int64(WACKWait)}

// Tracker pairs messages to exchanges. Its only clock is the time of the
// messages and of Advance.
type Tracker struct {
	know    Knowledge
	settled func(x *Exchange) (keep bool)
	open    openTable
	// pending are open registrations that a WACK or nothing yet answered, by
	// name, the oldest one with the rest behind it; a challenge is linked
	// through it.
	pending map[uint64]*Exchange
	waiting [waits]queue
	due     *queue // whose front is due first, nil if none is open; as far as it is known
	unknown bool   // due is not known
	nextID  uint64
	clock   int64
	limit   int
	pool    []*Exchange

	Evicted int64 // exchanges given up because too many were open
	Orphans int64 // responses to no known request
	Opened  int64 // exchanges in all
}

// NewTracker makes a tracker that keeps at most limit exchanges open (0:
// 250,000) and hands each over once, when it is settled. The function reports
// whether the exchange is kept; if not, the tracker uses it again.
func NewTracker(know Knowledge, limit int, settled func(x *Exchange) (keep bool)) *Tracker {
	if limit <= 0 {
		limit = 250_000
	}
	return &Tracker{know: know, settled: settled, open: newOpenTable(), pending: map[uint64]*Exchange{}, limit: limit}
}

// NextDeadline is the earliest time at which an exchange may settle by itself,
// or ok false if none is open.
func (t *Tracker) NextDeadline() (at int64, ok bool) {
	if q := t.nextQueue(); q != nil {
		return q.front().due, true
	}
	return 0, false
}

// Quiet reports whether no exchange settles by itself before at.
func (t *Tracker) Quiet(at int64) bool {
	q := t.nextQueue()
	return q == nil || q.front().due >= at
}

// next is the open exchange that is due first, of several the oldest; nil if
// none is open.
func (t *Tracker) next() *Exchange {
	if q := t.nextQueue(); q != nil {
		return q.front().x
	}
	return nil
}

// nextQueue is the queue whose front is due first, nil if none is open.
func (t *Tracker) nextQueue() *queue {
	if t.unknown {
		t.due, t.unknown = t.findDue(), false
	}
	return t.due
}

func (t *Tracker) findDue() *queue {
	var best *queue
	for w := range t.waiting {
		q := &t.waiting[w]
		if q.empty() {
			continue
		}
		if best == nil || q.front().due < best.front().due || q.front().due == best.front().due && q.front().x.ID < best.front().x.ID {
			best = q
		}
	}
	return best
}

// Upcoming are the exchanges that settle after the next one.
type Upcoming struct{ q *queue }

// Upcoming is valid until the tracker is called again.
func (t *Tracker) Upcoming() Upcoming { return Upcoming{t.nextQueue()} }

// At is the n-th of them, nil if that is not known.
func (u Upcoming) At(n int) *Exchange {
	if u.q == nil {
		return nil
	}
	return u.q.ahead(n)
}

// SettleNext settles the exchange with the earliest deadline.
func (t *Tracker) SettleNext() {
	if x := t.next(); x != nil {
		t.clock = max(t.clock, x.deadline)
		t.settle(x, x.deadline, false)
	}
}

// Finish settles what is still open as unfinished, in order of begin, or as
// what it was if it had been answered.
func (t *Tracker) Finish(now int64) {
	var left []*Exchange
	for w := range t.waiting {
		left = t.waiting[w].list(left)
	}
	sortByID(left)
	for _, x := range left {
		t.settle(x, now, true)
	}
}

// arm sets when x settles if nothing more is heard; the deadline before lapses.
func (t *Tracker) arm(x *Exchange, w wait) {
	at := t.clock + durations[w]
	if x.deadline != 0 {
		if x.wait == w && x.deadline == at {
			return
		}
		t.leave(x)
	}
	x.deadline, x.wait = at, w
	q := &t.waiting[w]
	q.add(x)
	t.unknown = t.unknown || q.front().x == x
}

// leave ends x's waiting.
func (t *Tracker) leave(x *Exchange) {
	q := &t.waiting[x.wait]
	t.unknown = t.unknown || q.front().x == x
	q.remove(x)
}

// Answered reports whether no query of the name by the requester with that
// transaction id waits for its answer.
func (t *Tracker) Answered(name uint64, requester netip.Addr, trn uint16) bool {
	for x := t.open.youngest(makeKey(name, requester, trn, classQuery)); x != nil; x = x.older() {
		if len(x.Answers) == 0 {
			return false
		}
	}
	return true
}

// Open is the number of open exchanges.
func (t *Tracker) Open() int { return t.open.count }

func (t *Tracker) settle(x *Exchange, now int64, end bool) {
	t.unlink(x)
	x.Settled = now
	switch {
	case len(x.Answers) > 0:
		t.conclude(x)
	case end:
		x.Outcome = Unfinished
	case x.Broadcast && (x.Registers() || x.Kind == Release):
		x.Outcome = Accepted // silence is consent, RFC 1002 5.1.1
	default:
		x.Outcome = Unanswered
	}
	if !t.settled(x) {
		t.recycle(x)
	}
}

func (t *Tracker) recycle(x *Exchange) {
	frames, others, answers := x.frames[:0], x.others[:0], x.Answers[:0]
	requested, challenges := x.Requested[:0], x.Challenges[:0]
	*x = Exchange{}
	x.frames, x.others, x.Answers = frames, others, answers
	x.Requested, x.Challenges = requested, challenges
	t.pool = append(t.pool, x)
}

func (t *Tracker) unlink(x *Exchange) {
	t.open.remove(x)
	t.leave(x)
	x.deadline = 0
	if x.pends {
		t.unpend(x)
	}
}

// pend appends x to the registrations of its name that nothing answered yet.
func (t *Tracker) pend(x *Exchange) {
	x.pends, x.lastPending = true, x
	if first := t.pending[x.key.name]; first == nil {
		t.pending[x.key.name] = x
	} else {
		first.lastPending.nextPending = x
		first.lastPending = x
	}
}

func (t *Tracker) unpend(x *Exchange) {
	k := x.key.name
	first := t.pending[k]
	if first == x {
		if x.nextPending == nil {
			delete(t.pending, k)
		} else {
			x.nextPending.lastPending = x.lastPending
			t.pending[k] = x.nextPending
		}
		x.nextPending = nil
		return
	}
	for p := first; p != nil; p = p.nextPending {
		if p.nextPending == x {
			p.nextPending = x.nextPending
			if first.lastPending == x {
				first.lastPending = p
			}
			x.nextPending = nil
			return
		}
	}
}

// conclude derives the outcome from the answers: the one that counts is the
// first from whom was asked, else the first of all.
func (t *Tracker) conclude(x *Exchange) {
	best := 0
	if !x.Broadcast {
		for i := range x.Answers {
			if x.Answers[i].From == x.Asked {
				best = i
				break
			}
		}
	}
	if best != 0 {
		a := x.Answers[best]
		copy(x.Answers[1:best+1], x.Answers[:best])
		x.Answers[0] = a
	}
	a := &x.Answers[0]
	x.Responder, x.RCode, x.TTL, x.HasTTL = a.From, a.Flags.RCode(), a.TTL, true
	switch {
	case x.Kind == Query || x.Kind == NodeStatus || x.Kind == Challenge:
		x.Outcome = Answered
		if a.Positive() {
			x.Group = a.Group
			x.Granted = a.Addrs
		}
	case a.Positive():
		x.Outcome = Accepted
		if x.Registers() {
			x.Granted = a.Addrs
		}
	case x.Broadcast:
		x.Outcome = Defended
	default:
		x.Outcome = Refused
	}
}

// roomy is an exchange with room for what most exchanges hold beside it.
type roomy struct {
	Exchange
	frames    [3]frame
	requested [1]netip.Addr
	answers   [1]Answer
	addrs     [1]netip.Addr
}

func (t *Tracker) fresh() *Exchange {
	if n := len(t.pool); n > 0 {
		x := t.pool[n-1]
		t.pool = t.pool[:n-1]
		return x
	}
	r := &roomy{}
	r.answers[0].Addrs = r.addrs[:0]
	x := &r.Exchange
	x.frames, x.Requested, x.Answers = r.frames[:0], r.requested[:0], r.answers[:0]
	return x
}

// Observe takes the next message. It returns what the message is and the
// exchange that it belongs to, nil if to none.
func (t *Tracker) Observe(m *Message) (MessageKind, *Exchange) {
	t.clock = max(t.clock, m.Time)
	if m.NBNS.Flags.Response() {
		return t.response(m)
	}
	return t.request(m)
}

// Copy notes that another tap saw a message of x too, the one that x has in
// the given place of its frames.
func (t *Tracker) Copy(x *Exchange, input int, frame int64, place int) {
	if len(x.frames) < maxFrames {
		f := x.frames[place]
		f.ref = MakeRef(input, frame, f.ref.Time())
		x.frames = append(x.frames, f)
	}
}

func isBroadcast(m *Message) bool {
	return m.NBNS.Flags.Broadcast() || m.Broadcast || m.Dst.IsMulticast() || m.Dst == LimitedBroadcast
}

// LimitedBroadcast is the address of every machine on the segment, RFC 919.
var LimitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (t *Tracker) request(m *Message) (MessageKind, *Exchange) {
	n := m.NBNS
	if len(n.Questions) == 0 {
		return MsgUnknown, nil
	}
	q := &n.Questions[0]
	bcast := isBroadcast(m)
	var kind Kind
	var mk MessageKind
	op := n.Flags.Opcode()
	c := requestClass(n)
	k := makeKey(m.Name, m.Src, n.TrnID, c)
	var rec *nbns.Record
	for i := range n.Records {
		if n.Records[i].Type == nbns.TypeNB {
			rec = &n.Records[i]
			break
		}
	}
	var target netip.Addr
	if rec != nil && len(rec.Addrs) > 0 {
		target = netip.AddrFrom4(rec.Addrs[0].Addr)
	}
	switch op {
	case nbns.OpQuery:
		kind, mk = Query, QueryRequest
		if c == classStatus {
			kind, mk = NodeStatus, StatusRequest
		}
	case nbns.OpRegistration:
		kind, mk = Registration, RegistrationRequest
		// RD alone is no sign of a demand: Samba 4 registers with RD clear
		// and repeats with RD set, the reverse of RFC 1002 4.2.3. A demand
		// follows broadcast requests with RD set.
		if bcast && n.Flags&nbns.FlagRD == 0 && t.overwrites(k, target) {
			mk = OverwriteDemand
		}
	case nbns.OpMultihomedReg:
		kind, mk = MultihomedRegistration, MultihomedRegistrationRequest
	case nbns.OpRefresh, nbns.OpRefreshAlt:
		kind, mk = Refresh, RefreshRequest
	case nbns.OpRelease:
		kind, mk = Release, ReleaseRequest
		if !bcast && t.isDemand(m, target) {
			kind, mk = KindReleaseDemand, ReleaseDemand
		}
	default:
		return MsgUnknown, nil
	}
	for x := t.open.youngest(k); x != nil; x = x.older() {
		if x.Asked != m.Dst || x.Flags.Opcode() != op || x.Address() != target {
			continue
		}
		if len(x.Answers) > 0 && m.Time-x.End > int64(reuse) {
			continue
		}
		x.Requests++
		x.lastRequest, x.End = m.Time, max(x.End, m.Time)
		x.addFrame(m, retransmission)
		if len(x.Answers) == 0 && !x.WACK {
			t.armRequest(x)
		}
		if x.Kind == Challenge {
			mk = QueryRequest
		}
		return mk, x
	}
	if t.open.count >= t.limit {
		t.evict()
	}
	x := t.fresh()
	t.nextID++
	t.Opened++
	x.ID, x.Kind, x.Name, x.Scope = t.nextID, kind, q.Name, q.Scope
	x.Initiator, x.Asked, x.Broadcast = m.Src, m.Dst, bcast
	x.TrnID, x.Flags = n.TrnID, n.Flags
	x.Start, x.End, x.lastRequest = m.Time, m.Time, m.Time
	x.Requests, x.RTT = 1, -1
	x.key = k
	if rec != nil {
		x.RequestTTL, x.TTL, x.HasTTL = rec.TTL, rec.TTL, true
		for _, a := range rec.Addrs {
			x.Requested = append(x.Requested, netip.AddrFrom4(a.Addr))
		}
		if len(rec.Addrs) > 0 {
			x.NBFlags = rec.Addrs[0].Flags
			x.Group = x.NBFlags.Group()
		}
	}
	r := request
	if kind == KindReleaseDemand {
		r = demand
	}
	x.addFrame(m, r)
	t.open.add(x)
	if kind == Query && !bcast {
		t.maybeChallenge(x)
	}
	if c == classRegistration && !bcast {
		t.pend(x)
	}
	t.armRequest(x)
	return mk, x
}

// requestClass is the class of a request; of one whose opcode is none of ours,
// any.
func requestClass(n *nbns.Message) class {
	switch n.Flags.Opcode() {
	case nbns.OpQuery:
		if len(n.Questions) > 0 && n.Questions[0].Type == nbns.TypeNBSTAT {
			return classStatus
		}
		return classQuery
	case nbns.OpRelease:
		return classRelease
	}
	return classRegistration
}

func (t *Tracker) armRequest(x *Exchange) {
	if x.Broadcast {
		t.arm(x, waitBroadcast)
	} else {
		t.arm(x, waitUnicast)
	}
}

// overwrites reports whether broadcast registrations with RD set of the same
// claim are open: then one with RD clear is the demand that ends them.
func (t *Tracker) overwrites(k key, target netip.Addr) bool {
	for x := t.open.youngest(k); x != nil; x = x.older() {
		if x.Broadcast && x.Kind == Registration && x.Flags&nbns.FlagRD != 0 && x.Address() == target {
			return true
		}
	}
	return false
}

// isDemand tells a release demand from a release request, which have one wire
// form (RFC 1002 4.2.9). A request names an address of its sender. A demand
// names an address of its receiver, or comes from a name server.
func (t *Tracker) isDemand(m *Message, target netip.Addr) bool {
	if target == m.Src {
		return false
	}
	if target == m.Dst && target.IsValid() {
		return true
	}
	return t.know.NameServer(m.Src) && !t.know.NameServer(m.Dst)
}

// maybeChallenge tells a name server's question to a recorded owner from an
// ordinary query: a registration of the name is pending at the sender, at any of
// its addresses, or the sender is a name server and asks a holder of the name.
func (t *Tracker) maybeChallenge(x *Exchange) {
	var best *Exchange
	for p := t.pending[x.key.name]; p != nil; p = p.nextPending {
		if p.Initiator == x.Initiator || !t.know.SameMachine(p.Asked, x.Initiator) {
			continue
		}
		switch {
		case best == nil:
			best = p
		case p.WACK != best.WACK:
			if p.WACK {
				best = p
			}
		case len(p.Challenges) == 0 && len(best.Challenges) > 0:
			best = p
		case len(p.Challenges) > 0 && len(best.Challenges) > 0:
			best = p
		}
	}
	if best != nil {
		x.Kind, x.Cause = Challenge, best.ID
		best.Challenges = append(best.Challenges, x.ID)
		return
	}
	if t.know.NameServer(x.Initiator) && !t.know.NameServer(x.Asked) && t.know.Holds(x.Name, x.Scope, x.Asked) {
		x.Kind = Challenge
	}
}

func (t *Tracker) evict() {
	if x := t.next(); x != nil {
		t.Evicted++
		t.settle(x, t.clock, true)
	}
}

// find looks for the exchange that a response belongs to: asked of the
// responder, else broadcast, else any (a server may answer from another of
// its addresses).
func (t *Tracker) find(k key, from netip.Addr) *Exchange {
	var bcast, other *Exchange
	for x := t.open.youngest(k); x != nil; x = x.older() {
		switch {
		case x.Asked == from && !x.Broadcast:
			return x
		case x.Broadcast && bcast == nil:
			bcast = x
		case other == nil:
			other = x
		}
	}
	if bcast != nil {
		return bcast
	}
	return other
}

func (t *Tracker) response(m *Message) (MessageKind, *Exchange) {
	n := m.NBNS
	mk, classes := responseKind(n)
	var rec *nbns.Record
	if len(n.Records) > 0 {
		rec = &n.Records[0]
	}
	var x *Exchange
	for _, c := range classes {
		if x = t.find(makeKey(m.Name, m.Dst, n.TrnID, c), m.Src); x != nil {
			break
		}
	}
	if x == nil {
		if mk == RegistrationResponseNegative && n.Flags.RCode() == nbns.RCodeCftErr {
			return ConflictDemand, t.conflictDemand(m, rec)
		}
		t.Orphans++
		return mk, nil
	}
	x.End = max(x.End, m.Time)
	if mk == WaitAcknowledgement {
		x.WACK = true
		if x.WACKTime == 0 {
			x.WACKTime = m.Time
		}
		x.addFrame(m, wack)
		if len(x.Answers) == 0 {
			t.arm(x, waitWACK)
		}
		return mk, x
	}
	// A node status answers a query class when the name was "*".
	r := response
	for i := range x.Answers {
		if x.Answers[i].From == m.Src && x.Answers[i].Flags == n.Flags {
			r = duplicate
		} else if r == response {
			r = other
		}
	}
	x.addFrame(m, r)
	if x.pends {
		t.unpend(x)
		x.pends = false
	}
	if r != duplicate && len(x.Answers) < maxAnswers {
		// Reuse the address slice of a recycled answer.
		i := len(x.Answers)
		if cap(x.Answers) > i {
			x.Answers = x.Answers[:i+1]
		} else {
			x.Answers = append(x.Answers, Answer{})
		}
		a := &x.Answers[i]
		*a = Answer{From: m.Src, Time: m.Time, Flags: n.Flags, Ref: MakeRef(m.Input, m.Frame, m.Time), Addrs: a.Addrs[:0]}
		if rec != nil {
			a.TTL = rec.TTL
			for j, e := range rec.Addrs {
				if j == 0 {
					a.Group = e.Flags.Group()
				}
				a.Addrs = append(a.Addrs, netip.AddrFrom4(e.Addr))
			}
		}
	}
	if x.RTT < 0 {
		x.RTT = max(m.Time-x.lastRequest, 0)
	}
	t.arm(x, waitLinger)
	return mk, x
}

// responseKind says what a response is by its header, and which classes of
// requests it may answer. Registration responses carry opcode 5 whatever the
// request's opcode was, a WACK carries 7; some peers echo the request's.
func responseKind(n *nbns.Message) (MessageKind, []class) {
	ok := n.Flags.RCode() == nbns.RCodeOK
	switch n.Flags.Opcode() {
	case nbns.OpQuery:
		for i := range n.Records {
			switch n.Records[i].Type {
			case nbns.TypeNBSTAT:
				return StatusResponse, statusClasses
			case nbns.TypeNS, nbns.TypeA:
				if n.ANCount == 0 {
					return QueryResponseRedirect, queryClasses
				}
			}
		}
		if ok {
			return QueryResponsePositive, queryClasses
		}
		return QueryResponseNegative, queryClasses
	case nbns.OpRegistration, nbns.OpRefresh, nbns.OpRefreshAlt, nbns.OpMultihomedReg:
		switch {
		case !ok:
			return RegistrationResponseNegative, registrationClasses
		case n.Flags.Opcode() == nbns.OpRegistration && n.Flags&(nbns.FlagRA|nbns.FlagAA|nbns.FlagRD) == nbns.FlagAA|nbns.FlagRD:
			return EndNodeChallenge, registrationClasses
		}
		return RegistrationResponsePositive, registrationClasses
	case nbns.OpRelease:
		if ok {
			return ReleaseResponsePositive, releaseClasses
		}
		return ReleaseResponseNegative, releaseClasses
	case nbns.OpWACK:
		return WaitAcknowledgement, wackClasses
	}
	return MsgUnknown, nil
}

var (
	queryClasses        = []class{classQuery, classStatus}
	statusClasses       = []class{classStatus, classQuery}
	registrationClasses = []class{classRegistration}
	releaseClasses      = []class{classRelease}
	wackClasses         = []class{classRegistration, classRelease, classQuery}
)

// conflictDemand opens the exchange of a negative registration response with
// CFT_ERR that nobody asked for, RFC 1002 4.2.8. Nothing answers it.
func (t *Tracker) conflictDemand(m *Message, rec *nbns.Record) *Exchange {
	// It is the sender's exchange, not the receiver's.
	k := makeKey(m.Name, m.Src, m.NBNS.TrnID, classRegistration)
	name, _ := m.NBNS.Name()
	for x := t.open.youngest(k); x != nil; x = x.older() {
		if x.Kind == KindConflictDemand && x.Asked == m.Dst {
			x.Requests++
			x.End = max(x.End, m.Time)
			x.addFrame(m, retransmission)
			t.arm(x, waitLinger)
			return x
		}
	}
	if t.open.count >= t.limit {
		t.evict()
	}
	x := t.fresh()
	t.nextID++
	t.Opened++
	x.ID, x.Kind, x.Name, x.Scope = t.nextID, KindConflictDemand, name, m.NBNS.Scope()
	x.Initiator, x.Asked, x.Broadcast = m.Src, m.Dst, isBroadcast(m)
	x.TrnID, x.Flags, x.RCode = m.NBNS.TrnID, m.NBNS.Flags, nbns.RCodeCftErr
	x.Start, x.End, x.lastRequest = m.Time, m.Time, m.Time
	x.Requests, x.RTT, x.key = 1, -1, k
	if rec != nil {
		x.TTL, x.HasTTL = rec.TTL, true
		for _, a := range rec.Addrs {
			x.Requested = append(x.Requested, netip.AddrFrom4(a.Addr))
		}
	}
	x.addFrame(m, demand)
	t.open.add(x)
	t.arm(x, waitLinger)
	return x
}

func sortByID(xs []*Exchange) {
	slices.SortFunc(xs, func(a, b *Exchange) int { return cmp.Compare(a.ID, b.ID) })
}
