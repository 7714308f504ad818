package report

import (
	"fmt"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// maxTimelineBars bounds the periods that one timeline shows.
const maxTimelineBars = 24

// family is a name without its suffix: what a machine calls itself.
type family struct {
	name  [15]byte
	scope string
}

func familyOf(name [16]byte, scope string) family { return family{[15]byte(name[:15]), scope} }

// periods indexes the rows of the names table by the family of the name.
func periods(names []analyze.Name) map[family][]*analyze.Name {
	index := make(map[family][]*analyze.Name)
	for i := range names {
		n := &names[i]
		k := familyOf(n.Name, n.Scope)
		index[k] = append(index[k], n)
	}
	return index
}

// timeline shows who held the names of a family, and when.
type timeline struct {
	ID          string
	Title, Desc string
	W, H        int
	AxisY       int
	X1, X2      int
	From, Until string
	Bars        []timelineBar
	Left        int
}

type timelineBar struct {
	Y, X, W      int
	State        string // active, released, conflict, refused
	Label        string // clipped, for the drawing
	Name, Holder string
	Addresses    string
	Server       string
	From, Until  string
	TextX, TextY int
}

// Sizes of a timeline, in user units.
const (
	timelineGutter = 330 // most room for the labels
	timelineWidth  = 520
	timelineRow    = 26
	timelineTop    = 8
	timelineLeast  = 4 // width of a period without length
)

// newTimeline lays out the rows between two times; nil if there are none.
func newTimeline(id, name string, rows []*analyze.Name, first, last int64) *timeline {
	if len(rows) == 0 {
		return nil
	}
	t := &timeline{ID: id, Title: "Who held " + name, From: shortTime(first), Until: shortTime(last)}
	if len(rows) > maxTimelineBars {
		t.Left = len(rows) - maxTimelineBars
		rows = rows[:maxTimelineBars]
	}
	labels := make([]string, len(rows))
	gutter := 0
	for i, n := range rows {
		labels[i] = svgClip(fmt.Sprintf("<%02x> %s, %s", n.Name[15], addressText(n.Addresses), Escape(n.State)), timelineGutter-16)
		gutter = max(gutter, svgWidth(labels[i])+16)
	}
	t.X1, t.X2, t.W = gutter, gutter+timelineWidth, gutter+timelineWidth+12
	at := func(ns int64) int {
		if last <= first {
			return t.X1
		}
		share := float64(min(max(ns, first), last)-first) / float64(last-first)
		return t.X1 + int(share*timelineWidth)
	}
	for i, n := range rows {
		b := timelineBar{Y: timelineTop + i*timelineRow, State: Escape(n.State), Name: nbns.Name(n.Name).Display(n.Scope), From: shortTime(n.From),
			Addresses: addressText(n.Addresses), Server: string(appendAddr(nil, n.Server)), Until: "to the end"}
		if n.Holder != 0 {
			b.Holder = fmt.Sprintf("#%d", n.Holder)
		}
		until := last
		if n.Until != 0 {
			until = n.Until
			b.Until = shortTime(n.Until)
		}
		b.X = min(at(n.From), t.X2-timelineLeast)
		b.W = max(at(until)-b.X, timelineLeast)
		b.Label, b.TextX, b.TextY = labels[i], gutter-10, b.Y+15
		t.Bars = append(t.Bars, b)
	}
	t.AxisY = timelineTop + len(t.Bars)*timelineRow + 6
	t.H = t.AxisY + 26
	t.Desc = fmt.Sprintf("%s from %s to %s; the table below has them.", counted(len(t.Bars), "period"), t.From, t.Until)
	return t
}
