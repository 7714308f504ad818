package captures

import (
	"fmt"
	"os"
	"path/filepath"
)

// Open opens the capture at path, "-" for standard input. Pipes and FIFOs are
// read as they come. Info.Name is the base name, or "-".
//
// The error wraps the operating system's if the file cannot be opened, and is
// as NewReader's if it is no capture; a directory is a *FormatError.
func Open(path string, opts ...Option) (*Reader, error) {
	if path == "-" {
		return NewReader("-", os.Stdin, opts...)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open capture: %w", err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = &FormatError{Name: filepath.Base(path), Looks: "a directory", Hint: "name the capture files in it"}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r, err := NewReader(filepath.Base(path), f, opts...)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	if st.Mode().IsRegular() && !r.packed {
		r.file, r.size = f, st.Size()
		if r.format == formatNG {
			r.foretell(f, r.size)
		}
	}
	return r, nil
}
