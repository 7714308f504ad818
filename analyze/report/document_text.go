package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"nbtrace/analyze"
)

const (
	// maxFrameRows is how many frames of a story are listed; all are in the
	// display filter and in the JSON report.
	maxFrameRows = 20
	// maxStories is how many stories are told; the rest are counted by rule.
	maxStories = 100
)

// WriteText writes the report for people.
func (d *Document) WriteText(w io.Writer, o TextOptions) error {
	t := newTextPrinter(d, o)
	t.summary()
	stories := tell(d.Findings, d.Files)
	t.overview(stories)
	told := map[string]int{}
	for i := range stories[:min(len(stories), maxStories)] {
		t.story(i+1, &stories[i], told)
	}
	if len(stories) > maxStories {
		t.line("")
		t.prose("", untold(stories[maxStories:]), sgrBold)
	}
	return t.write(w)
}

func (t *textPrinter) summary() {
	s := &t.doc.Result.Summary
	t.prose("", fmt.Sprintf("%s: %s, %s, %s, %s, %s.",
		counted(len(t.doc.Inputs), "capture"), counted(s.Packets, "packet"), counted(s.Messages, "NBNS message"),
		counted(s.Exchanges, "exchange"), counted(s.Names, "name"), counted(s.Hosts, "host")), sgrBold)
	if first, last, ok := t.doc.span(); ok {
		t.prose("", fmt.Sprintf("From %s to %s, %s.", shortTime(first), shortTime(last), duration(last-first)), "")
	}
	var odd []string
	if s.Malformed > 0 {
		odd = append(odd, counted(s.Malformed, "malformed message"))
	}
	if s.Duplicates > 0 {
		odd = append(odd, counted(s.Duplicates, "message")+" seen twice by taps and counted once")
	}
	if s.Evicted > 0 {
		odd = append(odd, counted(s.Evicted, "entry", "entries")+" dropped from full tables, so absence proves less")
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
	text := in.Name + ": " + strings.Join(append([]string{in.Format}, linkNames(in)...), ", ") + ", " + counted(in.Packets, "packet")
	if in.Lost > 0 {
		text += fmt.Sprintf(", %d lost when captured", in.Lost)
	}
	if !in.Complete {
		text += ", not complete"
	}
	t.prose("  ", text, "")
}

func (t *textPrinter) overview(stories []story) {
	t.line("")
	if len(stories) == 0 {
		t.prose("", findingsHeadline(nil), sgrBold)
		return
	}
	text := findingsHeadline(t.doc.Findings)
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
	t.head(number, s, s.lead().Verdict.String())
	t.what(number, s, told)
	t.diagram(s)
	t.sureness(s)
	t.frames(s)
	t.alternatives(s)
	t.remedy(s)
	t.events(s)
	t.filter(s)
	if refs := s.references(); len(refs) > 0 {
		t.line("")
		t.prose("  ", "See "+strings.Join(refs, "; ")+".", sgrDim)
	}
}

func (t *textPrinter) filter(s *story) {
	if filter := s.filter(t.doc.Files); filter != "" {
		t.heading("Show these packets (Wireshark display filter)")
		t.prose("  ", filter, "")
	}
}

// head prints the title of a story, with the verdict in the words given, and
// the facts.
func (t *textPrinter) head(number int, s *story, verdict string) {
	f := s.lead()
	t.line("")
	title := fmt.Sprintf("%d. %s, %s: ", number, strings.ToUpper(f.Severity.String()), verdict) + Escape(s.title())
	for i, l := range wrap(title, t.width) {
		if i > 0 {
			l = "   " + l
		}
		for _, part := range wrapKeep(l, t.width) {
			t.line(t.paint(severityColor(f.Severity), part))
		}
	}
	for _, f := range s.facts(s.when()) {
		t.prose(fmt.Sprintf("   %-8s ", f.what), f.text, "")
	}
}

// what prints the rule's explanation the first time, later where it stands.
func (t *textPrinter) what(number int, s *story, told map[string]int) {
	rule := t.doc.Rules[s.lead().Rule]
	if rule == nil || rule.Doc.What == "" {
		return
	}
	t.heading("What happened")
	if n, ok := told[rule.Slug]; ok {
		t.prose("  ", fmt.Sprintf("As explained under %d.", n), "")
		return
	}
	told[rule.Slug] = number
	t.paragraphs("  ", rule.Doc.What)
}

// sureness prints the verdict and the evidence.
func (t *textPrinter) sureness(s *story) {
	t.heading("How sure")
	t.prose("  ", s.sureness(), "")
	for i, e := range s.evidence {
		sign := "for    "
		if !e.supports {
			sign = "against"
		}
		t.prose(fmt.Sprintf("  [%d] %s  ", i+1, sign), e.text, "")
	}
}

func (t *textPrinter) alternatives(s *story) {
	all := s.alternatives()
	if len(all) == 0 {
		return
	}
	t.heading("Other explanations")
	for i := range all {
		a := &all[i]
		t.prose("  - ", fmt.Sprintf("%s, %s: %s", a.Rule, alternativeVerdict(a), a.Why), "")
	}
}

func (t *textPrinter) remedy(s *story) {
	steps := s.remedy()
	if len(steps) == 0 {
		return
	}
	t.heading("What to do")
	for i, step := range steps {
		t.prose(fmt.Sprintf("  %d. ", i+1), step, "")
	}
}

// widthForAddresses is how many columns the table of frames needs to show who
// sent a frame to whom.
const widthForAddresses = 76

// frameColumn is a column of the table of frames.
type frameColumn struct {
	name  string
	align tw.Align
	cell  func(f *storyFrame) string // escaped
}

// frameColumns are the columns that a story's frames need and that have room.
func (t *textPrinter) frameColumns(s *story) []frameColumn {
	start := s.start()
	seconds := func(f *storyFrame) string {
		if f.time == 0 {
			return ""
		}
		return strconv.FormatFloat(float64(f.time-start)/1e9, 'f', 3, 64)
	}
	evidence := func(f *storyFrame) string {
		numbers := make([]string, len(f.evidence))
		for i, n := range f.evidence {
			numbers[i] = "[" + strconv.Itoa(n) + "]"
		}
		return strings.Join(numbers, " ")
	}
	all := []frameColumn{
		{"file", tw.AlignLeft, func(f *storyFrame) string { return Escape(fileName(t.doc.Files, f.input)) }},
		{"frame", tw.AlignRight, func(f *storyFrame) string { return strconv.FormatInt(f.frame, 10) }},
		{"seconds", tw.AlignRight, seconds},
		{"from", tw.AlignLeft, func(f *storyFrame) string { return string(appendAddr(nil, f.src)) }},
		{"to", tw.AlignLeft, func(f *storyFrame) string { return string(appendAddr(nil, f.dst)) }},
		{"role", tw.AlignLeft, func(f *storyFrame) string { return Escape(strings.Join(f.roles, ", ")) }},
		{"evidence", tw.AlignLeft, evidence},
	}
	several, room := len(t.doc.Files) > 1, widthForAddresses
	if several {
		room += minCell + tableGap
	}
	return slices.DeleteFunc(all, func(c frameColumn) bool {
		switch c.name {
		case "file":
			return !several
		case "from", "to":
			return t.full < room
		}
		return false
	})
}

func (t *textPrinter) frames(s *story) {
	if len(s.frames) == 0 {
		return
	}
	t.heading("Frames")
	columns := t.frameColumns(s)
	header, align := make([]string, len(columns)), make(tw.Alignment, len(columns))
	for i, c := range columns {
		header[i], align[i] = c.name, c.align
	}
	listed := len(s.frames)
	if listed > maxFrameRows+1 {
		listed = maxFrameRows
	}
	rows := make([][]string, listed)
	for i := range rows {
		for _, c := range columns {
			rows[i] = append(rows[i], c.cell(&s.frames[i]))
		}
	}
	limits := naturalWidths(header, rows)
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
	if more := len(s.frames) - listed; more > 0 {
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
		t.prose("  ", eventText(id), "")
	}
	if data := s.lead().EventData; data != "" {
		t.prose("  ", "address bytes in the event's data: "+eventDataText(data), "")
	}
}
