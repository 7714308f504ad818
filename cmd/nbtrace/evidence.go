package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
	"nbtrace/captures"
)

// packets is the evidence that a run over files writes: what --evidence asks
// for, and what it takes to read the inputs a second time.
type packets struct {
	path  string
	spool *os.File // what came by standard input, nil if it is no input
	out   *output
}

// add adds --evidence to a command that reads files.
func (p *packets) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&p.path, "evidence", "w", "", "write the packets that the findings rest on to `FILE`, a pcapng with comments")
}

// prepare opens the output before anything is read. result is where the
// result goes. The returned function cleans up.
func (p *packets) prepare(a *app, result string, paths []string) (end func(), err error) {
	if p.path == "" {
		return func() {}, nil
	}
	if p.path == result || p.path != "-" && filepath.Clean(p.path) == filepath.Clean(result) {
		return nil, usagef("--evidence and --output both name %s", p.path)
	}
	if p.out, err = a.openOutput(p.path, paths); err != nil {
		return nil, err
	}
	if slices.Contains(paths, "-") {
		if err := a.checkStdin("a capture"); err != nil {
			return nil, err
		}
		if p.spool, err = os.CreateTemp("", "nbtrace-*.capture"); err != nil {
			return nil, fmt.Errorf("standard input must be kept for --evidence: %w", err)
		}
		a.stdin = io.TeeReader(a.stdin, p.spool)
	}
	return p.end, nil
}

func (p *packets) end() {
	p.out.abort()
	if p.spool != nil {
		name := p.spool.Name()
		p.spool.Close()
		os.Remove(name)
	}
}

// write writes the evidence of the findings, if it is asked for.
func (p *packets) write(a *app, set *settings, in *inputs, findings []*analyze.Finding) error {
	if p.path == "" {
		return nil
	}
	e := &report.Evidence{Version: versionNumber(), Files: in.files, Findings: findings, Reported: set.reported,
		Options: analyze.Options{Rules: set.rules, Mappings: set.mappings},
		Open:    func() (captures.Source, func(), error) { return p.reopen(set, in) }}
	count, err := e.Write(p.out)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	if err := p.out.commit(); err != nil {
		return err
	}
	a.notef("evidence: %d packets that findings name, %d as context", count.Cited, count.Context)
	const told = 5
	if n := len(count.Differs); n > 0 {
		a.warnf("the evidence alone does not lead to all of the findings:\n  %s", strings.Join(count.Differs[:min(n, told)], "\n  "))
	}
	return nil
}

// reopen opens the inputs again, with the same numbers.
func (p *packets) reopen(set *settings, in *inputs) (captures.Source, func(), error) {
	var readers []*captures.Reader
	done := func() {
		for _, r := range readers {
			r.Close()
		}
	}
	buffer := captures.WithBuffer(captures.BufferFor(len(in.place)))
	for _, at := range in.place {
		var r *captures.Reader
		var err error
		if path := in.paths[at]; path != "-" {
			r, err = captures.Open(path, buffer)
		} else if _, err = p.spool.Seek(0, io.SeekStart); err == nil {
			r, err = captures.NewReader("-", p.spool, buffer)
		}
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("reading again: %w", err)
		}
		readers = append(readers, r)
	}
	return filtered(captures.NewMerge(readers), set.filter), done, nil
}
