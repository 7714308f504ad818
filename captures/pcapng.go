package captures

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
)

// Block types of pcapng. The custom, journal and event blocks hold no frames,
// but Wireshark gives them frame numbers.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockStats     = 5 // interface statistics
	blockEnhanced  = 6
	blockJournal   = 9 // systemd journal export
	blockCustom    = 0x0BAD
	blockCustomNC  = 0x40000BAD // not to be copied
	blockEvent     = 0x204      // sysdig
	blockEventF    = 0x208
	blockEventV2   = 0x216
	blockEventFV2  = 0x217
	blockEventV2L  = 0x221
	blockEventFV2L = 0x222

	byteOrderMagic = 0x1A2B3C4D

	second = 1_000_000_000 // nanoseconds

	// maxInterfaces bounds the interfaces of one section.
	maxInterfaces = 1 << 16
	// maxOptions is how much of a section's or interface's block is looked at.
	maxOptions = 256 << 10
)

type ngState struct {
	ifaces []iface          // of the section
	missed map[uint32]int64 // packets that an interface lost, by the latest statistics of the section
	lost   int64            // those of earlier sections
	before int              // interfaces of earlier sections
	rest   int64            // bytes of a block still to be skipped, without its trailer
	total  uint32           // length that the skipped block states
	start  int64            // offset of the skipped block
}

// iface is what an interface description block says. Times count units of
// 10^-exp or 2^-exp seconds.
type iface struct {
	link    LinkType
	snaplen uint32
	max     uint32
	exp     uint8
	binary  bool
	mul     uint64 // nanoseconds per unit, 0 if that is no whole number
	limit   uint64 // largest time for which mul and offset cannot overflow
	offset  int64  // nanoseconds
}

// time turns a time of the file into nanoseconds since 1970. Times beyond the
// range of int64 (the year 2262) become its ends.
func (i *iface) time(t uint64) int64 {
	if t <= i.limit {
		return int64(t*i.mul) + i.offset
	}
	return addClamped(i.scale(t), i.offset)
}

// scale turns t into nanoseconds, rounding down.
func (i *iface) scale(t uint64) int64 {
	hi, lo := bits.Mul64(t, 1e9)
	if i.binary {
		switch n := uint(i.exp); {
		case n == 0:
			return clampTime(hi, lo)
		case n < 64:
			return clampTime(hi>>n, hi<<(64-n)|lo>>n)
		default:
			return clampTime(0, hi>>(n-64))
		}
	}
	if i.exp <= 9 {
		return clampTime(bits.Mul64(t, pow10(9-i.exp)))
	}
	if i.exp-9 > 19 {
		return 0
	}
	return clampTime(0, t/pow10(i.exp-9))
}

// pow10 is 10^n, n at most 19.
func pow10(n uint8) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

func clampTime(hi, lo uint64) int64 {
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

// addClamped adds; a sum beyond the range of int64 becomes its end.
func addClamped(a, b int64) int64 {
	switch s := a + b; {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	default:
		return s
	}
}

// prepare works out the factors for time.
func (i *iface) prepare() {
	switch {
	case !i.binary && i.exp <= 9:
		i.mul = pow10(9 - i.exp)
	case i.binary && i.exp == 0:
		i.mul = 1e9
	case i.binary && i.exp <= 9: // 10^9 divides by 2^9
		i.mul = 1e9 >> i.exp
	default:
		return
	}
	i.limit = uint64(math.MaxInt64-max(i.offset, 0)) / i.mul
}

func (r *Reader) openNG() error {
	if !r.need(28) {
		return &FormatError{Name: r.name, Looks: "a pcapng file that ends within its header", Hint: hintCut}
	}
	b := r.buf[r.pos:r.end]
	if binary.LittleEndian.Uint32(b[8:]) != byteOrderMagic && binary.BigEndian.Uint32(b[8:]) != byteOrderMagic {
		return &FormatError{Name: r.name, Looks: "a pcapng file whose section header is damaged",
			Hint: "it may have been transferred in text mode: transfer it again in binary mode"}
	}
	r.format = formatNG
	return r.section()
}

// order32 reads a word, in big-endian order if big.
func order32(b []byte, big bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) nextNG(f *Frame) error {
	for {
		if r.ng.total != 0 {
			if err := r.skipBlock(); err != nil {
				return err
			}
		}
		b, big := r.buf[r.pos:r.end], r.big
		if len(b) < 32 || order32(b, big) != blockEnhanced {
			if yielded, err := r.block(f); yielded || err != nil {
				return err
			}
			continue
		}
		total, id, incl := order32(b[4:], big), order32(b[8:], big), order32(b[20:], big)
		if uint64(total) > uint64(len(b)) || total < 32 || total%4 != 0 || incl > total-32 || incl > maxData ||
			uint64(id) >= uint64(len(r.ng.ifaces)) || order32(b[total-4:], big) != total {
			if yielded, err := r.block(f); yielded || err != nil {
				return err
			}
			continue
		}
		i := &r.ng.ifaces[id]
		t := i.time(uint64(order32(b[12:], big))<<32 | uint64(order32(b[16:], big)))
		r.number++
		r.note(t)
		r.pos += int(total)
		f.Input = r.input
		f.Number = r.number
		f.Time = t
		f.Interface = r.ng.before + int(id)
		f.Link = i.link
		f.Length = wireLength(order32(b[24:], big))
		f.Data = b[28 : 28+incl : 28+incl]
		return nil
	}
}

// block takes one block the careful way: whatever is not a whole, sound
// enhanced packet block in the window. yielded says that f was filled.
func (r *Reader) block(f *Frame) (yielded bool, err error) {
	if !r.need(8) {
		if r.end == r.pos {
			return false, r.finish()
		}
		return false, r.ended("it ends within the header of a block")
	}
	b := r.buf[r.pos:r.end]
	kind, total := r.u32(b), r.u32(b[4:])
	if r.fixed && (kind == blockSection || kind == blockInterface || kind == blockStats) {
		return false, errChange
	}
	if kind == blockSection {
		return false, r.section()
	}
	least := uint32(12)
	switch kind {
	case blockEnhanced, blockPacket:
		least = 32
	case blockSimple:
		least = 16
	case blockInterface:
		least = 20
	}
	if total < least {
		return false, r.fail(r.offset(), hintRepair, nil, "the block of type %d claims %d bytes, fewer than its %d", kind, total, least)
	}
	switch kind {
	case blockEnhanced, blockPacket, blockSimple:
		return r.packetBlock(f, kind, total)
	case blockInterface:
		return false, r.interfaceBlock(total)
	case blockStats:
		return false, r.statsBlock(total)
	case blockJournal, blockCustom, blockCustomNC, blockEvent, blockEventF, blockEventV2, blockEventFV2, blockEventV2L, blockEventFV2L:
		r.number++
	}
	r.leave(0, total)
	return false, nil
}

// padded is a block's length in the file: writers should make it a multiple of
// four themselves, and some do not.
func padded(total uint32) int64 { return (int64(total) + 3) &^ 3 }

// leave marks the block at the window's start to be skipped, but for used
// bytes of it that are dropped at once.
func (r *Reader) leave(used int, total uint32) {
	r.ng.start = r.offset()
	r.ng.total = total
	r.ng.rest = padded(total) - 4 - int64(used)
	r.pos += used
}

// skipBlock skips what leave left and checks the trailer.
func (r *Reader) skipBlock() error {
	n, total := r.ng.rest, r.ng.total
	r.ng.rest, r.ng.total = 0, 0
	if !r.discard(n) || !r.need(4) {
		return r.endedAt(r.ng.start, "it ends within a block of %d bytes", total)
	}
	trailer := r.u32(r.buf[r.pos:r.end])
	r.pos += 4
	return r.trailer(r.ng.start, total, trailer)
}

func (r *Reader) trailer(start int64, total, trailer uint32) error {
	if trailer == total || int64(trailer) == padded(total) {
		return nil
	}
	return r.fail(start, hintRepair, nil, "the block states a length of %d at its start and %d at its end", total, trailer)
}

// section takes a section header block.
func (r *Reader) section() error {
	start := r.offset()
	if !r.need(28) {
		return r.ended("it ends within a section header")
	}
	b := r.buf[r.pos:r.end]
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(b[8:]):
		r.big = false
	case binary.BigEndian.Uint32(b[8:]):
		r.big = true
	default:
		return r.fail(start, hintRepair, nil, "a section header has the unknown byte-order magic 0x%08x", binary.LittleEndian.Uint32(b[8:]))
	}
	total, major, minor := r.u32(b[4:]), r.u16(b[12:]), r.u16(b[14:])
	if total < 28 {
		return r.fail(start, hintRepair, nil, "a section header claims %d bytes, fewer than its 28", total)
	}
	if major != 1 {
		return r.fail(start, "convert it with a newer Wireshark: editcap -F pcap IN OUT", nil, "pcapng version %d.%d is unknown", major, minor)
	}
	r.ng.before += len(r.ng.ifaces)
	r.ng.lost = r.ng.allLost()
	r.ng.ifaces, r.ng.missed = nil, nil
	r.age++
	r.leave(24, total)
	return nil
}

// interfaceBlock takes an interface description block.
func (r *Reader) interfaceBlock(total uint32) error {
	look := int(min(int64(total), maxOptions))
	if !r.need(look) {
		return r.ended("it ends within an interface description of %d bytes", total)
	}
	if len(r.ng.ifaces) == maxInterfaces {
		return r.fail(r.offset(), hintRepair, nil, "the section has more than %d interfaces", maxInterfaces)
	}
	b := r.buf[r.pos : r.pos+look]
	i := iface{link: LinkType(r.u16(b[8:])), snaplen: r.u32(b[12:]), exp: 6}
	i.max = maxDataOf(i.link)
	r.interfaceOptions(&i, b[16:look-4])
	i.prepare()
	r.ng.ifaces = append(r.ng.ifaces, i)
	r.age++
	r.linkType(i.link)
	r.leave(0, total)
	return nil
}

const (
	optionEnd        = 0
	optionResolution = 9  // if_tsresol
	optionOffset     = 14 // if_tsoffset
)

// interfaceOptions takes the options that bear on times.
func (r *Reader) interfaceOptions(i *iface, b []byte) {
	for code, value := range r.options(b) {
		switch {
		case code == optionResolution && len(value) >= 1:
			i.exp, i.binary = value[0]&0x7F, value[0]&0x80 != 0
		case code == optionOffset && len(value) >= 8:
			i.offset = min(max(int64(r.u64(value)), math.MinInt64/second), math.MaxInt64/second) * second
		}
	}
}

// options goes over the codes and values of a block's options. What does not
// parse ends the list.
func (r *Reader) options(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, n := r.u16(b), int(r.u16(b[2:]))
			b = b[4:]
			if code == optionEnd || n > len(b) || !yield(code, b[:n]) {
				return
			}
			b = b[min((n+3)&^3, len(b)):]
		}
	}
}

// packetBlock takes an enhanced, obsolete or simple packet block.
func (r *Reader) packetBlock(f *Frame, kind, total uint32) (bool, error) {
	start, size := r.offset(), 28
	if kind == blockSimple {
		size = 12
	}
	if !r.need(size) {
		return false, r.ended("it ends within the header of a packet block")
	}
	b := r.buf[r.pos:r.end]
	var id, incl, orig uint32
	switch kind {
	case blockEnhanced:
		id, incl, orig = r.u32(b[8:]), r.u32(b[20:]), r.u32(b[24:])
	case blockPacket:
		id, incl, orig = uint32(r.u16(b[8:])), r.u32(b[20:]), r.u32(b[24:])
	case blockSimple:
		orig = r.u32(b[8:])
		incl = min(orig, total-16)
	}
	if uint64(id) >= uint64(len(r.ng.ifaces)) {
		return false, r.fail(start, hintRepair, nil, "a packet block names interface %d of %d", id, len(r.ng.ifaces))
	}
	i := &r.ng.ifaces[id]
	if kind == blockSimple && i.snaplen > 0 {
		incl = min(incl, i.snaplen)
	}
	limit := uint32(maxBlock)
	if i.max > maxData {
		limit = maxLarge + maxBlock
	}
	switch {
	case incl > i.max:
		return false, r.fail(start, hintRepair, nil, "the packet block claims %d bytes of data, more than the limit of %d", incl, i.max)
	case int64(incl) > padded(total)-int64(size)-4:
		return false, r.fail(start, hintRepair, nil, "the packet block of %d bytes claims %d bytes of data", total, incl)
	case total > limit:
		return false, r.fail(start, hintRepair, nil, "the packet block claims %d bytes, more than the limit of %d", total, limit)
	}
	var t int64
	if kind != blockSimple {
		t = i.time(uint64(r.u32(b[12:]))<<32 | uint64(r.u32(b[16:])))
	}
	data, err := r.packetData(start, size, total, incl)
	if err != nil {
		return false, err
	}
	r.number++
	if kind == blockSimple {
		r.packets++
	} else {
		r.note(t)
	}
	*f = Frame{Input: r.input, Number: r.number, Time: t, Interface: r.ng.before + int(id), Link: i.link,
		Length: wireLength(orig), Data: data}
	return true, nil
}

// packetData takes the block at the window's start, whole, and gives its data.
// A block above maxWhole is not held: its data is copied, cut to maxData.
func (r *Reader) packetData(start int64, size int, total, incl uint32) ([]byte, error) {
	if whole := padded(total); whole <= maxWhole {
		if !r.need(int(whole)) {
			return nil, r.endedAt(start, "it ends within a packet block of %d bytes", total)
		}
		b := r.buf[r.pos : r.pos+int(whole)]
		if err := r.trailer(start, total, r.u32(b[whole-4:])); err != nil {
			return nil, err
		}
		r.pos += int(whole)
		incl = min(incl, maxData)
		return b[size : size+int(incl) : size+int(incl)], nil
	}
	n := int(min(incl, maxData))
	if !r.need(size + n) {
		return nil, r.endedAt(start, "it ends within a packet block of %d bytes", total)
	}
	r.held = append(r.held[:0], r.buf[r.pos+size:r.pos+size+n]...)
	r.leave(0, total)
	return r.held, r.skipBlock()
}
