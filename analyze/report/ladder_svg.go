package report

import (
	"fmt"
	"strings"
)

// Sizes of the drawing, in user units.
const (
	svgGutter  = 104 // left of the first life line's place: times and frames
	svgHead    = 58
	svgRow     = 44
	svgPause   = 26
	svgNarrow  = 150 // least and most distance of two life lines
	svgWide    = 372
	svgChar    = 6.9 // of the label's font
	svgMargin  = 12
	svgHeadMax = 168
)

// drawing is a ladder laid out for the template "ladder": numbers only, and
// texts that the template escapes.
type drawing struct {
	ID            string
	W, H          int
	Title, Desc   string
	Heads         []drawnHead
	Boxes         []drawnBox // around what is nested
	Steps         []drawnStep
	Pauses        []drawnPause
	LifeTop, Foot int
}

type drawnHead struct {
	X, Left, W  int
	Top, Bottom string
	Bcast       bool
}

type drawnBox struct{ X, Y, W, H int }

type drawnPause struct {
	X1, X2, Y int
	Text      string
}

type drawnStep struct {
	Y            int
	When, Frames string
	Text         string
	TextX, TextY int
	Anchor       string
	Arrow        bool
	X1, X2       int
	Head         string // points of the arrow head
	NoteX, NoteY int
	NoteW        int
	DotX         int
	Decisive     bool
}

// draw lays the ladder out. id is unique within the document.
func (l *ladder) draw(id, title string) *drawing {
	d := &drawing{ID: id, Title: title, Desc: l.summary(), LifeTop: svgHead - 8}
	gap := l.svgGap()
	head := min(gap-14, svgHeadMax)
	x := make([]int, len(l.lines))
	for i := range l.lines {
		x[i] = svgGutter + svgMargin + head/2 + i*gap
		line := &l.lines[i]
		bottom := line.who
		if n := len(line.addrs); n > 1 && line.who != "others" {
			bottom = strings.TrimSpace(fmt.Sprintf("+%d, %s", n-1, bottom))
			bottom = strings.TrimSuffix(bottom, ",")
		}
		d.Heads = append(d.Heads, drawnHead{X: x[i], Left: x[i] - head/2, W: head, Bcast: line.bcast,
			Top: svgClip(line.short(), head-10), Bottom: svgClip(bottom, head-10)})
	}
	d.W = x[len(x)-1] + head/2 + svgMargin
	if len(x) == 1 {
		d.W += svgWide
	}
	y := svgHead
	box := -1
	for i := range l.steps {
		s := &l.steps[i]
		if p := l.pause(i); p > 0 {
			d.Pauses = append(d.Pauses, drawnPause{X1: x[0], X2: d.W - svgMargin, Y: y + svgPause/2, Text: duration(p) + " later"})
			y += svgPause
		}
		if s.nested && box < 0 {
			box = y
		}
		d.Steps = append(d.Steps, l.drawStep(s, x, d.W, y))
		y += svgRow
		if box >= 0 && (i+1 == len(l.steps) || !l.steps[i+1].nested) {
			d.Boxes = append(d.Boxes, drawnBox{X: svgGutter, Y: box + 2, W: d.W - svgGutter - 4, H: y - box - 2})
			box = -1
		}
	}
	d.Foot = y + 6
	d.H = y + svgMargin
	return d
}

// svgGap is the distance of the life lines: wide enough for the labels
// between neighbours, within bounds.
func (l *ladder) svgGap() int {
	most := svgWide
	if len(l.lines) > 3 {
		most = 230
	}
	gap := svgNarrow
	for i := range l.steps {
		s := &l.steps[i]
		if s.to >= 0 && (s.to-s.from == 1 || s.from-s.to == 1) {
			gap = max(gap, svgWidth(s.label())+28)
		}
	}
	return min(gap, most)
}

// svgWidth is how much room a text takes in the label's font.
func svgWidth(s string) int { return int(float64(textWidth(s)) * svgChar) }

func svgClip(s string, width int) string { return clip(s, int(float64(width)/svgChar)) }

// drawStep draws a step whose row begins at y, in a drawing of that width. x
// are the places of the life lines.
func (l *ladder) drawStep(s *step, x []int, width, y int) drawnStep {
	out := drawnStep{Y: y, When: l.when(s), Frames: svgClip("#"+l.ranges(s), svgGutter-8), Decisive: s.decisive, Anchor: "middle"}
	if s.to < 0 || s.to == s.from {
		out.note(s.label(), x[s.from], width)
	} else {
		out.arrow(s.label(), x[s.from], x[s.to], width)
	}
	return out
}

// note draws a message without a receiver beside its life line at x, on the
// side that has room.
func (d *drawnStep) note(text string, x, width int) {
	top := d.Y + 14
	w := min(svgWidth(text)+16, width-svgGutter-svgMargin)
	d.NoteX, d.NoteY, d.NoteW, d.DotX = x+10, top, w, x
	if d.NoteX+w > width-4 {
		d.NoteX = max(min(x-10-w, width-4-w), svgGutter)
		if d.NoteX+w > x-6 {
			d.NoteX = width - 4 - w
		}
	}
	d.Text, d.TextX, d.TextY = svgClip(text, w-8), d.NoteX+w/2, top+16
}

// arrow draws a message from the life line at a to the one at b. The label
// stands over the arrow; what is longer goes beyond its ends.
func (d *drawnStep) arrow(text string, a, b, width int) {
	line := d.Y + svgRow - 12
	dir := 1
	if a > b {
		dir = -1
	}
	d.Arrow, d.X1, d.X2 = true, a, b-8*dir
	d.Head = fmt.Sprintf("%d,%d %d,%d %d,%d", b, line, b-10*dir, line-5, b-10*dir, line+5)
	d.Y, d.TextY = line, line-7
	w := svgWidth(text)
	d.TextX = (a + b) / 2
	if w > max(a, b)-min(a, b)-12 {
		d.TextX = min(max(d.TextX, svgGutter+8+w/2), width-4-w/2)
		text = svgClip(text, width-svgGutter-12)
		if svgWidth(text) >= width-svgGutter-20 {
			d.TextX = (svgGutter + width) / 2
		}
	}
	d.Text = text
}
