package captures

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// pcapState is what the file header says about the records.
type pcapState struct {
	variant
	link    LinkType
	snaplen uint32
	max     uint32 // largest captured length
	lengths lengthOrder
}

// variant is one of the shapes of pcap files. Several share a magic number.
type variant struct {
	magic  uint32
	header int   // bytes of the file header
	record int   // bytes of a record header: 16, and what a vendor added
	pad    int   // bytes before the frame that the lengths count
	unit   int64 // nanoseconds per unit of the time's fraction
}

const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicPatched  = 0xa1b2cd34 // Alexey Kuznetsov's patched libpcap
	magicIxiaNano = 0x1c0001ac // Ixia "lcap": a length follows the file header
	magicIxia     = 0x1c0001ab

	recordPlain   = 16
	recordNokia   = 20 // 4 bytes more, unknown
	recordPatched = 24 // interface index, protocol, packet type: Red Hat 6.1, and later patches
	recordSuSE    = 28 // the same and 4 bytes more: SuSE 6.3
)

type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	wireFirst                 // before version 2.3
	smallerFirst              // version 2.3: either
)

// pcapMagic tells a pcap by its first four bytes, in either byte order.
func pcapMagic(head []byte) (variant, bool) {
	for _, m := range []uint32{binary.LittleEndian.Uint32(head), binary.BigEndian.Uint32(head)} {
		v := variant{magic: m, header: 24, record: recordPlain, unit: 1000}
		switch m {
		case magicMicro:
			return v, true
		case magicNano:
			v.unit = 1
			return v, true
		case magicPatched:
			v.record = recordPatched
			return v, true
		case magicIxia:
			v.header = 28
			return v, true
		case magicIxiaNano:
			v.header, v.unit = 28, 1
			return v, true
		}
	}
	return variant{}, false
}

func (r *Reader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}

func (r *Reader) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (r *Reader) openPcap(v variant) error {
	if !r.need(v.header) {
		return &FormatError{Name: r.name, Looks: "a pcap file that ends within its header", Hint: hintCut}
	}
	h := r.buf[r.pos : r.pos+v.header]
	r.big = binary.BigEndian.Uint32(h) == v.magic
	major, minor := r.u16(h[4:]), r.u16(h[6:])
	if major < 2 {
		return &FormatError{Name: r.name, Looks: "a pcap file of a version before 2.0",
			Hint: "its magic number is right, so its header may be damaged: set bytes 4 to 7 to version 2.4"}
	}
	network := r.u32(h[20:])
	p := pcapState{variant: v, snaplen: r.u32(h[16:])}
	settled := v.magic != magicMicro && v.magic != magicPatched
	switch {
	case major == 2 && minor < 3, major == 543: // 543 is DG/UX
		p.lengths, settled = wireFirst, true
	case major == 2 && minor == 3:
		p.lengths, settled = smallerFirst, true
	}
	if v.magic == magicMicro && major == 2 && minor == 2 {
		network = p.aix(network)
	}
	// The upper 16 bits hold the length of the frame check sequence and
	// reserved bits.
	p.link = LinkType(network & 0xFFFF)
	p.max = maxDataOf(p.link)
	r.pcap = p
	r.pos += v.header
	r.linkType(p.link)
	if settled {
		r.format = formatPcap
	}
	return nil
}

// aix turns the interface type that AIX writes into a link type. Its files
// count nanoseconds under the magic of microseconds.
func (p *pcapState) aix(network uint32) uint32 {
	switch network {
	case 6:
		network = uint32(LinkEthernet)
	case 9:
		network = uint32(LinkTokenRing)
	case 15:
		network, p.pad = uint32(LinkFDDI), 3
	case 24:
		network = uint32(LinkNull)
	default:
		return network
	}
	p.unit = 1
	return network
}

func (r *Reader) nextPcap(f *Frame) error {
	for {
		b := r.buf[r.pos:r.end]
		size := r.pcap.record
		if len(b) < size || size < recordPlain {
			if !r.need(size) {
				return r.pcapEnd(size)
			}
			continue
		}
		sec, frac := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		incl, orig := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		if r.big {
			sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
			incl, orig = bits.ReverseBytes32(incl), bits.ReverseBytes32(orig)
		}
		if r.pcap.lengths != capturedFirst {
			incl, orig = r.pcap.lengths.sort(incl, orig)
		}
		if incl > maxData {
			return r.nextLarge(f, sec, frac, incl, orig)
		}
		if len(b)-size < int(incl) {
			if !r.need(size + int(incl)) {
				return r.pcapEnd(size + int(incl))
			}
			continue
		}
		end := size + int(incl)
		r.pos += end
		r.fillPcap(f, sec, frac, orig, b[size:end:end])
		return nil
	}
}

func (r *Reader) fillPcap(f *Frame, sec, frac, orig uint32, data []byte) {
	t := int64(sec)*1e9 + int64(frac)*r.pcap.unit
	r.number++
	r.note(t)
	f.Input = r.input
	f.Number = r.number
	f.Time = t
	f.Interface = 0
	f.Link = r.pcap.link
	f.Length = wireLength(orig)
	f.Data = data
	if pad := r.pcap.pad; pad > 0 {
		f.Data = data[min(pad, len(data)):]
		f.Length = max(0, f.Length-pad)
	}
}

// nextLarge takes a record above maxData: damage, but for the link types that
// may have such. Their frames are counted, with Data cut to maxData.
func (r *Reader) nextLarge(f *Frame, sec, frac, incl, orig uint32) error {
	size := r.pcap.record
	if incl > r.pcap.max {
		return r.fail(r.offset(), hintRepair, nil, "the record claims %d bytes, more than the limit of %d", incl, r.pcap.max)
	}
	start := r.offset()
	if !r.need(size + maxData) {
		return r.pcapEnd(size + int(incl))
	}
	r.held = append(r.held[:0], r.buf[r.pos+size:r.pos+size+maxData]...)
	if !r.discard(int64(size) + int64(incl)) {
		return r.endedAt(start, "it ends within a record of %d bytes", size+int(incl))
	}
	r.fillPcap(f, sec, frac, orig, r.held)
	return nil
}

// sort gives the captured length, then the length on the wire.
func (o lengthOrder) sort(a, b uint32) (uint32, uint32) {
	if o == wireFirst || a > b {
		return b, a
	}
	return a, b
}

// pcapEnd is the end of the source where a record of n bytes was due.
func (r *Reader) pcapEnd(n int) error {
	have := r.end - r.pos
	if have == 0 {
		return r.finish()
	}
	return r.ended("it ends %d bytes into a record of %d", have, n)
}

// triedRecords is how many records settle the shape of the record header.
const triedRecords = 3

// settlePcap chooses the shape of the record headers where the magic number
// leaves it open, by which shape the first records fit best; Wireshark does
// the same. An input that may wait (a pipe) is judged by what one read gave.
func (r *Reader) settlePcap() {
	shapes := []int{recordPlain, recordPatched, recordNokia}
	if r.pcap.magic == magicPatched {
		shapes = []int{recordPatched, recordSuSE}
	}
	if r.live {
		r.need(recordPlain)
	}
	best := math.MaxInt
	for _, s := range shapes {
		if bad := r.misfits(s); bad < best {
			best, r.pcap.record = bad, s
		}
		if best == 0 {
			break
		}
	}
	r.format = formatPcap
}

// misfits counts what speaks against record headers of size bytes.
func (r *Reader) misfits(size int) int {
	bad, at := 0, 0
	for range triedRecords {
		if !r.live && at+size <= maxWhole {
			r.need(at + size)
		}
		b := r.buf[min(r.pos+at, r.end):r.end]
		if len(b) < size {
			if len(b) > 0 && r.srcErr != nil {
				bad++
			}
			return bad
		}
		incl, orig := r.u32(b[8:]), r.u32(b[12:])
		for _, wrong := range []bool{
			r.u32(b[4:]) >= 1e6,
			incl > r.pcap.max,
			incl > r.pcap.snaplen,
			orig > maxLarge,
			incl > orig,
			size == recordNokia && !r.nokia(b[16:]),
			size >= recordPatched && r.u32(b[16:]) > 10000, // interface index
			size >= recordPatched && !oldProtocol(r.u16(b[20:])),
			size >= recordPatched && b[22] > 4, // packet type
		} {
			if wrong {
				bad++
			}
		}
		if incl > r.pcap.max {
			return bad
		}
		at += size + int(incl)
		if !r.live && at <= maxWhole && !r.need(at) {
			return bad + 1
		}
	}
	return bad
}

// oldProtocol reports whether v is an Ethertype or one of the small numbers
// that Linux used for frames without one.
func oldProtocol(v uint16) bool {
	return v >= 0x0600 || v <= 0x0017 || v == 0x0060 || v == 0x0200 || v == 0x0400
}

// nokia reports whether b begins with the word seen in Nokia's files:
// 0xXfbfYZ0W, with X 9 or b, Y b or d, Z 6 or 9 and W 1 or 2.
func (r *Reader) nokia(b []byte) bool {
	v := r.u32(b)
	x, y, z, w := v>>28, v>>12&15, v>>8&15, v&15
	return v&0x0FFF00F0 == 0x0FBF0000 && (x == 9 || x == 11) && (y == 11 || y == 13) && (z == 6 || z == 9) && (w == 1 || w == 2)
}
