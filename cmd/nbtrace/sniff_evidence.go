package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/report"
	"nbtrace/captures"
)

// evidence writes the frames that findings rest on, as they are found. When it
// is closed the file is put in order of time and each frame gets all of its
// comments; a killed process leaves it in order of the findings.
type evidence struct {
	path    string
	snapLen int
	device  func(iface int) string
	recent  *recent
	f       *os.File
	w       *captures.Writer
	placed  map[place]bool
	order   []position // of the frames in the file
	ifaces  []int
	known   map[[2]int]bool
	missing map[place]bool // cited, but no longer in memory
	bytes   int64
}

// position is what frames are sorted by.
type position struct {
	place
	at int64
}

func (p position) compare(o position) int {
	return cmp.Or(cmp.Compare(p.at, o.at), cmp.Compare(p.input, o.input), cmp.Compare(p.number, o.number))
}

func (f *arrived) position() position { return position{place{f.Input, f.Number}, f.at} }

// maxSorted is up to which size, in bytes, the file is sorted in memory at the
// end.
const maxSorted = 256 << 20

func newEvidence(path string, snapLen, memory int, device func(int) string) *evidence {
	return &evidence{path: path, snapLen: snapLen, device: device, recent: newRecent(memory), placed: map[place]bool{},
		known: map[[2]int]bool{}, missing: map[place]bool{}}
}

func (e *evidence) begin() error {
	f, err := os.Create(e.path)
	if err != nil {
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	e.f = f
	e.w = captures.NewWriter(f, captures.WriterOptions{Application: "nbtrace " + versionNumber(), SnapLen: e.snapLen,
		InterfaceName: func(_, iface int) string { return e.device(iface) }})
	return e.w.Flush()
}

// take writes those frames of findings that are not in the file yet.
func (e *evidence) take(findings []*analyze.Finding) error {
	comments := roles(findings)
	var fresh []arrived
	for p := range comments {
		if e.placed[p] || e.missing[p] {
			continue
		}
		f, ok := e.recent.find(p)
		if !ok {
			e.missing[p] = true
			continue
		}
		fresh = append(fresh, f)
	}
	slices.SortFunc(fresh, func(a, b arrived) int { return a.position().compare(b.position()) })
	for i := range fresh {
		f := &fresh[i]
		p := f.position()
		e.placed[p.place] = true
		e.order = append(e.order, p)
		if key := [2]int{f.Interface, int(f.Link)}; !e.known[key] {
			e.known[key] = true
			e.ifaces = append(e.ifaces, f.Interface)
		}
		e.bytes += int64(blockOverhead + len(f.Data))
		g := f.Frame
		g.Input = 0
		if err := e.w.Write(&g, comments[p.place]...); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return e.w.Flush()
}

// reopen begins the file anew if it was moved or removed.
func (e *evidence) reopen() error {
	have, err := e.f.Stat()
	if err != nil {
		return err
	}
	at, err := os.Stat(e.path)
	if err == nil && os.SameFile(have, at) {
		return nil
	}
	if err := e.f.Close(); err != nil {
		return err
	}
	e.placed, e.order, e.ifaces, e.known, e.bytes = map[place]bool{}, nil, nil, map[[2]int]bool{}, 0
	return e.begin()
}

// close takes the last findings and puts the file in order.
func (e *evidence) close(findings []*analyze.Finding) error {
	if err := e.take(findings); err != nil {
		return err
	}
	if err := e.w.Flush(); err != nil {
		return err
	}
	if err := e.f.Close(); err != nil {
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	if e.bytes > maxSorted || len(e.order) == 0 {
		return nil
	}
	return e.sort(roles(findings))
}

func (e *evidence) sort(comments map[place][]string) error {
	r, err := captures.Open(e.path)
	if err != nil {
		return err
	}
	defer r.Close()
	type record struct {
		frame captures.Frame
		position
	}
	var all []record
	var f captures.Frame
	for len(all) < len(e.order) {
		if err := r.Next(&f); err != nil {
			return fmt.Errorf("reading the evidence again: %w", err)
		}
		f.Data = slices.Clone(f.Data)
		all = append(all, record{f, e.order[len(all)]})
	}
	slices.SortStableFunc(all, func(a, b record) int { return a.compare(b.position) })
	return replaceFile(e.path, func(w io.Writer) error {
		out := captures.NewWriter(w, captures.WriterOptions{Application: "nbtrace " + versionNumber(), SnapLen: e.snapLen,
			InterfaceName: func(_, iface int) string { return e.device(e.ifaces[iface]) }})
		for i := range all {
			if err := out.Write(&all[i].frame, comments[all[i].place]...); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// roles are the comments of the frames that findings rest on: for each
// finding, what the frame is to it.
func roles(findings []*analyze.Finding) map[place][]string {
	comments := map[place][]string{}
	for _, f := range findings {
		about := f.Rule
		if f.HasName {
			about += " " + nbns.Name(f.Name).Display(f.Scope)
		}
		for i := range f.Evidence {
			ev := &f.Evidence[i]
			sign := "for"
			if !ev.For {
				sign = "against"
			}
			for _, ref := range ev.Frames {
				p := place{ref.Input, ref.Frame}
				text := report.Escape(fmt.Sprintf("%s: %s (%s: %s)", about, ref.Role, sign, ev.Sign))
				if !slices.Contains(comments[p], text) {
					comments[p] = append(comments[p], text)
				}
			}
		}
	}
	return comments
}
