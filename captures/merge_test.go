package captures

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// at makes a capture with a frame at each of these seconds.
func at(seconds ...uint32) []byte {
	var records []record
	for i, s := range seconds {
		records = append(records, record{sec: s, data: fmt.Sprint("frame ", i+1)})
	}
	return pcapFile(le, magicMicro, 1, 4, records...)
}

func openAll(t *testing.T, files ...[]byte) []*Reader {
	t.Helper()
	var rs []*Reader
	for i, b := range files {
		r, err := NewReader(fmt.Sprint("file ", i), bytes.NewReader(b), WithBuffer(BufferFor(len(files))))
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

// merged is "input:number@second" of each frame.
func merged(t *testing.T, m *Merge) []string {
	t.Helper()
	var got []string
	for {
		var f Frame
		if err := m.Next(&f); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return got
		}
		if string(f.Data) != fmt.Sprint("frame ", f.Number) {
			t.Fatalf("frame %d has the data %q", f.Number, f.Data)
		}
		got = append(got, fmt.Sprintf("%d:%d@%d", f.Input, f.Number, f.Time/second))
	}
}

func TestMergeOrder(t *testing.T) {
	tests := []struct {
		name  string
		files [][]byte
		want  []string
	}{
		{"none", nil, nil},
		{"one, out of order", [][]byte{at(3, 1, 2)}, []string{"0:1@3", "0:2@1", "0:3@2"}},
		{"two", [][]byte{at(1, 4), at(2, 3, 5)}, []string{"0:1@1", "1:1@2", "1:2@3", "0:2@4", "1:3@5"}},
		{"equal times: input, then frame", [][]byte{at(1, 1), at(1), at(1, 1)}, []string{"0:1@1", "0:2@1", "1:1@1", "2:1@1", "2:2@1"}},
		{"an empty one", [][]byte{at(), at(2), at(1)}, []string{"2:1@1", "1:1@2"}},
		{"one out of order keeps its order", [][]byte{at(2, 5, 1), at(3)}, []string{"0:1@2", "1:1@3", "0:2@5", "0:3@1"}},
		{"a cut one stops, the others go on", [][]byte{at(1, 2)[:50], at(3)}, []string{"0:1@1", "1:1@3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMerge(openAll(t, tt.files...))
			if got := merged(t, m); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if err := m.Next(new(Frame)); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v", err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMergeNotesFailure(t *testing.T) {
	for _, files := range [][][]byte{{at(1, 2)[:50]}, {at(1, 2)[:50], at(3)}} {
		m := NewMerge(openAll(t, files...))
		merged(t, m)
		for i, info := range m.Infos() {
			failed := i == 0
			if info.Complete == failed || (info.Err != nil) != failed || info.Packets != 1 || info.Name != fmt.Sprint("file ", i) {
				t.Errorf("%+v", info)
			}
		}
		if n := m.BytesRead(); n != int64(len(bytes.Join(files, nil))) {
			t.Errorf("%d bytes read", n)
		}
	}
}

// TestMergeMany compares 100 inputs with sorting.
func TestMergeMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type key struct {
		second uint32
		input  int
		number int
	}
	var (
		files [][]byte
		want  []key
	)
	for i := range 100 {
		seconds := make([]uint32, rng.IntN(200))
		for k := range seconds {
			seconds[k] = rng.Uint32N(500)
		}
		slices.Sort(seconds)
		for k, s := range seconds {
			want = append(want, key{s, i, k + 1})
		}
		files = append(files, at(seconds...))
	}
	slices.SortFunc(want, func(a, b key) int {
		if a.second != b.second {
			return int(a.second) - int(b.second)
		}
		if a.input != b.input {
			return a.input - b.input
		}
		return a.number - b.number
	})
	var text []string
	for _, k := range want {
		text = append(text, fmt.Sprintf("%d:%d@%d", k.input, k.number, k.second))
	}
	if len(text) < 5000 {
		t.Fatal("too few frames to compare")
	}
	if got := merged(t, NewMerge(openAll(t, files...))); !slices.Equal(got, text) {
		t.Error("the order differs from that of sorting")
	}
}
