// Package exchange reconstructs what NBNS messages do: it pairs requests with
// answers, folds retransmissions, links a WACK and the challenge it causes to
// the registration, and tells acts apart that share one wire form (RFC 1002
// 4.2.3, 4.2.8, 4.2.9).
package exchange

import (
	"net/netip"

	"nbtrace/analyze/nbns"
)

// MessageKind is what one message does, the kind column of the messages table.
type MessageKind uint8

// The kinds of messages.
const (
	MsgUnknown MessageKind = iota
	QueryRequest
	QueryResponsePositive
	QueryResponseNegative
	QueryResponseRedirect
	StatusRequest
	StatusResponse
	RegistrationRequest
	MultihomedRegistrationRequest
	OverwriteDemand
	RefreshRequest
	RegistrationResponsePositive
	RegistrationResponseNegative
	EndNodeChallenge
	ConflictDemand
	ReleaseRequest
	ReleaseDemand
	ReleaseResponsePositive
	ReleaseResponseNegative
	WaitAcknowledgement
)

var messageKinds = [...]string{
	"unknown", "query-request", "query-response-positive", "query-response-negative", "query-response-redirect",
	"status-request", "status-response", "registration-request", "multihomed-registration-request",
	"overwrite-demand", "refresh-request", "registration-response-positive", "registration-response-negative",
	"end-node-challenge", "conflict-demand", "release-request", "release-demand", "release-response-positive",
	"release-response-negative", "wait-acknowledgement",
}

func (k MessageKind) String() string { return messageKinds[k] }

// FrameRef names a frame of an input and its role in what cites it. A frame
// that another tap saw too is cited once for each. The fields after Role let a
// diagram show the frame; they are zero where nobody knows them any more.
type FrameRef struct {
	Input    int
	Frame    int64
	Role     string
	Time     int64      // ns
	Src, Dst netip.Addr // Dst is zero where the receiver was not kept
	What     string     // what the frame says, in a few words
}

// Ref is the short form of a FrameRef that histories keep. The zero value is
// no frame.
type Ref struct {
	time  int64
	where uint64 // frame number, and above it the input
}

// inputShift leaves 44 bits for frame numbers and 20 for inputs.
const inputShift = 44

// MakeRef is the short form of a reference to a frame of an input, seen at
// time (ns).
func MakeRef(input int, frame, time int64) Ref {
	return Ref{time, uint64(input)<<inputShift | uint64(frame)&(1<<inputShift-1)}
}

// Frame is the frame number, 0 if there is no frame.
func (r Ref) Frame() int64 { return int64(r.where & (1<<inputShift - 1)) }

// Input is the number of the frame's input.
func (r Ref) Input() int { return int(r.where >> inputShift) }

// Time is when the frame was seen, ns.
func (r Ref) Time() int64 { return r.time }

// As makes a frame reference of a short one, none if there is no frame.
func (r Ref) As(role string, src, dst netip.Addr, what string) []FrameRef {
	if r.Frame() == 0 {
		return nil
	}
	return []FrameRef{{r.Input(), r.Frame(), role, r.time, src, dst, what}}
}

// Short is the short form of f.
func (f FrameRef) Short() Ref { return MakeRef(f.Input, f.Frame, f.Time) }

// Kind is what an exchange is about, the kind column of the exchanges table.
type Kind uint8

// The kinds of exchanges.
const (
	Query Kind = iota
	NodeStatus
	Registration
	MultihomedRegistration
	Refresh
	Release
	KindReleaseDemand
	KindConflictDemand
	Challenge
	KindCount = iota // the number of kinds
)

var kinds = [...]string{"query", "node-status", "registration", "multihomed-registration", "refresh", "release",
	"release-demand", "conflict-demand", "challenge"}

func (k Kind) String() string { return kinds[k] }

// Outcome is how an exchange ended.
type Outcome uint8

// Outcomes. Defended: a broadcast registration was refused by the name's
// holder. Unfinished: the capture ended while the exchange was open.
const (
	Unfinished Outcome = iota
	Accepted
	Refused
	Unanswered
	Answered
	Defended
)

var outcomes = [...]string{"unfinished", "accepted", "refused", "unanswered", "answered", "defended"}

func (o Outcome) String() string { return outcomes[o] }

// Answer is one response within an exchange.
type Answer struct {
	From  netip.Addr
	Time  int64 // ns
	Flags nbns.Flags
	Group bool
	TTL   uint32
	Addrs []netip.Addr
	Ref   Ref
}

// Positive reports whether the answer grants or resolves the name.
func (a *Answer) Positive() bool { return a.Flags.RCode() == nbns.RCodeOK }

// Frames shows the answer, given to whom.
func (a *Answer) Frames(role string, to netip.Addr) []FrameRef {
	what := "positive answer"
	if rc := a.Flags.RCode(); rc != nbns.RCodeOK {
		what = words[wordNegative+word(rc)]
	}
	return a.Ref.As(role, a.From, to, what)
}

// Exchange is a request, its retransmissions and what answered it. The fields
// stand in the order in which they are used, so that few lines of the
// processor's cache hold what a message needs.
type Exchange struct {
	ID uint64 // from 1, in order of first request

	key      key
	next     *Exchange // in its bucket of open exchanges
	deadline int64     // when it settles by itself; 0: it is not open
	turn     int       // its place among those that wait for the same time

	// History is what the owner of the tracker attaches to the exchange's name,
	// Host to its initiator.
	History     any
	Host        int32
	Start, End  int64 // ns, of the first request and of the last message
	lastRequest int64
	frames      []frame

	Kind       Kind
	Outcome    Outcome
	RCode      nbns.RCode
	Group      bool // G of the request, or of the first positive answer to a query
	Broadcast  bool
	WACK       bool
	HasTTL     bool
	pends      bool
	wait       wait
	TrnID      uint16
	Flags      nbns.Flags   // of the first request
	NBFlags    nbns.NBFlags // of the request's address entry
	RequestTTL uint32
	TTL        uint32   // of the answer; of the request if there was none
	Requests   int      // with retransmissions
	Settled    int64    // ns, when the outcome was certain
	Answers    []Answer // all of them, the one that counts first; a few at most

	Name      nbns.Name
	Initiator netip.Addr // who asked
	Asked     netip.Addr // whom; where the request was sent if Broadcast
	Responder netip.Addr // who gave the answer that counts; zero if nobody did
	Requested []netip.Addr
	RTT       int64 // ns from the last request before the answer; -1 if unanswered
	Scope     string
	Granted   []netip.Addr // of the answer that counts, if it grants or resolves the name

	WACKTime   int64
	Challenges []uint64     // ids of the challenge exchanges it caused
	Cause      uint64       // of a challenge: the id of the registration that caused it, 0 if none was pending
	others     []netip.Addr // parties beside Initiator and Asked

	nextPending *Exchange // registration of the name, began later
	lastPending *Exchange // of the first pending one of a name
}

// NameID is the number that Message.Name gave for the name.
func (x *Exchange) NameID() uint64 { return x.key.name }

// Unicast reports whether the request was sent to one machine.
func (x *Exchange) Unicast() bool { return !x.Broadcast }

// Address is the address that a registration, refresh, release or release
// demand is about; zero if the request named none.
func (x *Exchange) Address() netip.Addr {
	if len(x.Requested) == 0 {
		return netip.Addr{}
	}
	return x.Requested[0]
}

// Registers reports whether the exchange claims a name: a registration of
// either opcode or a refresh.
func (x *Exchange) Registers() bool {
	return x.Kind == Registration || x.Kind == MultihomedRegistration || x.Kind == Refresh
}
