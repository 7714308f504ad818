package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"

	"nbtrace/analyze"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
	"nbtrace/captures/bpf"
)

// inputs are the captures of a run. Those that could not be opened have no
// reader but stand in infos, where they were named.
type inputs struct {
	merge *captures.Merge
	paths []string        // as given
	files []string        // names of the opened ones, by input number
	place []int           // their places on the command line
	fails []captures.Info // of the others, by place; Name "" where opened
}

// open opens the files, "-" for standard input. One that fails is reported,
// and the others go on.
func (a *app) open(paths []string) (*inputs, error) {
	if n := len(slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p != "-" })); n > 1 {
		return nil, usagef("standard input (-) was named %d times", n)
	}
	in := &inputs{paths: paths, fails: make([]captures.Info, len(paths))}
	var readers []*captures.Reader
	buffer := captures.WithBuffer(captures.BufferFor(len(paths)))
	for i, path := range paths {
		var r *captures.Reader
		var err error
		name := "-"
		if path == "-" {
			if err := a.checkStdin("a capture"); err != nil {
				return nil, err
			}
			r, err = captures.NewReader("-", a.stdin, buffer)
		} else {
			name = filepath.Base(path)
			r, err = captures.Open(path, buffer)
		}
		if err != nil {
			a.errorf("%s", err)
			a.fail(exitRead)
			in.fails[i] = captures.Info{Name: name, Err: err}
			continue
		}
		readers = append(readers, r)
		in.files = append(in.files, name)
		in.place = append(in.place, i)
	}
	in.merge = captures.NewMerge(readers)
	return in, nil
}

// checkStdin refuses to wait for what nobody is going to type.
func (a *app) checkStdin(wanted string) error {
	if f, ok := a.stdin.(*os.File); ok && isTerminal(f) {
		return usagef("standard input is a terminal; pipe %s into it", wanted)
	}
	return nil
}

// filtered is src with the frames only that the filter takes; nil takes all.
func filtered(src captures.Source, filter *bpf.Filter) captures.Source {
	if filter == nil {
		return src
	}
	return &bpf.Source{Source: src, Filter: filter}
}

// infos are the infos of all inputs in the order of the command line.
func (in *inputs) infos() []captures.Info {
	all := slices.Clone(in.fails)
	for k, info := range in.merge.Infos() {
		all[in.place[k]] = info
	}
	return all
}

// size is how many bytes the files hold; 0 if it is not known of one.
func size(paths []string) int64 {
	var total int64
	for _, p := range paths {
		st, err := os.Stat(p)
		if p == "-" || err != nil || !st.Mode().IsRegular() {
			return 0
		}
		total += st.Size()
	}
	return total
}

// useless says of which frames the engine only wants to know that they were there.
func useless(link captures.LinkType, data []byte) bool { return wire.Quick(link, data) == wire.No }

// feed reads all inputs into the engine, until their end or until stop is
// set, and reports what could not be read.
func (a *app) feed(in *inputs, engine *analyze.Engine, filter *bpf.Filter, stop *atomic.Bool) error {
	if filter == nil {
		in.merge.LeaveBehind(useless, stop, runtime.GOMAXPROCS(0))
	}
	if slices.ContainsFunc(in.merge.Infos(), func(i captures.Info) bool { return i.Lost > 0 }) {
		engine.Missed()
	}
	err := feedFrames(filtered(in.merge, filter), engine, stop)
	if err != nil && !errors.Is(err, io.EOF) {
		var ferr *bpf.Error
		if errors.As(err, &ferr) {
			return usagef("%w", err)
		}
		return err
	}
	if left := in.merge.Left(); left.Frames > 0 {
		engine.LeftBehind(left.Frames, left.Latest)
	}
	for _, info := range in.merge.Infos() {
		if info.Err != nil {
			a.errorf("%s", info.Err)
			a.fail(exitRead)
		}
		if info.Lost > 0 {
			engine.Missed() // of compressed files and pipes it is known only now
			a.warnf("%s: it lacks %d packets that were lost when it was captured, by its own count; what it does not show may still have happened", info.Name, info.Lost)
		}
	}
	return nil
}
