package captures_test

import (
	"bytes"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"nbtrace/analyze/wire"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/captures/corpus"
)

func useless(link captures.LinkType, data []byte) bool { return wire.Quick(link, data) == wire.No }

// TestGeneratedInSegments: traffic of all kinds in segments, as analyze reads it.
func TestGeneratedInSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, kind := range capgen.Kinds {
		for _, ng := range []bool{false, true} {
			var out bytes.Buffer
			c := capgen.Config{Kind: kind, Messages: 3000, Bytes: 400 << 10, NG: ng}
			if _, err := capgen.Generate(&out, c); err != nil {
				t.Fatal(err)
			}
			b := out.Bytes()
			name := string(kind)
			if ng {
				name += " as pcapng"
			}
			adopted := captures.Differ(t, name, b, useless, 700, 4096, 50_000)
			if least := len(b) / 4096 / 2; adopted < least {
				t.Errorf("%s: %d segments were adopted, expected %d", name, adopted, least)
			}
			for cut := range 40 {
				captures.Differ(t, name, b[:len(b)-cut*7], useless, 40_000)
			}
		}
	}
}

// TestCorpusInSegments reads all committed captures in segments.
func TestCorpusInSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	all, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	files, adopted := 0, 0
	for _, c := range all {
		for _, path := range c.Files {
			b, err := fs.ReadFile(corpus.FS, path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst") {
				continue
			}
			files++
			adopted += captures.Differ(t, path, b, useless, 300, 2000)
		}
	}
	if files < 50 || adopted < 1000 {
		t.Errorf("%d files, %d segments adopted", files, adopted)
	}
}

func BenchmarkReaderSparseInSegments(b *testing.B) {
	file := generated(b, capgen.Config{Kind: capgen.KindSparse, Bytes: 64 << 20})
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := captures.NewReader("bench", bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		r.LeaveBehind(useless, new(atomic.Bool), 2)
		r.InSegments(bytes.NewReader(file), int64(len(file)), 4<<20, 2)
		var f captures.Frame
		for err == nil {
			err = r.Next(&f)
		}
		if r.Adopted() < 10 {
			b.Fatal(r.Adopted())
		}
		r.Close()
	}
}
