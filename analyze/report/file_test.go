package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func entries(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestFileAppearsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	f, err := NewFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(t, dir); got != "" {
		t.Errorf("before the first write: %q", got)
	}
	if _, err := f.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the name exists before Commit")
	}
	f.Abort()
	if got := entries(t, dir); got != "" {
		t.Errorf("after Abort: %q", got)
	}

	f, err = NewFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if got, err := os.ReadFile(path); err != nil || string(got) != "whole" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := entries(t, dir); got != "out.csv" {
		t.Errorf("left behind: %q", got)
	}
}

func TestFileKeepsModeAndLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", st, err)
	}
	st, err := os.Stat(target)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("got %q", got)
	}
}

func TestFileRefuses(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.pcap")
	if err := os.WriteFile(input, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	hard, soft := filepath.Join(dir, "hard"), filepath.Join(dir, "soft")
	if err := os.Link(input, hard); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(input, soft); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{input, "it is the input"},
		{hard, "it is the input"},
		{soft, "it is the input"},
		{filepath.Join(dir, ".", "in.pcap"), "it is the input"},
		{dir, "it is a folder"},
		{filepath.Join(dir, "missing", "out"), "no such file"},
		{filepath.Join(input, "out"), "not a"},
	} {
		_, err := NewFile(c.path, []string{"-", input})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
}

func TestFileWritesToADevice(t *testing.T) {
	f, err := NewFile(os.DevNull, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(os.DevNull); err != nil || st.Mode().IsRegular() {
		t.Fatalf("the device was replaced: %v, %v", st, err)
	}
}

func TestEmptyFileIsCreatedByCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.ndjson")
	f, err := NewFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() != 0 {
		t.Errorf("%v, %v", st, err)
	}
}
