package live

import (
	"strings"

	"nbtrace/captures"
)

// narrow lets pass, from the link header on, what nbtrace can use: NBNS, NetBIOS
// datagrams, WINS replication, later fragments of datagrams and segments (they
// have no ports), and IP tunnels, which are looked into in user space.
const narrow = `udp port 137 or udp port 138 or udp port 42 or tcp port 137 or tcp port 42` +
	` or (ip[6:2] & 0x1fff != 0 and (ip proto 17 or ip proto 6))` +
	` or udp port 4789 or udp port 8472 or udp port 6081 or udp port 2152` + // VXLAN (IANA, Linux), Geneve, GTP-U
	` or ip proto 4 or ip proto 41 or ip proto 47 or ip proto 51 or ip proto 97 or ip proto 137` + // IPIP, 6in4, GRE, AH, EtherIP, MPLS
	` or ip6 proto 4 or ip6 proto 41 or ip6 proto 47`

// opaque are the EtherTypes of tunnels that a filter cannot look into: MPLS
// (unicast, multicast), PPPoE, provider backbone bridging, and
// an old tag that libpcap does not take for one.
const opaque = `ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864 or ether proto 0x88e7 or ether proto 0x9200`

// llc is IP behind LLC, with SNAP or without, in an untagged 802.3 frame.
const llc = `(ether[12:2] <= 1500 and (ether[14:2] = 0xaaaa or ether[14:2] = 0x0606))`

// Wide is the capture filter that lets pass everything that nbtrace can use, in
// pcap-filter syntax, "" for a link type that no such filter is known for. It
// is wide rather than clever: the precise check is made in user space.
//
// In that syntax `vlan` moves every offset to its right one tag further, inside
// and outside of parentheses, so the terms for untagged frames stand first. It
// does not compile for link types without tags, and means packet metadata on a
// live Linux handle but bytes on a file's, so the text must be compiled on the
// handle that runs it.
func Wide(link captures.LinkType) string {
	switch link {
	case captures.LinkEthernet:
		inner := strings.Join([]string{narrow, opaque}, " or ")
		return llc + " or " + inner + " or (vlan and (" + inner + " or (vlan and (" + inner + "))))"
	case captures.LinkNull, captures.LinkLoop, captures.LinkPPP, captures.LinkPPPHDLC, captures.LinkPPPWithDir, captures.LinkRaw,
		captures.LinkIPv4, captures.LinkSLL, captures.LinkSLL2, captures.LinkIEEE80211, captures.LinkPrism, captures.LinkRadiotap,
		captures.LinkAVS, captures.LinkPPI, captures.LinkTokenRing, captures.LinkFDDI, captures.LinkCiscoHDLC, captures.LinkFrameRelay:
		return narrow
	}
	return ""
}

// linkOf is the file's link type of a handle's, which libpcap numbers
// differently for raw IP.
func linkOf(dlt int) captures.LinkType {
	switch dlt {
	case 12, 14:
		return captures.LinkRaw
	}
	return captures.LinkType(dlt)
}
