package wire

import (
	"encoding/binary"

	"nbtrace/captures"
)

// Answer is what Quick says about a frame.
type Answer uint8

// The answers of Quick.
const (
	// No: the frame carries nothing that a Decoder uses.
	No Answer = iota
	// Ours: a plain UDP or TCP header with one of our ports.
	Ours
	// Unusual: a tunnel, a fragment, a rare link type, or a header that is
	// cut or wrong. Only the general path can tell.
	Unusual
)

// EtherTypes that the peeling knows.
const (
	etherIPv4     = 0x0800
	etherIPv6     = 0x86DD
	etherVLAN     = 0x8100
	etherQinQ     = 0x88A8
	etherQinQOld  = 0x9100
	etherQinQOld2 = 0x9200
	etherMPLS     = 0x8847
	etherMPLSMC   = 0x8848
	etherPPPoE    = 0x8864
	etherMACsec   = 0x88E5
	etherPBB      = 0x88E7 // 802.1ah
	etherBridged  = 0x6558 // Ethernet inside GRE or Geneve
	etherERSPAN   = 0x88BE // types I and II
	etherERSPAN3  = 0x22EB
	etherPPTP     = 0x880B // PPP inside GRE
)

// IP protocol numbers that the peeling knows.
const (
	protoHopByHop = 0
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoDstOpts  = 60
	protoEtherIP  = 97
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
)

// leastLLC is the size of an 802.2 header. 802.3 lengths below it are not
// that: some devices send frames of type 0.
const leastLLC = 3

// Ports.
const (
	portNTP        = 123
	portNBNS       = 137
	portNBDGM      = 138
	portWINS       = 42
	portWINSOther  = 1512
	portL2TP       = 1701
	portGTPU       = 2152
	portVXLAN      = 4789
	portVXLANLinux = 8472
	portGeneve     = 6081
)

// Quick looks at a frame in place and says whether it needs decoding. It
// keeps nothing, allocates nothing and is safe for concurrent use. A frame for
// which it answers No is nothing to Decode, which asks it itself: callers need
// it only to leave frames behind early.
func Quick(link captures.LinkType, data []byte) Answer {
	var ether uint16
	var b []byte
	switch link {
	case captures.LinkEthernet:
		if len(data) < 14 {
			return Unusual
		}
		ether, b = binary.BigEndian.Uint16(data[12:]), data[14:]
		for range 2 {
			if !isVLAN(ether) {
				break
			}
			if len(b) < 4 {
				return Unusual
			}
			ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		}
	case captures.LinkSLL:
		if len(data) < 16 {
			return Unusual
		}
		ether, b = binary.BigEndian.Uint16(data[14:]), data[16:]
		if ether != etherIPv4 && ether != etherIPv6 {
			return Unusual
		}
	case captures.LinkSLL2:
		if len(data) < 20 {
			return Unusual
		}
		ether, b = binary.BigEndian.Uint16(data), data[20:]
		if ether != etherIPv4 && ether != etherIPv6 {
			return Unusual
		}
	case captures.LinkRaw, linkRaw12, linkRaw14, captures.LinkIPv4, captures.LinkIPv6:
		ether, b = etherOfVersion(data), data
		if ether == 0 {
			return Unusual
		}
	case captures.LinkNull, captures.LinkLoop:
		if len(data) < 5 {
			return Unusual
		}
		b = data[4:]
		ether = nullFamily(link, data)
		if ether == 0 {
			return Unusual
		}
	default:
		return Unusual
	}
	switch ether {
	case etherIPv4:
		return quickIPv4(b)
	case etherIPv6:
		return quickIPv6(b)
	}
	if ether < 0x0600 {
		if ether < leastLLC || len(b) >= leastLLC && !llcCarriesIP(b) {
			return No
		}
		return Unusual
	}
	if isOpaque(ether) {
		return No
	}
	return Unusual
}

// isVLAN reports the EtherTypes of 802.1Q, 802.1ad and their predecessors.
func isVLAN(ether uint16) bool {
	return ether == etherVLAN || ether == etherQinQ || ether == etherQinQOld || ether == etherQinQOld2
}

// isOpaque reports EtherTypes that the general path does not go into.
func isOpaque(ether uint16) bool {
	switch ether {
	case etherIPv4, etherIPv6, etherVLAN, etherQinQ, etherQinQOld, etherQinQOld2, etherMPLS, etherMPLSMC,
		etherPPPoE, etherMACsec, etherPBB, etherBridged, etherERSPAN, etherERSPAN3, etherPPTP:
		return false
	}
	return true
}

// llcCarriesIP reports an 802.2 header that may lead to IP: SNAP, or the
// SAP of IP itself. b has at least two bytes.
func llcCarriesIP(b []byte) bool {
	return b[0] == 0xAA && b[1] == 0xAA || b[0] == 0x06 && b[1] == 0x06
}

// etherOfVersion is the EtherType for the version in an IP header's first
// byte, 0 if it is neither 4 nor 6.
func etherOfVersion(b []byte) uint16 {
	if len(b) == 0 {
		return 0
	}
	switch b[0] >> 4 {
	case 4:
		return etherIPv4
	case 6:
		return etherIPv6
	}
	return 0
}

// nullFamily is the EtherType for the address family that BSD loopback
// headers begin with: in the byte order of the capturing machine for NULL,
// big endian for LOOP. 0 stands for every other family. data has at least 4 bytes.
func nullFamily(link captures.LinkType, data []byte) uint16 {
	v := binary.BigEndian.Uint32(data)
	if link == captures.LinkNull && v > 0xFFFF {
		v = binary.LittleEndian.Uint32(data)
	}
	switch v {
	case 2:
		return etherIPv4
	case 10, 23, 24, 28, 30: // AF_INET6 of Linux, Windows, OpenBSD, FreeBSD, Darwin
		return etherIPv6
	}
	return 0
}

func quickIPv4(b []byte) Answer {
	if len(b) < 20 || b[0]>>4 != 4 {
		return Unusual
	}
	hlen := int(b[0]&0xF) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if hlen < 20 || total != 0 && total < hlen {
		return Unusual
	}
	if total != 0 && total < len(b) {
		b = b[:total]
	}
	if len(b) < hlen {
		return Unusual
	}
	proto := b[9]
	if binary.BigEndian.Uint16(b[6:])&0x3FFF != 0 { // more fragments, or an offset
		if canFragment(proto) {
			return Unusual
		}
		return No
	}
	return quickTransport(proto, b, hlen)
}

func quickIPv6(b []byte) Answer {
	if len(b) < 40 || b[0]>>4 != 6 {
		return Unusual
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n != 0 && n+40 < len(b) {
		b = b[:n+40]
	}
	return quickTransport(b[6], b, 40)
}

// quickTransport judges the ports at b[hlen:], which may lie beyond b.
func quickTransport(proto uint8, b []byte, hlen int) Answer {
	switch proto {
	case protoUDP:
		if len(b) < hlen+8 {
			return Unusual
		}
		src, dst := binary.BigEndian.Uint16(b[hlen:]), binary.BigEndian.Uint16(b[hlen+2:])
		if udpProtocol(src, dst) != 0 {
			return Ours
		}
		if isTunnelPort(src) || isTunnelPort(dst) {
			return Unusual
		}
		return No
	case protoTCP:
		if len(b) < hlen+20 {
			return Unusual
		}
		if tcpProtocol(binary.BigEndian.Uint16(b[hlen:]), binary.BigEndian.Uint16(b[hlen+2:])) != 0 {
			return Ours
		}
		return No
	case protoHopByHop, protoIPv4, protoIPv6, protoRouting, protoFragment, protoGRE, protoESP, protoAH,
		protoDstOpts, protoEtherIP, protoMobility, protoMPLS, protoHIP, protoShim6:
		return Unusual
	}
	return No
}

// udpProtocol is what a UDP datagram between the ports carries, 0 if nothing
// of ours. Either end counts: a DNS server asks WINS from port 53, and some
// servers answer to port 137 whatever the request's port was. NTP is left
// out: address translation puts clients of it on our ports.
func udpProtocol(src, dst uint16) Protocol {
	switch {
	case src == portNTP || dst == portNTP:
		return 0
	case src == portNBNS || dst == portNBNS:
		return NBNS
	case src == portNBDGM || dst == portNBDGM:
		return NBDGM
	}
	return 0
}

// tcpProtocol is udpProtocol for TCP. WINS replication's second registered
// port, 1512, is also an ephemeral port of old Windows: it does not count
// against a well-known port.
func tcpProtocol(src, dst uint16) Protocol {
	switch {
	case src == portNBNS || dst == portNBNS:
		return NBNS
	case src == portWINS || dst == portWINS:
		return WINSRepl
	case src == portWINSOther && dst >= 1024, dst == portWINSOther && src >= 1024:
		return WINSRepl
	}
	return 0
}

func isTunnelPort(p uint16) bool {
	switch p {
	case portL2TP, portGTPU, portVXLAN, portVXLANLinux, portGeneve:
		return true
	}
	return false
}

// canFragment reports the IPv4 protocols whose fragments are put together.
func canFragment(proto uint8) bool {
	switch proto {
	case protoUDP, protoTCP, protoIPv4, protoIPv6, protoGRE:
		return true
	}
	return false
}
