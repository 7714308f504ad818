package captures

import (
	"io"
	"math"
	"slices"
)

// Options of an interface statistics block that count what was lost: by the
// interface, for want of resources, and by the operating system.
const (
	optionIfDrop = 5 // isb_ifdrop
	optionOSDrop = 7 // isb_osdrop
)

const (
	leastStats = 24 // bytes of an interface statistics block
	// maxStats is how much of one is looked at.
	maxStats = 4 << 10
	// lastStats is how many of them are looked for at the end of a file.
	lastStats = 64
)

// allLost is how many packets all sections so far lost.
func (g *ngState) allLost() int64 {
	lost := g.lost
	for _, n := range g.missed {
		lost = addClamped(lost, n)
	}
	return lost
}

// statsBlock takes an interface statistics block. Its counts are those since
// the beginning of the capture, so the latest one of an interface holds.
func (r *Reader) statsBlock(total uint32) error {
	look := int(min(total, maxStats))
	if !r.need(look) {
		return r.ended("it ends within an interface statistics block of %d bytes", total)
	}
	if look >= leastStats {
		b := r.buf[r.pos : r.pos+look]
		if r.ng.missed == nil {
			r.ng.missed = map[uint32]int64{}
		}
		if id := r.u32(b[8:]); id < maxInterfaces {
			r.ng.missed[id] = r.lostBy(b[20 : look-4])
		}
	}
	r.leave(0, total)
	return nil
}

// lostBy adds up what the options of an interface statistics block say was
// lost.
func (r *Reader) lostBy(b []byte) int64 {
	var lost int64
	for code, value := range r.options(b) {
		if (code == optionIfDrop || code == optionOSDrop) && len(value) == 8 {
			lost = addClamped(lost, int64(min(r.u64(value), math.MaxInt64)))
		}
	}
	return lost
}

// foretell reads the statistics that programs write at the end of a pcapng
// file, so that it is known from the beginning what the capture lost. What is
// not as expected is left to the reading itself.
func (r *Reader) foretell(f io.ReaderAt, size int64) {
	var word [4]byte
	var b [maxStats]byte
	var seen []uint32 // interfaces
	for range lastStats {
		if size < leastStats {
			return
		}
		if _, err := f.ReadAt(word[:], size-4); err != nil {
			return
		}
		total := r.u32(word[:])
		if total < leastStats || total > maxStats || int64(total) > size {
			return
		}
		if _, err := f.ReadAt(b[:total], size-int64(total)); err != nil {
			return
		}
		if r.u32(b[:]) != blockStats || r.u32(b[4:]) != total {
			return
		}
		if id := r.u32(b[8:]); id < maxInterfaces && !slices.Contains(seen, id) {
			seen = append(seen, id)
			r.foretold = addClamped(r.foretold, r.lostBy(b[20:total-4]))
		}
		size -= int64(total)
	}
}
