package main

import (
	"bufio"
	"io"

	"nbtrace/analyze/report"
)

// output is where a result goes: standard output, or a file that appears when
// it is whole.
type output struct {
	*bufio.Writer
	file *report.File // nil: standard output
}

// openOutput prepares path, "-" for standard output. paths are the inputs,
// which are never written to.
func (a *app) openOutput(path string, paths []string) (*output, error) {
	var w io.Writer = a.stdout
	o := &output{}
	if path != "-" {
		file, err := report.NewFile(path, paths)
		if err != nil {
			return nil, usagef("%w", err)
		}
		o.file, w = file, file
	}
	o.Writer = bufio.NewWriterSize(w, 64<<10)
	return o, nil
}

// commit makes the output whole. Whoever opened it also calls abort, which
// then has nothing to do.
func (o *output) commit() error {
	if err := o.Flush(); err != nil {
		return err
	}
	if o.file != nil {
		return o.file.Commit()
	}
	return nil
}

// abort drops what has not been committed, so far as it can be.
func (o *output) abort() {
	if o.file != nil {
		o.file.Abort()
	}
}
