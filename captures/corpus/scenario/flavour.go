package scenario

import (
	"time"

	"nbtrace/analyze/nbns"
)

// flavour is how an implementation writes its messages.
type flavour struct {
	name string
	hops uint8 // initial IP TTL

	// As a client.
	alwaysMultihomed bool   // opcode 15 for every unique name sent to a server, also with one NIC
	rd               bool   // RD in registrations
	registerTTL      uint32 // of unicast registrations
	broadcastTTL     uint32
	releaseTTL       bool // a release carries the registration's TTL, not 0
	refreshTTL       uint32
	node             nbns.NodeType
	refreshACT       bool // NB_FLAGS of a refresh has the ACT bit
	full             bool // names in full, no compression pointer
	bcastRepeats     int  // registrations by broadcast
	bcastEvery       int  // ms
	overwriteRD      bool // RD in the last one, the overwrite demand
	unicastEvery     int  // ms between retransmissions

	// Answering for its own names.
	answerFlags nbns.Flags
	answerTTL   uint32

	// As a server.
	grantedTTL    uint32 // 0: echo of the request's
	refusedTTL    bool   // a refusal echoes the request's TTL, else it is 0
	refusal       nbns.RCode
	wackTTL       uint32
	wackType      nbns.Type
	challengeRD   bool
	challengeWait []int // ms from the first try to each further one
	lookupTTL     uint32
	lookupFlags   nbns.Flags
	notFound      nbns.Flags
	releaseEcho   bool // the reply to a release echoes its TTL

	nextTrn func(h *host) uint16
}

// interval is the time between two retransmissions.
func (f *flavour) interval(broadcast bool) time.Duration {
	if broadcast {
		return time.Duration(f.bcastEvery) * time.Millisecond
	}
	return time.Duration(f.unicastEvery) * time.Millisecond
}

// flavours follow what the lab saw of Samba 4.17 and what the documents say
// of Windows.
var flavours = map[string]*flavour{
	"windows": {
		name: "windows", hops: 128, rd: true, registerTTL: 300000, broadcastTTL: 300000, refreshTTL: 300000, node: nbns.HNode,
		bcastRepeats: 3, bcastEvery: 750, unicastEvery: 1500,
		answerFlags: 0x8500, answerTTL: 300000,
		grantedTTL: 518400, refusal: nbns.RCodeActErr, wackTTL: 5, wackType: nbns.TypeNB,
		challengeWait: []int{500, 1000}, lookupTTL: 518400, lookupFlags: 0x8580, notFound: 0x8583,
		nextTrn: func(h *host) uint16 { h.trn += 2; return 0x8000 | h.trn },
	},
	"nmbd": {
		name: "nmbd", hops: 64, alwaysMultihomed: true, rd: true, registerTTL: 259200, releaseTTL: true, refreshTTL: 259200, node: nbns.HNode,
		bcastRepeats: 4, bcastEvery: 1000, unicastEvery: 5000,
		answerFlags: 0x8580, answerTTL: 259200,
		grantedTTL: 259200, refusal: nbns.RCodeRfsErr, wackTTL: 60, wackType: nbns.TypeNULL,
		challengeWait: []int{6000, 11000, 16000}, lookupTTL: 259200, lookupFlags: 0x8580, notFound: 0x8583,
		nextTrn: func(h *host) uint16 { h.trn++; return h.trn & 0x7FFF },
	},
	"samba4": {
		name: "samba4", hops: 64, alwaysMultihomed: true, registerTTL: 300000, broadcastTTL: 300000, refreshTTL: 300000, node: nbns.MNode,
		refreshACT: true, full: true, bcastRepeats: 3, bcastEvery: 1000, overwriteRD: true, unicastEvery: 3000,
		answerFlags: 0x8580, answerTTL: 259200,
		refusedTTL: true, refusal: nbns.RCodeActErr, wackTTL: 9, wackType: nbns.TypeNB, challengeRD: true,
		challengeWait: []int{1000, 2000}, lookupFlags: 0x8580, notFound: 0x8403, releaseEcho: true,
		nextTrn: func(h *host) uint16 {
			h.trn = h.trn*0x5DEB + 0x1D3 // random-looking, the same each time
			return h.trn
		},
	},
}
