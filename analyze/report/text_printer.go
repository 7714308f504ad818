package report

import (
	"bytes"
	"io"
	"strings"
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
)

// Colours, as SGR parameters.
const (
	sgrBold     = "1"
	sgrDim      = "2"
	sgrCritical = "1;31"
	sgrWarning  = "1;33"
	sgrNotice   = "1;36"
)

// textPrinter prints for people, within the width of a terminal.
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

// newTextPrinter makes a printer; doc is nil where no findings are told.
func newTextPrinter(doc *Document, o TextOptions) *textPrinter {
	width := o.width()
	return &textPrinter{doc: doc, width: min(width, proseWidth), full: width, color: o.Color, draws: o.Ladder, ascii: o.ASCII}
}

// width is how many columns there are.
func (o TextOptions) width() int {
	if o.Width <= 0 {
		return defaultWidth
	}
	return max(o.Width, minWidth)
}

// write writes what has been printed, unless something failed before.
func (t *textPrinter) write(w io.Writer) error {
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
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
	for i, p := range paragraphs(text) {
		if i > 0 {
			t.line("")
		}
		t.prose(indent, p, "")
	}
}

func (t *textPrinter) heading(s string) {
	t.line("")
	t.line("  " + t.paint(sgrBold, s))
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
