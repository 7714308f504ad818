package captures_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"

	"nbtrace/captures"
	"nbtrace/captures/capgen"
)

// generated is a capture of about size bytes.
func generated(b *testing.B, c capgen.Config) []byte {
	b.Helper()
	var out bytes.Buffer
	if _, err := capgen.Generate(&out, c); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// walk reads file b.N times; the rate is of plain bytes.
func walk(b *testing.B, file []byte, plain int) {
	b.SetBytes(int64(plain))
	b.ReportAllocs()
	for b.Loop() {
		r, err := captures.NewReader("bench", bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		var f captures.Frame
		for err == nil {
			err = r.Next(&f)
		}
		if !errors.Is(err, io.EOF) || r.Info().Packets == 0 {
			b.Fatal(err)
		}
		r.Close()
	}
}

func BenchmarkReaderSparse(b *testing.B) {
	file := generated(b, capgen.Config{Kind: capgen.KindSparse, Bytes: 64 << 20})
	walk(b, file, len(file))
}

func BenchmarkReaderDense(b *testing.B) {
	file := generated(b, capgen.Config{Kind: capgen.KindDense, Bytes: 64 << 20})
	walk(b, file, len(file))
}

func BenchmarkReaderPcapng(b *testing.B) {
	file := generated(b, capgen.Config{Kind: capgen.KindSparse, Bytes: 64 << 20, NG: true})
	walk(b, file, len(file))
}

func BenchmarkReaderGzip(b *testing.B) {
	file := generated(b, capgen.Config{Kind: capgen.KindDense, Bytes: 16 << 20})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(file); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	walk(b, packed.Bytes(), len(file))
}

func BenchmarkMerge(b *testing.B) {
	const inputs = 8
	var files [inputs][]byte
	total := 0
	for i := range files {
		files[i] = generated(b, capgen.Config{Kind: capgen.KindDense, Bytes: 4 << 20, Seed: uint64(i)})
		total += len(files[i])
	}
	b.SetBytes(int64(total))
	b.ReportAllocs()
	for b.Loop() {
		var rs []*captures.Reader
		for _, file := range files {
			r, err := captures.NewReader("bench", bytes.NewReader(file), captures.WithBuffer(captures.BufferFor(inputs)))
			if err != nil {
				b.Fatal(err)
			}
			rs = append(rs, r)
		}
		m := captures.NewMerge(rs)
		var f captures.Frame
		for m.Next(&f) == nil {
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	w := captures.NewWriter(io.Discard, captures.WriterOptions{})
	f := captures.Frame{Link: captures.LinkEthernet, Length: 110, Data: make([]byte, 110)}
	b.SetBytes(110)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&f); err != nil {
			b.Fatal(err)
		}
	}
}
