package report

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// File is an output file that appears whole or not at all: it is created at
// the first write under a temporary name in the same folder, and Commit
// renames it. Where the target is no regular file (a device, a FIFO) it is
// written directly.
type File struct {
	path string // where the file is to be; links are followed
	tmp  string // its temporary name, "" while there is none
	f    *os.File
}

// NewFile prepares to write to path. It refuses a path that is one of inputs,
// under whatever name, or a folder; nothing is created yet.
func NewFile(path string, inputs []string) (*File, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir, err := os.Stat(filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", path, err)
		}
		if !dir.IsDir() {
			return nil, fmt.Errorf("cannot write %s: %s is not a folder", path, filepath.Dir(path))
		}
		return &File{path: path}, nil
	case err != nil:
		return nil, fmt.Errorf("cannot write output: %w", err)
	case st.IsDir():
		return nil, fmt.Errorf("cannot write %s: it is a folder", path)
	}
	for _, in := range inputs {
		if in == "-" {
			continue
		}
		if ist, err := os.Stat(in); err == nil && os.SameFile(st, ist) {
			return nil, fmt.Errorf("refusing to write %s: it is the input %s", path, in)
		}
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return &File{path: path}, nil
}

// Write writes to the file, which exists under its temporary name from the
// first call on.
func (o *File) Write(p []byte) (int, error) {
	if o.f == nil {
		if err := o.create(); err != nil {
			return 0, err
		}
	}
	return o.f.Write(p)
}

func (o *File) create() error {
	mode := fs.FileMode(0o666)
	if st, err := os.Stat(o.path); err == nil {
		if !st.Mode().IsRegular() {
			f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
			if err != nil {
				return fmt.Errorf("cannot write output: %w", err)
			}
			o.f = f
			return nil
		}
		mode = st.Mode().Perm()
	}
	for range 100 {
		tmp := filepath.Join(filepath.Dir(o.path), ".nbtrace-"+strconv.FormatUint(rand.Uint64(), 36)+".tmp")
		f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot write output: %w", err)
		}
		o.f, o.tmp = f, tmp
		return nil
	}
	return fmt.Errorf("cannot write output: no free temporary name beside %s", o.path)
}

// Commit gives the file its name. A file that nothing was written to is
// created empty.
func (o *File) Commit() error {
	if o.f == nil {
		if err := o.create(); err != nil {
			return err
		}
	}
	if err := o.f.Close(); err != nil {
		o.remove()
		return fmt.Errorf("cannot write output: %w", err)
	}
	if o.tmp == "" {
		return nil
	}
	if err := os.Rename(o.tmp, o.path); err != nil {
		o.remove()
		return fmt.Errorf("cannot write output: %w", err)
	}
	o.tmp = ""
	return nil
}

// Abort removes what was written. It does nothing after Commit.
func (o *File) Abort() {
	if o.f == nil || o.tmp == "" {
		return
	}
	o.f.Close()
	o.remove()
}

func (o *File) remove() {
	if o.tmp != "" {
		os.Remove(o.tmp)
		o.tmp = ""
	}
}
