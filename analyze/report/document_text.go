package report

import (
	"bytes"
	"fmt"
	"io"
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
	for _, f := range s.facts(s.when()) {
		t.prose(fmt.Sprintf("   %-8s ", f.what), f.text, "")
	}

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
