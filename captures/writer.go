package captures

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriterOptions are the words that a Writer puts into the file; all may be
// left out.
type WriterOptions struct {
	Application string // shb_userappl: the program that writes
	SnapLen     int    // of the interfaces, 0 for no limit
	// InterfaceName gives if_name for an interface of an input.
	InterfaceName func(input, iface int) string
}

// Writer writes frames as pcapng, one section, times in nanoseconds. Each
// (input, interface, link type) of the frames becomes an interface, described
// before its first frame. Only whole blocks are handed to the underlying
// writer, so what a killed process leaves can be read.
type Writer struct {
	w      io.Writer
	o      WriterOptions
	buf    []byte
	ifaces map[ifaceKey]uint32
	begun  bool
	err    error
}

type ifaceKey struct {
	input, iface int
	link         LinkType
}

// writeBuffer is how much is gathered before it is written.
const writeBuffer = 64 << 10

// NewWriter returns a Writer on w. Nothing is written before the first frame
// or Flush.
func NewWriter(w io.Writer, o WriterOptions) *Writer {
	return &Writer{w: w, o: o, ifaces: make(map[ifaceKey]uint32)}
}

const (
	optionComment     = 1
	optionName        = 2
	optionApplication = 4
	maxOption         = 65535
)

var order = binary.LittleEndian

// Write adds a frame with packet comments. Comments longer than 65,535 bytes
// are cut. A time before 1970, which pcapng cannot express, is written as 1970.
// After an error every call returns it.
func (w *Writer) Write(f *Frame, comments ...string) error {
	if w.err != nil {
		return w.err
	}
	if f.Link > 0xFFFF || len(f.Data) > maxData {
		return fmt.Errorf("pcapng cannot hold frame %d of input %d: link type %d, %d bytes", f.Number, f.Input, f.Link, len(f.Data))
	}
	w.begin()
	id := w.iface(f)
	t := uint64(max(f.Time, 0))
	at := w.open(blockEnhanced)
	b := order.AppendUint32(w.buf, id)
	b = order.AppendUint32(b, uint32(t>>32))
	b = order.AppendUint32(b, uint32(t))
	b = order.AppendUint32(b, uint32(len(f.Data)))
	b = order.AppendUint32(b, uint32(max(f.Length, 0)))
	b = append(b, f.Data...)
	w.buf = pad(b)
	for _, c := range comments {
		w.option(optionComment, c)
	}
	w.close(at, len(comments) > 0)
	if len(w.buf) >= writeBuffer {
		return w.Flush()
	}
	return nil
}

// Flush writes what has been gathered; without any frame that is an empty
// section.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	w.begin()
	n, err := w.w.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.buf = w.buf[:0]
	if err != nil {
		w.err = fmt.Errorf("writing pcapng: %w", err)
	}
	return w.err
}

func (w *Writer) begin() {
	if w.begun {
		return
	}
	w.begun = true
	at := w.open(blockSection)
	b := order.AppendUint32(w.buf, byteOrderMagic)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	w.buf = order.AppendUint64(b, ^uint64(0)) // section length: not stated
	if w.o.Application != "" {
		w.option(optionApplication, w.o.Application)
	}
	w.close(at, w.o.Application != "")
}

// iface gives the number of the frame's interface and describes it if new.
func (w *Writer) iface(f *Frame) uint32 {
	key := ifaceKey{f.Input, f.Interface, f.Link}
	if id, ok := w.ifaces[key]; ok {
		return id
	}
	id := uint32(len(w.ifaces))
	w.ifaces[key] = id
	at := w.open(blockInterface)
	b := order.AppendUint16(w.buf, uint16(f.Link))
	b = order.AppendUint16(b, 0)
	w.buf = order.AppendUint32(b, uint32(max(w.o.SnapLen, 0)))
	if w.o.InterfaceName != nil {
		if name := w.o.InterfaceName(f.Input, f.Interface); name != "" {
			w.option(optionName, name)
		}
	}
	w.option(optionResolution, "\x09")
	w.close(at, true)
	return id
}

// open begins a block, whose length close fills in.
func (w *Writer) open(kind uint32) int {
	at := len(w.buf)
	w.buf = order.AppendUint32(w.buf, kind)
	w.buf = order.AppendUint32(w.buf, 0)
	return at
}

func (w *Writer) close(at int, options bool) {
	if options {
		w.buf = order.AppendUint32(w.buf, optionEnd)
	}
	total := uint32(len(w.buf) - at + 4)
	w.buf = order.AppendUint32(w.buf, total)
	order.PutUint32(w.buf[at+4:], total)
}

func (w *Writer) option(code uint16, value string) {
	value = strings.ToValidUTF8(value, "\uFFFD")
	if len(value) > maxOption {
		n := maxOption
		for n > 0 && !utf8.RuneStart(value[n]) {
			n--
		}
		value = value[:n]
	}
	b := order.AppendUint16(w.buf, code)
	b = order.AppendUint16(b, uint16(len(value)))
	w.buf = pad(append(b, value...))
}

// pad makes b a multiple of four; every block before it in the buffer is one.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
