// Package scenario turns a readable text into a capture: who is where, what
// they say to each other and what of it is captured. The same text gives the
// same bytes. The language is described in README.md.
//
// Every capture made here is synthetic, and its header says so.
package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"nbtrace/analyze/winsrepl"
)

// File is one capture file of a scenario.
type File struct {
	Name string // base name
	Data []byte
}

// Scenario is a compiled scenario.
type Scenario struct {
	Header Header
	Files  []File // in the order of the taps, then of time; at least one
}

// builder runs the lines of a scenario.
type builder struct {
	file    string
	net     network
	start   time.Time
	now     time.Duration // since start
	skew    time.Duration // of the capturing machine's clock
	frames  []frame
	taps    []*tap
	ring    time.Duration
	from    time.Duration // what is before is not captured
	until   time.Duration // 0: to the end
	asked   *request      // the latest query, challenge or status request
	claimed *request      // the latest registration, refresh, release or demand
	labels  map[string]*request
	reply   *packet // the latest response
	last    *packet
	records []winsrepl.Record
	lines   int // executed
}

const (
	defaultStep = 250 * time.Microsecond // between a line and the next
	routerDelay = 40 * time.Microsecond
	maxLines    = 100_000 // executed, with repetitions
)

// Compile reads a scenario; name is the base name of its file without the
// extension, after which the captures are called. The error is an *Error.
func Compile(name, text string) (*Scenario, error) {
	file := name + ".txt"
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	h, n, err := header(file, lines)
	if err != nil {
		return nil, err
	}
	b := &builder{file: file, start: time.Date(2003, 5, 30, 8, 0, 0, 0, time.UTC), labels: map[string]*request{},
		net: network{hosts: map[string]*host{}, byAddr: map[netip.Addr]endpoint{}}}
	if err := b.run(lines, n, len(lines), ""); err != nil {
		return nil, err
	}
	files, err := b.write(name)
	if err != nil {
		return nil, &Error{file, len(lines), 1, err.Error()}
	}
	return &Scenario{Header: *h, Files: files}, nil
}

// run executes lines[from:to].
func (b *builder) run(lines []string, from, to int, count string) error {
	for i := from; i < to; i++ {
		w, err := split(b.file, i+1, substitute(lines[i], count))
		if err != nil {
			return err
		}
		if len(w.list) == 0 {
			continue
		}
		if w.peek() == "repeat" {
			end := blockEnd(lines, i+1, to)
			if end < 0 {
				w.at++
				w.wrong("the repetition has no end")
				return w.done()
			}
			if err := b.repeat(w, lines, i+1, end); err != nil {
				return err
			}
			i = end
			continue
		}
		if b.lines++; b.lines > maxLines {
			w.at++
			w.wrong("more than %d lines are executed", maxLines)
			return w.done()
		}
		if err := b.line(w); err != nil {
			return err
		}
	}
	return nil
}

// blockEnd finds the line "end" that belongs to a repetition, -1 if there is none.
func blockEnd(lines []string, from, to int) int {
	depth := 1
	for i := from; i < to; i++ {
		switch word, _, _ := strings.Cut(strings.TrimSpace(lines[i]), " "); word {
		case "repeat":
			depth++
		case "end":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// repeat N every D: the lines up to end, N times; {i} in them is the count
// from 1, {i+9} the count and 9.
func (b *builder) repeat(w *words, lines []string, from, to int) error {
	w.must("repeat")
	n := int(w.number("how often", 10_000))
	every := time.Duration(0)
	if w.take("every") {
		every = w.duration("the interval")
	}
	if err := w.done(); err != nil {
		return err
	}
	start := b.now
	for k := range n {
		if every > 0 {
			b.now = start + time.Duration(k)*every
		}
		if err := b.run(lines, from, to, strconv.Itoa(k+1)); err != nil {
			return err
		}
	}
	return nil
}

// substitute replaces {i} and {i+N} in a line.
func substitute(line, count string) string {
	if count == "" {
		return line
	}
	n, _ := strconv.Atoi(count) // written by repeat
	var out strings.Builder
	for {
		at := strings.Index(line, "{i")
		if at < 0 {
			break
		}
		end := strings.IndexByte(line[at:], '}')
		if end < 0 {
			break
		}
		add := 0
		if plus := line[at+2 : at+end]; plus != "" {
			v, err := strconv.Atoi(plus)
			if err != nil {
				out.WriteString(line[:at+2])
				line = line[at+2:]
				continue
			}
			add = v
		}
		out.WriteString(line[:at])
		fmt.Fprintf(&out, "%d", n+add)
		line = line[at+end+1:]
	}
	out.WriteString(line)
	return out.String()
}

// line executes one line: an optional time, a verb, its words.
func (b *builder) line(w *words) error {
	step := defaultStep
	switch t := w.peek(); {
	case strings.HasPrefix(t, "+") && len(t) > 1:
		w.at++
		d, err := parseDuration(t[1:])
		if err != nil || d < 0 {
			w.wrong("%q is no time to wait", t)
			return w.done()
		}
		step = d
	case strings.HasPrefix(t, "@"):
		w.at++
		d, err := parseDuration(t[1:])
		if err != nil || d < 0 {
			w.wrong("%q is no time since the start", t)
			return w.done()
		}
		b.now, step = d, 0
	}
	verb := w.next("a verb")
	run, ok := verbs[verb]
	if !ok {
		if run, ok = settings[verb]; !ok {
			w.wrong("unknown verb %q", verb)
			return w.done()
		}
		step = 0
	}
	b.now += step
	run(b, w)
	return w.done()
}

// settings are the lines that send nothing and take no time.
var settings = map[string]func(*builder, *words){
	"start":   (*builder).setStart,
	"segment": (*builder).setSegment,
	"router":  (*builder).setRouter,
	"host":    func(b *builder, w *words) { b.setHost(w, false) },
	"wins":    func(b *builder, w *words) { b.setHost(w, true) },
	"tap":     (*builder).setTap,
	"window":  (*builder).setWindow,
	"ring":    func(b *builder, w *words) { b.ring = w.duration("how long a file lasts") },
	"clock":   func(b *builder, w *words) { b.skew += w.duration("the step") },
	"end":     func(_ *builder, w *words) { w.wrong("end without repeat") },
}

// verbs are the lines that happen.
var verbs = map[string]func(*builder, *words){
	"wait":        func(b *builder, w *words) { b.now += w.duration("how long") - defaultStep },
	"register":    func(b *builder, w *words) { b.claim(w, verbRegister) },
	"refresh":     func(b *builder, w *words) { b.claim(w, verbRefresh) },
	"release":     func(b *builder, w *words) { b.claim(w, verbRelease) },
	"demand":      func(b *builder, w *words) { b.claim(w, verbDemand) },
	"conflict":    func(b *builder, w *words) { b.claim(w, verbConflict) },
	"query":       func(b *builder, w *words) { b.ask(w, verbQuery) },
	"challenge":   func(b *builder, w *words) { b.ask(w, verbChallenge) },
	"status":      func(b *builder, w *words) { b.ask(w, verbStatus) },
	"wack":        (*builder).wack,
	"reply":       (*builder).replyTo,
	"answer":      (*builder).answer,
	"deny":        (*builder).deny,
	"names":       (*builder).statusNames,
	"retransmit":  (*builder).retransmit,
	"duplicate":   (*builder).duplicate,
	"unreachable": (*builder).unreachable,
	"datagram":    (*builder).datagram,
	"record":      (*builder).record,
	"replicate":   (*builder).replicate,
	"raw":         (*builder).raw,
}

func (b *builder) setStart(w *words) {
	t, err := time.Parse(time.RFC3339Nano, w.next("the time"))
	if w.fault != nil {
		return
	}
	if err != nil {
		w.wrong("the time is written like 2003-05-30T08:00:00Z")
		return
	}
	b.start = t
}

// segment NAME PREFIX [vlan N]
func (b *builder) setSegment(w *words) {
	name := w.next("the name")
	p, err := netip.ParsePrefix(w.next("the prefix"))
	if w.fault == nil && (err != nil || !p.Addr().Is4()) {
		w.wrong("a prefix is written like 10.1.1.0/24")
	}
	if w.fault != nil {
		return
	}
	for _, s := range b.net.segments {
		if s.name == name || s.prefix.Overlaps(p) {
			w.wrong("there is already a segment %s, %s; declare segments before hosts", s.name, s.prefix)
			return
		}
	}
	if len(b.net.segments) >= maxSegments {
		w.wrong("more than %d segments", maxSegments)
		return
	}
	s := b.net.addSegment(name, p)
	if w.take("vlan") {
		s.vlan = uint16(w.number("the VLAN number", 4094))
	}
}

// router ADDRESS...: the router's address on each segment, where it is not
// the first one.
func (b *builder) setRouter(w *words) {
	for w.more() {
		a := w.address("the router's address")
		if w.fault == nil {
			s := b.net.segmentOf(a)
			s.router = nic{addr: a, seg: s, mac: macOf(s, a)}
		}
	}
}

// host NAME FLAVOUR ADDRESS... [node B] [mac M] [hops N] [scope S]
func (b *builder) setHost(w *words, server bool) {
	name := w.next("the name")
	if b.net.hosts[name] != nil {
		w.wrong("there is already a host %s", name)
		return
	}
	kind := w.next("the implementation")
	f := flavours[kind]
	if f == nil && w.fault == nil {
		w.wrong("unknown implementation %q: windows, nmbd or samba4", kind)
	}
	var addrs []netip.Addr
	for w.isAddress() {
		a := w.address("an address")
		if e, ok := b.net.byAddr[a]; ok {
			w.wrong("%s is the address of %s", a, e.host.name)
			return
		}
		addrs = append(addrs, a)
	}
	if w.fault == nil && len(addrs) == 0 {
		w.wrong("the host has no address")
	}
	if w.fault != nil {
		return
	}
	h := b.net.addHost(name, f, addrs)
	if server {
		b.net.servers = append(b.net.servers, h)
	}
	for w.more() {
		switch w.next("") {
		case "node":
			h.node = w.node()
		case "mac":
			m := w.mac()
			for i := range h.nics {
				h.nics[i].mac = m
			}
		case "hops":
			h.hops = uint8(w.number("the IP TTL", 255))
		case "scope":
			h.scope = w.next("the scope")
		case "trn":
			h.trn = uint16(w.number("the transaction id", 0xFFFF))
		default:
			w.wrong("unknown option %q: node, mac, hops, scope or trn", w.list[w.at-1].text)
		}
	}
	for i := range h.nics {
		k := &h.nics[i]
		b.net.byAddr[k.addr] = endpoint{h, k, k.addr, k.seg}
	}
}

// window FROM [UNTIL]
func (b *builder) setWindow(w *words) {
	b.from = w.duration("when the capture begins")
	if w.more() {
		b.until = w.duration("when the capture ends")
	}
}
