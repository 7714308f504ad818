package report

import (
	"bytes"
	"os"
	"testing"
)

func htmlOf(t testing.TB, d *Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDumpHTML(t *testing.T) {
	for _, n := range labCaptures {
		os.WriteFile("/tmp/rep-"+n+".html", htmlOf(t, analyzed(t, labPath(n))), 0o644)
	}
}
