package report

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
)

// Evidence is a run whose evidence is to be written: the packets that its
// findings rest on, as a capture of their own.
//
// The capture holds every frame that a finding cites, with a comment for each
// rule, role and verdict; of a cited message that came in several IPv4
// fragments or TCP segments, what is needed to put it together again; and,
// where the cited frames alone do not lead to the same findings, the context
// that does: first the messages about the same name (any suffix) within a
// minute of the events, then those of the machine that suffers, then both of
// any time, then all that nbtrace can use. Context is added finding by finding,
// no more than each needs, and says in its comment that it is context. A kind
// of context of more than 50,000 frames is left out. Frames keep their bytes,
// lengths, link types, times and order.
type Evidence struct {
	Version  string
	Files    []string // names by input number
	Findings []*analyze.Finding
	// Options are those that the engine ran with. The evidence is read back
	// with them, to see whether it leads to the same findings.
	Options analyze.Options
	// Reported picks those findings of the reading back that would have been
	// among Findings; nil for all.
	Reported func([]*analyze.Finding) []*analyze.Finding
	// Open gives the frames of the run again, with the same numbers, and what
	// to call when they have been read. It is called two or three times.
	Open func() (src captures.Source, done func(), err error)
}

// EvidenceCount says what the evidence holds.
type EvidenceCount struct {
	Cited   int // frames that findings cite
	Context int // other frames
	// Differs says which findings the evidence alone does not lead to with
	// the same verdict; empty if all is the same.
	Differs []string
}

// Bounds of what is held for the evidence.
const (
	maxContext      = 50_000      // frames of one level of context
	maxEvidenceHeld = 256 << 20   // bytes of frames
	maxFlowFrames   = 8192        // frames of one TCP connection
	maxFlowHead     = 512         // of them whatever their age
	flowReach       = int64(30e9) // ns before its last message that a connection's segments are taken
	nearby          = int64(60e9) // ns around the events of a finding
	maxFlows        = 10_000
)

// How much context a finding has: its cited frames; the messages about its
// name, and those of its machine, near the events; both of any time; everything.
const (
	levelCited = iota
	levelNameNear
	levelHostNear
	levelName
	levelHost
	levelAll
)

var contextWords = [...]string{
	levelCited:    "part of a cited message",
	levelNameNear: "a message about the same name",
	levelHostNear: "a message of the same machine",
	levelName:     "a message about the same name",
	levelHost:     "a message of the same machine",
	levelAll:      "what else was heard",
}

// evidenceSubject is one name family, or one finding without a name, and the context
// that it has got so far.
type evidenceSubject struct {
	findings    []*analyze.Finding
	level       int
	first, last int64 // ns, of the findings
}

// evidenceTag says for which subject, and from which level on, a frame is needed.
type evidenceTag struct {
	subject int32
	level   uint8
}

// heldFrame is a frame that may become part of the evidence.
type heldFrame struct {
	frame captures.Frame
	tags  []evidenceTag
	cited bool
}

// evidenceFlow is a TCP connection, or the fragments of a datagram, with cited
// messages or context in it.
type evidenceFlow struct {
	tags  []evidenceTag
	last  int64   // ns, of the last cited frame
	times []int64 // of the cited frames
	count int     // frames taken
}

// evidenceBuilder makes the evidence of one run.
type evidenceBuilder struct {
	*Evidence
	subjects []evidenceSubject
	byName   map[family][]int32
	byAddr   map[netip.Addr][]int32
	cited    map[framePlace][]*evidenceRole
	wanted   map[framePlace][]evidenceTag
	flows    map[connection]*evidenceFlow
	frags    map[fragmentKey]*evidenceFlow
	counts   [levelAll + 1]int
	closed   [levelAll + 1]bool // the level has too many frames to be of use
	held     []heldFrame
	all      bool // frames of levelAll are held
}

// Write writes the evidence as pcapng. The error is of reading or writing.
func (e *Evidence) Write(w io.Writer) (*EvidenceCount, error) {
	b := &evidenceBuilder{
		Evidence: e,
		byName:   map[family][]int32{}, byAddr: map[netip.Addr][]int32{},
		cited: map[framePlace][]*evidenceRole{}, wanted: map[framePlace][]evidenceTag{},
		flows: map[connection]*evidenceFlow{}, frags: map[fragmentKey]*evidenceFlow{},
	}
	b.cite()
	if err := b.choose(); err != nil {
		return nil, err
	}
	if err := b.collect(false); err != nil {
		return nil, err
	}
	differs, err := b.widen()
	if err != nil {
		return nil, err
	}
	count, err := b.write(w)
	if err != nil {
		return nil, err
	}
	count.Differs = differs
	return count, nil
}

// cite makes the subjects, and the comments of the cited frames.
func (b *evidenceBuilder) cite() {
	index := map[family]int{}
	for _, f := range b.Findings {
		k := familyOf(f.Name, f.Scope)
		i, ok := index[k]
		if !f.HasName || !ok {
			i = len(b.subjects)
			b.subjects = append(b.subjects, evidenceSubject{first: f.First, last: f.Last})
			if f.HasName {
				index[k] = i
				b.byName[k] = append(b.byName[k], int32(i))
			}
		}
		s := &b.subjects[i]
		s.findings = append(s.findings, f)
		s.first, s.last = min(s.first, f.First), max(s.last, f.Last)
		for _, a := range append(slices.Clone(f.Host.Addresses), hostAddr(f)...) {
			if !slices.Contains(b.byAddr[a], int32(i)) {
				b.byAddr[a] = append(b.byAddr[a], int32(i))
			}
		}
		for k := range f.Evidence {
			for _, ref := range f.Evidence[k].Frames {
				p := framePlace{ref.Input, ref.Frame}
				b.cited[p] = noteRole(b.cited[p], f, ref.Role)
				b.want(p, evidenceTag{int32(i), levelCited})
			}
		}
	}
}

// evidenceRole is what a frame is to findings of one rule and verdict.
type evidenceRole struct {
	rule, role string
	verdict    analyze.Verdict
	names      []string
}

func noteRole(roles []*evidenceRole, f *analyze.Finding, role string) []*evidenceRole {
	name := ""
	if f.HasName {
		name = Escape(nbns.Name(f.Name).Display(f.Scope))
	}
	for _, r := range roles {
		if r.rule == f.Rule && r.role == role && r.verdict == f.Verdict {
			if name != "" && !slices.Contains(r.names, name) {
				r.names = append(r.names, name)
			}
			return roles
		}
	}
	r := &evidenceRole{rule: f.Rule, role: role, verdict: f.Verdict}
	if name != "" {
		r.names = []string{name}
	}
	return append(roles, r)
}

func (r *evidenceRole) comment() string {
	text := fmt.Sprintf("rule %s, role %s, verdict %s", Escape(r.rule), Escape(r.role), r.verdict)
	if len(r.names) > 0 {
		text += ": " + strings.Join(r.names, ", ")
	}
	return text
}

// hostAddr is the server where no machine is known to suffer: then it is what
// the finding is about.
func hostAddr(f *analyze.Finding) []netip.Addr {
	if len(f.Host.Addresses) == 0 && f.Server.IsValid() {
		return []netip.Addr{f.Server}
	}
	return nil
}

// want notes that a subject needs a frame from a level on.
func (b *evidenceBuilder) want(p framePlace, t evidenceTag) {
	tags := b.wanted[p]
	for i := range tags {
		if tags[i].subject == t.subject {
			tags[i].level = min(tags[i].level, t.level)
			return
		}
	}
	if t.level != levelCited {
		if b.closed[t.level] {
			return
		}
		if b.counts[t.level]++; b.counts[t.level] > maxContext {
			b.closed[t.level] = true
			return
		}
	}
	b.wanted[p] = append(tags, t)
}

// collect holds the frames that were chosen, or with everything all that
// nbtrace can use.
func (b *evidenceBuilder) collect(everything bool) error {
	b.held, b.all = b.held[:0], everything
	bytes := 0
	return b.each(func(f *captures.Frame) error {
		p := framePlace{f.Input, f.Number}
		tags := b.wanted[p]
		_, cited := b.cited[p]
		if tags == nil {
			if !usable(f) {
				return nil
			}
			if tags = b.flowTags(f); tags == nil && !everything {
				return nil
			}
		}
		if bytes += len(f.Data); bytes > maxEvidenceHeld {
			return fmt.Errorf("the evidence takes more than %d MiB; choose findings with --rules or --min-severity", maxEvidenceHeld>>20)
		}
		kept := *f
		kept.Data = slices.Clone(f.Data)
		b.held = append(b.held, heldFrame{kept, tags, cited})
		return nil
	})
}

// each reads the run's frames anew. The frame is valid during the call.
func (e *Evidence) each(visit func(*captures.Frame) error) error {
	src, done, err := e.Open()
	if err != nil {
		return err
	}
	defer done()
	var f captures.Frame
	for {
		if err := src.Next(&f); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := visit(&f); err != nil {
			return err
		}
	}
}

// takes reports whether a tag's frame is in the evidence at its subject's level.
func (b *evidenceBuilder) takes(t evidenceTag) bool {
	return !b.closed[t.level] && int(t.level) <= b.subjects[t.subject].level
}

// needed reports whether a held frame is in the evidence at the subjects'
// levels.
func (b *evidenceBuilder) needed(h *heldFrame) bool {
	for _, t := range h.tags {
		if b.takes(t) {
			return true
		}
	}
	if !b.all || b.closed[levelAll] {
		return false
	}
	return slices.ContainsFunc(b.subjects, func(s evidenceSubject) bool { return s.level >= levelAll })
}

// write writes the frames that the subjects need, each with its comments.
func (b *evidenceBuilder) write(w io.Writer) (*EvidenceCount, error) {
	out := captures.NewWriter(w, captures.WriterOptions{Application: "nbtrace " + b.Version, InterfaceName: b.interfaceNames()})
	count := &EvidenceCount{}
	for i := range b.held {
		h := &b.held[i]
		if !b.needed(h) {
			continue
		}
		origin := fmt.Sprintf("frame %d of %s", h.frame.Number, Escape(fileName(b.Files, h.frame.Input)))
		var comments []string
		if h.cited {
			count.Cited++
			for _, r := range b.cited[framePlace{h.frame.Input, h.frame.Number}] {
				comments = append(comments, r.comment())
			}
			comments = append(comments, origin)
		} else {
			count.Context++
			comments = []string{"context: " + b.contextOf(h) + "; " + origin}
		}
		if err := out.Write(&h.frame, comments...); err != nil {
			return nil, err
		}
	}
	return count, out.Flush()
}

// interfaceNames calls the interfaces of the evidence after the files that they
// were in, and where a file has several after their numbers too.
func (b *evidenceBuilder) interfaceNames() func(input, iface int) string {
	first := map[int]int{}
	several := map[int]bool{}
	for i := range b.held {
		f := &b.held[i].frame
		if have, ok := first[f.Input]; !ok {
			first[f.Input] = f.Interface
		} else if have != f.Interface {
			several[f.Input] = true
		}
	}
	return func(input, iface int) string {
		name := Escape(fileName(b.Files, input))
		if several[input] {
			name = fmt.Sprintf("%s, interface %d", name, iface)
		}
		return name
	}
}

// contextOf says why a frame that no finding cites is there.
func (b *evidenceBuilder) contextOf(h *heldFrame) string {
	level := levelAll
	for _, t := range h.tags {
		if b.takes(t) {
			level = min(level, int(t.level))
		}
	}
	return contextWords[level]
}
