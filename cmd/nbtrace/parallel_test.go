package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"nbtrace/captures/capgen"
)

// TestOneCoreOrSeveral: decoding and writing beside the engine change nothing.
func TestOneCoreOrSeveral(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, c := range []capgen.Config{
		{Kind: capgen.KindDense, Messages: 20_000, Names: 300, Hosts: 40},
		{Kind: capgen.KindFragmented, Messages: 3000},
		{Kind: capgen.KindHostile, Messages: 5000},
		{Kind: capgen.KindSparse, Messages: 30},
	} {
		path := filepath.Join(dir, string(c.Kind)+".pcap")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := capgen.Generate(f, c); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	runs := [][]string{
		append([]string{"analyze", "-q", "--format", "json"}, paths...), // merged
	}
	for _, p := range paths {
		runs = append(runs, []string{"analyze", "-q", "--format", "json", p}, []string{"export", "messages", "-q", "--format", "ndjson", p},
			[]string{"export", "messages", "-q", "--format", "csv", p}, []string{"export", "exchanges", "-q", "--format", "ndjson", p})
	}
	for _, args := range runs {
		var want []byte
		for _, procs := range []int{1, 2, 4} {
			before := runtime.GOMAXPROCS(procs)
			var out, complaints bytes.Buffer
			code := run(args, nil, &out, &complaints)
			runtime.GOMAXPROCS(before)
			if code != exitOK || out.Len() < 100 {
				t.Fatalf("%v: exit code %d, %d bytes: %s", args[:3], code, out.Len(), complaints.String())
			}
			if want == nil {
				want = bytes.Clone(out.Bytes())
			} else if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%v: with %d cores the output differs from one core's", args, procs)
			}
		}
	}
}
