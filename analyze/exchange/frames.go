package exchange

import (
	"net/netip"
	"slices"

	"nbtrace/analyze/nbns"
)

// Roles of frames in an exchange.
const (
	RoleRequest        = "request"
	RoleRetransmission = "retransmission"
	RoleWACK           = "wack"
	RoleResponse       = "response"
	RoleDuplicate      = "duplicate-response"
	RoleOther          = "other-response"
	RoleDemand         = "demand"
)

// role is one of the roles, in a byte.
type role uint8

const (
	request role = iota
	retransmission
	wack
	response
	duplicate
	other
	demand
)

var roleNames = [...]string{request: RoleRequest, retransmission: RoleRetransmission, wack: RoleWACK, response: RoleResponse,
	duplicate: RoleDuplicate, other: RoleOther, demand: RoleDemand}

// word is what a frame says: a place in words. The first ones are those of
// requests, by kind, the last ones those of negative responses, by result.
type word uint8

const (
	wordWait word = KindCount + iota
	wordPositive
	wordStatus
	wordAccepted
	wordNegative
)

var words = func() (w [wordNegative + 16]string) {
	copy(w[:], []string{Query: "query", NodeStatus: "node status request", Registration: "register",
		MultihomedRegistration: "register (multihomed)", Refresh: "refresh", Release: "release", KindReleaseDemand: "release demand",
		KindConflictDemand: "conflict demand", Challenge: "challenge"})
	w[wordWait], w[wordPositive], w[wordStatus], w[wordAccepted] = "wait", "positive answer", "node status", "accepted"
	for i := range word(16) {
		w[wordNegative+i] = "negative, " + nbns.RCode(i).String()
	}
	return w
}()

// frame is a FrameRef as an exchange keeps it.
type frame struct {
	ref      Ref
	role     role
	what     word
	src, dst uint8 // initiator, asked, or a place among the exchange's other addresses
}

const (
	initiator uint8 = iota
	asked
	others
)

// FrameCount is how many frames are kept of the exchange.
func (x *Exchange) FrameCount() int { return len(x.frames) }

// FirstRef is its first frame, which there is unless FrameCount is 0.
func (x *Exchange) FirstRef() Ref { return x.frames[0].ref }

// Frames lists the frames with their roles, in order of arrival. Of many the
// first ones are kept.
func (x *Exchange) Frames() []FrameRef {
	out := make([]FrameRef, len(x.frames))
	for i := range x.frames {
		out[i] = x.frame(i)
	}
	return out
}

// FramesWithRole lists the frames that play one of the roles.
func (x *Exchange) FramesWithRole(roles ...string) []FrameRef {
	var out []FrameRef
	for i := range x.frames {
		if slices.Contains(roles, roleNames[x.frames[i].role]) {
			out = append(out, x.frame(i))
		}
	}
	return out
}

func (x *Exchange) frame(i int) FrameRef {
	f := &x.frames[i]
	return FrameRef{f.ref.Input(), f.ref.Frame(), roleNames[f.role], f.ref.Time(), x.party(f.src), x.party(f.dst), words[f.what]}
}

func (x *Exchange) party(p uint8) netip.Addr {
	switch p {
	case initiator:
		return x.Initiator
	case asked:
		return x.Asked
	}
	return x.others[p-others]
}

// place is the reverse of party.
func (x *Exchange) place(a netip.Addr) uint8 {
	switch a {
	case x.Initiator:
		return initiator
	case x.Asked:
		return asked
	}
	i := slices.Index(x.others, a)
	if i < 0 {
		i = len(x.others)
		x.others = append(x.others, a) // two at most for each of maxFrames
	}
	return others + uint8(i)
}

func (x *Exchange) addFrame(m *Message, r role) {
	if len(x.frames) < maxFrames {
		x.frames = append(x.frames, frame{MakeRef(m.Input, m.Frame, m.Time), r, x.what(m, r), x.place(m.Src), x.place(m.Dst)})
	}
}

// what says in a few words what a message of the exchange is.
func (x *Exchange) what(m *Message, r role) word {
	switch r {
	case wack:
		return wordWait
	case request, retransmission, demand:
		return word(x.Kind)
	}
	switch rc := m.NBNS.Flags.RCode(); {
	case rc != nbns.RCodeOK:
		return wordNegative + word(rc)
	case x.Kind == Query || x.Kind == Challenge:
		return wordPositive
	case x.Kind == NodeStatus:
		return wordStatus
	}
	return wordAccepted
}
