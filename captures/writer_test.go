package captures

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWriterRoundTrip(t *testing.T) {
	frames := []Frame{
		{Input: 0, Number: 7, Time: 1700000000_123456789, Link: 1, Length: 90, Data: []byte("ethernet")},
		{Input: 1, Number: 3, Time: 1700000000_000000001, Interface: 4, Link: 276, Length: 6, Data: []byte("cooked")},
		{Input: 0, Number: 9, Time: 1700000001_000000000, Link: 1, Length: 0, Data: nil},
		{Input: 1, Number: 4, Time: -5, Interface: 4, Link: 101, Length: 3, Data: []byte("raw")},
	}
	var out bytes.Buffer
	w := NewWriter(&out, WriterOptions{Application: "nbtrace 1", SnapLen: 262144, InterfaceName: func(input, iface int) string {
		return strings.Repeat("i", input+1) + strings.Repeat("f", iface)
	}})
	for i := range frames {
		if err := w.Write(&frames[i], "first comment", "second, with \xff byte"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, info, err := readBytes(t, out.Bytes())
	if err != nil || !info.Complete {
		t.Fatal(err)
	}
	want := []Frame{frames[0], frames[1], frames[2], frames[3]}
	for i, iface := range []int{0, 1, 0, 2} {
		want[i].Number, want[i].Interface = int64(i+1), iface
	}
	want[3].Time = 0
	sameFrames(t, got, want)
	for text, n := range map[string]int{"first comment": 4, "second, with \uFFFD byte": 4, "nbtrace 1": 1, "iiffff": 2} {
		if c := strings.Count(out.String(), text); c != n {
			t.Errorf("%q stands %d times in the file, want %d", text, c, n)
		}
	}
}

// TestWriterComments reads the options of a packet block back.
func TestWriterComments(t *testing.T) {
	long := strings.Repeat("ä", 40000)
	var out bytes.Buffer
	w := NewWriter(&out, WriterOptions{})
	if err := w.Write(&Frame{Link: 1, Data: []byte("abcde")}, "one", "", long); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	b = b[le.Uint32(b[4:]):] // section
	b = b[le.Uint32(b[4:]):] // interface
	b = b[28+8 : le.Uint32(b[4:])-4]
	var comments []string
	for {
		code, n := le.Uint16(b), int(le.Uint16(b[2:]))
		if code == optionEnd {
			break
		}
		if code != optionComment {
			t.Fatalf("option %d", code)
		}
		comments = append(comments, string(b[4:4+n]))
		b = b[4+(n+3)&^3:]
	}
	if len(b) != 4 || len(comments) != 3 || comments[0] != "one" || comments[1] != "" || comments[2] != long[:65534] {
		t.Errorf("%d bytes left, %d comments", len(b), len(comments))
	}
}

// pieces keeps what each Write was given.
type pieces struct{ all [][]byte }

func (p *pieces) Write(b []byte) (int, error) {
	p.all = append(p.all, bytes.Clone(b))
	return len(b), nil
}

// TestWriterWritesWholeBlocks: the file is sound after each write.
func TestWriterWritesWholeBlocks(t *testing.T) {
	var p pieces
	w := NewWriter(&p, WriterOptions{})
	for i := range 500 {
		if err := w.Write(&Frame{Link: 1, Time: int64(i), Length: i, Data: bytes.Repeat([]byte{1}, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(p.all) < 3 {
		t.Fatalf("%d writes", len(p.all))
	}
	for n := 1; n <= len(p.all); n++ {
		frames, info, err := readBytes(t, bytes.Join(p.all[:n], nil))
		if err != nil || !info.Complete || len(info.LinkTypes) != 1 {
			t.Errorf("after write %d: %v", n, err)
		}
		for i, f := range frames {
			if f.Time != int64(i) || len(f.Data) != i {
				t.Fatalf("after write %d: frame %d is %+v", n, i, f)
			}
		}
		if n == len(p.all) && len(frames) != 500 {
			t.Errorf("%d frames, want 500", len(frames))
		}
	}
}

func TestWriterWithoutFrames(t *testing.T) {
	var out bytes.Buffer
	if err := NewWriter(&out, WriterOptions{}).Flush(); err != nil {
		t.Fatal(err)
	}
	if frames, info, err := readBytes(t, out.Bytes()); err != nil || len(frames) > 0 || !info.Complete {
		t.Error(frames, info, err)
	}
}

// full fails, or takes only some, after n bytes.
type full struct {
	n     int
	err   error
	wrote int
}

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.n-f.wrote)
	f.wrote += n
	if n < len(b) {
		return n, f.err
	}
	return n, nil
}

func TestWriterErrors(t *testing.T) {
	noSpace := errors.New("no space")
	for _, tt := range []struct{ give, want error }{{noSpace, noSpace}, {nil, io.ErrShortWrite}} {
		w := NewWriter(&full{n: 100_000, err: tt.give}, WriterOptions{})
		var err error
		for i := 0; err == nil && i < 10_000; i++ {
			err = w.Write(&Frame{Link: 1, Data: make([]byte, 1000)})
		}
		if !errors.Is(err, tt.want) {
			t.Fatalf("%v, want %v", err, tt.want)
		}
		if again := w.Write(&Frame{Link: 1}); again != err {
			t.Errorf("write after an error: %v", again)
		}
		if again := w.Flush(); again != err {
			t.Errorf("flush after an error: %v", again)
		}
	}
	w := NewWriter(io.Discard, WriterOptions{})
	for _, f := range []Frame{{Link: 70000}, {Link: 1, Data: make([]byte, maxData+1)}} {
		if err := w.Write(&f); err == nil {
			t.Errorf("link type %d, %d bytes: no error", f.Link, len(f.Data))
		}
	}
	if err := w.Write(&Frame{Link: 1}); err != nil {
		t.Errorf("a refused frame must not end the writer: %v", err)
	}
}
