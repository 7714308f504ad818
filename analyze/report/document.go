package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"nbtrace/analyze"
	"nbtrace/captures"
)

// Schema names the JSON report's form.
const Schema = "nbtrace/1"

// Document is what one run of `analyze` found.
type Document struct {
	Version string
	Inputs  []captures.Info // in the order given, with those that could not be opened
	Files   []string        // names by input number, as frames refer to them
	Result  *analyze.Result
	// Findings are those of Result that are reported.
	Findings []*analyze.Finding
	// Rules are the rules by slug, for their prose; a finding whose rule is
	// missing is told without it.
	Rules map[string]*analyze.Rule
}

// WriteJSON writes the report of the contract, one JSON object.
func (d *Document) WriteJSON(w io.Writer) error {
	b := append([]byte(nil), `{"schema":"`+Schema+`","version":`...)
	b = appendJSONString(b, Escape(d.Version))
	b = append(b, ",\n\"inputs\":"...)
	b = d.appendInputs(b)
	b = append(b, ",\n\"summary\":"...)
	b = appendSummary(b, &d.Result.Summary)
	b = append(b, ",\n\"findings\":["...)
	keys := jsonKeys(findingsTable.Columns, '{')
	err := d.eachFinding(func(i int, values []Value) error {
		b = comma(b, i)
		b = append(b, '\n')
		b = appendJSONRow(b, keys, values)
		return flushFull(w, &b)
	})
	if err != nil {
		return err
	}
	if len(d.Findings) > 0 {
		b = append(b, '\n')
	}
	b = append(b, "]}\n"...)
	return flush(w, &b)
}

// WriteNDJSON writes each finding as a line of "type": "finding", then a line
// of "type": "summary" with the rest of the report.
func (d *Document) WriteNDJSON(w io.Writer) error {
	if err := d.writeFindingLines(w, lineOfFinding); err != nil {
		return err
	}
	b := append([]byte(nil), `{"type":"summary","schema":"`+Schema+`","version":`...)
	b = appendJSONString(b, Escape(d.Version))
	b = append(b, `,"inputs":`...)
	b = d.appendInputs(b)
	b = append(b, `,"summary":`...)
	b = appendSummary(b, &d.Result.Summary)
	b = append(b, "}\n"...)
	return flush(w, &b)
}

// lineOfFinding begins the line of a finding.
const lineOfFinding = `{"type":"finding"`

// writeFindingLines writes each finding as a line that begins with head.
func (d *Document) writeFindingLines(w io.Writer, head string) error {
	var b []byte
	keys := jsonKeys(findingsTable.Columns, ',')
	err := d.eachFinding(func(_ int, values []Value) error {
		b = append(b, head...)
		b = appendJSONRow(b, keys, values)
		b = append(b, '\n')
		return flushFull(w, &b)
	})
	if err != nil {
		return err
	}
	return flush(w, &b)
}

func (d *Document) eachFinding(write func(i int, values []Value) error) error {
	values := make([]Value, len(findingsTable.Columns))
	row := Row{Files: d.Files}
	for i, f := range d.Findings {
		row.Finding = f
		Fill(findingsTable.Columns, &row, values)
		if err := write(i, values); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) appendInputs(b []byte) []byte {
	b = append(b, '[')
	for i := range d.Inputs {
		in := &d.Inputs[i]
		b = comma(b, i)
		b = append(b, `{"file":`...)
		b = appendJSONString(b, Escape(in.Name))
		b = append(b, `,"format":`...)
		b = appendJSONString(b, Escape(in.Format))
		b = append(b, `,"link_types":[`...)
		for k, l := range in.LinkTypes {
			b = comma(b, k)
			b = appendJSONString(b, l.String())
		}
		b = append(b, `],"packets":`...)
		b = strconv.AppendInt(b, in.Packets, 10)
		b = append(b, `,"bytes":`...)
		b = strconv.AppendInt(b, in.Bytes, 10)
		b = append(b, `,"first":`...)
		b = appendPacketTime(b, in, in.First)
		b = append(b, `,"last":`...)
		b = appendPacketTime(b, in, in.Last)
		b = append(b, `,"complete":`...)
		b = strconv.AppendBool(b, in.Complete)
		b = append(b, `,"error":`...)
		if in.Err == nil {
			b = append(b, "null"...)
		} else {
			b = appendJSONString(b, Escape(in.Err.Error()))
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendPacketTime appends a time of an input; null if it has no packet.
func appendPacketTime(b []byte, in *captures.Info, ns int64) []byte {
	if in.Packets == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = appendTime(b, ns)
	return append(b, '"')
}

func appendSummary(b []byte, s *analyze.Summary) []byte {
	open := byte('{')
	for _, c := range []struct {
		name string
		n    int64
	}{
		{"packets", s.Packets}, {"messages", s.Messages}, {"exchanges", s.Exchanges}, {"names", s.Names},
		{"hosts", s.Hosts}, {"malformed", s.Malformed}, {"duplicates", s.Duplicates}, {"evicted", s.Evicted},
	} {
		b = append(b, open, '"')
		b = append(b, c.name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, c.n, 10)
		open = ','
	}
	return append(b, '}')
}

// span is the time from the earliest to the latest packet of all inputs.
func (d *Document) span() (first, last int64, ok bool) {
	for i := range d.Inputs {
		in := &d.Inputs[i]
		if in.Packets == 0 {
			continue
		}
		if !ok || in.First < first {
			first = in.First
		}
		if !ok || in.Last > last {
			last = in.Last
		}
		ok = true
	}
	return first, last, ok
}

// paragraphs are those of a text of several lines, each in one line.
func paragraphs(text string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p != "" {
			all = append(all, strings.ReplaceAll(p, "\n", " "))
		}
	}
	return all
}

// linkNames are the link types of an input.
func linkNames(in *captures.Info) []string {
	names := make([]string, len(in.LinkTypes))
	for i, l := range in.LinkTypes {
		names[i] = l.String()
	}
	return names
}

// findingsHeadline counts the findings by severity.
func findingsHeadline(findings []*analyze.Finding) string {
	if len(findings) == 0 {
		return "Nothing found: no rule has anything to report."
	}
	var counts [analyze.Critical + 1]int
	for _, f := range findings {
		counts[f.Severity]++
	}
	var parts []string
	for s := analyze.Critical; ; s-- {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
		if s == analyze.Info {
			break
		}
	}
	return counted(len(findings), "finding") + ": " + strings.Join(parts, ", ") + "."
}

// shortTime is a time to the millisecond, for people.
func shortTime(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000") + " UTC"
}

// duration is a span of time for people, to a precision that its size asks for.
func duration(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
