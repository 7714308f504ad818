package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nbtrace/analyze/report"
	"nbtrace/captures"
)

// storeOptions say where packets are kept and when another file begins.
type storeOptions struct {
	path     string
	snapLen  int
	size     int64         // bytes, 0: no limit
	duration time.Duration // from the first packet of a file; 0: no limit
	files    int           // how many files are kept; 0: all
	device   func(iface int) string
}

// rotates reports whether there is to be more than one file.
func (o *storeOptions) rotates() bool { return o.size > 0 || o.duration > 0 }

// store keeps packets as pcapng, in one file or in a ring of them. It numbers
// the files from 0 and the frames of each from 1, as a later `analyze` of these
// files will.
type store struct {
	o     storeOptions
	files []*storeFile // all that were begun, by number
	w     *captures.Writer
	f     *os.File
	count int64 // frames in the current file
	size  int64 // its size, near enough
	begun int64 // time of its first frame, on the line of add
}

// storeFile is a file that was begun.
type storeFile struct {
	path    string
	ifaces  []int // device of each interface, in the order of the file
	known   map[[2]int]bool
	removed bool
}

func newStore(o storeOptions) *store { return &store{o: o} }

// begin makes the first file, so that a folder that cannot be written is
// noticed before anything is captured.
func (s *store) begin(now int64) error { return s.next(now) }

// next begins another file. t is the time for its name.
func (s *store) next(t int64) error {
	if err := s.end(); err != nil {
		return err
	}
	path := s.o.path
	if s.o.rotates() {
		ext := filepath.Ext(path)
		path = fmt.Sprintf("%s_%05d_%s%s", strings.TrimSuffix(path, ext), len(s.files)+1, time.Unix(0, t).UTC().Format("20060102150405"), ext)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("cannot keep packets: %w", err)
	}
	file := &storeFile{path: path, known: map[[2]int]bool{}}
	s.f, s.count, s.size, s.begun = f, 0, 0, 0
	s.w = captures.NewWriter(f, captures.WriterOptions{Application: "nbtrace " + versionNumber(), SnapLen: s.o.snapLen,
		InterfaceName: func(_, iface int) string { return s.o.device(iface) }})
	s.files = append(s.files, file)
	if err := s.w.Flush(); err != nil {
		return err
	}
	for i := 0; s.o.files > 0 && i < len(s.files)-s.o.files; i++ {
		if old := s.files[i]; !old.removed {
			old.removed = true
			if err := os.Remove(old.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("cannot remove the oldest file: %w", err)
			}
		}
	}
	return nil
}

// blockOverhead is the size of an Enhanced Packet Block without its data.
const blockOverhead = 32

// add keeps a frame and sets its Input and Number to its place. The file's
// interface number is not the frame's, which stays the device's. at is the
// frame's time on a line that goes on when the system's clock is set back.
func (s *store) add(f *captures.Frame, at int64) error {
	room := int64(blockOverhead + (len(f.Data)+3)&^3)
	full := s.o.size > 0 && s.count > 0 && s.size+room > s.o.size
	old := s.o.duration > 0 && s.count > 0 && at-s.begun >= int64(s.o.duration)
	if full || old {
		if err := s.next(f.Time); err != nil {
			return err
		}
	}
	if s.count == 0 {
		s.begun = at
	}
	s.count++
	s.size += room
	f.Input, f.Number = len(s.files)-1, s.count
	file := s.files[f.Input]
	if key := [2]int{f.Interface, int(f.Link)}; !file.known[key] {
		file.known[key] = true
		file.ifaces = append(file.ifaces, f.Interface)
	}
	return s.w.Write(f)
}

// flush hands what was kept to the system, so that a killed process leaves it.
func (s *store) flush() error { return s.w.Flush() }

// reopen begins a file of the same name if the current one was moved or
// removed, and another one in a ring.
func (s *store) reopen(now int64) error {
	if s.o.rotates() {
		return s.next(now)
	}
	have, err := s.f.Stat()
	if err != nil {
		return err
	}
	at, err := os.Stat(s.o.path)
	if err == nil && os.SameFile(have, at) {
		return s.flush()
	}
	return s.next(now)
}

func (s *store) end() error {
	if s.f == nil {
		return nil
	}
	err := s.w.Flush()
	if cerr := s.f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("cannot keep packets: %w", cerr)
	}
	s.f = nil
	return err
}

// names are the base names of the files, by number.
func (s *store) names() []string {
	names := make([]string, len(s.files))
	for i, f := range s.files {
		names[i] = filepath.Base(f.path)
	}
	return names
}

// comment writes the files again with packet comments, which are not known
// before a finding is. It is the last act of a store. A file that was moved
// away or cannot be written is left as it is.
func (s *store) comment(comments map[place][]string) error {
	cited := map[int]bool{}
	for p := range comments {
		cited[p.input] = true
	}
	for i, f := range s.files {
		if !cited[i] || f.removed || i+1 < len(s.files) && s.files[i+1].path == f.path {
			continue
		}
		err := rewrite(f.path, s.o.snapLen, func(iface int) string {
			if iface < len(f.ifaces) {
				return s.o.device(f.ifaces[iface])
			}
			return ""
		}, func(n int64) []string { return comments[place{i, n}] })
		if err != nil {
			return fmt.Errorf("cannot write packet comments into %s: %w", f.path, err)
		}
	}
	return nil
}

// place is where a frame is: input and frame number.
type place struct {
	input  int
	number int64
}

// rewrite copies a capture frame by frame and puts the copy in its place.
func rewrite(path string, snapLen int, device func(iface int) string, comments func(number int64) []string) error {
	r, err := captures.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return replaceFile(path, func(w io.Writer) error {
		out := captures.NewWriter(w, captures.WriterOptions{Application: "nbtrace " + versionNumber(), SnapLen: snapLen,
			InterfaceName: func(_, iface int) string { return device(iface) }})
		var f captures.Frame
		for {
			err := r.Next(&f)
			if errors.Is(err, io.EOF) {
				return out.Flush()
			}
			if err != nil {
				return err
			}
			if err := out.Write(&f, comments(f.Number)...); err != nil {
				return err
			}
		}
	})
}

// replaceFile writes a file anew; it has the old content until it has all of
// the new one.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := report.NewFile(path, nil)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}
