// Package nbdgm decodes datagrams of the NetBIOS Datagram Service on UDP 138
// (RFC 1002 section 4.4), and the browser announcements (MS-BRWS 2.2) that
// most of them carry: both name hosts and tell what they are, without any
// traffic of the name service.
package nbdgm

import (
	"strconv"

	"nbtrace/analyze/nbns"
)

// MessageType is MSG_TYPE, RFC 1002 4.4.1.
type MessageType uint8

// Message types.
const (
	DirectUnique          MessageType = 0x10
	DirectGroup           MessageType = 0x11
	Broadcast             MessageType = 0x12
	Error                 MessageType = 0x13
	QueryRequest          MessageType = 0x14
	QueryPositiveResponse MessageType = 0x15
	QueryNegativeResponse MessageType = 0x16
)

// Flags is FLAGS, RFC 1002 4.4.1.
type Flags uint8

// Bits of Flags.
const (
	FlagMore  Flags = 0x01 // M: more fragments follow
	FlagFirst Flags = 0x02 // F: first fragment
)

// SourceNodeType is SNT: the sender's node type. RFC 1002 gives 3 to datagram
// distribution servers; Windows and Samba hosts send it as H nodes.
func (f Flags) SourceNodeType() nbns.NodeType { return nbns.NodeType(f >> 2 & 3) }

// Fault is the first thing wrong with a datagram.
type Fault struct {
	Offset int    // of the byte at fault, from MSG_TYPE
	Field  string // RFC 1002's name of the field
	Reason string
}

// Error describes the fault in one line.
func (f *Fault) Error() string {
	return f.Field + " at byte " + strconv.Itoa(f.Offset) + ": " + f.Reason
}

// Datagram is a decoded NetBIOS datagram. Which fields have a meaning depends
// on Type; what could not be decoded is zero.
type Datagram struct {
	Type       MessageType
	Flags      Flags
	ID         uint16 // DGM_ID
	SourceIP   [4]byte
	SourcePort uint16

	// Of direct and broadcast datagrams.
	Length       uint16 // DGM_LENGTH: bytes from SOURCE_NAME on
	PacketOffset uint16 // of this fragment's user data in the whole
	HasSource    bool
	Source       nbns.Name
	SourceScope  string // dotted; bytes as they came; "" if none
	Data         []byte // USER_DATA; aliases the decoded bytes

	// Of these and of queries and their responses.
	HasDestination   bool
	Destination      nbns.Name
	DestinationScope string

	ErrorCode uint8 // of Error, RFC 1002 4.4.3: 0x82 to 0x84

	Trailing int    // bytes after the last field
	Fault    *Fault // nil if nothing is wrong
}
