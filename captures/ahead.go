package captures

import (
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is the memory that a zstd frame may ask for. 128 MiB is what
// zstd itself decompresses without being told otherwise.
const maxZstdWindow = 128 << 20

// aheadChunks is how many chunks a decompressor may be in front of the reader.
const aheadChunks = 4

// ahead decompresses in a goroutine of its own, into a fixed set of chunks:
// decompression is the slowest stage by far, and this lets the rest run
// beside it in constant memory.
type ahead struct {
	full chan chunk  // filled, in order; closed after the one that carries the error
	free chan []byte // to be filled
	stop chan struct{}
	cur  chunk
	used int // of cur.data
}

type chunk struct {
	data []byte
	err  error
}

// unpacker opens a decompressor. What it returns is released by the second
// result.
type unpacker func(io.Reader) (io.Reader, func(), error)

func openGzip(src io.Reader) (io.Reader, func(), error) {
	z, err := gzip.NewReader(src)
	if err != nil {
		return nil, nil, err
	}
	return z, func() {}, nil
}

func openZstd(src io.Reader) (io.Reader, func(), error) {
	z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxZstdWindow),
		zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

// startAhead begins to decompress src into chunks of size bytes. The goroutine
// ends after the last byte, after an error, or when it next returns from src
// after close.
func startAhead(src io.Reader, open unpacker, size int) *ahead {
	a := &ahead{
		full: make(chan chunk, aheadChunks),
		free: make(chan []byte, aheadChunks),
		stop: make(chan struct{}),
	}
	for range aheadChunks {
		a.free <- make([]byte, size)
	}
	go a.run(src, open)
	return a
}

func (a *ahead) run(src io.Reader, open unpacker) {
	defer close(a.full)
	z, release, err := open(src)
	if err != nil {
		a.send(chunk{err: err})
		return
	}
	defer release()
	for {
		var c chunk
		select {
		case c.data = <-a.free:
		case <-a.stop:
			return
		}
		n := 0
		for n < len(c.data) && c.err == nil && !a.stopped() {
			var k int
			k, c.err = z.Read(c.data[n:])
			n += k
		}
		c.data = c.data[:n]
		if !a.send(c) || c.err != nil {
			return
		}
	}
}

func (a *ahead) stopped() bool {
	select {
	case <-a.stop:
		return true
	default:
		return false
	}
}

func (a *ahead) send(c chunk) bool {
	select {
	case a.full <- c:
		return true
	case <-a.stop:
		return false
	}
}

// Read gives decompressed bytes, or the decompressor's error once all bytes
// before it have been given.
func (a *ahead) Read(p []byte) (int, error) {
	for a.used == len(a.cur.data) {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if cap(a.cur.data) > 0 {
			a.free <- a.cur.data[:cap(a.cur.data)]
		}
		c, ok := <-a.full
		if !ok {
			c = chunk{err: io.ErrClosedPipe}
		}
		a.cur, a.used = c, 0
	}
	n := copy(p, a.cur.data[a.used:])
	a.used += n
	return n, nil
}

// close tells the goroutine to end. It must not be called twice.
func (a *ahead) close() { close(a.stop) }

// counted counts the bytes that pass.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
