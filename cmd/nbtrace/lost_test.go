package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nbtrace/captures/corpus"
)

// TestLostPackets: a capture that says at its end that packets were lost, plain
// or compressed, is weighed with care, and the user is told.
func TestLostPackets(t *testing.T) {
	whole, err := corpus.FS.ReadFile("scenarios/static-refusal-second-nic-only.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	stats := le.AppendUint32(nil, 5) // an interface statistics block
	stats = le.AppendUint32(stats, 36)
	stats = append(stats, make([]byte, 12)...) // interface, time
	stats = le.AppendUint32(stats, 8<<16|5)    // isb_ifdrop
	stats = le.AppendUint64(stats, 12)
	stats = le.AppendUint32(stats, 36)
	lossy := append(bytes.Clone(whole), stats...)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(lossy); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		lost bool
	}{"whole.pcapng": {whole, false}, "lossy.pcapng": {lossy, true}, "lossy.pcapng.gz": {packed.Bytes(), true}} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, told strings.Builder
		if code := run([]string{"analyze", path}, strings.NewReader(""), &out, &told); code != exitOK {
			t.Errorf("%s: exit code %d", name, code)
		}
		if got := strings.Contains(told.String(), name+": it lacks 12 packets"); got != c.lost {
			t.Errorf("%s: the user was told %q", name, told.String())
		}
		if got := strings.Contains(out.String(), ", 12 lost when captured"); got != c.lost {
			t.Errorf("%s: the report says of its captures: %s", name, out.String())
		}
		if got := strings.Contains(out.String(), "the capture misses packets"); got != c.lost {
			t.Errorf("%s: evidence that packets are missing: %t, want %t", name, got, c.lost)
		}
		for format, words := range map[string]string{"markdown": "yes, 12 packets lost when captured", "html": "lacks 12 packets lost when it was captured"} {
			out.Reset()
			if code := run([]string{"analyze", "--format", format, path}, strings.NewReader(""), &out, io.Discard); code != exitOK {
				t.Errorf("%s: exit code %d", name, code)
			}
			if got := strings.Contains(out.String(), words); got != c.lost {
				t.Errorf("%s: %s says %q: %t, want %t", name, format, words, got, c.lost)
			}
		}
	}
}
