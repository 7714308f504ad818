package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
)

var diffFormats = []string{"text", "json"}

func (a *app) diffCommand() *cobra.Command {
	var flags commonFlags
	cmd := &cobra.Command{
		Use:   "diff [flags] BEFORE AFTER",
		Short: "Compare two captures, or reports of them: did the fix work?",
		Long: `Compare two captures, or reports of them: which findings are gone, new,
changed or still there, and which names have another holder, address or server.

BEFORE and AFTER are captures, or what analyze or export findings wrote with
--format json or ndjson; which is told by content. One of them may be -,
standard input. A finding is the same if its rule, name, scope and server are,
and the machines that suffer have an address in common. Names are compared by
their state at the end, where both sides are captures.

Exit codes: 0 it ran to the end; 1 only with --fail-on: it did, and there is
such a finding that is new; 2 an input could not be read to its end; 3 wrong
flags, filter, rules or mapping file.`,
		Example: `  nbtrace diff monday.pcapng tuesday.pcapng
  nbtrace analyze --format json -o before.json old.pcap && nbtrace diff before.json new.pcap
  nbtrace diff --fail-on warning --format json before.json after.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("two captures or reports are to be compared, not %d\nusage: %s", len(args), cmd.UseLine())
			}
			return nil
		},
		ValidArgsFunction: completeFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.diff(&flags, args)
		},
	}
	flags.add(a, cmd, diffFormats)
	return cmd
}

func (a *app) diff(flags *commonFlags, paths []string) error {
	set, err := flags.check(a)
	if err != nil {
		return err
	}
	format, err := formatOf(flags.format, flags.output, "text", diffFormats)
	if err != nil {
		return err
	}
	if flags.newBaseline != "" {
		return usagef("diff writes no baseline; use analyze --write-baseline on the capture")
	}
	if paths[0] == "-" && paths[1] == "-" {
		return usagef("standard input (-) was named 2 times")
	}
	out, err := a.openOutput(flags.output, paths)
	if err != nil {
		return err
	}
	defer out.abort()
	text, err := a.textOptions(flags.color, flags.output, false)
	if err != nil {
		return err
	}
	var sides [2]*report.Snapshot
	for i, path := range paths {
		if sides[i], err = a.snapshot(set, flags.rules != "", path); err != nil {
			return err
		}
	}
	if sides[0] == nil || sides[1] == nil {
		return nil // the errors have been told, and there is nothing to compare
	}
	d := report.Compare(sides[0], sides[1])
	d.Version = versionNumber()
	if format == "json" {
		err = d.WriteJSON(out)
	} else {
		err = d.WriteText(out, text)
	}
	if err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	for _, f := range d.New {
		if set.canFail && f.Severity >= set.failOn {
			a.fail(exitFinding)
		}
	}
	return nil
}

// snapshot reads one side of a comparison; nil if it cannot be read at all,
// which has been told then. chosen says that --rules was given.
func (a *app) snapshot(set *settings, chosen bool, path string) (*report.Snapshot, error) {
	s, isReport, err := a.snapshotOfReport(path)
	if err != nil {
		a.errorf("%s", err)
		a.fail(exitRead)
		return nil, nil
	}
	if isReport {
		kept := s.Findings[:0]
		for _, f := range s.Findings {
			if f.Severity >= set.minSeverity && (!chosen || set.uses(f.Rule)) && (set.baseline == nil || !set.baseline.has(knownOfReport(&f))) {
				kept = append(kept, f)
			}
		}
		s.Findings = kept
		return s, nil
	}
	in, err := a.open([]string{path})
	if err != nil {
		return nil, err
	}
	defer in.merge.Close()
	if len(in.files) == 0 {
		return nil, nil
	}
	result, err := a.read(set, in, set.rules, analyze.Sink{}, new(atomic.Bool))
	if err != nil {
		return nil, err
	}
	return report.NewSnapshot(in.files[0], &report.Document{Version: versionNumber(), Inputs: in.infos(), Files: in.files, Result: result,
		Findings: set.reported(result.Findings)})
}

// knownOfReport is the entry that a finding of a report would have in a
// baseline.
func knownOfReport(f *report.SnapshotFinding) knownFinding {
	k := knownFinding{Rule: f.Rule, Name: f.DisplayName(), Addresses: f.Addresses()}
	if f.Server != nil {
		k.Server = *f.Server
	}
	return k
}

// uses reports whether --rules leaves a rule in.
func (s *settings) uses(slug string) bool {
	return slices.ContainsFunc(s.rules, func(r *analyze.Rule) bool { return r.Slug == slug })
}

// snapshotOfReport reads the file if it is a report. Standard input that is
// none can still be read as a capture.
func (a *app) snapshotOfReport(path string) (s *report.Snapshot, isReport bool, err error) {
	const headLength = 512
	if path == "-" {
		if err := a.checkStdin("a capture or a report"); err != nil {
			return nil, false, err
		}
		r := bufio.NewReader(a.stdin)
		a.stdin = r
		head, err := r.Peek(headLength)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, fmt.Errorf("cannot read standard input: %w", err)
		}
		if !report.IsReport(head) {
			return nil, false, nil
		}
		s, err = report.ReadSnapshot("-", r)
		return s, true, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false, nil // told when it is opened as a capture
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, false, nil // what comes by a pipe can be read once only
	}
	r := bufio.NewReader(f)
	head, err := r.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) || !report.IsReport(head) {
		return nil, false, nil
	}
	s, err = report.ReadSnapshot(filepath.Base(path), r)
	return s, true, err
}
