package exchange

import (
	"math/bits"
	"math/rand/v2"
)

// openTable finds open exchanges by key: hash buckets, each a list of
// exchanges, the youngest first.
type openTable struct {
	buckets []*Exchange // a power of two
	count   int
	secret  uint64 // keys the hash, so that nobody can choose keys that collide
}

const (
	leastBuckets = 1024
	// spare is how many buckets there are to an exchange: removing one then
	// hardly ever means to go through others.
	spare = 4
)

func newOpenTable() openTable {
	return openTable{buckets: make([]*Exchange, leastBuckets), secret: rand.Uint64()}
}

func (t *openTable) bucket(k key) **Exchange {
	return &t.buckets[t.hash(k)&uint64(len(t.buckets)-1)]
}

func (t *openTable) hash(k key) uint64 {
	hi, lo := bits.Mul64(k.name^t.secret, k.requester|1<<62)
	hi, lo = bits.Mul64(hi^lo^k.rest, t.secret|1)
	return hi ^ lo
}

// youngest is the youngest open exchange with the key.
func (t *openTable) youngest(k key) *Exchange { return withKey(*t.bucket(k), k) }

// older is the next one with the same key.
func (x *Exchange) older() *Exchange { return withKey(x.next, x.key) }

func withKey(x *Exchange, k key) *Exchange {
	for x != nil && x.key != k {
		x = x.next
	}
	return x
}

func (t *openTable) add(x *Exchange) {
	if t.count >= len(t.buckets)/spare {
		t.grow()
	}
	b := t.bucket(x.key)
	x.next, *b = *b, x
	t.count++
}

func (t *openTable) remove(x *Exchange) {
	for b := t.bucket(x.key); *b != nil; b = &(*b).next {
		if *b == x {
			*b, x.next = x.next, nil
			t.count--
			return
		}
	}
}

// grow makes twice as many buckets, each in the order that it had.
func (t *openTable) grow() {
	old := t.buckets
	t.buckets = make([]*Exchange, 2*len(old))
	for _, x := range old {
		low, high := (*Exchange)(nil), (*Exchange)(nil)
		ends := [2]**Exchange{&low, &high}
		var at [2]uint64
		for x != nil {
			next := x.next
			i := t.hash(x.key) & uint64(len(t.buckets)-1)
			half := 0
			if i >= uint64(len(old)) {
				half = 1
			}
			*ends[half], at[half], x.next = x, i, nil
			ends[half] = &x.next
			x = next
		}
		if low != nil {
			t.buckets[at[0]] = low
		}
		if high != nil {
			t.buckets[at[1]] = high
		}
	}
}
