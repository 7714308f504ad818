package names

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/prefetch"
)

// index finds histories by name. It is an open-addressing table with the hash
// beside the pointer: a look-up among hundreds of thousands of names costs a
// cache miss in the table and one in the history, which is wanted anyway.
type index struct {
	slots []slot // a power of two
	used  int
	k0    uint64 // keys of the hash, so that nobody can choose names that collide
	k1    uint64
}

type slot struct {
	hash uint64
	s    *State
}

const leastSlots = 64

func newIndex() index {
	return index{slots: make([]slot, leastSlots), k0: rand.Uint64(), k1: rand.Uint64()}
}

// hash mixes the two halves of a name by multiplication to 128 bits, as wyhash
// does, keyed.
func (x *index) hash(n *nbns.Name) uint64 {
	a, b := binary.LittleEndian.Uint64(n[:]), binary.LittleEndian.Uint64(n[8:])
	return mix(mix(a^x.k0, b^x.k1), x.k0^0x9E3779B97F4A7C15)
}

func (x *index) get(n *nbns.Name, hash uint64) *State {
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		e := &x.slots[i]
		if e.s == nil {
			return nil
		}
		if e.hash == hash && e.s.Name == *n {
			return e.s
		}
	}
}

// seek asks for the memory of the slot where the hash belongs.
func (x *index) seek(hash uint64) {
	prefetch.Object(&x.slots[hash&uint64(len(x.slots)-1)])
}

// likely is the history of the name with the hash, if there is one. It may be
// another one's with the same hash.
func (x *index) likely(hash uint64) *State {
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if e := &x.slots[i]; e.s == nil || e.hash == hash {
			return e.s
		}
	}
}

// add puts in a history that is not there yet.
func (x *index) add(s *State, hash uint64) {
	if x.used*4 >= len(x.slots)*3 {
		old := x.slots
		x.slots = make([]slot, 2*len(old))
		for _, e := range old {
			if e.s != nil {
				x.place(e)
			}
		}
	}
	x.place(slot{hash, s})
	x.used++
}

func (x *index) place(e slot) {
	mask := uint64(len(x.slots) - 1)
	i := e.hash & mask
	for x.slots[i].s != nil {
		i = (i + 1) & mask
	}
	x.slots[i] = e
}

// remove takes a history out and moves up those behind it that would not be
// found any more.
func (x *index) remove(s *State) {
	mask := uint64(len(x.slots) - 1)
	i := x.hash(&s.Name) & mask
	for x.slots[i].s != s {
		if x.slots[i].s == nil {
			return
		}
		i = (i + 1) & mask
	}
	x.used--
	for j := (i + 1) & mask; x.slots[j].s != nil; j = (j + 1) & mask {
		if home := x.slots[j].hash & mask; (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = slot{}
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
