// Package winsrepl decodes and encodes messages of WINS replication over
// TCP 42 (MS-WINSRA section 2.2) and follows the replication dialogue far
// enough to say whose records a response carries (Tracker).
//
// A message starts with the reserved word that follows the 4-byte length
// prefix; whoever reassembles the stream strips the prefix.
package winsrepl

import (
	"strconv"

	"nbtrace/analyze/nbns"
)

// MessageType is the common header's message type, MS-WINSRA 2.2.2.
type MessageType uint32

// Message types.
const (
	StartRequest  MessageType = 0 // MS-WINSRA 2.2.3
	StartResponse MessageType = 1 // MS-WINSRA 2.2.4
	Stop          MessageType = 2 // MS-WINSRA 2.2.5
	Replication   MessageType = 3 // MS-WINSRA 2.2.6
)

// Command is RplOpCode of a replication message, MS-WINSRA 2.2.6.
type Command uint8

// Commands. 5 and 9 ask the receiver to propagate the notification; 8 and 9
// use a persistent association, which NT 4.0 does not know.
const (
	OwnerMapRequest           Command = 0
	OwnerMapResponse          Command = 1
	NameRecordsRequest        Command = 2
	NameRecordsResponse       Command = 3
	Update                    Command = 4
	UpdatePropagate           Command = 5
	PersistentUpdate          Command = 8
	PersistentUpdatePropagate Command = 9
)

// UpdateNotification reports whether c is one of the four update
// notifications (push), MS-WINSRA 2.2.11.
func (c Command) UpdateNotification() bool {
	switch c {
	case Update, UpdatePropagate, PersistentUpdate, PersistentUpdatePropagate:
		return true
	}
	return false
}

// Minor versions of the association messages; the major version is 2. A
// partner drops an association of another major version.
const (
	MajorVersion = 2
	MinorNT4     = 1 // Windows NT 4.0
	MinorW2K     = 5 // Windows 2000 and later, Samba
)

// Reasons of a stop message.
const (
	StopNormal uint32 = 0
	StopError  uint32 = 4
)

// Owner is an owner record, MS-WINSRA 2.2.1.2: a WINS server and the range of
// version numbers that the sender holds, or asks for, of its records.
type Owner struct {
	Address    [4]byte
	MaxVersion uint64
	MinVersion uint64
	Reserved   uint32 // 1 in practice
}

// RecordType is the type of a name record.
type RecordType uint8

// Record types.
const (
	Unique RecordType = iota
	Group
	SpecialGroup
	Multihomed
)

var recordTypes = [...]string{"unique", "group", "special-group", "multihomed"}

// String is the word that nbtrace's tables use.
func (t RecordType) String() string { return recordTypes[t&3] }

// State is the state of a name record.
type State uint8

// States. A server never replicates released records; MS-WINSRA reserves 3.
const (
	Active State = iota
	Released
	Tombstone
	Deleted
)

var states = [...]string{"active", "released", "tombstone", "deleted"}

// String is the word that nbtrace's tables use.
func (s State) String() string { return states[s&3] }

// Flags is the flags word of a name record, MS-WINSRA 2.2.10.1, of which only
// the last byte is used.
type Flags uint32

// Bits of Flags beside type, state and node type.
const (
	// FlagLocal has a disputed meaning: MS-WINSRA says that it marks the
	// sender's replicas, Samba that it marks the sender's own records, and
	// Windows 2000 was seen to set it on its own. Nothing can rest on it.
	FlagLocal  Flags = 0x10
	FlagStatic Flags = 0x80
)

// MakeFlags builds the flags byte of a record.
func MakeFlags(t RecordType, s State, n nbns.NodeType, static bool) Flags {
	f := Flags(t&3) | Flags(s&3)<<2 | Flags(n&3)<<5
	if static {
		f |= FlagStatic
	}
	return f
}

// Type is the record's type.
func (f Flags) Type() RecordType { return RecordType(f & 3) }

// Listed reports whether the record has a list of addresses with their owners,
// as special groups and multihomed names do, and not one address.
func (f Flags) Listed() bool { return f&2 != 0 }

// State is the record's state.
func (f Flags) State() State { return State(f >> 2 & 3) }

// NodeType is the holder's node type; WINS does not keep it reliably.
func (f Flags) NodeType() nbns.NodeType { return nbns.NodeType(f >> 5 & 3) }

// Static reports whether an administrator typed the record in.
func (f Flags) Static() bool { return f&FlagStatic != 0 }

// Member is an address of a record. Owner is the WINS server that registered
// it; records of one address (unique, group) do not say and have it zero.
type Member struct {
	Owner [4]byte
	Addr  [4]byte
}

// Record is a name record, MS-WINSRA 2.2.10.1.
type Record struct {
	Name    nbns.Name // the 16 bytes, with the swap of <1B> names undone
	Scope   string    // dotted; bytes as they came; "" if none
	Flags   Flags
	Group   uint32 // 1 for group and special group, else 0; little endian on the wire
	Version uint64
	// Members holds one entry for unique and group records (of a group it
	// means nothing: the last registrant's, or 255.255.255.255), any number for
	// special groups and multihomed records; their tombstones may have none.
	Members []Member
}

// Fault is the first thing wrong with a message. What was decoded before it,
// and after it where the decoder could go on, stands in the message.
type Fault struct {
	Offset int    // of the byte at fault, from the reserved word after the length prefix
	Field  string // MS-WINSRA's name of the field
	Reason string
}

// Error describes the fault in one line.
func (f *Fault) Error() string {
	return f.Field + " at byte " + strconv.Itoa(f.Offset) + ": " + f.Reason
}

// Message is a decoded replication message. Decode reuses its slices.
type Message struct {
	Reserved uint32 // Samba sets 0x7800; the upper half is uninitialised memory in Windows
	Assoc    uint32 // DestAssocHandle: the receiver's handle
	Type     MessageType

	Sender       uint32 // of the start messages: the sender's handle
	Major, Minor uint16 // of the start messages
	Reason       uint32 // of Stop

	Command Command // of Replication, like what follows
	// Count is the number of owners or records that the message announces.
	Count uint32
	// Owners are the owner records of an owner map response or an update
	// notification, and the one of a name records request.
	Owners []Owner
	// Initiator is the last word of an owner map response (reserved there)
	// and of an update notification (the server whose change started it).
	Initiator [4]byte
	Records   []Record // of a name records response

	// Trailing counts the bytes after the last field. Windows 2000 fills an
	// empty name records response up with 48 bytes of stale memory.
	Trailing int
	Fault    *Fault // nil if nothing is wrong
}
