package wire

import (
	"encoding/binary"

	"nbtrace/captures"
)

// Link types that have no name in package captures.
const (
	linkRaw12   captures.LinkType = 12
	linkRaw14   captures.LinkType = 14
	linkRFC1483 captures.LinkType = 100 // LLC of RFC 1483 without the ATM header
	linkATMCLIP captures.LinkType = 106 // the same, or IP alone, of Linux
	linkPPPDir  captures.LinkType = 204 // PPP behind a byte for the direction
	linkPKTAP   captures.LinkType = 258 // Darwin's header in front of another link type
)

// link peels the link layer of a frame, or of what PPI wraps.
func (d *Decoder) link(l captures.LinkType, b []byte) {
	if !d.deeper() {
		return
	}
	switch l {
	case captures.LinkEthernet:
		d.ethernet(b)
	case captures.LinkSLL:
		d.sll(b)
	case captures.LinkSLL2:
		d.sll2(b)
	case captures.LinkRaw, linkRaw12, linkRaw14, captures.LinkIPv4, captures.LinkIPv6:
		d.ip(b)
	case captures.LinkNull, captures.LinkLoop:
		d.loopback(l, b)
	case captures.LinkPPP, captures.LinkPPPHDLC:
		d.pppSerial(b)
	case captures.LinkPPPEther:
		d.pppoe(b)
	case captures.LinkPPPWithDir, linkPPPDir:
		d.pppWithDirection(b)
	case captures.LinkCiscoHDLC:
		d.ciscoHDLC(b)
	case captures.LinkFrameRelay:
		d.frameRelay(b)
	case captures.LinkTokenRing:
		d.tokenRing(b)
	case captures.LinkFDDI:
		d.fddi(b)
	case linkRFC1483:
		d.llc(b)
	case captures.LinkIEEE80211:
		d.wifi(b, false)
	case captures.LinkRadiotap:
		d.radiotap(b)
	case captures.LinkPrism, captures.LinkAVS:
		d.prism(b)
	case captures.LinkPPI:
		d.ppi(b)
	case linkATMCLIP:
		if len(b) >= 2 && llcCarriesIP(b) {
			d.llc(b)
			return
		}
		d.ip(b)
	case linkPKTAP:
		d.pktap(b)
	case captures.LinkNFLog:
		d.nflog(b)
	default:
		d.stats.Unknown[l]++
	}
}

// macs keeps the addresses of the outermost link header, and whether the
// innermost one was sent to a group.
func (d *Decoder) macs(dst, src []byte) {
	d.p.LinkBcast = dst[0]&1 != 0
	if d.p.HasSrcMAC {
		return
	}
	copy(d.p.DstMAC[:], dst)
	copy(d.p.SrcMAC[:], src)
	d.p.HasDstMAC, d.p.HasSrcMAC = true, true
}

// ethernet peels an Ethernet II or 802.3 header.
func (d *Decoder) ethernet(b []byte) {
	if len(b) < 14 {
		d.short()
		return
	}
	d.macs(b[0:6], b[6:12])
	d.etherType(binary.BigEndian.Uint16(b[12:]), b[14:])
}

// etherType goes into what an EtherType announces. Values below 0x600 are
// the length of an 802.3 frame.
func (d *Decoder) etherType(ether uint16, b []byte) {
	for isVLAN(ether) {
		if len(b) < 4 {
			d.short()
			return
		}
		if d.nTags == maxTags {
			d.bad()
			return
		}
		d.tags[d.nTags] = binary.BigEndian.Uint16(b) & 0xFFF
		d.nTags++
		d.p.VLAN = d.tags[d.nTags-len(d.p.VLAN)-1 : d.nTags]
		ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	if ether < leastLLC {
		return
	}
	if ether < 0x0600 {
		if int(ether) < len(b) {
			b = b[:ether]
		}
		d.llc(b)
		return
	}
	switch ether {
	case etherIPv4:
		d.ipv4(b)
	case etherIPv6:
		d.ipv6(b)
	case etherMPLS, etherMPLSMC:
		d.mpls(b)
	case etherPPPoE:
		d.pppoe(b)
	case etherMACsec:
		d.stats.Encrypted++
	case etherPBB:
		d.pbb(b)
	case etherBridged:
		d.innerEthernet(b)
	}
}

// innerEthernet is ethernet inside something else.
func (d *Decoder) innerEthernet(b []byte) {
	d.p.Tunnelled = true
	if d.deeper() {
		d.ethernet(b)
	}
}

// pbb peels the I-TAG of 802.1ah: four bytes, then a whole Ethernet header.
func (d *Decoder) pbb(b []byte) {
	if len(b) < 4 {
		d.short()
		return
	}
	d.innerEthernet(b[4:])
}

// llc peels an 802.2 header, with SNAP where it has one.
func (d *Decoder) llc(b []byte) {
	if len(b) < leastLLC {
		d.short()
		return
	}
	if !llcCarriesIP(b) || b[2] != 0x03 { // unnumbered information only
		return
	}
	if b[0] == 0x06 {
		d.ipv4(b[3:])
		return
	}
	d.snap(b[3:])
}

// snap peels organisation code and protocol.
func (d *Decoder) snap(b []byte) {
	if len(b) < 5 {
		d.short()
		return
	}
	oui := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	pid := binary.BigEndian.Uint16(b[3:])
	switch oui {
	case 0x000000, 0x0000F8: // RFC 1042, 802.1H
		if pid >= 0x0600 {
			d.etherType(pid, b[5:])
		}
	case 0x0080C2: // bridged 802.3 of RFC 2684 and RFC 2427, with and without its check sequence
		if pid != 0x0001 && pid != 0x0007 {
			return
		}
		d.innerEthernet(b[5:])
	}
}

// sllAddress keeps what a cooked header says about the link layer: kind is
// the packet type (1 broadcast, 2 multicast), addr the sender's address field.
func (d *Decoder) sllAddress(kind uint16, addrLen int, addr []byte) {
	if d.p.HasSrcMAC {
		return
	}
	d.p.LinkBcast = kind == 1 || kind == 2
	if addrLen == 6 {
		copy(d.p.SrcMAC[:], addr[:6])
		d.p.HasSrcMAC = true
	}
}

// sllProtocol goes into the protocol field of a cooked header, which is an
// EtherType but for some small values of Linux and for netlink devices.
func (d *Decoder) sllProtocol(hardware, proto uint16, b []byte) {
	const (
		netlink   = 824
		linux8022 = 0x0004
	)
	if hardware == netlink {
		return
	}
	if proto == linux8022 {
		d.llc(b)
		return
	}
	if proto >= 0x0600 {
		d.etherType(proto, b)
	}
}

func (d *Decoder) sll(b []byte) {
	if len(b) < 16 {
		d.short()
		return
	}
	d.sllAddress(binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[4:])), b[6:14])
	d.sllProtocol(binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[14:]), b[16:])
}

func (d *Decoder) sll2(b []byte) {
	if len(b) < 20 {
		d.short()
		return
	}
	d.sllAddress(uint16(b[10]), int(b[11]), b[12:20])
	d.sllProtocol(binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b), b[20:])
}

func (d *Decoder) loopback(l captures.LinkType, b []byte) {
	if len(b) < 4 {
		d.short()
		return
	}
	switch nullFamily(l, b) {
	case etherIPv4:
		d.ipv4(b[4:])
	case etherIPv6:
		d.ipv6(b[4:])
	}
}

// ciscoHDLC peels address, control and EtherType.
func (d *Decoder) ciscoHDLC(b []byte) {
	if len(b) < 4 {
		d.short()
		return
	}
	d.etherType(binary.BigEndian.Uint16(b[2:]), b[4:])
}

// frameRelay peels a Q.922 address of 2 to 4 bytes and the encapsulation of
// RFC 2427, or Cisco's, which has an EtherType in its place.
func (d *Decoder) frameRelay(b []byte) {
	n := 0
	for n < len(b) && n < 4 && b[n]&1 == 0 {
		n++
	}
	n++
	if len(b) < n+2 {
		d.short()
		return
	}
	b = b[n:]
	if b[0] != 0x03 {
		d.etherType(binary.BigEndian.Uint16(b), b[2:])
		return
	}
	b = b[1:]
	if b[0] == 0 { // pad
		b = b[1:]
	}
	if len(b) == 0 {
		d.short()
		return
	}
	switch b[0] {
	case 0xCC:
		d.ipv4(b[1:])
	case 0x8E:
		d.ipv6(b[1:])
	case 0x80:
		d.snap(b[1:])
	case 0xCF:
		d.ppp(b[1:])
	}
}

// tokenRing peels an 802.5 header with its source route, if there is one.
func (d *Decoder) tokenRing(b []byte) {
	if len(b) < 14 {
		d.short()
		return
	}
	if b[1]&0xC0 != 0x40 { // frame control: not LLC
		return
	}
	hlen := 14
	if b[8]&0x80 != 0 { // the sender's group bit announces a source route
		if len(b) < 16 {
			d.short()
			return
		}
		n := int(b[14] & 0x1F)
		if n < 2 || n&1 != 0 {
			d.bad()
			return
		}
		hlen += n
	}
	if len(b) < hlen {
		d.short()
		return
	}
	// 802.5 sends the high bit first: the group bit of the destination is
	// 0x80, and the sender's is no part of its address.
	group := b[2]&0x80 != 0
	outermost := !d.p.HasSrcMAC
	d.macs(b[2:8], b[8:14])
	d.p.LinkBcast = group
	if outermost {
		d.p.SrcMAC[0] &^= 0x80
	}
	d.llc(b[hlen:])
}

// fddi peels frame control and addresses.
func (d *Decoder) fddi(b []byte) {
	if len(b) < 13 {
		d.short()
		return
	}
	if b[0]&0xF8 != 0x50 { // not asynchronous LLC
		return
	}
	d.macs(b[1:7], b[7:13])
	d.llc(b[13:])
}

// nflog walks the attributes of a Linux netfilter log record to the packet.
// Their lengths and types are in the byte order of the capturing machine.
func (d *Decoder) nflog(b []byte) {
	const payload = 9
	if len(b) < 4 {
		d.short()
		return
	}
	b = b[4:]
	for len(b) >= 4 {
		n, kind := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if kind&0x7F00 != 0 { // attribute types are small: the other byte order
			n, kind = int(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[2:])
		}
		if n < 4 {
			d.bad()
			return
		}
		if kind&0x7FFF == payload {
			d.ip(b[4:min(n, len(b))])
			return
		}
		n = (n + 3) &^ 3
		if n > len(b) {
			d.short()
			return
		}
		b = b[n:]
	}
}

// pktap peels Darwin's per-packet header: its length, whether a packet
// follows, and of what link type.
func (d *Decoder) pktap(b []byte) {
	const packet = 1
	if len(b) < 12 {
		d.short()
		return
	}
	hlen := binary.LittleEndian.Uint32(b)
	if hlen < 12 {
		d.bad()
		return
	}
	if uint64(hlen) > uint64(len(b)) {
		d.short()
		return
	}
	if binary.LittleEndian.Uint32(b[4:]) == packet {
		d.link(captures.LinkType(binary.LittleEndian.Uint32(b[8:])), b[hlen:])
	}
}
