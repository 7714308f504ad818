package hosts

import "math/rand/v2"

// index finds the place of an IPv4 address in an open-addressing table.
type index struct {
	slots []entry // a power of two
	used  int
	key   uint64 // of the hash, so that nobody can choose addresses that collide
}

type entry struct {
	addr uint32
	at   int32 // plus one; 0: free
}

const leastSlots = 64

func newIndex() index {
	return index{slots: make([]entry, leastSlots), key: rand.Uint64() | 1}
}

func (x *index) home(addr uint32) uint32 {
	h := (uint64(addr) ^ x.key>>32) * 0x9E3779B97F4A7C15
	return uint32((h^h>>29)*x.key>>32) & uint32(len(x.slots)-1)
}

func (x *index) get(addr uint32) (int32, bool) {
	mask := uint32(len(x.slots) - 1)
	for i := x.home(addr); ; i = (i + 1) & mask {
		e := x.slots[i]
		if e.at == 0 {
			return 0, false
		}
		if e.addr == addr {
			return e.at - 1, true
		}
	}
}

// add puts in an address that is not there yet.
func (x *index) add(addr uint32, at int32) {
	if x.used*4 >= len(x.slots)*3 {
		old := x.slots
		x.slots = make([]entry, 2*len(old))
		for _, e := range old {
			if e.at != 0 {
				x.place(e)
			}
		}
	}
	x.place(entry{addr, at + 1})
	x.used++
}

func (x *index) place(e entry) {
	mask := uint32(len(x.slots) - 1)
	i := x.home(e.addr)
	for x.slots[i].at != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = e
}

// remove takes an address out and moves up those behind it that would not be
// found any more.
func (x *index) remove(addr uint32) {
	mask := uint32(len(x.slots) - 1)
	i := x.home(addr)
	for x.slots[i].addr != addr || x.slots[i].at == 0 {
		if x.slots[i].at == 0 {
			return
		}
		i = (i + 1) & mask
	}
	x.used--
	for j := (i + 1) & mask; x.slots[j].at != 0; j = (j + 1) & mask {
		if (j-x.home(x.slots[j].addr))&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = entry{}
}
