package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"nbtrace/captures"
)

// Frames are built from the inside out: every function wraps the bytes that
// it is given last.

var (
	macA   = []byte{0x02, 0, 0, 0, 0, 0x0A}
	macB   = []byte{0x02, 0, 0, 0, 0, 0x0B}
	macC   = []byte{0x02, 0, 0, 0, 0, 0x0C}
	macAll = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

	hostA = netip.MustParseAddr("10.0.0.1")
	hostB = netip.MustParseAddr("10.0.0.2")
	outA  = netip.MustParseAddr("192.0.2.1")
	outB  = netip.MustParseAddr("192.0.2.2")
	sixA  = netip.MustParseAddr("2001:db8::1")
	sixB  = netip.MustParseAddr("2001:db8::2")
)

// query is a name query for "*" as it stands on the wire: 50 bytes.
var query = append([]byte{0x12, 0x34, 0x01, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0x20},
	append([]byte("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0, 0, 0x20, 0, 1)...)

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func u16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func le16(v int) []byte   { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte   { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

func eth(ether int, b []byte) []byte { return cat(macB, macA, u16(ether), b) }

func eth8023(b []byte) []byte { return cat(macB, macA, u16(len(b)), b) }

func snapIP(b []byte) []byte { return cat([]byte{0xAA, 0xAA, 3, 0, 0, 0, 8, 0}, b) }

func vlan(id, ether int, b []byte) []byte { return cat(u16(id), u16(ether), b) }

// ip4 has TTL 64 and the identification id; field is flags and offset.
func ip4(src, dst netip.Addr, proto byte, id, field int, b []byte) []byte {
	return cat([]byte{0x45, 0}, u16(20+len(b)), u16(id), u16(field), []byte{64, proto, 0, 0}, src.AsSlice(), dst.AsSlice(), b)
}

func ip6(next byte, b []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, u16(len(b)), []byte{next, 63}, sixA.AsSlice(), sixB.AsSlice(), b)
}

func udp(src, dst int, b []byte) []byte {
	return cat(u16(src), u16(dst), u16(8+len(b)), u16(0), b)
}

func tcp(src, dst int, seq uint32, flags byte, b []byte) []byte {
	return cat(u16(src), u16(dst), u32(seq), u32(0), []byte{0x50, flags}, u16(8192), u32(0), b)
}

// inner is the IP packet that most tests wrap: the query from A to B.
func inner() []byte { return ip4(hostA, hostB, protoUDP, 0x4242, 0, udp(1025, 137, query)) }

// outer is an IP packet between the ends of a tunnel.
func outer(proto byte, b []byte) []byte { return ip4(outA, outB, proto, 0x0101, 0, b) }

func greIP(b []byte) []byte { return outer(protoGRE, cat(u16(0), u16(etherIPv4), b)) }

func vxlan(b []byte) []byte {
	return outer(protoUDP, udp(50000, portVXLAN, cat([]byte{8, 0, 0, 0, 0, 0, 7, 0}, b)))
}

// wifiData is an 802.11 data frame with the two bytes of frame control; the
// addresses are named after their place in the header.
func wifiData(fc0, fc1 byte, a1, a2, a3, rest []byte) []byte {
	return cat([]byte{fc0, fc1, 0, 0}, a1, a2, a3, []byte{0x10, 0}, rest)
}

func frame(link captures.LinkType, b []byte) *captures.Frame {
	return &captures.Frame{Number: 7, Time: 1e9, Link: link, Length: len(b), Data: b}
}
