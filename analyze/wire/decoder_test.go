package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"nbtrace/captures"
)

const ethernet = captures.LinkEthernet

// wrapping is one way for the query to stand in a frame.
type wrapping struct {
	name string
	link captures.LinkType
	data []byte
	vlan []uint16
	// macs: "ab" both, "*a" both and the receivers are all, "a" the sender's
	// alone, "" none; bcast is what LinkBcast must be.
	macs  string
	bcast bool
	quick Answer
}

func wrappings() []wrapping {
	innerEth := eth(etherIPv4, inner())
	withOptions := func() []byte {
		p := inner()
		q := cat([]byte{0x46}, p[1:20], []byte{1, 1, 1, 0}, p[20:])
		copy(q[2:], u16(len(q)))
		return q
	}()
	padded := cat(eth(etherIPv4, inner()), make([]byte, 9))
	untotalled := inner()
	untotalled[2], untotalled[3] = 0, 0
	pppIP := cat([]byte{0x00, 0x21}, inner())
	pppHDLC := cat([]byte{0xFF, 0x03}, pppIP)
	pppShort := cat([]byte{0x21}, inner())
	l2tp := func(head []byte, b []byte) []byte {
		return eth(etherIPv4, outer(protoUDP, udp(1701, 1701, cat(head, b))))
	}
	gtp := func(head []byte, b []byte) []byte {
		return eth(etherIPv4, outer(protoUDP, udp(2152, 2152, cat(head, b))))
	}
	sll := func(kind, arp, addrLen, proto int, b []byte) []byte {
		return cat(u16(kind), u16(arp), u16(addrLen), macA, []byte{0, 0}, u16(proto), b)
	}
	sll2 := func(proto int, kind byte, b []byte) []byte {
		return cat(u16(proto), u16(0), u32(3), u16(1), []byte{kind, 6}, macA, []byte{0, 0}, b)
	}
	tokenRing := func(route []byte) []byte {
		src := slices.Clone(macA)
		if route != nil {
			src[0] |= 0x80
		}
		return cat([]byte{0x10, 0x40}, macB, src, route, snapIP(inner()))
	}
	radiotap := func(flags byte, b []byte) []byte {
		return cat([]byte{0, 0}, le16(17), le32(3), make([]byte, 8), []byte{flags}, b)
	}
	nflog := func(order func(int) []byte) []byte {
		return cat([]byte{2, 0, 0, 5}, order(5), order(10), []byte{'x', 0, 0, 0}, order(4+len(inner())), order(9), inner())
	}
	toDS := wifiData(0x08, 0x01, macC, macA, macB, snapIP(inner()))
	aggregate := func() []byte {
		one := snapIP(inner())
		other := snapIP(ip4(hostA, hostB, protoUDP, 1, 0, udp(1025, 53, query)))
		sub := cat(macC, macC, u16(len(other)), other)
		for len(sub)%4 != 0 {
			sub = append(sub, 0)
		}
		return wifiData(0x88, 0x02, macC, macC, macC, cat([]byte{0x80, 0}, sub, macB, macA, u16(len(one)), one))
	}()

	return []wrapping{
		{"ethernet", ethernet, innerEth, nil, "ab", false, Ours},
		{"ethernet broadcast", ethernet, cat(macAll, innerEth[6:]), nil, "*a", true, Ours},
		{"ethernet padding is not payload", ethernet, padded, nil, "ab", false, Ours},
		{"IP options", ethernet, eth(etherIPv4, withOptions), nil, "ab", false, Ours},
		{"total length 0", ethernet, eth(etherIPv4, untotalled), nil, "ab", false, Ours},
		{"one tag", ethernet, eth(etherVLAN, vlan(0x6007, etherIPv4, inner())), []uint16{7}, "ab", false, Ours},
		{"two tags", ethernet, eth(etherQinQ, vlan(100, etherVLAN, vlan(0, etherIPv4, inner()))), []uint16{100, 0}, "ab", false, Ours},
		{"three tags", ethernet, eth(etherQinQOld, vlan(1, etherVLAN, vlan(2, etherVLAN, vlan(3, etherIPv4, inner())))), []uint16{1, 2, 3}, "ab", false, Unusual},
		{"802.3 SNAP", ethernet, eth8023(snapIP(inner())), nil, "ab", false, Unusual},
		{"802.3 IP SAP", ethernet, eth8023(cat([]byte{6, 6, 3}, inner())), nil, "ab", false, Unusual},
		{"802.1ah", ethernet, eth(etherPBB, cat(u32(1), innerEth)), nil, "ab", false, Unusual},
		{"MPLS", ethernet, eth(etherMPLS, cat(u32(0x00010040), u32(0x00020140), inner())), nil, "ab", false, Unusual},
		{"MPLS pseudowire, control word", ethernet, eth(etherMPLS, cat(u32(0x00020140), u32(0), innerEth)), nil, "ab", false, Unusual},
		{"MPLS pseudowire, no control word", ethernet, eth(etherMPLS, cat(u32(0x00020140), []byte{0x12}, macA[1:], macB, u16(etherIPv4), inner())), nil, "ab", false, Unusual},
		{"PPPoE", ethernet, eth(etherPPPoE, cat([]byte{0x11, 0}, u16(1), u16(len(pppIP)), pppIP, make([]byte, 4))), nil, "ab", false, Unusual},
		{"SLL", captures.LinkSLL, sll(0, 1, 6, etherIPv4, inner()), nil, "a", false, Ours},
		{"SLL broadcast", captures.LinkSLL, sll(1, 1, 6, etherIPv4, inner()), nil, "a", true, Ours},
		{"SLL without address", captures.LinkSLL, sll(4, 512, 0, etherIPv4, inner()), nil, "", false, Ours},
		{"SLL with 802.2", captures.LinkSLL, sll(0, 1, 6, 4, snapIP(inner())), nil, "a", false, Unusual},
		{"SLL with a tag", captures.LinkSLL, sll(0, 1, 6, etherVLAN, vlan(9, etherIPv4, inner())), []uint16{9}, "a", false, Unusual},
		{"SLL2", captures.LinkSLL2, sll2(etherIPv4, 0, inner()), nil, "a", false, Ours},
		{"SLL2 multicast", captures.LinkSLL2, sll2(etherIPv4, 2, inner()), nil, "a", true, Ours},
		{"raw", captures.LinkRaw, inner(), nil, "", false, Ours},
		{"raw 12", 12, inner(), nil, "", false, Ours},
		{"raw 14", 14, inner(), nil, "", false, Ours},
		{"IPv4", captures.LinkIPv4, inner(), nil, "", false, Ours},
		{"IPv4 in IPv6", captures.LinkIPv6, ip6(protoIPv4, inner()), nil, "", false, Unusual},
		{"null, little endian", captures.LinkNull, cat(le32(2), inner()), nil, "", false, Ours},
		{"null, big endian", captures.LinkNull, cat(u32(2), inner()), nil, "", false, Ours},
		{"loop", captures.LinkLoop, cat(u32(2), inner()), nil, "", false, Ours},
		{"PPP", captures.LinkPPP, pppHDLC, nil, "", false, Unusual},
		{"PPP compressed", captures.LinkPPP, pppShort, nil, "", false, Unusual},
		{"PPP in HDLC-like framing", captures.LinkPPPHDLC, pppHDLC, nil, "", false, Unusual},
		{"Cisco HDLC as PPP", captures.LinkPPPHDLC, cat([]byte{0x0F, 0, 8, 0}, inner()), nil, "", false, Unusual},
		{"PPPoE link", captures.LinkPPPEther, cat([]byte{0x11, 0}, u16(1), u16(len(pppIP)), pppIP), nil, "", false, Unusual},
		{"pppd", captures.LinkPPPWithDir, cat([]byte{1, 3}, pppIP), nil, "", false, Unusual},
		{"PPP with direction", 204, cat([]byte{0}, pppHDLC), nil, "", false, Unusual},
		{"Cisco HDLC", captures.LinkCiscoHDLC, cat([]byte{0x0F, 0, 8, 0}, inner()), nil, "", false, Unusual},
		{"frame relay NLPID", captures.LinkFrameRelay, cat([]byte{0x18, 0x41, 3, 0xCC}, inner()), nil, "", false, Unusual},
		{"frame relay SNAP", captures.LinkFrameRelay, cat([]byte{0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0}, inner()), nil, "", false, Unusual},
		{"frame relay Cisco", captures.LinkFrameRelay, cat([]byte{0x18, 0x41, 8, 0}, inner()), nil, "", false, Unusual},
		{"token ring", captures.LinkTokenRing, tokenRing(nil), nil, "ab", false, Unusual},
		{"token ring, source route", captures.LinkTokenRing, tokenRing([]byte{0x06, 0x90, 0, 0x11, 0, 0x22}), nil, "ab", false, Unusual},
		{"FDDI", captures.LinkFDDI, cat([]byte{0x50}, macB, macA, snapIP(inner())), nil, "ab", false, Unusual},
		{"RFC 1483", 100, snapIP(inner()), nil, "", false, Unusual},
		{"RFC 1483 bridged", 100, cat([]byte{0xAA, 0xAA, 3, 0, 0x80, 0xC2, 0, 7}, innerEth), nil, "ab", false, Unusual},
		{"ATM CLIP", 106, inner(), nil, "", false, Unusual},
		{"PKTAP", 258, cat(le32(20), le32(1), le32(1), make([]byte, 8), innerEth), nil, "ab", false, Unusual},
		{"802.11 to the access point", captures.LinkIEEE80211, toDS, nil, "ab", false, Unusual},
		{"802.11 from the access point", captures.LinkIEEE80211, wifiData(0x08, 0x02, macB, macC, macA, snapIP(inner())), nil, "ab", false, Unusual},
		{"802.11 without one", captures.LinkIEEE80211, wifiData(0x08, 0x00, macB, macA, macC, snapIP(inner())), nil, "ab", false, Unusual},
		{"802.11 four addresses, QoS", captures.LinkIEEE80211, wifiData(0x88, 0x03, macC, macC, macB, cat(macA, []byte{0, 0}, snapIP(inner()))), nil, "ab", false, Unusual},
		{"802.11 HT control", captures.LinkIEEE80211, wifiData(0x88, 0x81, macC, macA, macB, cat([]byte{0, 0, 1, 2, 3, 4}, snapIP(inner()))), nil, "ab", false, Unusual},
		{"802.11 aggregate", captures.LinkIEEE80211, aggregate, nil, "ab", false, Unusual},
		{"radiotap", captures.LinkRadiotap, radiotap(0x10, toDS), nil, "ab", false, Unusual},
		{"radiotap, padded header", captures.LinkRadiotap, radiotap(0x20, wifiData(0x88, 0x01, macC, macA, macB, cat([]byte{0, 0, 0, 0}, snapIP(inner())))), nil, "ab", false, Unusual},
		{"prism, little endian", captures.LinkPrism, cat(le32(0x44), le32(144), make([]byte, 136), toDS), nil, "ab", false, Unusual},
		{"AVS", captures.LinkAVS, cat(u32(0x80211001), u32(64), make([]byte, 56), toDS), nil, "ab", false, Unusual},
		{"PPI", captures.LinkPPI, cat([]byte{0, 0}, le16(12), le32(105), make([]byte, 4), toDS), nil, "ab", false, Unusual},
		{"NFLOG, little endian", captures.LinkNFLog, nflog(le16), nil, "", false, Unusual},
		{"NFLOG, big endian", captures.LinkNFLog, nflog(u16), nil, "", false, Unusual},

		{"GRE", ethernet, eth(etherIPv4, greIP(inner())), nil, "ab", false, Unusual},
		{"GRE checksum, key, sequence", ethernet, eth(etherIPv4, outer(protoGRE, cat(u16(0xB000), u16(etherIPv4), make([]byte, 12), inner()))), nil, "ab", false, Unusual},
		{"GRE Ethernet", ethernet, eth(etherIPv4, outer(protoGRE, cat(u16(0), u16(etherBridged), innerEth))), nil, "ab", false, Unusual},
		{"ERSPAN I", ethernet, eth(etherIPv4, outer(protoGRE, cat(u16(0), u16(etherERSPAN), innerEth))), nil, "ab", false, Unusual},
		{"ERSPAN II, tag inside", ethernet, eth(etherVLAN, vlan(5, etherIPv4, outer(protoGRE, cat(u16(0x1000), u16(etherERSPAN), u32(1), make([]byte, 8), eth(etherVLAN, vlan(6, etherIPv4, inner())))))), []uint16{5, 6}, "ab", false, Unusual},
		{"ERSPAN III with subheader", ethernet, eth(etherIPv4, outer(protoGRE, cat(u16(0x1000), u16(etherERSPAN3), u32(1), make([]byte, 11), []byte{1}, make([]byte, 8), innerEth))), nil, "ab", false, Unusual},
		{"PPTP", ethernet, eth(etherIPv4, outer(protoGRE, cat(u16(0x3081), u16(etherPPTP), u16(len(pppHDLC)), u16(1), u32(1), u32(1), pppHDLC))), nil, "ab", false, Unusual},
		{"IP in IP", ethernet, eth(etherIPv4, outer(protoIPv4, inner())), nil, "ab", false, Unusual},
		{"6in4 and 4in6", ethernet, eth(etherIPv4, outer(protoIPv6, ip6(protoIPv4, inner()))), nil, "ab", false, Unusual},
		{"IPv6 extension headers", ethernet, eth(etherIPv6, ip6(protoHopByHop, cat([]byte{protoDstOpts, 0}, make([]byte, 6), []byte{protoIPv4, 1}, make([]byte, 14), inner()))), nil, "ab", false, Unusual},
		{"IPv6 atomic fragment", ethernet, eth(etherIPv6, ip6(protoFragment, cat([]byte{protoIPv4, 0, 0, 0}, u32(1), inner()))), nil, "ab", false, Unusual},
		{"AH", ethernet, eth(etherIPv4, ip4(hostA, hostB, protoAH, 0x4242, 0, cat([]byte{protoUDP, 4, 0, 0}, make([]byte, 20), udp(1025, 137, query)))), nil, "ab", false, Unusual},
		{"EtherIP", ethernet, eth(etherIPv4, outer(protoEtherIP, cat([]byte{0x30, 0}, innerEth))), nil, "ab", false, Unusual},
		{"MPLS in IP", ethernet, eth(etherIPv4, outer(protoMPLS, cat(u32(0x00020140), inner()))), nil, "ab", false, Unusual},
		{"VXLAN", ethernet, eth(etherIPv4, vxlan(innerEth)), nil, "ab", false, Unusual},
		{"VXLAN, broadcast inside", ethernet, eth(etherIPv4, vxlan(cat(macAll, innerEth[6:]))), nil, "ab", true, Unusual},
		{"VXLAN, Linux port", ethernet, eth(etherIPv4, outer(protoUDP, udp(50000, 8472, cat([]byte{8, 0, 0, 0, 0, 0, 7, 0}, innerEth)))), nil, "ab", false, Unusual},
		{"VXLAN in VXLAN", ethernet, eth(etherIPv4, vxlan(eth(etherIPv4, vxlan(innerEth)))), nil, "ab", false, Unusual},
		{"Geneve with options", ethernet, eth(etherIPv4, outer(protoUDP, udp(50000, 6081, cat([]byte{2, 0}, u16(etherBridged), u32(0x700), make([]byte, 8), innerEth)))), nil, "ab", false, Unusual},
		{"Geneve IP", ethernet, eth(etherIPv4, outer(protoUDP, udp(50000, 6081, cat([]byte{0, 0}, u16(etherIPv4), u32(0x700), inner())))), nil, "ab", false, Unusual},
		{"GTP-U", ethernet, gtp(cat([]byte{0x30, 255}, u16(len(inner())), u32(1)), inner()), nil, "ab", false, Unusual},
		{"GTP-U, extension header", ethernet, gtp(cat([]byte{0x34, 255}, u16(len(inner())+8), u32(1), []byte{0, 0, 0, 0x85, 1, 0, 0, 0}), inner()), nil, "ab", false, Unusual},
		{"L2TP", ethernet, l2tp(cat(u16(2), u16(1), u16(1)), pppHDLC), nil, "ab", false, Unusual},
		{"L2TP with everything", ethernet, l2tp(cat(u16(0x4A02), u16(14+2+len(pppShort)), u16(1), u16(1), u16(0), u16(0), u16(2), []byte{0, 0}), pppShort), nil, "ab", false, Unusual},
		{"deep but within bounds", ethernet, eth(etherIPv4, greIP(greIP(greIP(greIP(greIP(greIP(inner()))))))), nil, "ab", false, Unusual},
	}
}

func TestWrappings(t *testing.T) {
	for _, w := range wrappings() {
		t.Run(w.name, func(t *testing.T) {
			if q := Quick(w.link, w.data); q != w.quick {
				t.Errorf("Quick = %d, want %d", q, w.quick)
			}
			d := NewDecoder(Options{})
			f := frame(w.link, w.data)
			f.Input, f.Interface = 3, 2
			out := d.Decode(f, nil)
			if len(out) != 1 {
				t.Fatalf("%d packets, want 1; stats %+v", len(out), d.Stats())
			}
			p := out[0]
			if p.Protocol != NBNS || p.TCP || p.Stream != 0 || p.Snapped {
				t.Errorf("protocol %d, TCP %v, stream %d, snapped %v", p.Protocol, p.TCP, p.Stream, p.Snapped)
			}
			if want := netip.AddrPortFrom(hostA, 1025); p.Src != want {
				t.Errorf("src %v, want %v", p.Src, want)
			}
			if want := netip.AddrPortFrom(hostB, 137); p.Dst != want {
				t.Errorf("dst %v, want %v", p.Dst, want)
			}
			if p.Input != 3 || p.Interface != 2 || p.Frame != 7 || p.Time != 1e9 {
				t.Errorf("input %d, interface %d, frame %d, time %d", p.Input, p.Interface, p.Frame, p.Time)
			}
			if p.TTL != 64 || p.IPID != 0x4242 {
				t.Errorf("TTL %d, IPID %#x: not of the innermost header", p.TTL, p.IPID)
			}
			if !bytes.Equal(p.Payload, query) {
				t.Errorf("payload % x", p.Payload)
			}
			if !slices.Equal(p.VLAN, w.vlan) {
				t.Errorf("VLAN %v, want %v", p.VLAN, w.vlan)
			}
			if p.LinkBcast != w.bcast {
				t.Errorf("LinkBcast %v", p.LinkBcast)
			}
			wantSrc, wantDst := w.macs != "", len(w.macs) == 2
			if p.HasSrcMAC != wantSrc || p.HasDstMAC != wantDst {
				t.Fatalf("has MACs %v %v, want %v %v", p.HasSrcMAC, p.HasDstMAC, wantSrc, wantDst)
			}
			if wantSrc && !bytes.Equal(p.SrcMAC[:], macA) {
				t.Errorf("src MAC % x", p.SrcMAC)
			}
			if w.macs == "ab" && w.name != "MPLS pseudowire, no control word" && !bytes.Equal(p.DstMAC[:], macB) {
				t.Errorf("dst MAC % x", p.DstMAC)
			}
			if s := d.Stats(); s.Frames != 1 || s.Packets != 1 || s.BadHeader+s.Cut+s.Encrypted != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// Every wrapping, cut after each of its bytes, must not panic, and must not
// give a payload that is not a beginning of the right one.
func TestWrappingsCut(t *testing.T) {
	for _, w := range wrappings() {
		for n := range w.data {
			d := NewDecoder(Options{})
			f := frame(w.link, w.data[:n:n])
			f.Length = len(w.data)
			for _, p := range d.Decode(f, nil) {
				if !bytes.HasPrefix(query, p.Payload) || p.Snapped != (len(p.Payload) < len(query)) {
					t.Fatalf("%s cut to %d: payload % x, snapped %v", w.name, n, p.Payload, p.Snapped)
				}
			}
		}
	}
}

// What must not be taken for a message, and what is counted instead.
func TestNotMessages(t *testing.T) {
	ip := func(b []byte) []byte { return eth(etherIPv4, b) }
	udpLength := func(n int) []byte {
		b := inner()
		copy(b[24:], u16(n))
		return b
	}
	deep := inner()
	for range 20 {
		deep = greIP(deep)
	}
	tags := inner()
	ether := etherIPv4
	for range 17 {
		tags = vlan(1, ether, tags)
		ether = etherVLAN
	}
	labels := inner()
	for i := range 17 {
		labels = cat(u32(uint32(0x40|b2i(i == 0)<<8)), labels)
	}
	quoted := cat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, inner())
	tests := []struct {
		name  string
		link  captures.LinkType
		data  []byte
		quick Answer
		want  Stats
	}{
		{"DNS", ethernet, ip(ip4(hostA, hostB, protoUDP, 1, 0, udp(1025, 53, query))), No, Stats{}},
		{"NTP from behind address translation", ethernet, ip(ip4(hostA, hostB, protoUDP, 1, 0, udp(137, 123, query))), No, Stats{}},
		{"HTTP", ethernet, ip(ip4(hostA, hostB, protoTCP, 1, 0, tcp(1025, 80, 1, 0x18, query))), No, Stats{}},
		{"port 1512 is also ephemeral", ethernet, ip(ip4(hostA, hostB, protoTCP, 1, 0, tcp(1512, 445, 1, 0x18, query))), No, Stats{}},
		{"ARP", ethernet, eth(0x0806, make([]byte, 46)), No, Stats{}},
		{"spanning tree", ethernet, eth8023(cat([]byte{0x42, 0x42, 3}, make([]byte, 40))), No, Stats{}},
		{"SNAP of somebody", ethernet, eth8023(cat([]byte{0xAA, 0xAA, 3, 0, 0, 0x0C, 0x20, 0}, inner())), Unusual, Stats{}},
		{"ICMP error", ethernet, ip(ip4(hostB, hostA, 1, 1, 0, quoted)), No, Stats{}},
		{"ICMPv6", ethernet, eth(etherIPv6, ip6(58, query)), No, Stats{}},
		{"UDP length 0", ethernet, ip(udpLength(0)), Ours, Stats{BadHeader: 1}},
		{"UDP length 7", ethernet, ip(udpLength(7)), Ours, Stats{BadHeader: 1}},
		{"UDP without payload", ethernet, ip(ip4(hostA, hostB, protoUDP, 1, 0, udp(137, 137, nil))), Ours, Stats{Empty: 1}},
		{"IP version 5", ethernet, ip(cat([]byte{0x55}, inner()[1:])), Unusual, Stats{BadHeader: 1}},
		{"IP header length 4", ethernet, ip(cat([]byte{0x44}, inner()[1:])), Unusual, Stats{BadHeader: 1}},
		{"IP total length 19", ethernet, ip(cat([]byte{0x45, 0, 0, 19}, inner()[4:])), Unusual, Stats{BadHeader: 1}},
		{"IP options cut away", ethernet, ip(cat([]byte{0x46}, ip4(hostA, hostB, 1, 1, 0, nil)[1:])), Unusual, Stats{BadHeader: 1}},
		{"802.3 of length 2", ethernet, cat(macB, macA, u16(2), []byte{0xAA, 0xAA, 3}, make([]byte, 46)), No, Stats{}},
		{"802.3 length ends the SNAP header", ethernet, cat(macB, macA, u16(4), snapIP(inner())), Unusual, Stats{BadHeader: 1}},
		{"runt", ethernet, make([]byte, 13), Unusual, Stats{BadHeader: 1}},
		{"empty", ethernet, nil, Unusual, Stats{BadHeader: 1}},
		{"seventeen tags", ethernet, eth(etherVLAN, tags), Unusual, Stats{BadHeader: 1}},
		{"seventeen labels", ethernet, eth(etherMPLS, labels), Unusual, Stats{BadHeader: 1}},
		{"too deep", ethernet, ip(deep), Unusual, Stats{BadHeader: 1}},
		{"ESP", ethernet, ip(ip4(hostA, hostB, protoESP, 1, 0, query)), Unusual, Stats{Encrypted: 1}},
		{"MACsec", ethernet, eth(etherMACsec, query), Unusual, Stats{Encrypted: 1}},
		{"protected 802.11", captures.LinkIEEE80211, wifiData(0x08, 0x41, macC, macA, macB, snapIP(inner())), Unusual, Stats{Encrypted: 1}},
		{"802.11 null data", captures.LinkIEEE80211, wifiData(0x48, 0x01, macC, macA, macB, snapIP(inner())), Unusual, Stats{}},
		{"802.11 beacon", captures.LinkIEEE80211, wifiData(0x80, 0x00, macC, macA, macB, snapIP(inner())), Unusual, Stats{}},
		{"L2TP control", ethernet, ip(outer(protoUDP, udp(1701, 1701, cat(u16(0xC802), make([]byte, 10))))), Unusual, Stats{}},
		{"VXLAN port without its bit", ethernet, ip(outer(protoUDP, udp(5000, 4789, cat(make([]byte, 8), eth(etherIPv4, inner()))))), Unusual, Stats{}},
		{"IPv6 fragment", ethernet, eth(etherIPv6, ip6(protoFragment, cat([]byte{protoUDP, 0, 0, 1}, u32(1), udp(137, 137, query)))), Unusual, Stats{FragmentsBad: 1}},
		{"unknown link type", 147, query, Unusual, Stats{Unknown: map[captures.LinkType]int64{147: 1}}},
		{"netlink", captures.LinkSLL, cat(u16(0), u16(824), u16(0), make([]byte, 8), u16(0), inner()), Unusual, Stats{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if q := Quick(tt.link, tt.data); q != tt.quick {
				t.Errorf("Quick = %d, want %d", q, tt.quick)
			}
			d := NewDecoder(Options{})
			if out := d.general(frame(tt.link, tt.data), nil); len(out) != 0 {
				t.Fatalf("%d packets", len(out))
			}
			if tt.want.Unknown == nil {
				tt.want.Unknown = map[captures.LinkType]int64{}
			}
			if got := d.Stats(); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("stats %+v\n want %+v", got, tt.want)
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestUDPLengths(t *testing.T) {
	tests := []struct {
		name    string
		change  func(ip []byte) []byte // of the IP packet
		snap    int                    // bytes of the frame captured, 0: all
		payload int
		snapped bool
		bad     int64
	}{
		{"as sent", func(b []byte) []byte { return b }, 0, 50, false, 0},
		{"UDP shorter than IP", func(b []byte) []byte { copy(b[24:], u16(8+30)); return b }, 0, 30, false, 0},
		{"UDP longer than IP", func(b []byte) []byte { copy(b[24:], u16(8+90)); return b }, 0, 50, false, 1},
		{"IP shorter than UDP", func(b []byte) []byte { copy(b[2:], u16(28+20)); return b }, 0, 20, false, 1},
		{"IP longer than the frame", func(b []byte) []byte { copy(b[2:], u16(200)); return b }, 0, 50, false, 0},
		{"snapped in the payload", func(b []byte) []byte { return b }, 14 + 28 + 12, 12, true, 0},
		{"snapped, UDP ends before", func(b []byte) []byte { copy(b[24:], u16(8+12)); return b }, 14 + 28 + 12, 12, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDecoder(Options{})
			f := frame(ethernet, eth(etherIPv4, tt.change(inner())))
			if tt.snap != 0 {
				f.Data = f.Data[:tt.snap]
			}
			out := d.Decode(f, nil)
			if len(out) != 1 {
				t.Fatalf("%d packets", len(out))
			}
			if len(out[0].Payload) != tt.payload || out[0].Snapped != tt.snapped || d.Stats().BadHeader != tt.bad {
				t.Errorf("payload %d, snapped %v, bad %d", len(out[0].Payload), out[0].Snapped, d.Stats().BadHeader)
			}
		})
	}
}

func TestUDPPorts(t *testing.T) {
	tests := []struct {
		src, dst int
		want     Protocol
	}{
		{137, 137, NBNS}, {53, 137, NBNS}, {137, 40000, NBNS}, {137, 138, NBNS}, {138, 137, NBNS},
		{138, 138, NBDGM}, {1025, 138, NBDGM}, {138, 1025, NBDGM}, {4789, 137, NBNS}, {123, 138, 0}, {42, 42, 0},
	}
	for _, tt := range tests {
		d := NewDecoder(Options{})
		out := d.Decode(frame(ethernet, eth(etherIPv4, ip4(hostA, hostB, protoUDP, 1, 0, udp(tt.src, tt.dst, query)))), nil)
		got := Protocol(0)
		if len(out) == 1 {
			got = out[0].Protocol
		}
		if got != tt.want {
			t.Errorf("%d to %d: protocol %d, want %d", tt.src, tt.dst, got, tt.want)
		}
	}
}

func TestIPv6(t *testing.T) {
	out := NewDecoder(Options{}).Decode(frame(ethernet, eth(etherIPv6, ip6(protoUDP, udp(1025, 137, query)))), nil)
	if len(out) != 1 || out[0].Src != netip.AddrPortFrom(sixA, 1025) || out[0].TTL != 63 || !bytes.Equal(out[0].Payload, query) {
		t.Errorf("%+v", out)
	}
}

func TestStatsIsACopy(t *testing.T) {
	d := NewDecoder(Options{})
	d.Decode(frame(147, query), nil)
	s := d.Stats()
	s.Unknown[147] = 9
	if d.Stats().Unknown[147] != 1 {
		t.Error("the counts can be changed from outside")
	}
}

// The MAC addresses of a tunnel are not those of the machines in it.
func TestTunnelled(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"plain", eth(etherIPv4, inner()), false},
		{"one tag", eth(etherVLAN, vlan(5, etherIPv4, inner())), false},
		{"GRE", eth(etherIPv4, outer(protoGRE, cat(u16(0), u16(etherIPv4), inner()))), true},
		{"GRE Ethernet", eth(etherIPv4, outer(protoGRE, cat(u16(0), u16(etherBridged), eth(etherIPv4, inner())))), true},
	} {
		out := NewDecoder(Options{}).Decode(&captures.Frame{Link: captures.LinkEthernet, Data: c.b, Length: len(c.b)}, nil)
		if len(out) != 1 || out[0].Tunnelled != c.want {
			t.Errorf("%s: %d packets, tunnelled %v, want 1 and %v", c.name, len(out), len(out) > 0 && out[0].Tunnelled, c.want)
		}
	}
}
