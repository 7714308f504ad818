package capgen

import (
	"encoding/binary"
	"fmt"
	"io"

	"nbtrace/captures"
)

// output writes frames as a nanosecond pcap or as pcapng.
type output struct {
	w      io.Writer
	ng     *captures.Writer
	buf    []byte
	frames int64
	bytes  int64
	err    error
}

const (
	outputBuffer = 256 << 10
	snapLen      = 262144
	recordHeader = 16
)

func newOutput(w io.Writer, ng bool) *output {
	o := &output{w: w}
	if ng {
		o.ng = captures.NewWriter(o, captures.WriterOptions{Application: "nbtrace capgen", SnapLen: snapLen})
		return o
	}
	o.buf = make([]byte, 0, outputBuffer+1<<16)
	o.buf = append(o.buf, PcapHeader(captures.LinkEthernet)...)
	o.bytes = int64(len(o.buf))
	return o
}

// PcapHeader is the file header of a little-endian nanosecond pcap.
func PcapHeader(link captures.LinkType) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, snapLen)
	return binary.LittleEndian.AppendUint32(b, uint32(link))
}

// AppendPcap adds a record to a little-endian nanosecond pcap. length is that
// on the wire.
func AppendPcap(b []byte, t int64, frame []byte, length int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(t/second))
	b = binary.LittleEndian.AppendUint32(b, uint32(t%second))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frame)))
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	return append(b, frame...)
}

func (o *output) frame(t int64, frame []byte) { o.cut(t, frame, len(frame)) }

// cut writes a frame that had length bytes on the wire.
func (o *output) cut(t int64, frame []byte, length int) {
	o.frames++
	if o.ng != nil {
		f := captures.Frame{Time: t, Link: captures.LinkEthernet, Length: length, Data: frame}
		if err := o.ng.Write(&f); err != nil && o.err == nil {
			o.err = err
		}
		return
	}
	o.buf = AppendPcap(o.buf, t, frame, length)
	o.bytes += int64(recordHeader + len(frame))
	o.full()
}

// begin opens a record whose frame the caller appends to buf; end closes it.
func (o *output) begin(t int64) int {
	at := len(o.buf)
	o.buf = AppendPcap(o.buf, t, nil, 0)
	return at
}

func (o *output) end(at int, t int64) {
	if o.ng != nil {
		o.frame(t, o.buf[at+recordHeader:])
		o.buf = o.buf[:at]
		return
	}
	n := len(o.buf) - at - recordHeader
	binary.LittleEndian.PutUint32(o.buf[at+8:], uint32(n))
	binary.LittleEndian.PutUint32(o.buf[at+12:], uint32(n))
	o.frames++
	o.bytes += int64(recordHeader + n)
	o.full()
}

func (o *output) full() {
	if len(o.buf) >= outputBuffer {
		o.drain()
	}
}

func (o *output) drain() {
	if o.err == nil {
		if _, err := o.w.Write(o.buf); err != nil {
			o.err = fmt.Errorf("writing the capture: %w", err)
		}
	}
	o.buf = o.buf[:0]
}

func (o *output) flush() error {
	if o.ng != nil {
		if err := o.ng.Flush(); err != nil && o.err == nil {
			o.err = err
		}
		return o.err
	}
	o.drain()
	return o.err
}

// Write counts what the pcapng writer writes.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.bytes += int64(n)
	return n, err
}
