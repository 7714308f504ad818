package captures

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// record is one record to put into a capture.
type record struct {
	sec, frac uint32
	data      string
	orig      int    // length on the wire, 0 for that of data
	extra     string // what a vendor added to the record header
	incl      uint32 // captured length to claim, 0 for that of data
}

func pcapFile(o byteOrder, magic, network uint32, minor uint16, records ...record) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, minor)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, 65535)
	b = o.AppendUint32(b, network)
	if magic == magicIxia || magic == magicIxiaNano {
		b = append(b, 1, 2, 3, 4)
	}
	for _, r := range records {
		if r.orig == 0 {
			r.orig = len(r.data)
		}
		if r.incl == 0 {
			r.incl = uint32(len(r.data))
		}
		b = o.AppendUint32(b, r.sec)
		b = o.AppendUint32(b, r.frac)
		b = o.AppendUint32(b, r.incl)
		b = o.AppendUint32(b, uint32(r.orig))
		b = append(b, r.extra...)
		b = append(b, r.data...)
	}
	return b
}

func block(o byteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return o.AppendUint32(b, uint32(len(body)+12))
}

func shb(o byteOrder) []byte {
	b := o.AppendUint32(nil, byteOrderMagic)
	b = o.AppendUint16(b, 1)
	b = o.AppendUint16(b, 0)
	return block(o, blockSection, o.AppendUint64(b, ^uint64(0)))
}

func ngOption(o byteOrder, code uint16, value []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func idb(o byteOrder, link uint16, snaplen uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, snaplen)
	for _, op := range options {
		b = append(b, op...)
	}
	return block(o, blockInterface, b)
}

func epb(o byteOrder, iface uint32, t uint64, data string, orig int, options ...[]byte) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint32(b, uint32(t>>32))
	b = o.AppendUint32(b, uint32(t))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, uint32(orig))
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	for _, op := range options {
		b = append(b, op...)
	}
	return block(o, blockEnhanced, b)
}

func opb(o byteOrder, iface uint16, t uint64, data string) []byte {
	b := o.AppendUint16(nil, iface)
	b = o.AppendUint16(b, 0xFFFF)
	b = o.AppendUint32(b, uint32(t>>32))
	b = o.AppendUint32(b, uint32(t))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, uint32(len(data)))
	return block(o, blockPacket, append(b, data...))
}

func spb(o byteOrder, data string, orig int) []byte {
	return block(o, blockSimple, append(o.AppendUint32(nil, uint32(orig)), data...))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

// readAll reads every frame, with Data copied.
func readAll(r *Reader) ([]Frame, error) {
	var frames []Frame
	for {
		var f Frame
		if err := r.Next(&f); err != nil {
			if errors.Is(err, io.EOF) && !errors.As(err, new(*DamageError)) {
				err = nil
			}
			return frames, err
		}
		f.Data = bytes.Clone(f.Data)
		frames = append(frames, f)
	}
}

// readBytes reads a capture in memory.
func readBytes(t testing.TB, b []byte) ([]Frame, Info, error) {
	t.Helper()
	r, err := NewReader("x", bytes.NewReader(b))
	if err != nil {
		return nil, Info{}, err
	}
	defer r.Close()
	frames, err := readAll(r)
	return frames, r.Info(), err
}

func sameFrames(t *testing.T, got, want []Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		g, w := got[i], want[i]
		if g.Number != w.Number || g.Time != w.Time || g.Interface != w.Interface || g.Link != w.Link ||
			g.Length != w.Length || !bytes.Equal(g.Data, w.Data) {
			t.Errorf("frame %d:\n got %+v\nwant %+v", i, g, w)
		}
	}
}

// testFiles are the captures of testdata.
func testFiles(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, p := range paths {
		if filepath.Ext(p) == ".frames" {
			continue
		}
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[p] = b
	}
	if len(files) < 9 {
		t.Fatalf("%d captures in testdata", len(files))
	}
	return files
}

// sampleFiles are small captures of every shape, built here and from testdata.
func sampleFiles(t testing.TB) map[string][]byte {
	le, be := binary.LittleEndian, binary.BigEndian
	two := []record{{sec: 1700000000, frac: 5, data: "first frame"}, {sec: 1700000001, frac: 999999, data: "second", orig: 90}}
	files := testFiles(t)
	files["micro le"] = pcapFile(le, magicMicro, 1, 4, two...)
	files["micro be"] = pcapFile(be, magicMicro, 1, 4, two...)
	files["nano le"] = pcapFile(le, magicNano, 1, 4, two...)
	files["nano be"] = pcapFile(be, magicNano, 276, 4, two...)
	files["pcapng"] = join(shb(le), idb(le, 1, 0), epb(le, 0, 1700000000000000, "enhanced", 8), spb(le, "simple", 6),
		opb(le, 0, 1700000000000001, "old"), block(le, 0x0BAD, []byte("custom")), shb(be),
		idb(be, 113, 0, ngOption(be, optionResolution, []byte{9})), epb(be, 0, 1700000000000000000, "cooked", 6))
	return files
}
