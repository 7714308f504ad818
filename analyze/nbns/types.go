// Package nbns decodes and encodes messages of the NetBIOS Name Service
// (RFC 1002 section 4.2, MS-NBTE section 2.2). It yields the form of a
// message, what its bytes say; what the message does (a release request or a
// release demand, say) depends on who sent it and when, and is settled by
// analyze/exchange. It uses the standard library only and does not allocate
// when it decodes into a reused Message that has seen as many records before
// (new scopes and faults excepted).
package nbns

// Opcode is the 4-bit operation of a message, RFC 1002 4.2.1.1.
type Opcode uint8

// Opcodes, RFC 1002 4.2.1.1 and MS-NBTE 2.2.2.
const (
	OpQuery         Opcode = 0
	OpRegistration  Opcode = 5
	OpRelease       Opcode = 6
	OpWACK          Opcode = 7
	OpRefresh       Opcode = 8
	OpRefreshAlt    Opcode = 9  // RFC 1002 4.2.4 prints 9 where 4.2.1.1 prints 8; both are seen
	OpMultihomedReg Opcode = 15 // MS-NBTE 2.2.2
)

// RCode is the 4-bit result of a response, RFC 1002 4.2.6 and 4.2.14.
type RCode uint8

// Result codes.
const (
	RCodeOK     RCode = 0
	RCodeFmtErr RCode = 1
	RCodeSrvErr RCode = 2
	RCodeNamErr RCode = 3
	RCodeImpErr RCode = 4
	RCodeRfsErr RCode = 5
	RCodeActErr RCode = 6
	RCodeCftErr RCode = 7
)

// Flags is the 16-bit word after NAME_TRN_ID: R, OPCODE, NM_FLAGS, RCODE.
type Flags uint16

// Bits of Flags.
const (
	FlagResponse  Flags = 0x8000
	FlagAA        Flags = 0x0400
	FlagTC        Flags = 0x0200
	FlagRD        Flags = 0x0100
	FlagRA        Flags = 0x0080
	FlagBroadcast Flags = 0x0010
)

// Response reports R.
func (f Flags) Response() bool { return f&FlagResponse != 0 }

// Opcode is OPCODE.
func (f Flags) Opcode() Opcode { return Opcode(f >> 11 & 0xF) }

// RCode is RCODE; it has a meaning in responses only.
func (f Flags) RCode() RCode { return RCode(f & 0xF) }

// Broadcast reports B.
func (f Flags) Broadcast() bool { return f&FlagBroadcast != 0 }

// Type is a question or record type, RFC 1002 4.2.1.2.
type Type uint16

// Record types.
const (
	TypeA      Type = 0x0001
	TypeNS     Type = 0x0002
	TypeNULL   Type = 0x000A
	TypeNB     Type = 0x0020
	TypeNBSTAT Type = 0x0021
)

// ClassIN is the only class of RFC 1002.
const ClassIN = 1

// Section says where in a message a record stood.
type Section uint8

// Sections of a message.
const (
	Answer Section = iota
	Authority
	Additional
)

// Name is a NetBIOS name: 15 bytes of name, padded with blanks (the wildcard
// * with NULs), and the suffix. The bytes are arbitrary and compare exactly.
type Name [16]byte

// NodeType is the owner node type, ONT of NB_FLAGS: 0 B, 1 P, 2 M, 3 H (3 is
// reserved in RFC 1002 4.2.1.3 and means H in practice).
type NodeType uint8

// Node types.
const (
	BNode NodeType = iota
	PNode
	MNode
	HNode
)

// NBFlags is the flags word of an address entry, RFC 1002 4.2.1.3.
type NBFlags uint16

// Group reports G: the name is a group name.
func (f NBFlags) Group() bool { return f&0x8000 != 0 }

// NodeType is ONT.
func (f NBFlags) NodeType() NodeType { return NodeType(f >> 13 & 3) }

// MakeNBFlags composes an address entry's flags word.
func MakeNBFlags(group bool, t NodeType) NBFlags {
	f := NBFlags(t&3) << 13
	if group {
		f |= 0x8000
	}
	return f
}

// AddrEntry is one NB_FLAGS and NB_ADDRESS pair of an NB record.
type AddrEntry struct {
	Flags NBFlags
	Addr  [4]byte
}

// Question is an entry of the question section.
type Question struct {
	Name  Name
	Scope string // dotted, without a leading dot; bytes as they came; "" if none
	Type  Type
	Class uint16
}

// Record is an entry of the answer, authority or additional section.
type Record struct {
	Section Section
	Name    Name // zero if an A or NS record has a host name that is no encoded NetBIOS name
	Scope   string
	Type    Type
	Class   uint16
	TTL     uint32      // seconds
	Data    []byte      // RDATA; aliases the decoded bytes
	Addrs   []AddrEntry // of an NB record (and of a WACK none): every whole entry of RDATA
	Cut     bool        // the message ended before TTL did: TTL is not known, Type and Class may not be
}

// StatusFlags is NAME_FLAGS of a node status entry, RFC 1002 4.2.18.
type StatusFlags uint16

// Bits of StatusFlags beside G and ONT, which are where NBFlags has them.
const (
	StatusDeregistering StatusFlags = 0x1000
	StatusConflict      StatusFlags = 0x0800
	StatusActive        StatusFlags = 0x0400
	StatusPermanent     StatusFlags = 0x0200
)

// Group reports G: the name is a group name.
func (f StatusFlags) Group() bool { return f&0x8000 != 0 }

// NodeType is ONT.
func (f StatusFlags) NodeType() NodeType { return NodeType(f >> 13 & 3) }

// StatusEntry is one NODE_NAME entry of a node status response.
type StatusEntry struct {
	Name  Name
	Flags StatusFlags
}

// Fault is the first thing wrong with a message. What was decoded before it
// stands in the message.
type Fault struct {
	Offset int    // of the byte at fault, from the start of the message
	Field  string // RFC 1002's name of the field
	Reason string
	// Truncated: the message ends before the field does. A snap length does
	// that to a sound message.
	Truncated bool
}

// Message is a decoded NBNS message. Decode reuses its slices.
type Message struct {
	TrnID uint16
	Flags Flags
	// The counts of the header, as they stood there.
	QDCount, ANCount, NSCount, ARCount uint16

	Questions []Question
	Records   []Record
	Status    []StatusEntry // NODE_NAME entries of the first NBSTAT record
	UnitID    [6]byte       // UNIT_ID of the node status statistics: the adapter's MAC address in Windows
	HasUnitID bool
	Trailing  int    // bytes after the last record
	Fault     *Fault // nil if nothing is wrong
}
