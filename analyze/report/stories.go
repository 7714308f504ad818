package report

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// story is one finding as it is told to people, or several of one rule, host
// and server whose names differ in nothing but the suffix: a machine registers
// its name once for each of its services, and what befalls one befalls all.
type story struct {
	findings []*analyze.Finding
	names    []string // displayed, of each finding that has one
	evidence []storyEvidence
	frames   []storyFrame
}

// storyEvidence is a piece of evidence with its number in the story.
type storyEvidence struct {
	supports bool
	text     string
}

// storyFrame is a frame that evidence rests on.
type storyFrame struct {
	input    int
	frame    int64
	time     int64 // ns; 0 unknown
	src, dst netip.Addr
	roles    []string
	evidence []int // numbers, from 1
}

// lead is the finding that the story takes its common parts from: the worst
// and surest one.
func (s *story) lead() *analyze.Finding { return s.findings[0] }

// tell groups findings into stories, in the order of their first finding.
// files are the names of the inputs.
func tell(findings []*analyze.Finding, files []string) []story {
	type key struct {
		rule, host, server string
		family             family
	}
	var stories []story
	index := map[key]int{}
	for _, f := range findings {
		if !f.HasName {
			stories = append(stories, story{findings: []*analyze.Finding{f}})
			continue
		}
		k := key{rule: f.Rule, host: fmt.Sprint(f.Host.ID, f.Host.Addresses), server: f.Server.String(), family: familyOf(f.Name, f.Scope)}
		if i, ok := index[k]; ok {
			stories[i].findings = append(stories[i].findings, f)
			continue
		}
		index[k] = len(stories)
		stories = append(stories, story{findings: []*analyze.Finding{f}})
	}
	for i := range stories {
		stories[i].gather(files)
	}
	return stories
}

// gather joins the names, the evidence and the frames of the findings.
func (s *story) gather(files []string) {
	slices.SortStableFunc(s.findings, func(a, b *analyze.Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		if a.Verdict != b.Verdict {
			return int(b.Verdict) - int(a.Verdict)
		}
		return int(a.Name[15]) - int(b.Name[15])
	})
	for _, f := range s.findings {
		if f.HasName {
			s.names = append(s.names, nbns.Name(f.Name).Display(f.Scope))
		}
	}
	type piece struct {
		sign, text string
		supports   bool
	}
	numbers := map[piece]int{}
	frames := map[framePlace]int{}
	for _, supports := range []bool{true, false} {
		for _, f := range s.findings {
			for i := range f.Evidence {
				e := &f.Evidence[i]
				if e.For != supports {
					continue
				}
				p := piece{e.Sign, nameFiles(s.common(f, e.Text), e.Frames, files), supports}
				n, ok := numbers[p]
				if !ok {
					s.evidence = append(s.evidence, storyEvidence{supports: supports, text: p.text})
					n = len(s.evidence)
					numbers[p] = n
				}
				for _, ref := range e.Frames {
					k := framePlace{ref.Input, ref.Frame}
					j, ok := frames[k]
					if !ok {
						j = len(s.frames)
						frames[k] = j
						s.frames = append(s.frames, storyFrame{input: ref.Input, frame: ref.Frame})
					}
					s.frames[j].cite(ref, n)
				}
			}
		}
	}
	slices.SortFunc(s.frames, func(a, b storyFrame) int {
		return cmp.Or(cmp.Compare(a.input, b.input), cmp.Compare(a.frame, b.frame))
	})
}

// cite adds what the evidence of that number says of the frame.
func (f *storyFrame) cite(ref analyze.FrameRef, number int) {
	if f.time == 0 {
		f.time = ref.Time
	}
	if !f.src.IsValid() || !f.dst.IsValid() && ref.Dst.IsValid() {
		f.src, f.dst = ref.Src, ref.Dst
	}
	if !slices.Contains(f.roles, ref.Role) {
		f.roles = append(f.roles, ref.Role)
	}
	if !slices.Contains(f.evidence, number) {
		f.evidence = append(f.evidence, number)
	}
}

// numbers lists the pieces of evidence that the frame belongs to.
func (f *storyFrame) numbers() string {
	text := make([]string, len(f.evidence))
	for i, n := range f.evidence {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, ", ")
}

// start is the time, ns, of the story's first frame; 0 if none is known.
func (s *story) start() int64 {
	var start int64
	for i := range s.frames {
		if f := &s.frames[i]; f.time != 0 && (start == 0 || f.time < start) {
			start = f.time
		}
	}
	return start
}

// common is the text of a finding with its name replaced by the names of the
// story, so that what is said of each alike is said once.
func (s *story) common(f *analyze.Finding, text string) string {
	if len(s.findings) < 2 || !f.HasName {
		return text
	}
	return strings.ReplaceAll(text, nbns.Name(f.Name).Display(f.Scope), s.together())
}

// together writes the names of the story as one: FILESRV<00>,<03>,<20>.
func (s *story) together() string {
	f := s.lead()
	var b strings.Builder
	b.WriteString(nbns.Name(f.Name).Text())
	for i, f := range s.findings {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "<%02x>", f.Name[15])
	}
	if f.Scope != "" {
		b.WriteByte('.')
		b.Write(nbns.AppendScope(nil, f.Scope))
	}
	return b.String()
}

// title is the lead's, with all names.
func (s *story) title() string { return s.common(s.lead(), s.lead().Title) }

// span is from the first to the last occurrence of all.
func (s *story) span() (first, last int64, count int) {
	first, last = s.lead().First, s.lead().Last
	for _, f := range s.findings {
		first, last = min(first, f.First), max(last, f.Last)
		count += f.Count
	}
	return first, last, count
}

// when is the time of the occurrences, and how many they are.
func (s *story) when() string {
	first, last, count := s.span()
	text := shortTime(first)
	if last != first {
		text += " to " + shortTime(last)
	}
	if count > 1 {
		text += fmt.Sprintf(", %d times", count)
	}
	return text
}

// fact is a line at the head of a story.
type fact struct{ what, text string }

// facts say what the story is about, as far as it is known.
func (s *story) facts(when string) []fact {
	f := s.lead()
	all := []fact{{"rule", f.Rule}, {"name", strings.Join(s.names, ", ")}, {"host", s.host()},
		{"server", string(appendAddr(nil, f.Server))}, {"when", when}}
	return slices.DeleteFunc(all, func(f fact) bool { return f.text == "" })
}

// verdicts says how sure the findings are; where they differ, of each name.
func (s *story) verdicts() string {
	same := true
	for _, f := range s.findings {
		same = same && f.Verdict == s.lead().Verdict
	}
	if same {
		return s.lead().Verdict.String()
	}
	parts := make([]string, len(s.findings))
	for i, f := range s.findings {
		parts[i] = f.Verdict.String() + " for " + nbns.Name(f.Name).Display(f.Scope)
	}
	return strings.Join(parts, ", ")
}

// sureness explains the verdict by the evidence.
func (s *story) sureness() string {
	supports, against := 0, 0
	for _, e := range s.evidence {
		if e.supports {
			supports++
		} else {
			against++
		}
	}
	verdict := s.verdicts()
	text := strings.ToUpper(verdict[:1]) + verdict[1:] + ": " + counted(supports, "piece of evidence", "pieces of evidence") + " for it, " + countOrNone(against) + " against."
	switch s.lead().Verdict {
	case analyze.Proved:
		text += " The capture or a mapping file shows the cause itself."
	case analyze.Likely:
		text += " What was seen fits this cause and nothing better, but the cause itself was not seen."
	default:
		text += " What was seen fits this cause, and others as well."
	}
	return text
}

// counted writes a count with its noun; many defaults to one with an s.
func counted[N int | int64](n N, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	default:
		return fmt.Sprintf("%d %ss", n, one)
	}
}

func countOrNone(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

// alternatives are those of all findings, each rule and reason once.
func (s *story) alternatives() []analyze.Alternative {
	var all []analyze.Alternative
	for _, f := range s.findings {
		for _, a := range f.Alternatives {
			a.Why = s.common(f, a.Why)
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// remedy is what to do about all of the names.
func (s *story) remedy() []string {
	return s.texts(func(f *analyze.Finding) []string { return f.Remedy })
}

func (s *story) references() []string {
	return s.texts(func(f *analyze.Finding) []string { return f.References })
}

// texts joins lists of the findings, entry by entry, each text once: what the
// findings say in the same place stays together.
func (s *story) texts(get func(*analyze.Finding) []string) []string {
	var all []string
	for i, more := 0, true; more; i++ {
		more = false
		for _, f := range s.findings {
			list := get(f)
			if i >= len(list) {
				continue
			}
			more = true
			if t := s.common(f, list[i]); !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

// events are the event ids that any of the findings expects.
func (s *story) events() []int {
	var ids []int
	for _, f := range s.findings {
		for _, id := range f.Events {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// untold counts, by rule, stories that a document for people leaves out.
func untold(stories []story) string {
	counts := map[string]int{}
	var slugs []string
	for i := range stories {
		slug := stories[i].lead().Rule
		if counts[slug] == 0 {
			slugs = append(slugs, slug)
		}
		counts[slug]++
	}
	parts := make([]string, len(slugs))
	for i, slug := range slugs {
		parts[i] = fmt.Sprintf("%d %s", counts[slug], slug)
	}
	return fmt.Sprintf("And %d more, milder or later, which the JSON report and `export findings` have: %s.", len(stories), strings.Join(parts, ", "))
}

// eventText names an event of source NetBT, and says what it means if that is
// known.
func eventText(id int) string {
	text := fmt.Sprintf("event %d", id)
	switch id {
	case 4319:
		return text + ": a duplicate name was detected on the network"
	case 4320:
		return text + ": another machine sent a name release message"
	case 4321:
		return text + ": the name could not be registered"
	default:
		return text
	}
}

// eventDataText explains the address bytes of an event: "e7 1a 65 16
// (22.101.26.231 reversed)".
func eventDataText(data string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(data, " ", ""))
	if err != nil || len(b) != 4 {
		return data
	}
	slices.Reverse(b)
	return data + " (" + netip.AddrFrom4([4]byte(b)).String() + " reversed)"
}

// filter selects the frames of the whole story.
func (s *story) filter(files []string) string {
	var refs []analyze.FrameRef
	for i := range s.frames {
		refs = append(refs, analyze.FrameRef{Input: s.frames[i].input, Frame: s.frames[i].frame})
	}
	return framesFilter(files, refs)
}

// host describes the machine that suffers.
func (s *story) host() string {
	h := &s.lead().Host
	if h.ID == 0 && len(h.Addresses) == 0 {
		return ""
	}
	text := addressText(h.Addresses)
	if h.ID != 0 {
		text = strings.TrimSpace(fmt.Sprintf("#%d %s", h.ID, text))
	}
	if len(h.MACs) > 0 {
		var parts []string
		for _, m := range h.MACs {
			parts = append(parts, string(appendMAC(nil, m)))
		}
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}
