package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"nbtrace/analyze"
)

// Bounds of a ladder diagram. What does not fit is counted, and stands in the
// story's list of frames.
const (
	maxLadderLines = 7
	maxLadderSteps = 40
)

// ladderPause is the silence, ns, that a diagram shows as a gap.
const ladderPause = int64(2 * time.Second)

// ladder is the diagram of a story: machines as life lines, messages as
// arrows in the order of time. It is drawn from the evidence alone, and is
// the same for every renderer. All its texts are escaped.
type ladder struct {
	lines []lifeline
	steps []step
	start int64 // ns, of the first step whose time is known
	timed bool  // start is set
	left  int   // frames left out because there are too many
	bare  int   // frames of which only the number is known
	from  []int // inputs
}

// lifeline is one machine, with all of its addresses that the run joined.
type lifeline struct {
	addrs []netip.Addr
	who   string // what it is to the story
	bcast bool
}

// step is one message, or several alike with no other between them.
type step struct {
	time     int64 // ns, of the first; 0: not known
	last     int64 // ns, of the last
	from, to int   // life lines; to is -1 where the receiver is not known
	what     string
	names    []string // suffixes of the names concerned, where the story has several
	via      string   // which address of a line with several sends or receives
	roles    []string
	frames   []framePlace
	count    int
	decisive bool
	nested   bool // part of a server's asking back: WACK, challenge and its answer
}

type framePlace struct {
	input int
	frame int64
}

// decisiveRoles are the roles of the message that the story turns on.
var decisiveRoles = map[string]bool{"refusal": true, "release-demand": true, "conflict-demand": true, "defence": true}

// nestedRoles are the roles of a server's asking back.
var nestedRoles = map[string]bool{"wack": true, "challenge": true, "challenge-answer": true}

// newLadder draws the story's evidence. hosts are the machines of the run.
func newLadder(hosts []analyze.Host, s *story) *ladder {
	l := &ladder{}
	cites := gatherCitations(s)
	cites = slices.DeleteFunc(cites, func(c *citation) bool {
		if !c.ref.Src.IsValid() {
			l.bare++
			return true
		}
		return false
	})
	cites = foldCopies(cites)
	cites = l.limit(cites)
	lanes := newLanes(hosts, s)
	lanes.assign(cites)
	l.lines = lanes.lines
	turn := turningRole(cites)
	for _, c := range cites {
		l.add(s, c, lanes, turn)
	}
	return l
}

// turningRole is the role of the message that a story turns on if none of its
// messages refuses or demands: what its first piece of evidence cites last.
// It is "" if one does.
func turningRole(cites []*citation) string {
	role := ""
	for _, c := range cites {
		for _, r := range c.roles {
			if decisiveRoles[r] {
				return ""
			}
		}
		if c.first && c.ref.Dst.IsValid() && len(c.roles) > 0 {
			role = c.roles[0]
		}
	}
	return role
}

// limit leaves out frames where there are too many: the first of each kind
// and the decisive ones are kept, then the earliest.
func (l *ladder) limit(cites []*citation) []*citation {
	// Folding makes steps of several frames each, so more frames than steps
	// may be taken.
	const most = 3 * maxLadderSteps
	if len(cites) <= most {
		return cites
	}
	type kind struct {
		role     string
		from, to netip.Addr
	}
	seen := map[kind]bool{}
	rank := make(map[*citation]int, len(cites))
	for _, c := range cites {
		k := kind{from: c.ref.Src, to: c.ref.Dst}
		if len(c.roles) > 0 {
			k.role = c.roles[0]
		}
		switch {
		case !seen[k]:
			rank[c] = 0
		case decisiveRoles[k.role]:
			rank[c] = 1
		default:
			rank[c] = 2
		}
		seen[k] = true
	}
	kept := slices.Clone(cites)
	slices.SortStableFunc(kept, func(a, b *citation) int { return rank[a] - rank[b] })
	for _, c := range kept[most:] {
		l.left += 1 + len(c.also)
		rank[c] = -1
	}
	return slices.DeleteFunc(slices.Clone(cites), func(c *citation) bool { return rank[c] < 0 })
}

// add makes a step of a citation, or works it into the step before.
func (l *ladder) add(s *story, c *citation, t *lanes, turn string) {
	n := step{time: c.ref.Time, last: c.ref.Time, from: t.index[c.ref.Src], to: -1, what: Escape(c.ref.What), roles: c.roles,
		frames: append([]framePlace{{c.ref.Input, c.ref.Frame}}, c.also...), count: 1}
	if c.ref.Dst.IsValid() {
		n.to = t.index[c.ref.Dst]
	}
	if n.what == "" && len(c.roles) > 0 {
		n.what = strings.ReplaceAll(c.roles[0], "-", " ")
	}
	n.via = via(l.lines[n.from], c.ref.Src, "from ")
	if n.via == "" && n.to >= 0 && !l.lines[n.to].bcast {
		n.via = via(l.lines[n.to], c.ref.Dst, "to ")
	}
	if len(s.findings) > 1 && len(c.names) == 1 {
		n.names = []string{fmt.Sprintf("<%02x>", s.findings[c.names[0]].Name[15])}
	}
	for _, r := range c.roles {
		n.decisive = n.decisive || decisiveRoles[r]
		n.nested = n.nested || nestedRoles[r]
	}
	if turn != "" && c.first && n.to >= 0 && len(c.roles) > 0 && c.roles[0] == turn {
		n.decisive = true
	}
	if n.time != 0 && !l.timed {
		l.start, l.timed = n.time, true
	}
	if k := len(l.steps); k > 0 && l.steps[k-1].takes(&n) {
		l.steps[k-1].fold(&n)
		return
	}
	if len(l.steps) >= maxLadderSteps {
		l.left += len(n.frames)
		return
	}
	l.steps = append(l.steps, n)
}

// via names the address where the life line has several.
func via(l lifeline, a netip.Addr, word string) string {
	if len(l.addrs) < 2 {
		return ""
	}
	return word + string(appendAddr(nil, a))
}

// takes reports whether the next step is the same message again, or the same
// message about the machine's next name.
func (s *step) takes(n *step) bool {
	return s.from == n.from && s.to == n.to && s.what == n.what && s.via == n.via && s.nested == n.nested && s.decisive == n.decisive &&
		slices.Equal(s.roles, n.roles) && (s.time == 0) == (n.time == 0) && (len(s.names) == 0) == (len(n.names) == 0)
}

func (s *step) fold(n *step) {
	s.last = n.last
	s.count++
	s.frames = append(s.frames, n.frames...)
	for _, name := range n.names {
		if !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
	}
}

// label says what the arrow is, and which address of a machine with several
// is at its end.
func (s *step) label() string {
	if s.via == "" {
		return s.words()
	}
	return s.words() + " " + s.via
}

// words say what the message is.
func (s *step) words() string {
	var b strings.Builder
	b.WriteString(s.what)
	if len(s.names) > 0 {
		b.WriteByte(' ')
		b.WriteString(strings.Join(s.names, ","))
	}
	if s.count > max(len(s.names), 1) {
		fmt.Fprintf(&b, " ×%d", s.count)
		if d := s.last - s.time; d >= int64(time.Millisecond) {
			b.WriteString(" within " + duration(d))
		}
	}
	for _, r := range s.roles {
		if !implied(r, s.what) {
			b.WriteString(" [" + r + "]")
		}
	}
	return b.String()
}

// implied reports whether a role says no more than the words for the frame.
func implied(role, what string) bool {
	switch role {
	case "answer", "reply", "request", "wack", "query":
		return true
	case "registration":
		return what == "reply" || what == "accepted" || strings.HasPrefix(what, "re")
	case "multihomed":
		return strings.HasPrefix(what, "several") || strings.Contains(what, "multihomed")
	}
	words := strings.ReplaceAll(role, "-", " ")
	n := min(len(words), len(what), 6)
	return n > 0 && words[:n] == what[:n]
}

// pause is the silence before step i, 0 if there is none worth showing.
func (l *ladder) pause(i int) int64 {
	if i == 0 || l.steps[i].time == 0 || l.steps[i-1].last == 0 {
		return 0
	}
	if d := l.steps[i].time - l.steps[i-1].last; d >= ladderPause {
		return d
	}
	return 0
}

// when is a step's time after the first one.
func (l *ladder) when(s *step) string {
	if s.time == 0 {
		return "?"
	}
	return sinceStart(s.time - l.start)
}

// sinceStart writes a time after the begin in nine columns at most.
func sinceStart(ns int64) string {
	d := time.Duration(ns)
	sec := ns / int64(time.Second)
	switch {
	case d < time.Microsecond:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("+%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("+%.1f ms", float64(d)/float64(time.Millisecond))
	case d < 100*time.Second:
		return fmt.Sprintf("+%.3f s", d.Seconds())
	case d < 100*time.Hour:
		return fmt.Sprintf("+%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
	default:
		return fmt.Sprintf("+%d d %d h", sec/86400, sec/3600%24)
	}
}

// numbers lists the step's frames: 13, 14, with the number of the input
// before it where the ladder has several, 1:13, 2:7.
func (l *ladder) numbers(s *step) string {
	var b strings.Builder
	several := len(l.inputs()) > 1
	for i, f := range s.frames {
		if i > 0 {
			b.WriteString(", ")
		}
		if several {
			fmt.Fprintf(&b, "%d:", f.input+1)
		}
		b.WriteString(strconv.FormatInt(f.frame, 10))
	}
	return b.String()
}

// ranges lists the step's frames as numbers does, in few columns: 13-15, 18.
func (l *ladder) ranges(s *step) string {
	var b strings.Builder
	several := len(l.inputs()) > 1
	for i := 0; i < len(s.frames); {
		k := i
		for k+1 < len(s.frames) && s.frames[k+1].input == s.frames[i].input && s.frames[k+1].frame == s.frames[k].frame+1 {
			k++
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if several {
			fmt.Fprintf(&b, "%d:", s.frames[i].input+1)
		}
		b.WriteString(strconv.FormatInt(s.frames[i].frame, 10))
		switch {
		case k == i+1:
			k = i
		case k > i:
			b.WriteString("-" + strconv.FormatInt(s.frames[k].frame, 10))
		}
		i = k + 1
	}
	return b.String()
}

// inputs are the inputs that the steps' frames are of, in order.
func (l *ladder) inputs() []int {
	if l.from == nil {
		for i := range l.steps {
			for _, f := range l.steps[i].frames {
				if !slices.Contains(l.from, f.input) {
					l.from = append(l.from, f.input)
				}
			}
		}
		slices.Sort(l.from)
	}
	return l.from
}

// sources says of which files the frames are, "" if there is one file only.
func (l *ladder) sources(files []string) string {
	if len(files) < 2 {
		return ""
	}
	inputs := l.inputs()
	if len(inputs) == 1 {
		return "Frames are of " + Escape(fileName(files, inputs[0])) + "."
	}
	parts := make([]string, len(inputs))
	for i, in := range inputs {
		parts[i] = fmt.Sprintf("%d is %s", in+1, Escape(fileName(files, in)))
	}
	return "Frames are file:number; file " + strings.Join(parts, ", ") + "."
}

// short is the first address of the line.
func (l *lifeline) short() string {
	if l.who == "others" {
		return "others"
	}
	if len(l.addrs) == 0 {
		return "?"
	}
	return string(appendAddr(nil, l.addrs[0]))
}

// all lists the addresses of the line.
func (l *lifeline) all() string {
	parts := make([]string, len(l.addrs))
	for i, a := range l.addrs {
		parts[i] = string(appendAddr(nil, a))
	}
	const listed = 8
	if n := len(parts); n > listed {
		parts = append(parts[:listed], fmt.Sprintf("and %d more", n-listed))
	}
	return strings.Join(parts, ", ")
}

// empty reports whether there is nothing to draw.
func (l *ladder) empty() bool { return len(l.steps) == 0 }

// summary tells the diagram in a sentence, for those who do not see it.
func (l *ladder) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s between %s", counted(len(l.steps), "step"), counted(len(l.lines), "machine"))
	for i := range l.lines {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + l.lines[i].all())
		if l.lines[i].who != "" {
			b.WriteString(" (" + l.lines[i].who + ")")
		}
	}
	b.WriteString(".")
	for i := range l.steps {
		if s := &l.steps[i]; s.decisive {
			to := "an unknown receiver"
			if s.to >= 0 {
				to = l.lines[s.to].short()
			}
			fmt.Fprintf(&b, " The decisive message: %s, from %s to %s.", s.words(), l.lines[s.from].short(), to)
			break
		}
	}
	return b.String()
}

// rest says what the diagram does not show, "" if nothing.
func (l *ladder) rest() string {
	if n := l.left + l.bare; n > 0 {
		return counted(n, "further frame is", "further frames are") + " in the list of frames only."
	}
	return ""
}
