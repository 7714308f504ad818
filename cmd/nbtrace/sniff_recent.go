package main

import "nbtrace/captures"

// recent holds the frames of the last while in bounded memory, so that those
// which turn out to be evidence can still be written. Queries and their answers
// are most of the traffic and seldom evidence; they have a part of their own,
// so that they do not push the rest out.
type recent struct {
	bulk, rest tier
	at         map[place]*arrived
}

// arrived is a frame with its place in time, which is not that of its Time where
// the system's clock was set back.
type arrived struct {
	captures.Frame
	at int64
}

// tier is a queue of frames whose data lies in chunks; a chunk is dropped as a
// whole.
type tier struct {
	chunks []*chunk
	limit  int // chunks
}

type chunk struct {
	data   []byte
	frames []place
}

const chunkSize = 1 << 20

// newRecent holds about so many bytes.
func newRecent(limit int) *recent {
	n := max(limit/chunkSize, 4)
	return &recent{at: map[place]*arrived{}, bulk: tier{limit: n / 4}, rest: tier{limit: n - n/4}}
}

// add keeps a copy of a frame that arrived at a time.
func (r *recent) add(f *captures.Frame, at int64, bulk bool) {
	t := &r.rest
	if bulk {
		t = &r.bulk
	}
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last].data)+len(f.Data) > cap(t.chunks[last].data) {
		t.grow(r, len(f.Data))
		last = len(t.chunks) - 1
	}
	c := t.chunks[last]
	begin := len(c.data)
	c.data = append(c.data, f.Data...)
	k := arrived{*f, at}
	k.Data = c.data[begin:len(c.data):len(c.data)]
	p := place{f.Input, f.Number}
	c.frames = append(c.frames, p)
	r.at[p] = &k
}

// grow begins a chunk with room for n bytes, in the place of the oldest one
// once the limit is reached.
func (t *tier) grow(r *recent, n int) {
	for len(t.chunks) >= t.limit {
		old := t.chunks[0]
		t.chunks[0] = nil
		t.chunks = t.chunks[1:]
		for _, p := range old.frames {
			delete(r.at, p)
		}
	}
	t.chunks = append(t.chunks, &chunk{data: make([]byte, 0, max(n, chunkSize))})
}

// find returns a frame that is still in memory.
func (r *recent) find(p place) (arrived, bool) {
	f, ok := r.at[p]
	if !ok {
		return arrived{}, false
	}
	return *f, true
}

// frames is how many are in memory.
func (r *recent) frames() int { return len(r.at) }
