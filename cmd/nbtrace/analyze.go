package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
	"nbtrace/rules"
)

// documentFormats are the formats of analyze.
var documentFormats = []string{"text", "json", "ndjson", "markdown"}

// analyzeFormats are those, and what is made at the end of a run only.
var analyzeFormats = append(slices.Clone(documentFormats), "html", "ecs")

// analyzeFlags are the flags that analyze has beyond the common ones.
type analyzeFlags struct {
	commonFlags
	packets packets
	ladder  bool
}

func (a *app) analyzeCommand() *cobra.Command {
	var flags analyzeFlags
	cmd := &cobra.Command{
		Use:   "analyze [flags] FILE...",
		Short: "Read captures and print a diagnosis",
		Long: `Read captures and print a diagnosis.

FILE is a pcap or pcapng capture, also compressed with gzip or zstd, told by
its content; - is standard input. Several files are merged by time, and a
packet that two of them hold counts once.

The format html is one page that needs no network and no server, with diagrams
of the messages; markdown has them in Mermaid, and text with --ladder. The
format ecs is a line of JSON a finding in terms of the Elastic Common Schema.

Exit codes: 0 it ran to the end; 1 only with --fail-on: it did, and there is
such a finding; 2 an input could not be read to its end (what was read is
reported all the same); 3 wrong flags, filter or rules.`,
		Example: `  nbtrace analyze capture.pcap
  nbtrace analyze site-a.pcapng site-b.pcapng.gz
  nbtrace analyze --format json capture.pcap | jq '.findings[].title'
  nbtrace analyze --fail-on warning -q capture.pcap || mail -s WINS admin@example.com
  nbtrace analyze -f 'host 10.20.9.11' -o report.md capture.pcap
  nbtrace analyze -o report.html -w evidence.pcapng capture.pcap`,
		Args:              needFiles,
		ValidArgsFunction: completeFiles,
		RunE: func(_ *cobra.Command, paths []string) error {
			return a.analyze(&flags, paths)
		},
	}
	flags.add(a, cmd, analyzeFormats)
	flags.packets.add(cmd)
	cmd.Flags().BoolVar(&flags.ladder, "ladder", false, "draw the messages of each finding in the text report")
	return cmd
}

func needFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("no capture given\nusage: %s", cmd.UseLine())
	}
	return nil
}

func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// formatOf settles the format: the flag's, else the one that the output's
// suffix names, else the default.
func formatOf(flag, output, usual string, known []string) (string, error) {
	if flag != "" {
		if !slices.Contains(known, flag) {
			return "", usagef("%s", unknown("format", flag, known))
		}
		return flag, nil
	}
	suffix := strings.ToLower(strings.TrimPrefix(filepath.Ext(output), "."))
	switch suffix {
	case "md":
		suffix = "markdown"
	case "jsonl":
		suffix = "ndjson"
	case "txt":
		suffix = usual
	}
	if slices.Contains(known, suffix) {
		return suffix, nil
	}
	return usual, nil
}

func (a *app) analyze(flags *analyzeFlags, paths []string) error {
	set, err := flags.check(a)
	if err != nil {
		return err
	}
	format, err := formatOf(flags.format, flags.output, "text", analyzeFormats)
	if err != nil {
		return err
	}
	out, err := a.openOutput(flags.output, paths)
	if err != nil {
		return err
	}
	defer out.abort()
	text, err := a.textOptions(flags.color, flags.output, flags.ladder)
	if err != nil {
		return err
	}
	end, err := flags.packets.prepare(a, flags.output, paths)
	if err != nil {
		return err
	}
	defer end()
	in, err := a.open(paths)
	if err != nil {
		return err
	}
	defer in.merge.Close()
	set.noNames = format != "html"
	result, err := a.read(set, in, set.rules, analyze.Sink{}, new(atomic.Bool))
	if err != nil {
		return err
	}
	if len(in.files) == 0 && (format == "text" || format == "markdown" || format == "html") {
		return nil // the errors have been told, and there is nothing else
	}
	doc := &report.Document{Version: versionNumber(), Inputs: in.infos(), Files: in.files, Result: result,
		Findings: set.reported(result.Findings), Rules: rulesBySlug()}
	if format == "text" {
		err = doc.WriteText(out, text)
	} else {
		err = writeDocument(out, doc, format)
	}
	if err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	if err := flags.packets.write(a, set, in, doc.Findings); err != nil {
		return err
	}
	return a.judge(set, paths, result.Findings)
}

func rulesBySlug() map[string]*analyze.Rule {
	m := map[string]*analyze.Rule{}
	for _, r := range rules.All() {
		m[r.Slug] = r
	}
	return m
}

// writeDocument writes a report in one of analyzeFormats but text.
func writeDocument(w io.Writer, doc *report.Document, format string) error {
	switch format {
	case "ndjson":
		return doc.WriteNDJSON(w)
	case "markdown":
		return doc.WriteMarkdown(w)
	case "html":
		return doc.WriteHTML(w)
	case "ecs":
		return doc.WriteECS(w)
	}
	return doc.WriteJSON(w)
}

// read runs the captures through an engine with the rules. It stops early when
// stop is set.
func (a *app) read(set *settings, in *inputs, judged []*analyze.Rule, sink analyze.Sink, stop *atomic.Bool) (*analyze.Result, error) {
	engine := analyze.New(analyze.Options{Rules: judged, Mappings: set.mappings, NoNames: set.noNames}, sink)
	endWatch := onInterrupt(stop)
	endProgress := a.progress(size(in.paths), in.merge.BytesRead)
	err := a.feed(in, engine, set.filter, stop)
	endProgress()
	if endWatch() {
		a.errorf("interrupted: the rest of the captures was not read")
		a.fail(exitRead)
	}
	if err != nil {
		return nil, err
	}
	result := engine.Finish()
	relaxMemory()
	a.tell(in, result)
	return result, nil
}

// tell says on standard error what the captures held that could not be used.
func (a *app) tell(in *inputs, result *analyze.Result) {
	w := &result.Wire
	a.tellUnread(w)
	if w.Encrypted > 0 {
		a.warnf("%d frames are encrypted", w.Encrypted)
	}
	s := &result.Summary
	a.notef("%d packets, %d messages (%d malformed, %d seen twice), %d exchanges, %d names, %d hosts, %d entries evicted",
		s.Packets, s.Messages, s.Malformed, s.Duplicates, s.Exchanges, s.Names, s.Hosts, s.Evicted)
	a.notef("%d fragments (%d dropped), %d bad headers, %d TCP gaps, %d TCP streams lost",
		w.Fragments, w.FragmentsBad, w.BadHeader, w.Gaps, w.StreamsLost)
	for _, info := range in.infos() {
		if info.Err == nil {
			a.notef("%s: %s, %d packets, %d bytes", info.Name, info.Format, info.Packets, info.Bytes)
		}
	}
}
