package wire

import "encoding/binary"

// mpls pops a label stack. Nothing in it says what follows: IP by its version
// nibble, a pseudowire control word by a nibble of 0, else Ethernet.
func (d *Decoder) mpls(b []byte) {
	if !d.deeper() {
		return
	}
	for range maxLabels {
		if len(b) < 4 {
			d.short()
			return
		}
		bottom := b[2]&1 != 0
		b = b[4:]
		if !bottom {
			continue
		}
		switch {
		case len(b) == 0:
			d.short()
		case etherOfVersion(b) != 0:
			d.ip(b)
		case b[0]>>4 == 0 && len(b) > 4:
			d.innerEthernet(b[4:])
		default:
			d.innerEthernet(b)
		}
		return
	}
	d.bad()
}

// pppoe peels a PPPoE session header, RFC 2516.
func (d *Decoder) pppoe(b []byte) {
	if len(b) < 6 {
		d.short()
		return
	}
	if b[0] != 0x11 {
		d.bad()
		return
	}
	if b[1] != 0 { // discovery
		return
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	b = b[6:]
	if n < len(b) {
		b = b[:n]
	}
	d.ppp(b)
}

// ppp peels address and control, if they were not left out, and the protocol
// of one or two bytes, RFC 1661 and 1662.
func (d *Decoder) ppp(b []byte) {
	const (
		ipv4        = 0x0021
		ipv6        = 0x0057
		mpls        = 0x0281
		mplsMC      = 0x0283
		bridging    = 0x0031
		compression = 0x00FD
		multilink   = 0x003D
	)
	if !d.deeper() {
		return
	}
	if len(b) >= 2 && b[0] == 0xFF && b[1] == 0x03 {
		b = b[2:]
	}
	if len(b) < 2 {
		d.short()
		return
	}
	proto, n := binary.BigEndian.Uint16(b), 2
	if b[0]&1 != 0 { // the leading zero was left out
		proto, n = uint16(b[0]), 1
	}
	b = b[n:]
	switch proto {
	case ipv4:
		d.ipv4(b)
	case ipv6:
		d.ipv6(b)
	case mpls, mplsMC:
		d.mpls(b)
	case bridging, compression, multilink: // need more than arithmetic: negotiated options or memory
		return
	}
}

// pppSerial is PPP on a serial line. HDLC-like framing of Cisco is told by
// its address byte.
func (d *Decoder) pppSerial(b []byte) {
	if len(b) >= 4 && (b[0] == 0x0F || b[0] == 0x8F) && b[1] == 0 {
		d.ciscoHDLC(b)
		return
	}
	d.ppp(b)
}

// pppWithDirection is PPP as pppd logs it: the address byte is replaced by
// the direction, or a direction byte stands before it.
func (d *Decoder) pppWithDirection(b []byte) {
	if len(b) < 2 {
		d.short()
		return
	}
	b = b[1:]
	if b[0] == 0x03 {
		b = b[1:]
	}
	d.ppp(b)
}

// gre peels GRE (RFC 2784 and 2890), its version 1 of PPTP (RFC 2637), and
// ERSPAN of types I, II and III.
func (d *Decoder) gre(b []byte) {
	const (
		hasChecksum = 0x8000
		hasRouting  = 0x4000
		hasKey      = 0x2000
		hasSequence = 0x1000
		hasAck      = 0x0080 // version 1
	)
	if !d.deeper() {
		return
	}
	if len(b) < 4 {
		d.short()
		return
	}
	flags, proto := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	version := flags & 7
	if version > 1 {
		d.bad()
		return
	}
	if flags&hasRouting != 0 { // source routes of RFC 1701, long gone
		return
	}
	n := 4
	if flags&hasChecksum != 0 {
		n += 4
	}
	if flags&hasKey != 0 {
		n += 4
	}
	if flags&hasSequence != 0 {
		n += 4
	}
	if version == 1 && flags&hasAck != 0 {
		n += 4
	}
	if len(b) < n {
		d.short()
		return
	}
	b = b[n:]
	if version == 1 {
		if proto == etherPPTP && flags&hasSequence != 0 { // else it is an acknowledgement alone
			d.ppp(b)
		}
		return
	}
	switch proto {
	case etherERSPAN:
		if flags&hasSequence == 0 { // type I has no header of its own
			d.innerEthernet(b)
			return
		}
		if len(b) < 8 {
			d.short()
			return
		}
		d.innerEthernet(b[8:])
	case etherERSPAN3:
		d.erspan3(b)
	case etherPPTP:
		d.ppp(b)
	default:
		d.etherType(proto, b)
	}
}

// erspan3 peels the 12-byte header of ERSPAN III and its optional subheader.
func (d *Decoder) erspan3(b []byte) {
	if len(b) < 12 {
		d.short()
		return
	}
	n, frameType := 12, b[10]>>2&0x1F
	if b[11]&1 != 0 {
		n += 8
	}
	if len(b) < n {
		d.short()
		return
	}
	switch frameType {
	case 0:
		d.innerEthernet(b[n:])
	case 2:
		d.ip(b[n:])
	}
}

// etherIP peels the two bytes of RFC 3378.
func (d *Decoder) etherIP(b []byte) {
	if len(b) < 2 {
		d.short()
		return
	}
	d.innerEthernet(b[2:])
}

// udpTunnel goes into a tunnel over UDP that either port announces.
func (d *Decoder) udpTunnel(src, dst uint16, b []byte) {
	if !d.deeper() || len(b) == 0 {
		return
	}
	port := dst
	if !isTunnelPort(port) {
		port = src
	}
	switch port {
	case portVXLAN, portVXLANLinux:
		d.vxlan(b)
	case portGeneve:
		d.geneve(b)
	case portGTPU:
		d.gtpu(b)
	case portL2TP:
		d.l2tp(b)
	}
}

// vxlan peels RFC 7348's header. Without its I bit it is something else.
func (d *Decoder) vxlan(b []byte) {
	if len(b) < 8 {
		d.short()
		return
	}
	if b[0]&0x08 == 0 {
		return
	}
	d.innerEthernet(b[8:])
}

// geneve peels RFC 8926's header with its options.
func (d *Decoder) geneve(b []byte) {
	if len(b) < 8 {
		d.short()
		return
	}
	if b[0]>>6 != 0 {
		return
	}
	n := 8 + int(b[0]&0x3F)*4
	if len(b) < n {
		d.short()
		return
	}
	d.etherType(binary.BigEndian.Uint16(b[2:]), b[n:])
}

// gtpu peels a G-PDU of GTPv1-U (3GPP TS 29.281) with its extension headers.
func (d *Decoder) gtpu(b []byte) {
	const gpdu = 255
	if len(b) < 8 {
		d.short()
		return
	}
	if b[0]>>5 != 1 || b[0]&0x10 == 0 || b[1] != gpdu {
		return
	}
	flags := b[0]
	n := int(binary.BigEndian.Uint16(b[2:]))
	b = b[8:]
	if n < len(b) {
		b = b[:n]
	}
	if flags&0x07 != 0 { // sequence number, N-PDU number, next extension type
		if len(b) < 4 {
			d.short()
			return
		}
		next := b[3]
		if flags&0x04 == 0 {
			next = 0
		}
		var ok bool
		if b, ok = d.gtpExtensions(next, b[4:]); !ok {
			return
		}
	}
	d.ip(b)
}

// gtpExtensions passes over the extension headers at the front of b, the first
// of type next; 0 ends them. It is false if one is cut or wrong.
func (d *Decoder) gtpExtensions(next byte, b []byte) (rest []byte, ok bool) {
	for i := 0; next != 0; i++ {
		if i == maxOptions {
			d.bad()
			return nil, false
		}
		if len(b) == 0 {
			d.short()
			return nil, false
		}
		n := int(b[0]) * 4
		if n == 0 {
			d.bad()
			return nil, false
		}
		if len(b) < n {
			d.short()
			return nil, false
		}
		next, b = b[n-1], b[n:]
	}
	return b, true
}

// l2tp peels a data message of L2TPv2 (RFC 2661 3.1). Version 3's header has
// a length that only its control connection tells.
func (d *Decoder) l2tp(b []byte) {
	const (
		control     = 0x8000
		hasLength   = 0x4000
		hasSequence = 0x0800
		hasOffset   = 0x0200
	)
	if len(b) < 2 {
		d.short()
		return
	}
	flags := binary.BigEndian.Uint16(b)
	if flags&control != 0 || flags&0xF != 2 {
		return
	}
	n := 6 // flags, tunnel, session
	if flags&hasLength != 0 {
		n += 2
		if len(b) < 4 {
			d.short()
			return
		}
		if whole := int(binary.BigEndian.Uint16(b[2:])); whole < len(b) {
			b = b[:whole]
		}
	}
	if flags&hasSequence != 0 {
		n += 4
	}
	if flags&hasOffset != 0 {
		n += 2
		if len(b) < n {
			d.short()
			return
		}
		n += int(binary.BigEndian.Uint16(b[n-2:]))
	}
	if len(b) < n {
		d.short()
		return
	}
	d.ppp(b[n:])
}
