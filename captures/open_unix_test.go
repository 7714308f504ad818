//go:build unix

package captures

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOpenFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	wrote := make(chan error, 1)
	go func() {
		wrote <- os.WriteFile(path, pcapFile(le, magicMicro, 1, 4, record{data: "abc"}), 0o600)
	}()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frames, err := readAll(r)
	if err != nil || len(frames) != 1 {
		t.Error(frames, err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}
