package captures

import (
	"io"
	"math"
	"slices"
	"sync/atomic"
)

// Merge is a Source that yields the frames of several inputs by time, then
// input, then frame number. The order within one input is kept: where a file
// is itself out of order, its frames come as they stand. An input that fails
// is noted in its Info and the others go on.
type Merge struct {
	rs     []*Reader
	heads  []Frame // next frame of each input
	latest []int64 // the greatest time in each input, up to its head
	heap   []int   // inputs that have one, least first
	taken  bool    // the head of heap[0] has been given out
	begun  bool
}

// NewMerge merges rs and numbers their Frame.Input from 0 in that order. It
// does not close them; Close does.
func NewMerge(rs []*Reader) *Merge {
	for i, r := range rs {
		r.SetInput(i)
	}
	return &Merge{rs: rs, heads: make([]Frame, len(rs)), latest: slices.Repeat([]int64{math.MinInt64}, len(rs)), heap: make([]int, 0, len(rs))}
}

// LeaveBehind is Reader's for all inputs; the order of the frames that are
// yielded is as without it. A few inputs at a time are walked by workers.
func (m *Merge) LeaveBehind(useless func(link LinkType, data []byte) bool, stop *atomic.Bool, workers int) {
	walked := new(atomic.Int32)
	for _, r := range m.rs {
		r.leaveBehind(useless, stop, workers, walked)
	}
}

// Left says what has been left behind of all inputs.
func (m *Merge) Left() Left {
	var all Left
	for _, r := range m.rs {
		all = all.and(r.Left())
	}
	return all
}

// Next fills f with the next frame of all inputs, io.EOF after the last.
// f.Data is valid until the next call.
func (m *Merge) Next(f *Frame) error {
	if len(m.rs) == 1 {
		if err := m.rs[0].Next(f); err != nil {
			return io.EOF
		}
		return nil
	}
	switch {
	case !m.begun:
		m.begin()
	case m.taken:
		m.advance()
	}
	m.taken = len(m.heap) > 0
	if !m.taken {
		return io.EOF
	}
	*f = m.heads[m.heap[0]]
	return nil
}

func (m *Merge) begin() {
	m.begun = true
	for i, r := range m.rs {
		if m.read(i, r) {
			m.heap = append(m.heap, i)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// advance replaces the head that was given out last.
func (m *Merge) advance() {
	i := m.heap[0]
	if !m.read(i, m.rs[i]) {
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.down(0)
}

// read makes the next frame of an input its head.
func (m *Merge) read(i int, r *Reader) bool {
	h := &m.heads[i]
	if r.Next(h) != nil {
		return false
	}
	m.latest[i] = max(m.latest[i], h.Time)
	if r.left.Frames > 0 {
		m.latest[i] = max(m.latest[i], r.left.Latest)
	}
	return true
}

func (m *Merge) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heap); c++ {
			if m.before(m.heap[c], m.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

// before orders two inputs by their heads. Only one frame of an input is a
// head at a time, so the frame number need not be compared. A frame older than
// one before it in its input counts as being of that one's time: it comes next
// after it either way, also where that one was left behind.
func (m *Merge) before(a, b int) bool {
	if ta, tb := m.latest[a], m.latest[b]; ta != tb {
		return ta < tb
	}
	return a < b
}

// Infos is the Info of each input, in order.
func (m *Merge) Infos() []Info {
	infos := make([]Info, len(m.rs))
	for i, r := range m.rs {
		infos[i] = r.Info()
	}
	return infos
}

// BytesRead is the sum of the inputs'. It may be called from any goroutine.
func (m *Merge) BytesRead() int64 {
	var n int64
	for _, r := range m.rs {
		n += r.BytesRead()
	}
	return n
}

// Close closes all inputs and returns the first error.
func (m *Merge) Close() error {
	var first error
	for _, r := range m.rs {
		if err := r.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
