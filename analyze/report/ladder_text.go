package report

import (
	"fmt"
	"slices"
	"strings"
)

// The columns of a text ladder: time, then frame numbers below it, then the
// bracket around what is nested, then the life lines.
const (
	ladderGutter = 11
	ladderFirst  = ladderGutter + 3 // column of the first life line
	ladderGap    = 34               // widest distance of two life lines
)

// text draws the ladder in at most width columns.
func (l *ladder) text(files []string, width int, ascii bool) []string {
	if l.empty() {
		return nil
	}
	t := &ladderText{ladder: l, width: width, ascii: ascii, last: min(max(2+textWidth(l.lines[len(l.lines)-1].short()), 10), 18)}
	t.columns()
	t.legend()
	if sources := l.sources(files); sources != "" {
		t.out = append(t.out, wrap(t.plain(sources), width)...)
	}
	t.heads()
	for i := range l.steps {
		if d := l.pause(i); d > 0 {
			t.row("", "", span{t.x[0], ""}, '⋮')
		}
		t.step(i)
	}
	if rest := l.rest(); rest != "" {
		t.out = append(t.out, wrap(rest, width)...)
	}
	if ascii {
		for i := range t.out {
			t.out[i] = plainASCII(t.out[i])
		}
	}
	return t.out
}

type ladderText struct {
	*ladder
	width int
	ascii bool
	last  int // least room right of the last life line
	x     []int
	out   []string
}

// span is text that stands over the life lines from a column on.
type span struct {
	at   int
	text string
}

func (t *ladderText) columns() {
	n := len(t.lines)
	gap := ladderGap
	if n > 1 {
		gap = max(min(gap, (t.width-ladderFirst-t.last)/(n-1)), 3)
	}
	for i := range t.lines {
		t.x = append(t.x, ladderFirst+i*gap)
	}
}

func letter(i int) string { return string(rune('A' + i)) }

// plain makes text ASCII before it is measured, if the drawing is to be.
func (t *ladderText) plain(s string) string {
	if t.ascii {
		return plainASCII(s)
	}
	return s
}

// legend says who the life lines are.
func (t *ladderText) legend() {
	for i := range t.lines {
		line := &t.lines[i]
		text := line.all()
		if line.who != "" {
			text += " (" + line.who + ")"
		}
		for k, part := range wrap(t.plain(text), t.width-3) {
			if k == 0 {
				t.out = append(t.out, letter(i)+"  "+part)
			} else {
				t.out = append(t.out, "   "+part)
			}
		}
	}
	if t.timed {
		t.out = append(t.out, clip("time 0 is "+shortTime(t.start), t.width))
	}
	if slices.ContainsFunc(t.steps, func(s step) bool { return s.decisive }) {
		t.out = append(t.out, clip("! ══ the decisive message", t.width))
	}
}

func (t *ladderText) heads() {
	var b strings.Builder
	used := 0
	for i, x := range t.x {
		b.WriteString(strings.Repeat(" ", max(x-used, 0)))
		used = max(x, used)
		room := t.width - used
		if i+1 < len(t.x) {
			room = t.x[i+1] - used - 1
		}
		head := letter(i)
		if short := t.plain(t.lines[i].short()); 2+textWidth(short) <= room {
			head += " " + short
		}
		head = clip(head, room)
		b.WriteString(head)
		used += textWidth(head)
	}
	t.out = append(t.out, strings.TrimRight(b.String(), " "))
}

// clip cuts text to a width.
func clip(s string, width int) string {
	if textWidth(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	head, _ := splitWidth(s, width-1)
	if textWidth(head) > width-1 {
		return "…"
	}
	return head + "…"
}

// row prints one line: the gutter, the bracket, the life lines as bar, and a
// text in front of them.
func (t *ladderText) row(gutter, bracket string, over span, bar rune) {
	var b strings.Builder
	gutter = clip(gutter, ladderGutter)
	b.WriteString(strings.Repeat(" ", ladderGutter-textWidth(gutter)))
	b.WriteString(gutter)
	b.WriteByte(' ')
	used := ladderGutter + 1
	if bracket != "" {
		b.WriteString(bracket)
		used += textWidth(bracket)
	}
	to := func(x int) {
		b.WriteString(strings.Repeat(" ", max(x-used, 0)))
		used = max(x, used)
	}
	placed := over.text == ""
	end := over.at + textWidth(over.text)
	for _, x := range t.x {
		if !placed && x >= over.at {
			to(over.at)
			b.WriteString(over.text)
			used = end
			placed = true
		}
		if over.text == "" || x < over.at || x >= end {
			to(x)
			b.WriteRune(bar)
			used++
		}
	}
	if !placed {
		to(over.at)
		b.WriteString(over.text)
	}
	t.out = append(t.out, strings.TrimRight(b.String(), " "))
}

func (t *ladderText) step(i int) {
	s := &t.steps[i]
	upper, lower := "", ""
	if s.nested {
		upper, lower = "│", "│"
		if i == 0 || !t.steps[i-1].nested {
			upper = "┌"
		}
		if i+1 == len(t.steps) || !t.steps[i+1].nested {
			lower = "└"
		}
	}
	label := t.plain(s.label())
	if s.decisive {
		label = "! " + label
	}
	from := t.x[s.from]
	left := from
	if s.to >= 0 {
		left = min(left, t.x[s.to])
	}
	// The text begins right of the life line; what does not fit moves left.
	at := left + 2
	if w := textWidth(label); at+w > t.width {
		at = max(t.width-w, ladderFirst+2)
	}
	t.row(t.when(s), upper, span{at, clip(label, t.width-at)}, '│')
	numbers := "#" + t.ranges(s)
	if s.to < 0 || s.to == s.from {
		t.row(numbers, lower, span{from, "●"}, '│')
		return
	}
	t.row(numbers, lower, t.arrow(s), '│')
}

func (t *ladderText) arrow(s *step) span {
	a, b := t.x[s.from], t.x[s.to]
	dash, cross := '─', '┼'
	if s.decisive {
		dash, cross = '═', '╪'
	}
	lo, hi := min(a, b)+1, max(a, b)-1
	cells := make([]rune, 0, hi-lo+1)
	for x := lo; x <= hi; x++ {
		c := dash
		if slices.Contains(t.x, x) {
			c = cross
		}
		cells = append(cells, c)
	}
	if a < b {
		cells[len(cells)-1] = '▶'
	} else {
		cells[0] = '◀'
	}
	return span{lo, string(cells)}
}

var asciiDrawing = strings.NewReplacer("│", "|", "─", "-", "═", "=", "▶", ">", "◀", "<", "┼", "+", "╪", "+", "●", "o", "┌", "/", "└", "\\",
	"⋮", ":", "…", "~", "×", "x", "µ", "u")

// plainASCII rewrites a drawn line for terminals without Unicode.
func plainASCII(s string) string {
	s = asciiDrawing.Replace(s)
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return strings.Map(func(r rune) rune {
				if r >= 0x80 {
					return '?'
				}
				return r
			}, s)
		}
	}
	return s
}

// mermaid draws the ladder as a Mermaid sequence diagram, without its fence.
func (l *ladder) mermaid() string {
	if l.empty() {
		return ""
	}
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	for i := range l.lines {
		text := l.lines[i].all()
		if who := l.lines[i].who; who != "" {
			text += " (" + who + ")"
		}
		fmt.Fprintf(&b, "    participant %s as %s\n", letter(i), mermaidText(text))
	}
	nested := false
	for i := range l.steps {
		s := &l.steps[i]
		if s.nested != nested {
			if nested {
				b.WriteString("    end\n")
			} else {
				b.WriteString("    opt the server asks back before it answers\n")
			}
			nested = s.nested
		}
		if d := l.pause(i); d > 0 {
			fmt.Fprintf(&b, "    Note over %s: %s\n", l.across(), mermaidText(duration(d)+" later"))
		}
		text := mermaidText(fmt.Sprintf("%s %s, frame %s", l.when(s), s.label(), l.numbers(s)))
		if s.decisive {
			text = "DECISIVE " + text
		}
		switch {
		case s.to < 0:
			fmt.Fprintf(&b, "    Note over %s: %s\n", letter(s.from), text)
		case s.decisive:
			fmt.Fprintf(&b, "    %s-)%s: %s\n", letter(s.from), letter(s.to), text)
		default:
			fmt.Fprintf(&b, "    %s->>%s: %s\n", letter(s.from), letter(s.to), text)
		}
	}
	if nested {
		b.WriteString("    end\n")
	}
	return b.String()
}

// across names the first and the last life line.
func (l *ladder) across() string {
	if len(l.lines) == 1 {
		return "A"
	}
	return "A," + letter(len(l.lines)-1)
}

// mermaidText writes text so that nothing in it is Mermaid's or HTML's: all
// but plain characters become Mermaid's character codes.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" .,()+/_-×µ", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

// diagram prints the messages of a story, if diagrams are wanted.
func (t *textPrinter) diagram(s *story) {
	if !t.draws {
		return
	}
	l := newLadder(t.doc.Result.Hosts, s)
	if l.empty() {
		return
	}
	t.heading("The messages")
	for _, line := range l.text(t.doc.Files, t.full-2, t.ascii) {
		t.line("  " + line)
	}
}

// diagram prints the messages of a story as a Mermaid sequence diagram.
func (m *markdownPrinter) diagram(s *story) {
	l := newLadder(m.doc.Result.Hosts, s)
	text := l.mermaid()
	if text == "" {
		return
	}
	m.heading("The messages")
	if sources := l.sources(m.doc.Files); sources != "" {
		m.line(m.text(sources))
		m.line("")
	}
	m.line("```mermaid")
	m.b.WriteString(text)
	m.line("```")
	m.line("")
}
