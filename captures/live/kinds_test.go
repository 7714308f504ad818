package live_test

import (
	"encoding/binary"
	"net/netip"

	"nbtrace/captures/capgen"
)

// kind is one way in which something that nbtrace can use travels, or a frame
// that it cannot use.
type kind struct {
	name   string
	frames [][]byte
	use    bool
}

var (
	host   = capgen.Station{MAC: capgen.MAC{2, 0, 0, 0, 0, 1}, Addr: netip.MustParseAddrPort("192.0.2.1:137")}
	server = capgen.Station{MAC: capgen.MAC{2, 0, 0, 0, 0, 2}, Addr: netip.MustParseAddrPort("192.0.2.2:137")}
)

// kinds are Ethernet frames of each kind, all with checksums that are right.
func kinds() []kind {
	payload := make([]byte, 68) // the filter does not look at it
	binary.BigEndian.PutUint16(payload, 0x4e42)
	port := func(s capgen.Station, p uint16) capgen.Station {
		s.Addr = netip.AddrPortFrom(s.Addr.Addr(), p)
		return s
	}
	udp := func(from, to uint16) []byte { return capgen.Datagram(port(host, from), port(server, to), payload) }
	ipOf := func(frame []byte) []byte { return frame[14:] }
	inIP := func(proto uint8, payload []byte) []byte {
		return capgen.Ethernet(server.MAC, host.MAC, capgen.TypeIPv4, capgen.IPv4(host.Addr.Addr(), server.Addr.Addr(), proto, 7, payload))
	}
	tcp := func(p uint16) []byte {
		from, to := netip.AddrPortFrom(host.Addr.Addr(), 40000), netip.AddrPortFrom(server.Addr.Addr(), p)
		return inIP(capgen.ProtocolTCP, capgen.TCP(from, to, 1, 1, capgen.ACK|capgen.PSH, payload))
	}
	tunnel := func(p uint16, head []byte, inner []byte) []byte {
		return capgen.Datagram(port(host, 50000), port(server, p), append(append([]byte(nil), head...), inner...))
	}
	one := func(name string, frame []byte) kind { return kind{name, [][]byte{frame}, true} }
	plain := udp(137, 137)

	var fragments [][]byte
	for _, p := range capgen.Fragment(ipOf(plain), 32) {
		fragments = append(fragments, capgen.Ethernet(server.MAC, host.MAC, capgen.TypeIPv4, p))
	}
	six := func(a string) netip.Addr { return netip.MustParseAddr(a) }
	over6 := capgen.Ethernet(server.MAC, host.MAC, capgen.TypeIPv6, capgen.IPv6(six("2001:db8::1"), six("2001:db8::2"), 4, ipOf(plain)))
	sixIn4 := capgen.IPv6(six("2001:db8::1"), six("2001:db8::2"), capgen.ProtocolUDP,
		capgen.UDP(netip.MustParseAddrPort("[2001:db8::1]:137"), netip.MustParseAddrPort("[2001:db8::2]:137"), payload))
	label := []byte{0, 1, 0x01, 64} // MPLS label 16, bottom of the stack
	pppoe := append([]byte{0x11, 0, 0, 1, 0, byte(len(ipOf(plain)) + 2), 0, 0x21}, ipOf(plain)...)
	llc := append([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ipOf(plain)...)
	rawLLC := append([]byte{6, 6, 3}, ipOf(plain)...)
	gtp := []byte{0x30, 0xff, 0, byte(len(ipOf(plain))), 0, 0, 0, 1}

	return []kind{
		one("NBNS request", plain),
		one("NBNS reply to another port", udp(137, 1025)),
		one("NBNS request from another port", udp(1025, 137)),
		one("datagram, UDP 138", udp(138, 138)),
		one("NBNS on TCP 137", tcp(137)),
		one("replication, TCP 42", tcp(42)),
		one("802.1Q", capgen.VLAN(plain, capgen.TypeVLAN, 5)),
		one("802.1Q, TCP 42", capgen.VLAN(tcp(42), capgen.TypeVLAN, 5)),
		one("802.1Q, UDP 138", capgen.VLAN(udp(138, 138), capgen.TypeVLAN, 5)),
		one("priority tag", capgen.VLAN(plain, capgen.TypeVLAN, 0xe000)),
		one("QinQ", capgen.VLAN(capgen.VLAN(plain, capgen.TypeVLAN, 5), capgen.TypeQinQ, 9)),
		one("two tags 802.1Q", capgen.VLAN(capgen.VLAN(plain, capgen.TypeVLAN, 5), capgen.TypeVLAN, 9)),
		{"IPv4 fragments", fragments, true},
		{"IPv4 fragments with a tag", [][]byte{capgen.VLAN(fragments[0], capgen.TypeVLAN, 5), capgen.VLAN(fragments[1], capgen.TypeVLAN, 5)}, true},
		one("IP in IP", inIP(4, ipOf(plain))),
		one("IPv6 in IPv4", inIP(41, sixIn4)),
		one("IPv4 in IPv6", over6),
		one("GRE", inIP(47, append([]byte{0, 0, 8, 0}, ipOf(plain)...))),
		one("GRE with Ethernet", inIP(47, append([]byte{0, 0, 0x65, 0x58}, plain...))),
		one("ERSPAN", inIP(47, append([]byte{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0}, plain...))),
		one("GRE behind a tag", capgen.VLAN(inIP(47, append([]byte{0, 0, 8, 0}, ipOf(plain)...)), capgen.TypeVLAN, 5)),
		one("EtherIP", inIP(97, append([]byte{0x30, 0}, plain...))),
		one("authentication header", inIP(51, append([]byte{17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ipOf(plain)[20:]...))),
		one("MPLS in IP", inIP(137, append(append([]byte(nil), label...), ipOf(plain)...))),
		one("VXLAN", tunnel(4789, []byte{8, 0, 0, 0, 0, 0, 7, 0}, plain)),
		one("VXLAN on Linux' old port", tunnel(8472, []byte{8, 0, 0, 0, 0, 0, 7, 0}, plain)),
		one("VXLAN with a tag inside", tunnel(4789, []byte{8, 0, 0, 0, 0, 0, 7, 0}, capgen.VLAN(plain, capgen.TypeVLAN, 5))),
		one("Geneve", tunnel(6081, []byte{0, 0, 0x65, 0x58, 0, 0, 7, 0}, plain)),
		one("GTP-U", tunnel(2152, gtp, ipOf(plain))),
		one("MPLS", capgen.Ethernet(server.MAC, host.MAC, 0x8847, append(append([]byte(nil), label...), ipOf(plain)...))),
		one("MPLS behind a tag", capgen.VLAN(capgen.Ethernet(server.MAC, host.MAC, 0x8847, append(append([]byte(nil), label...), ipOf(plain)...)), capgen.TypeVLAN, 5)),
		one("PPPoE", capgen.Ethernet(server.MAC, host.MAC, 0x8864, pppoe)),
		one("LLC and SNAP", capgen.Ethernet(server.MAC, host.MAC, uint16(len(llc)), llc)),
		one("LLC", capgen.Ethernet(server.MAC, host.MAC, uint16(len(rawLLC)), rawLLC)),

		{"DNS", [][]byte{udp(53, 1025)}, false},
		{"DNS behind a tag", [][]byte{capgen.VLAN(udp(53, 1025), capgen.TypeVLAN, 5)}, false},
		{"SMB", [][]byte{tcp(445)}, false},
		{"ARP", [][]byte{capgen.Ethernet(capgen.Broadcast, host.MAC, capgen.TypeARP, make([]byte, 46))}, false},
	}
}
