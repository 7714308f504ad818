package captures

import (
	"bytes"
	"testing"
	"testing/iotest"
)

// FuzzReader reads anything twice, in large and in single-byte reads with the
// smallest buffer: the same frames and the same end, within bounds.
func FuzzReader(f *testing.F) {
	for _, b := range sampleFiles(f) {
		f.Add(b)
		f.Add(gz(f, b))
		f.Add(zst(f, b))
	}
	f.Add(pcapFile(le, magicPatched, 1, 4, record{data: "abc", extra: "\x02\x00\x00\x00\x08\x00\x00\x00"}))
	f.Add(pcapFile(be, magicMicro, 6, 2, record{data: "abc"}))
	f.Add(pcapFile(le, magicIxia, 249, 4, record{data: "abc", incl: maxData + 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			return
		}
		defer r.Close()
		slow, err := NewReader("x", trickle{bytes.NewReader(b)}, WithBuffer(1))
		if err != nil {
			t.Fatalf("slow reader: %v", err)
		}
		defer slow.Close()
		last := int64(0)
		for {
			var x, y Frame
			errX, errY := r.Next(&x), slow.Next(&y)
			if (errX == nil) != (errY == nil) || errX != nil && errX.Error() != errY.Error() {
				t.Fatalf("errors differ: %v, %v", errX, errY)
			}
			if errX != nil {
				break
			}
			if x.Number <= last || len(x.Data) > maxData || x.Link > 0xFFFF || x.Length < 0 {
				t.Fatalf("%+v after frame %d", x, last)
			}
			last = x.Number
			if x.Time != y.Time || x.Number != y.Number || x.Link != y.Link || x.Length != y.Length || !bytes.Equal(x.Data, y.Data) {
				t.Fatalf("frames differ: %+v, %+v", x, y)
			}
		}
		if len(r.buf) > maxWhole || len(slow.buf) > maxWhole {
			t.Fatalf("buffers of %d and %d bytes", len(r.buf), len(slow.buf))
		}
		if i := r.Info(); i.Complete == (i.Err != nil) {
			t.Fatalf("%+v", i)
		}
	})
}

// trickle gives single bytes. It can seek, as a file can, so that both readers
// judge the record headers by as many records.
type trickle struct{ *bytes.Reader }

func (r trickle) Read(p []byte) (int, error) { return iotest.OneByteReader(r.Reader).Read(p) }
