package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter/tw"

	"nbtrace/analyze"
)

// TextOptions say where the text report is read.
type TextOptions struct {
	Width  int // columns; no line is longer. 0: 80. At least 40
	Color  bool
	Ladder bool // draw the messages of each story
	ASCII  bool // draw them without Unicode
	// Example gives a rule's example for its documentation; nil: none.
	Example func(slug string) (Example, bool)
}

const (
	defaultWidth = 80
	minWidth     = 40
	// proseWidth is where prose is broken on a wider terminal.
	proseWidth = 100
	// maxFrameRows is how many frames of a story are listed; all are in the
	// display filter and in the JSON report.
	maxFrameRows = 20
	// maxStories is how many stories are told; the rest are counted by rule.
	maxStories = 100
)

// Colours, as SGR parameters.
const (
	sgrBold     = "1"
	sgrDim      = "2"
	sgrCritical = "1;31"
	sgrWarning  = "1;33"
	sgrNotice   = "1;36"
)

// WriteText writes the report for people.
func (d *Document) WriteText(w io.Writer, o TextOptions) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	o.Width = max(o.Width, minWidth)
	t := &textPrinter{doc: d, width: min(o.Width, proseWidth), full: o.Width, color: o.Color, draws: o.Ladder, ascii: o.ASCII}
	t.summary()
	stories := tell(d.Findings)
	t.overview(stories)
	told := map[string]int{}
	for i := range stories[:min(len(stories), maxStories)] {
		t.story(i+1, &stories[i], told)
	}
	if len(stories) > maxStories {
		t.line("")
		t.prose("", untold(stories[maxStories:]), sgrBold)
	}
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

type textPrinter struct {
	doc   *Document
	width int // of prose
	full  int // of tables
	color bool
	draws bool // diagrams of the stories' messages
	ascii bool // without Unicode
	buf   bytes.Buffer
	err   error
}

func (t *textPrinter) paint(sgr, s string) string {
	if !t.color || sgr == "" {
		return s
	}
	return paint(sgr, s)
}

// paint sets s, one escaped line, in a colour.
func paint(sgr, s string) string { return "\x1b[" + sgr + "m" + s + "\x1b[0m" }

// line prints one line; s is escaped and short enough.
func (t *textPrinter) line(s string) {
	t.buf.WriteString(strings.TrimRight(s, " "))
	t.buf.WriteByte('\n')
}

// prose prints text, broken to the width. The first line begins with first,
// the others with as many blanks.
func (t *textPrinter) prose(first, text, sgr string) {
	indent := strings.Repeat(" ", textWidth(first))
	for i, l := range wrap(Escape(text), t.width-len(indent)) {
		if i == 0 {
			t.line(first + t.paint(sgr, l))
		} else {
			t.line(indent + t.paint(sgr, l))
		}
	}
}

// paragraphs prints prose whose paragraphs are parted by blank lines.
func (t *textPrinter) paragraphs(indent, text string) {
	for i, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			t.line("")
		}
		t.prose(indent, strings.ReplaceAll(p, "\n", " "), "")
	}
}

func (t *textPrinter) heading(s string) {
	t.line("")
	t.line("  " + t.paint(sgrBold, s))
}

func (t *textPrinter) summary() {
	s := &t.doc.Result.Summary
	t.prose("", fmt.Sprintf("%s: %s, %s, %s, %s, %s.",
		counted(len(t.doc.Inputs), "capture", "captures"), counted64(s.Packets, "packet"), counted64(s.Messages, "NBNS message"),
		counted64(s.Exchanges, "exchange"), counted64(s.Names, "name"), counted64(s.Hosts, "host")), sgrBold)
	if first, last, ok := t.doc.span(); ok {
		t.prose("", fmt.Sprintf("From %s to %s, %s.", shortTime(first), shortTime(last), duration(last-first)), "")
	}
	var odd []string
	if s.Malformed > 0 {
		odd = append(odd, counted64(s.Malformed, "malformed message"))
	}
	if s.Duplicates > 0 {
		odd = append(odd, counted64(s.Duplicates, "message")+" seen twice by taps and counted once")
	}
	if s.Evicted > 0 {
		odd = append(odd, counted64(s.Evicted, "entry", "entries")+" dropped from full tables, so absence proves less")
	}
	if len(odd) > 0 {
		t.prose("", "Also: "+strings.Join(odd, "; ")+".", "")
	}
	const listed = 20
	for i := range t.doc.Inputs {
		if i == listed {
			t.prose("  ", fmt.Sprintf("and %d more captures", len(t.doc.Inputs)-listed), sgrDim)
			break
		}
		t.input(i)
	}
}

func (t *textPrinter) input(i int) {
	in := &t.doc.Inputs[i]
	links := make([]string, len(in.LinkTypes))
	for k, l := range in.LinkTypes {
		links[k] = l.String()
	}
	text := in.Name + ": " + strings.Join(append([]string{in.Format}, links...), ", ") + ", " + counted64(in.Packets, "packet")
	if !in.Complete {
		text += ", not complete"
	}
	t.prose("  ", text, "")
}

// counted64 writes a count with its noun; many defaults to one with an s.
func counted64(n int64, one string, many ...string) string {
	if n == 1 {
		return "1 " + one
	}
	if len(many) > 0 {
		return strconv.FormatInt(n, 10) + " " + many[0]
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
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

func (t *textPrinter) overview(stories []story) {
	t.line("")
	if len(stories) == 0 {
		t.prose("", "Nothing found: no rule has anything to report.", sgrBold)
		return
	}
	var counts [analyze.Critical + 1]int
	for _, f := range t.doc.Findings {
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
	text := counted(len(t.doc.Findings), "finding", "findings") + ": " + strings.Join(parts, ", ") + "."
	if len(stories) < len(t.doc.Findings) {
		text += fmt.Sprintf(" Those that differ in the name's suffix only are told together, in %s.", counted(len(stories), "story", "stories"))
	}
	t.prose("", text, sgrBold)
}

func severityColor(s analyze.Severity) string {
	switch s {
	case analyze.Critical:
		return sgrCritical
	case analyze.Warning:
		return sgrWarning
	case analyze.Notice:
		return sgrNotice
	default:
		return sgrBold
	}
}

func (t *textPrinter) story(number int, s *story, told map[string]int) {
	f := s.lead()
	t.line("")
	head := fmt.Sprintf("%d. %s, %s: ", number, strings.ToUpper(f.Severity.String()), f.Verdict)
	for i, l := range wrap(head+Escape(s.title()), t.width) {
		if i > 0 {
			l = "   " + l
		}
		for _, part := range wrapKeep(l, t.width) {
			t.line(t.paint(severityColor(f.Severity), part))
		}
	}
	t.facts(s)

	rule := t.doc.Rules[f.Rule]
	if rule != nil && rule.Doc.What != "" {
		t.heading("What happened")
		if n, ok := told[f.Rule]; ok {
			t.prose("  ", fmt.Sprintf("As explained under %d.", n), "")
		} else {
			told[f.Rule] = number
			t.paragraphs("  ", rule.Doc.What)
		}
	}
	t.diagram(s)
	t.heading("How sure")
	t.prose("  ", s.sureness(), "")
	for i, e := range s.evidence {
		sign := "for    "
		if !e.supports {
			sign = "against"
		}
		t.prose(fmt.Sprintf("  [%d] %s  ", i+1, sign), e.text, "")
	}
	t.frames(s)
	if alternatives := s.alternatives(); len(alternatives) > 0 {
		t.heading("Other explanations")
		for i := range alternatives {
			a := &alternatives[i]
			t.prose("  - ", fmt.Sprintf("%s, %s: %s", a.Rule, alternativeVerdict(a), a.Why), "")
		}
	}
	if remedy := s.remedy(); len(remedy) > 0 {
		t.heading("What to do")
		for i, step := range remedy {
			t.prose(fmt.Sprintf("  %d. ", i+1), step, "")
		}
	}
	t.events(s)
	if filter := s.filter(t.doc.Files); filter != "" {
		t.heading("Show these packets (Wireshark display filter)")
		t.prose("  ", filter, "")
	}
	if refs := s.references(); len(refs) > 0 {
		t.line("")
		t.prose("  ", "See "+strings.Join(refs, "; ")+".", sgrDim)
	}
}

// wrapKeep breaks a line that an indent made too long, keeping the indent.
func wrapKeep(l string, width int) []string {
	if textWidth(l) <= width {
		return []string{l}
	}
	indent := len(l) - len(strings.TrimLeft(l, " "))
	parts := wrap(l, width-indent)
	for i := range parts {
		parts[i] = strings.Repeat(" ", indent) + parts[i]
	}
	return parts
}

func (t *textPrinter) facts(s *story) {
	f := s.lead()
	fact := func(what, text string) {
		if text != "" {
			t.prose(fmt.Sprintf("   %-8s ", what), text, "")
		}
	}
	fact("rule", f.Rule)
	fact("name", strings.Join(s.names, ", "))
	fact("host", s.host())
	if f.Server.IsValid() {
		fact("server", string(appendAddr(nil, f.Server)))
	}
	first, last, count := s.span()
	when := shortTime(first)
	if last != first {
		when += " to " + shortTime(last)
	}
	if count > 1 {
		when += fmt.Sprintf(", %d times", count)
	}
	fact("when", when)
}

// widthForAddresses is how many columns the table of frames needs to show who
// sent a frame to whom.
const widthForAddresses = 76

func (t *textPrinter) frames(s *story) {
	if len(s.frames) == 0 {
		return
	}
	t.heading("Frames")
	files := t.doc.Files
	header := []string{"frame", "seconds", "from", "to", "role", "evidence"}
	align := tw.Alignment{tw.AlignRight, tw.AlignRight, tw.AlignLeft, tw.AlignLeft, tw.AlignLeft, tw.AlignLeft}
	room := widthForAddresses
	if len(files) > 1 {
		room += minCell + tableGap
	}
	narrow := t.full < room
	if narrow {
		header, align = []string{"frame", "seconds", "role", "evidence"}, append(align[:2:2], align[4:]...)
	}
	var start int64
	for i := range s.frames {
		if f := &s.frames[i]; f.time != 0 && (start == 0 || f.time < start) {
			start = f.time
		}
	}
	if len(files) > 1 {
		header = append([]string{"file"}, header...)
		align = append(tw.Alignment{tw.AlignLeft}, align...)
	}
	var rows [][]string
	for i := range s.frames {
		if i == maxFrameRows && len(s.frames) > maxFrameRows+1 {
			break
		}
		f := &s.frames[i]
		numbers := make([]string, len(f.evidence))
		for k, n := range f.evidence {
			numbers[k] = "[" + strconv.Itoa(n) + "]"
		}
		seconds := ""
		if f.time != 0 {
			seconds = strconv.FormatFloat(float64(f.time-start)/1e9, 'f', 3, 64)
		}
		row := []string{strconv.FormatInt(f.frame, 10), seconds, string(appendAddr(nil, f.src)), string(appendAddr(nil, f.dst)), Escape(strings.Join(f.roles, ", ")), strings.Join(numbers, " ")}
		if narrow {
			row = append(row[:2:2], row[4:]...)
		}
		if len(files) > 1 {
			row = append([]string{Escape(fileName(files, f.input))}, row...)
		}
		rows = append(rows, row)
	}
	limits := make([]int, len(header))
	for i := range header {
		limits[i] = len(header[i])
		for _, row := range rows {
			limits[i] = max(limits[i], textWidth(row[i]))
		}
	}
	total := len(header) * tableGap
	shown := make([]int, len(header))
	for i := range header {
		total += limits[i]
		shown[i] = i
	}
	shrink(limits, shown, total-(t.full-2))
	var table bytes.Buffer
	if err := renderTable(&table, header, rows, align, limits); err != nil && t.err == nil {
		t.err = err
	}
	for l := range strings.Lines(table.String()) {
		t.line("  " + strings.TrimSuffix(l, "\n"))
	}
	if more := len(s.frames) - len(rows); more > 0 {
		t.prose("  ", fmt.Sprintf("and %d more frames; the display filter below and the JSON report have all", more), sgrDim)
	}
}

func (t *textPrinter) events(s *story) {
	ids := s.events()
	if len(ids) == 0 {
		return
	}
	t.heading("Expect in the host's System log (source NetBT)")
	for _, id := range ids {
		text := eventText(id)
		if text == "" {
			t.prose("  ", fmt.Sprintf("event %d", id), "")
		} else {
			t.prose("  ", fmt.Sprintf("event %d: %s", id, text), "")
		}
	}
	if data := s.lead().EventData; data != "" {
		t.prose("  ", "address bytes in the event's data: "+eventDataText(data), "")
	}
}
