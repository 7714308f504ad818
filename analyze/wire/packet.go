// Package wire turns frames into the payloads that nbtrace understands: it
// peels link layers, VLAN tags, tunnels and IP, reassembles IPv4 fragments and
// TCP streams, and hands over NBNS (UDP and TCP 137), NetBIOS datagrams
// (UDP 138) and WINS replication (TCP 42) messages with their addresses.
//
// Quick decides about a frame in place; what it cannot decide takes the
// general path. Both are arithmetic over the captured bytes: measured on
// tunnelled traffic that is 9 to 20 times faster than gopacket's layers, it
// does not allocate, and it has none of their traps (an 8-bit link type, the
// outermost UDP header given for the innermost, port 137 taken for DNS).
// gopacket's ip4defrag and reassembly are not used either: by default nothing
// bounds the flows they hold, they discard old ones in map order, and their
// plain calls take the time from the wall clock, while a Decoder knows no time
// but that of its frames.
//
// A Decoder is deterministic: the same frames in the same order give the same
// packets. Fragments and segments are matched by addresses alone, not by
// input, interface or VLAN, so that several taps and the files of a ring
// buffer complete each other and a copy does no harm.
package wire

import (
	"net/netip"

	"nbtrace/captures"
)

// Protocol says what the payload of a Packet is.
type Protocol uint8

// The protocols that a Packet can carry.
const (
	NBNS     Protocol = iota + 1 // one NBNS message, RFC 1002 4.2, without the TCP length prefix
	NBDGM                        // one NetBIOS datagram, RFC 1002 4.4
	WINSRepl                     // one WINS replication message, MS-WINSRA 2.2, without the length prefix
	// WINSGap stands for bytes of a TCP 42 stream that were never captured:
	// it has no payload, and Gap is the number of bytes (0 if unknown).
	WINSGap
)

// Packet is one message with the addresses of the innermost IP and UDP or TCP
// header that carried it. Its slices are valid until the next call of Decode.
type Packet struct {
	Protocol Protocol
	TCP      bool // carried by TCP, not UDP
	Input    int
	Frame    int64 // the frame that completed the message
	Time     int64 // of that frame, nanoseconds since 1970 UTC
	Src, Dst netip.AddrPort

	// SrcMAC and DstMAC are of the outermost link header that has them.
	// HasSrcMAC without HasDstMAC: Linux cooked captures.
	SrcMAC, DstMAC       [6]byte
	HasSrcMAC, HasDstMAC bool
	VLAN                 []uint16 // outermost first
	// Tunnelled: the message came within another IP or link layer, so that the
	// MAC addresses are the tunnel's and not the machines'.
	Tunnelled bool

	Interface int    // of the capture
	TTL       uint8  // of the innermost IP header
	IPID      uint16 // identification of the innermost IP header
	LinkBcast bool   // sent to a link-layer broadcast or multicast address, by the innermost link header

	Payload []byte
	Snapped bool   // the snap length cut the payload
	Gap     int    // of WINSGap
	Stream  uint64 // of TCP: one number a direction of a connection, from 1; 0 for UDP
}

// Stats counts what a Decoder met and could not, or did not need to, use.
type Stats struct {
	Frames       int64
	Packets      int64                       // packets handed over
	Empty        int64                       // datagrams to or from our ports without a payload
	Fragments    int64                       // IPv4 fragments of datagrams that may concern us
	FragmentsBad int64                       // fragments dropped: overlap, limits, never completed
	Encrypted    int64                       // frames that cannot be looked into: 802.11 protection, ESP, MACsec
	Unknown      map[captures.LinkType]int64 // frames of link types that cannot be looked into
	Cut          int64                       // frames whose headers were cut by the snap length
	BadHeader    int64                       // headers that contradict themselves (lengths, versions)
	StreamsLost  int64                       // TCP streams dropped by the limits, with bytes in them
	Gaps         int64                       // holes in TCP streams
}
