package enginetest

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/rules"
)

// frames generates a capture and reads all of it into memory.
func frames(tb testing.TB, c capgen.Config) []captures.Frame {
	tb.Helper()
	var file bytes.Buffer
	if _, err := capgen.Generate(&file, c); err != nil {
		tb.Fatal(err)
	}
	r, err := captures.NewReader("generated", &file)
	if err != nil {
		tb.Fatal(err)
	}
	var all []captures.Frame
	var f captures.Frame
	for {
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		kept := f
		kept.Data = bytes.Clone(f.Data)
		all = append(all, kept)
	}
}

// BenchmarkEngine is the time and the allocations of a frame, from the bytes
// of the frame to the finding, in batches as analyze does it.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct {
		name   string
		config capgen.Config
		rules  []*analyze.Rule
	}{
		{"sparse", capgen.Config{Kind: capgen.KindSparse, Messages: 100}, rules.All()},
		{"dense/without-rules", capgen.Config{Kind: capgen.KindDense, Messages: 400_000, Names: 20_000, Hosts: 1000}, nil},
		{"dense/all-rules", capgen.Config{Kind: capgen.KindDense, Messages: 400_000, Names: 20_000, Hosts: 1000}, rules.All()},
		{"names/all-rules", capgen.Config{Kind: capgen.KindNames, Messages: 400_000}, rules.All()},
		{"hostile/all-rules", capgen.Config{Kind: capgen.KindHostile, Messages: 100_000}, rules.All()},
	} {
		b.Run(c.name, func(b *testing.B) {
			all := frames(b, c.config)
			b.ReportAllocs()
			runtime.GC()
			b.ResetTimer()
			for done := 0; done < b.N; {
				e := analyze.New(analyze.Options{Rules: c.rules, NoNames: true}, analyze.Sink{})
				var batch analyze.Batch
				for i := range all[:min(len(all), b.N-done)] {
					f := all[i]
					e.Decoder().Decode(&batch, &f)
					if batch.Full() {
						e.Apply(&batch)
						batch.Reset()
					}
				}
				e.Apply(&batch)
				done += len(all)
				e.Finish()
			}
		})
	}
}
