package wire

import (
	"encoding/binary"

	"nbtrace/captures"
)

// wifi peels an 802.11 data frame. padded: the header is filled up to a
// multiple of four bytes, as radiotap's flags say of some drivers.
func (d *Decoder) wifi(b []byte, padded bool) {
	const (
		typeData  = 2
		toDS      = 0x01
		fromDS    = 0x02
		moreFrag  = 0x04
		protected = 0x40
		order     = 0x80
	)
	if len(b) < 2 {
		d.short()
		return
	}
	kind, subtype, flags := b[0]>>2&3, b[0]>>4, b[1]
	if kind != typeData || subtype&0x4 != 0 { // no data at all
		return
	}
	hlen := 24
	if flags&(toDS|fromDS) == toDS|fromDS {
		hlen += 6
	}
	qos := hlen
	if subtype&0x8 != 0 {
		hlen += 2
		if flags&order != 0 {
			hlen += 4 // HT control
		}
	}
	if padded {
		hlen = (hlen + 3) &^ 3
	}
	if len(b) < hlen {
		d.short()
		return
	}
	if flags&protected != 0 {
		d.stats.Encrypted++
		return
	}
	if flags&moreFrag != 0 || b[22]&0x0F != 0 { // a fragment of an MSDU
		return
	}
	var dst, src []byte
	switch flags & (toDS | fromDS) {
	case 0:
		dst, src = b[4:10], b[10:16]
	case toDS:
		dst, src = b[16:22], b[10:16]
	case fromDS:
		dst, src = b[4:10], b[16:22]
	default:
		dst, src = b[16:22], b[24:30]
	}
	aggregate := subtype&0x8 != 0 && b[qos]&0x80 != 0
	b = b[hlen:]
	if aggregate {
		d.amsdu(b)
		return
	}
	d.macs(dst, src)
	d.llc(b)
}

// amsdu walks the subframes of an aggregate: addresses, length, LLC, and
// padding to a multiple of four. Each has its own addresses and layers.
func (d *Decoder) amsdu(b []byte) {
	p, layers := d.p, d.layers
	for len(b) >= 14 {
		n := int(binary.BigEndian.Uint16(b[12:]))
		d.p, d.layers = p, layers
		d.macs(b[0:6], b[6:12])
		d.llc(b[14:min(14+n, len(b))])
		next := (14 + n + 3) &^ 3
		if next >= len(b) {
			return
		}
		b = b[next:]
	}
}

// radioHeader is the length of the header that radiotap and PPI have in common:
// version 0, a byte that differs, the length of the whole, four bytes more. It
// is false if the header is cut or wrong.
func (d *Decoder) radioHeader(b []byte) (hlen int, ok bool) {
	if len(b) < 8 {
		d.short()
		return 0, false
	}
	hlen = int(binary.LittleEndian.Uint16(b[2:]))
	if hlen < 8 || b[0] != 0 {
		d.bad()
		return 0, false
	}
	if hlen > len(b) {
		d.short()
		return 0, false
	}
	return hlen, true
}

// radiotap peels the header that most 802.11 captures have. Only its flags
// are of interest: they say whether the 802.11 header is padded.
func (d *Decoder) radiotap(b []byte) {
	const (
		hasTSFT  = 1 << 0
		hasFlags = 1 << 1
		more     = 1 << 31
		padded   = 0x20
	)
	hlen, ok := d.radioHeader(b)
	if !ok {
		return
	}
	present := binary.LittleEndian.Uint32(b[4:])
	at := 8
	for word, n := present, 0; word&more != 0; n++ {
		if n == maxOptions || at+4 > hlen {
			d.bad()
			return
		}
		word = binary.LittleEndian.Uint32(b[at:])
		at += 4
	}
	flags := uint8(0)
	if present&hasFlags != 0 {
		if present&hasTSFT != 0 {
			at = (at+7)&^7 + 8
		}
		if at >= hlen {
			d.bad()
			return
		}
		flags = b[at]
	}
	d.wifi(b[hlen:], flags&padded != 0)
}

// prism peels the header of Prism cards, or AVS, which files of both link
// types may hold. Prism's numbers are in the byte order of the machine.
func (d *Decoder) prism(b []byte) {
	const (
		avsMagic  = 0x80211000
		maxHeader = 1024
	)
	if len(b) < 8 {
		d.short()
		return
	}
	hlen := binary.BigEndian.Uint32(b[4:])
	if magic := binary.BigEndian.Uint32(b); magic&0xFFFFF000 != avsMagic && hlen > maxHeader {
		hlen = binary.LittleEndian.Uint32(b[4:])
	}
	if hlen < 8 || hlen > maxHeader {
		d.bad()
		return
	}
	if int(hlen) > len(b) {
		d.short()
		return
	}
	d.wifi(b[hlen:], false)
}

// ppi peels a per-packet information header, whose last four bytes are the link
// type of what follows.
func (d *Decoder) ppi(b []byte) {
	hlen, ok := d.radioHeader(b)
	if !ok {
		return
	}
	d.link(captures.LinkType(binary.LittleEndian.Uint32(b[4:])), b[hlen:])
}
