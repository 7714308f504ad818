package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	var out, log bytes.Buffer
	if err := run([]string{"--kind", "dense", "--messages", "10", "--format", "pcapng"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), []byte{0x0a, 0x0d, 0x0d, 0x0a}) || !bytes.HasPrefix(log.Bytes(), []byte("10 frames, 10 NBNS messages, ")) {
		t.Errorf("%d bytes, %q", out.Len(), log.String())
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := run([]string{"--size", "20k", "-o", path}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() < 20_000 || st.Size() > 22_000 {
		t.Error(st, err)
	}
	for _, args := range [][]string{{"--kind", "odd"}, {"--format", "cap"}, {"--size", "1X"}, {"--size", "-1"}, {"more"}, {"--what"}, {"-o", "/none/x"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
