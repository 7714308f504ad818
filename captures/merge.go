package captures

import "io"

// Merge is a Source that yields the frames of several inputs by time, then
// input, then frame number. The order within one input is kept: where a file
// is itself out of order, its frames come as they stand. An input that fails
// is noted in its Info and the others go on.
type Merge struct {
	rs    []*Reader
	heads []Frame // next frame of each input
	heap  []int   // inputs that have one, least first
	taken bool    // the head of heap[0] has been given out
	begun bool
}

// NewMerge merges rs and numbers their Frame.Input from 0 in that order. It
// does not close them; Close does.
func NewMerge(rs []*Reader) *Merge {
	for i, r := range rs {
		r.SetInput(i)
	}
	return &Merge{rs: rs, heads: make([]Frame, len(rs)), heap: make([]int, 0, len(rs))}
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
		if r.Next(&m.heads[i]) == nil {
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
	if m.rs[i].Next(&m.heads[i]) != nil {
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.down(0)
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
// head at a time, so the frame number need not be compared.
func (m *Merge) before(a, b int) bool {
	if ta, tb := m.heads[a].Time, m.heads[b].Time; ta != tb {
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
