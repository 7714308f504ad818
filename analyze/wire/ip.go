package wire

import (
	"encoding/binary"
	"net/netip"
)

// ip goes by the version nibble, for links and tunnels that have no other
// sign of what they carry.
func (d *Decoder) ip(b []byte) {
	switch etherOfVersion(b) {
	case etherIPv4:
		d.ipv4(b)
	case etherIPv6:
		d.ipv6(b)
	default:
		d.badVersion(b)
	}
}

func (d *Decoder) badVersion(b []byte) {
	if len(b) == 0 {
		d.short()
		return
	}
	d.bad()
}

// ipv4 peels an IPv4 header. Bytes after its total length are padding.
func (d *Decoder) ipv4(b []byte) {
	if !d.deeper() {
		return
	}
	if len(b) < 20 {
		d.short()
		return
	}
	hlen := int(b[0]&0xF) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // segmentation was left to the network card
		total = len(b) + d.lack
	}
	if b[0]>>4 != 4 || hlen < 20 || total < hlen {
		d.bad()
		return
	}
	if len(b) < hlen {
		d.short()
		return
	}
	d.p.Tunnelled = d.p.Tunnelled || d.src.IsValid()
	d.p.TTL, d.p.IPID = b[8], binary.BigEndian.Uint16(b[4:])
	d.src = netip.AddrFrom4([4]byte(b[12:16]))
	d.dst = netip.AddrFrom4([4]byte(b[16:20]))
	proto := b[9]
	field := binary.BigEndian.Uint16(b[6:])
	more, offset := field&0x2000 != 0, int(field&0x1FFF)*8
	want := total - hlen
	b = b[hlen:min(total, len(b))]
	if more || offset != 0 {
		d.fragment(proto, offset, more, b, want)
		return
	}
	d.transport(proto, b, want)
}

// ipv6 peels an IPv6 header and its extension headers. Fragments of IPv6 are
// not put together: NetBIOS over TCP/IP is a protocol of IPv4, which IPv6 can
// but tunnel.
func (d *Decoder) ipv6(b []byte) {
	if !d.deeper() {
		return
	}
	if len(b) < 40 {
		d.short()
		return
	}
	if b[0]>>4 != 6 {
		d.bad()
		return
	}
	want := int(binary.BigEndian.Uint16(b[4:]))
	if want == 0 { // a jumbogram, or segmentation left to the network card
		want = len(b) + d.lack - 40
	}
	d.p.Tunnelled = d.p.Tunnelled || d.src.IsValid()
	d.p.TTL, d.p.IPID = b[7], 0
	d.src = netip.AddrFrom16([16]byte(b[8:24]))
	d.dst = netip.AddrFrom16([16]byte(b[24:40]))
	d.transport(b[6], b[40:min(40+want, len(b))], want)
}

// transport goes into the payload of an IP header: b, of which the header
// announces want bytes. Extension headers and AH are passed over.
func (d *Decoder) transport(proto uint8, b []byte, want int) {
	for range maxOptions {
		n := 0
		switch proto {
		case protoUDP:
			d.udp(b, want)
			return
		case protoTCP:
			d.tcp(b)
			return
		case protoIPv4:
			d.ipv4(b)
			return
		case protoIPv6:
			d.ipv6(b)
			return
		case protoGRE:
			d.gre(b)
			return
		case protoMPLS:
			d.mpls(b)
			return
		case protoEtherIP:
			d.etherIP(b)
			return
		case protoESP:
			d.stats.Encrypted++
			return
		case protoFragment:
			if len(b) < 8 {
				d.short()
				return
			}
			if binary.BigEndian.Uint16(b[2:])&0xFFF9 != 0 { // offset or more fragments
				d.stats.FragmentsBad++
				return
			}
			n = 8
		case protoHopByHop, protoRouting, protoDstOpts, protoMobility, protoHIP, protoShim6:
			if len(b) < 8 {
				d.short()
				return
			}
			n = (int(b[1]) + 1) * 8
		case protoAH:
			if len(b) < 8 {
				d.short()
				return
			}
			n = (int(b[1]) + 2) * 4
		default:
			return
		}
		if len(b) < n {
			d.short()
			return
		}
		proto, b, want = b[0], b[n:], want-n
	}
	d.bad()
}

// udp peels a UDP header: messages of ours, or one of the tunnels over UDP.
func (d *Decoder) udp(b []byte, want int) {
	if len(b) < 8 {
		d.short()
		return
	}
	src, dst := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	length := int(binary.BigEndian.Uint16(b[4:]))
	proto := udpProtocol(src, dst)
	if proto != 0 {
		d.hit = true
	} else if !isTunnelPort(src) && !isTunnelPort(dst) {
		return
	}
	if length < 8 {
		d.bad()
		return
	}
	if length > want { // IP has the last word
		d.bad()
		length = want
	}
	length -= 8
	b = b[8:]
	if length < len(b) {
		b = b[:length]
	}
	if proto == 0 {
		d.udpTunnel(src, dst, b)
		return
	}
	if len(b) == 0 {
		d.stats.Empty++
		return
	}
	p := d.emit(&d.p)
	p.Protocol = proto
	p.Src, p.Dst = netip.AddrPortFrom(d.src, src), netip.AddrPortFrom(d.dst, dst)
	p.Payload = b
	p.Snapped = d.lack > 0 && len(b) < length
}

// tcp peels a TCP header and gives the segment to its stream. What IP padded
// or the snap length cut is missing in b; a cut tail is a hole like any other.
func (d *Decoder) tcp(b []byte) {
	if len(b) < 20 {
		d.short()
		return
	}
	src, dst := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	proto := tcpProtocol(src, dst)
	if proto == 0 {
		return
	}
	d.hit = true
	hlen := int(b[12]>>4) * 4
	if hlen < 20 {
		d.bad()
		return
	}
	if len(b) < hlen {
		d.short()
		return
	}
	p := d.p
	p.Protocol = proto
	p.TCP = true
	p.Src, p.Dst = netip.AddrPortFrom(d.src, src), netip.AddrPortFrom(d.dst, dst)
	d.segment(&p, binary.BigEndian.Uint32(b[4:]), b[13], b[hlen:])
}
