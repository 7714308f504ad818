package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"nbtrace/captures/capgen"
)

// TestOneCoreOrSeveral: decoding and writing beside the engine change nothing,
// and neither does walking a large sparse capture in segments.
func TestOneCoreOrSeveral(t *testing.T) {
	dir := t.TempDir()
	var paths, large []string
	for _, c := range []capgen.Config{
		{Kind: capgen.KindDense, Messages: 20_000, Names: 300, Hosts: 40},
		{Kind: capgen.KindFragmented, Messages: 3000},
		{Kind: capgen.KindHostile, Messages: 5000},
		{Kind: capgen.KindSparse, Messages: 30},
		{Kind: capgen.KindSparse, Bytes: 50 << 20},
		{Kind: capgen.KindSparse, Bytes: 50 << 20, NG: true},
	} {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d-%v.pcap", c.Kind, c.Bytes, c.NG))
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
		if c.Bytes > 0 {
			large = append(large, path)
		} else {
			paths = append(paths, path)
		}
	}
	runs := [][]string{
		append([]string{"analyze", "-q", "--format", "json"}, paths...), // merged
		append([]string{"export", "messages", "-q", "--format", "ndjson"}, large...),
		append([]string{"analyze", "-q", "--format", "json"}, large...),
	}
	for _, p := range large {
		for _, table := range []string{"hosts", "names", "exchanges", "messages"} {
			runs = append(runs, []string{"export", table, "-q", "--format", "ndjson", p})
		}
		runs = append(runs, []string{"analyze", "-q", "--format", "json", p})
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
