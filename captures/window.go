package captures

import (
	"fmt"
	"io"
	"sync/atomic"
)

// window is the part of an input that is in memory: buf[pos:end] has been read
// and not yet used. The unread tail is moved to the front before each read, so
// a record is always in one piece and is never copied twice.
type window struct {
	buf      []byte
	pos, end int
	base     int64 // offset of buf[0] in the capture
	src      io.Reader
	srcErr   error // first error of src, io.EOF at its end
	count    *atomic.Int64
}

// offset of the next unused byte.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// need reads until n unused bytes are in the window; false if the source ends
// before. The caller has bounded n: the buffer grows to hold it.
func (w *window) need(n int) bool {
	for w.end-w.pos < n {
		if w.srcErr != nil {
			return false
		}
		w.more(n)
	}
	return true
}

// more makes room for n bytes and reads once.
func (w *window) more(n int) {
	if w.pos > 0 {
		copy(w.buf, w.buf[w.pos:w.end])
		w.base += int64(w.pos)
		w.end -= w.pos
		w.pos = 0
	}
	if n > len(w.buf) {
		grown := make([]byte, n)
		copy(grown, w.buf[:w.end])
		w.buf = grown
	}
	w.read(w.buf[w.end:])
}

// read fills p with what one read gives. A source that keeps giving nothing
// is taken for broken.
func (w *window) read(p []byte) {
	for range 100 {
		n, err := w.src.Read(p)
		if n < 0 || n > len(p) {
			w.srcErr = fmt.Errorf("source read %d of %d bytes", n, len(p))
			return
		}
		w.end += n
		w.srcErr = err
		if w.count != nil {
			w.count.Add(int64(n))
		}
		if n > 0 || err != nil {
			return
		}
	}
	w.srcErr = io.ErrNoProgress
}

// discard drops n bytes without holding them; false if the source ends before.
func (w *window) discard(n int64) bool {
	for n > int64(w.end-w.pos) {
		n -= int64(w.end - w.pos)
		w.pos = w.end
		if w.srcErr != nil {
			return false
		}
		w.more(1)
	}
	w.pos += int(n)
	return true
}
