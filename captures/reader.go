package captures

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
)

const (
	// maxData is the largest captured length that a record may state: libpcap's
	// and Wireshark's bound for all link types but those of maxDataOf.
	maxData = 262144
	// maxWhole is the largest packet block that is held whole.
	maxWhole = 1 << 20
	// maxBlock is the largest packet block accepted where maxData holds; the
	// rest of it is options.
	maxBlock = 16 << 20
	// maxLarge bounds the link types that may exceed maxData (USB, D-Bus, …).
	maxLarge = 128 << 20

	defaultBuffer = 1 << 20
	minBuffer     = 64 << 10
	// manyBuffers bounds the buffers of all inputs of a run together.
	manyBuffers = 64 << 20
)

type format uint8

const (
	formatUndecided format = iota // a pcap whose record header is not settled, or the end
	formatPcap
	formatNG
)

// Reader walks one capture. It is a Source.
//
// A frame's Data points into the reader's one buffer and is valid until the
// next call of Next or Close. Nothing is allocated per frame. All methods but
// BytesRead belong to one goroutine.
type Reader struct {
	window
	leaving
	format  format
	big     bool // byte order of the file or the section
	input   int
	number  int64
	first   int64
	last    int64
	err     error // what Next returns from now on
	pcap    pcapState
	ng      ngState
	name    string
	kind    string // Info.Format
	links   []LinkType
	seen    map[LinkType]struct{}
	held    []byte // Data of a frame that is too large to be held whole
	packed  bool
	live    bool // may wait for ever between two records
	packets int64
	read    atomic.Int64
	ahead   *ahead
	closer  io.Closer
	closed  bool

	file     io.ReaderAt // the whole plain capture, nil if it cannot be read at any place
	size     int64       // of file, when it was opened
	foretold int64       // packets that the capture lost, as file says at its end
	age      int         // counts changes of what is known of the blocks to come
	fixed    bool        // may not change that
}

type options struct{ buffer int }

// Option changes how an input is opened.
type Option func(*options)

// WithBuffer sets the size of the read buffer, in bytes; the default is 1 MiB
// and the least 64 KiB. A larger record makes the buffer grow to hold it, to
// 1 MiB at most.
func WithBuffer(n int) Option {
	return func(o *options) { o.buffer = max(n, minBuffer) }
}

// BufferFor is the buffer size to open each of n inputs with, so that the
// buffers of all of them stay within 64 MiB together (for up to 1,024 inputs).
// A compressed input needs the same again, and what its decompressor keeps.
func BufferFor(n int) int {
	return min(defaultBuffer, max(minBuffer, manyBuffers/max(n, 1)))
}

// NewReader tells the format of r by its first bytes and returns a reader for
// it: pcap in either byte order, with microseconds or nanoseconds, also the
// patched variants of old Linux and other vendors; pcapng; each also
// compressed with gzip or zstd. name stands in Info and in errors.
//
// The error is a *FormatError if r is something else, a *DamageError if it
// cannot be read as far as its header. A compressed input is decompressed by
// a goroutine, which uses r until Close.
func NewReader(name string, r io.Reader, opts ...Option) (*Reader, error) {
	o := options{buffer: defaultBuffer}
	for _, set := range opts {
		set(&o)
	}
	rd := &Reader{name: name, first: math.MaxInt64, last: math.MinInt64, live: mayWait(r)}
	rd.window = window{buf: make([]byte, o.buffer), src: r, count: &rd.read}
	if err := rd.open(o); err != nil {
		if rd.ahead != nil {
			rd.ahead.close()
		}
		return nil, err
	}
	return rd, nil
}

// mayWait reports whether reading ahead of what is needed could hang.
func mayWait(r io.Reader) bool {
	if f, ok := r.(*os.File); ok {
		st, err := f.Stat()
		return err != nil || !st.Mode().IsRegular()
	}
	_, seekable := r.(io.Seeker)
	return !seekable
}

// headLength is enough of an input to tell what it is.
const headLength = 512

func (r *Reader) open(o options) error {
	// A short first read: if the input is compressed, these bytes go to the
	// decompressor.
	r.window.read(r.buf[:headLength])
	r.need(4)
	open, suffix := compression(r.buf[r.pos:r.end])
	if open != nil {
		r.packed, r.live = true, false
		head := bytes.Clone(r.buf[r.pos:r.end])
		src := io.Reader(bytes.NewReader(head))
		if r.srcErr == nil {
			src = io.MultiReader(src, counted{r.src, &r.read})
		}
		r.ahead = startAhead(src, open, max(o.buffer/aheadChunks, 32<<10))
		r.window = window{buf: r.buf, src: r.ahead}
		r.need(4)
	}
	if r.srcErr != nil && !errors.Is(r.srcErr, io.EOF) {
		return r.ended("cannot be read")
	}
	head := r.buf[r.pos:r.end]
	if len(head) >= 4 {
		if bytes.Equal(head[:4], []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
			r.kind = "pcapng" + suffix
			return r.openNG()
		}
		if v, ok := pcapMagic(head); ok {
			r.kind = "pcap" + suffix
			return r.openPcap(v)
		}
	}
	r.need(headLength)
	looks, hint := recognise(r.buf[r.pos:r.end])
	if suffix != "" {
		looks += " compressed with " + suffix[1:]
	}
	return &FormatError{Name: r.name, Looks: looks, Hint: hint}
}

// compression tells gzip and zstd by their magic bytes. A zstd file may begin
// with a skippable frame (pzstd writes one).
func compression(head []byte) (unpacker, string) {
	if len(head) < 4 {
		return nil, ""
	}
	switch m := binary.LittleEndian.Uint32(head); {
	case m&0xFFFFFF == 0x088B1F:
		return openGzip, "+gzip"
	case m == 0xFD2FB528, m&0xFFFFFFF0 == 0x184D2A50:
		return openZstd, "+zstd"
	}
	return nil, ""
}

// Next fills f with the next frame. It returns io.EOF after the last one, and
// a *DamageError where the file is cut or broken, after all frames that are
// whole.
func (r *Reader) Next(f *Frame) error {
	if r.useless != nil {
		return r.nextKept(f)
	}
	return r.next(f)
}

func (r *Reader) next(f *Frame) error {
	if r.format == formatPcap {
		return r.nextPcap(f)
	}
	return r.nextOther(f)
}

func (r *Reader) nextOther(f *Frame) error {
	if r.err != nil {
		return r.err
	}
	if r.format == formatNG {
		return r.nextNG(f)
	}
	r.settlePcap()
	return r.nextPcap(f)
}

// note keeps the bounds of time for Info.
func (r *Reader) note(t int64) {
	r.packets++
	if t < r.first {
		r.first = t
	}
	if t > r.last {
		r.last = t
	}
}

// fail ends the reader with damage at offset.
func (r *Reader) fail(offset int64, hint string, cause error, reason string, args ...any) error {
	r.format = formatUndecided
	r.err = &DamageError{Name: r.name, Frame: r.number, Offset: offset, Packed: r.packed,
		Reason: fmt.Sprintf(reason, args...), Hint: hint, Err: cause}
	return r.err
}

// ended ends the reader where the source ended, in the middle of something.
func (r *Reader) ended(reason string, args ...any) error {
	return r.endedAt(r.offset(), reason, args...)
}

func (r *Reader) endedAt(offset int64, reason string, args ...any) error {
	reason = fmt.Sprintf(reason, args...)
	switch {
	case errors.Is(r.srcErr, io.EOF):
		return r.fail(offset, hintCut, io.ErrUnexpectedEOF, "%s", reason)
	case r.packed:
		return r.fail(offset, hintUnpack, r.srcErr, "%s; the compressed data ends or breaks there", reason)
	default:
		return r.fail(offset, hintRead, r.srcErr, "%s; reading failed", reason)
	}
}

// finish is the end of the source between two records.
func (r *Reader) finish() error {
	if errors.Is(r.srcErr, io.EOF) {
		r.format = formatUndecided
		r.err = io.EOF
		return io.EOF
	}
	return r.ended("the next record cannot be read")
}

// linkType notes a link type for Info.
func (r *Reader) linkType(l LinkType) {
	if _, ok := r.seen[l]; ok {
		return
	}
	if r.seen == nil {
		r.seen = make(map[LinkType]struct{})
	}
	r.seen[l] = struct{}{}
	r.links = append(r.links, l)
}

// Info is what is known so far; it is complete after Next has returned an
// error. First and Last leave out frames that have no time (simple packet
// blocks).
func (r *Reader) Info() Info {
	i := Info{Name: r.name, Format: r.kind, LinkTypes: slices.Clone(r.links), Packets: r.packets,
		Bytes: r.offset(), Lost: max(r.foretold, r.ng.allLost()), Complete: errors.Is(r.err, io.EOF)}
	if r.first <= r.last {
		i.First, i.Last = r.first, r.last
	}
	if r.err != nil && !i.Complete {
		i.Err = r.err
	}
	return i
}

// BytesRead is how much of the underlying file has been read, compressed bytes
// if it is compressed. It may be called from any goroutine.
func (r *Reader) BytesRead() int64 { return r.read.Load() }

// SetInput sets Frame.Input of the frames to come.
func (r *Reader) SetInput(i int) { r.input = i }

// Close stops the decompression and the workers and closes what Open opened. It
// does not wait for a read of the source that is under way.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", r.name, os.ErrClosed)
	}
	r.format = formatUndecided
	if r.ahead != nil {
		r.ahead.close()
	}
	r.endSegments()
	if r.closer == nil {
		return nil
	}
	if err := r.closer.Close(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// maxDataOf is the largest captured length for a link type. USB and D-Bus
// records may be huge; they are counted and their Data is cut to maxData.
func maxDataOf(l LinkType) uint32 {
	switch l {
	case 220, 231, 249, 279: // USB_LINUX_MMAPPED, DBUS, USBPCAP, EBHSCR
		return maxLarge
	}
	return maxData
}

// wireLength is a length from the file as an int, also where int has 32 bits.
func wireLength(n uint32) int {
	if strconv.IntSize == 32 && n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(n)
}
