package capgen

import (
	"encoding/binary"
	"net/netip"
)

// MAC is an Ethernet address.
type MAC [6]byte

// Broadcast is the Ethernet broadcast address.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Station is one end of a datagram.
type Station struct {
	MAC  MAC
	Addr netip.AddrPort // IPv4 or IPv6
}

// EtherTypes of the frames built here.
const (
	TypeIPv4 = 0x0800
	TypeARP  = 0x0806
	TypeVLAN = 0x8100
	TypeIPv6 = 0x86DD
	TypeQinQ = 0x88A8
)

// IP protocol numbers.
const (
	ProtocolTCP = 6
	ProtocolUDP = 17
)

const (
	ethernetHeader = 14
	ipv4Header     = 20
	ipv6Header     = 40
	udpHeader      = 8
	tcpHeader      = 20
)

// Datagram is a whole Ethernet frame with payload in UDP, all checksums right.
// The two stations must be of one address family.
func Datagram(src, dst Station, payload []byte) []byte {
	return appendDatagram(nil, src, dst, 0, payload)
}

func appendDatagram(b []byte, src, dst Station, id uint16, payload []byte) []byte {
	b = appendEthernet(b, dst.MAC, src.MAC, etherType(src.Addr.Addr()))
	b = appendIP(b, src.Addr.Addr(), dst.Addr.Addr(), ProtocolUDP, id, udpHeader+len(payload))
	return appendUDP(b, src.Addr, dst.Addr, payload)
}

func etherType(a netip.Addr) uint16 {
	if a.Is4() {
		return TypeIPv4
	}
	return TypeIPv6
}

// Ethernet puts an Ethernet II header before payload. It does not pad.
func Ethernet(dst, src MAC, etherType uint16, payload []byte) []byte {
	return append(appendEthernet(nil, dst, src, etherType), payload...)
}

func appendEthernet(b []byte, dst, src MAC, etherType uint16) []byte {
	b = append(append(b, dst[:]...), src[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// VLAN returns a copy of an Ethernet frame with one tag more, outermost. tpid
// is TypeVLAN or TypeQinQ, tci the priority and the VLAN number.
func VLAN(frame []byte, tpid, tci uint16) []byte {
	b := append([]byte(nil), frame[:12]...)
	b = binary.BigEndian.AppendUint16(b, tpid)
	b = binary.BigEndian.AppendUint16(b, tci)
	return append(b, frame[12:]...)
}

// IPv4 puts an IPv4 header without options before payload.
func IPv4(src, dst netip.Addr, protocol uint8, id uint16, payload []byte) []byte {
	return append(appendIP(nil, src, dst, protocol, id, len(payload)), payload...)
}

// IPv6 puts an IPv6 header without extensions before payload.
func IPv6(src, dst netip.Addr, next uint8, payload []byte) []byte {
	return append(appendIP(nil, src, dst, next, 0, len(payload)), payload...)
}

// appendIP adds the header of either family for n bytes of payload.
func appendIP(b []byte, src, dst netip.Addr, protocol uint8, id uint16, n int) []byte {
	at := len(b)
	if !src.Is4() {
		s, d := src.As16(), dst.As16()
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(b, protocol, 64)
		b = append(b, s[:]...)
		return append(b, d[:]...)
	}
	s, d := src.As4(), dst.As4()
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Header+n))
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0, 0, 128, protocol, 0, 0)
	b = append(b, s[:]...)
	b = append(b, d[:]...)
	binary.BigEndian.PutUint16(b[at+10:], Checksum(b[at:]))
	return b
}

// UDP puts a UDP header before payload, with the checksum over the
// pseudo-header of the addresses' family.
func UDP(src, dst netip.AddrPort, payload []byte) []byte {
	return appendUDP(nil, src, dst, payload)
}

func appendUDP(b []byte, src, dst netip.AddrPort, payload []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(udpHeader+len(payload)))
	b = append(b, 0, 0)
	b = append(b, payload...)
	sum := fold(sumOf(pseudo(src.Addr(), dst.Addr(), ProtocolUDP, len(b)-at), b[at:]))
	if sum == 0 {
		sum = 0xFFFF // zero would mean: no checksum
	}
	binary.BigEndian.PutUint16(b[at+6:], sum)
	return b
}

// TCP flags.
const (
	FIN = 1
	SYN = 2
	RST = 4
	PSH = 8
	ACK = 16
)

// TCP puts a TCP header without options before payload.
func TCP(src, dst netip.AddrPort, seq, ack uint32, flags uint8, payload []byte) []byte {
	return appendTCP(nil, src, dst, seq, ack, flags, payload)
}

func appendTCP(b []byte, src, dst netip.AddrPort, seq, ack uint32, flags uint8, payload []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, tcpHeader/4<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[at+16:], fold(sumOf(pseudo(src.Addr(), dst.Addr(), ProtocolTCP, len(b)-at), b[at:])))
	return b
}

// Fragment cuts an IPv4 packet into fragments of at most size bytes of
// payload each, rounded down to a multiple of 8.
func Fragment(packet []byte, size int) [][]byte {
	size = max(size&^7, 8)
	header, payload := packet[:ipv4Header], packet[ipv4Header:]
	var parts [][]byte
	for at := 0; at < len(payload) || at == 0; at += size {
		end, more := min(at+size, len(payload)), uint16(0)
		if end < len(payload) {
			more = 0x2000
		}
		p := append(append([]byte(nil), header...), payload[at:end]...)
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		binary.BigEndian.PutUint16(p[6:], more|uint16(at/8))
		binary.BigEndian.PutUint16(p[10:], 0)
		binary.BigEndian.PutUint16(p[10:], Checksum(p[:ipv4Header]))
		parts = append(parts, p)
	}
	return parts
}

// Checksum is the Internet checksum (RFC 1071) of b, whose checksum field is
// zero; over a packet with its checksum it is 0.
func Checksum(b []byte) uint16 { return fold(sumOf(0, b)) }

// pseudo is the sum of the pseudo-header of UDP and TCP.
func pseudo(src, dst netip.Addr, protocol uint8, n int) uint64 {
	sum := uint64(protocol) + uint64(n)
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		return sumOf(sumOf(sum, s[:]), d[:])
	}
	s, d := src.As16(), dst.As16()
	return sumOf(sumOf(sum, s[:]), d[:])
}

// sumOf adds the 16-bit words of b to sum. It takes 32 bits at a time: 2^32
// of them fit into the sum, and folding makes it the sum of the words.
func sumOf(sum uint64, b []byte) uint64 {
	for len(b) >= 16 {
		sum += uint64(binary.BigEndian.Uint32(b)) + uint64(binary.BigEndian.Uint32(b[4:])) +
			uint64(binary.BigEndian.Uint32(b[8:])) + uint64(binary.BigEndian.Uint32(b[12:]))
		b = b[16:]
	}
	for len(b) >= 2 {
		sum += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}

func fold(sum uint64) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xFFFF + sum>>16
	}
	return ^uint16(sum)
}
