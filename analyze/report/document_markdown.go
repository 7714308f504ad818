package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the report in GitHub-flavoured Markdown.
func (d *Document) WriteMarkdown(w io.Writer) error {
	m := &markdownPrinter{doc: d}
	m.summary()
	stories := tell(d.Findings, d.Files)
	if len(stories) == 0 {
		m.line(findingsHeadline(nil))
	}
	told := map[string]int{}
	for i := range stories[:min(len(stories), maxStories)] {
		m.story(i+1, &stories[i], told)
	}
	if len(stories) > maxStories {
		m.line(m.text(untold(stories[maxStories:])))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdownPrinter struct {
	doc *Document
	b   strings.Builder
}

// text makes s, which may be captured, safe within Markdown.
func (m *markdownPrinter) text(s string) string { return string(appendMarkdown(nil, Escape(s))) }

// line prints s, which is Markdown already.
func (m *markdownPrinter) line(s string) {
	m.b.WriteString(s)
	m.b.WriteByte('\n')
}

func (m *markdownPrinter) summary() {
	s := &m.doc.Result.Summary
	m.line("# nbtrace report")
	m.line("")
	if first, last, ok := m.doc.span(); ok {
		m.line(fmt.Sprintf("From %s to %s, %s.", shortTime(first), shortTime(last), duration(last-first)))
		m.line("")
	}
	m.line("| packets | messages | exchanges | names | hosts | malformed | duplicates | evicted |")
	m.line("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	m.line(fmt.Sprintf("| %d | %d | %d | %d | %d | %d | %d | %d |", s.Packets, s.Messages, s.Exchanges, s.Names, s.Hosts, s.Malformed,
		s.Duplicates, s.Evicted))
	m.line("")
	m.line("| capture | format | link types | packets | complete |")
	m.line("| --- | --- | --- | ---: | --- |")
	for i := range m.doc.Inputs {
		in := &m.doc.Inputs[i]
		complete := "yes"
		if !in.Complete {
			complete = "no"
		}
		if in.Lost > 0 {
			complete += fmt.Sprintf(", %d packets lost when captured", in.Lost)
		}
		if in.Err != nil {
			complete += ": " + in.Err.Error()
		}
		m.line(fmt.Sprintf("| %s | %s | %s | %d | %s |", m.text(in.Name), m.text(in.Format), m.text(strings.Join(linkNames(in), ", ")),
			in.Packets, m.text(complete)))
	}
	m.line("")
}

func (m *markdownPrinter) heading(s string) {
	m.line("### " + s)
	m.line("")
}

func (m *markdownPrinter) story(number int, s *story, told map[string]int) {
	m.head(number, s)
	m.what(number, s, told)
	m.diagram(s)
	m.sureness(s)
	m.frames(s)
	m.alternatives(s)
	m.remedy(s)
	m.events(s)
	if filter := s.filter(m.doc.Files); filter != "" {
		m.heading("Show these packets (Wireshark display filter)")
		m.line("    " + Escape(filter))
		m.line("")
	}
	if refs := s.references(); len(refs) > 0 {
		m.line("See " + m.text(strings.Join(refs, "; ")) + ".")
		m.line("")
	}
}

// head prints the title of a story and the facts.
func (m *markdownPrinter) head(number int, s *story) {
	f := s.lead()
	m.line(fmt.Sprintf("## %d. %s, %s: %s", number, strings.ToUpper(f.Severity.String()), f.Verdict, m.text(s.title())))
	m.line("")
	first, last, count := s.span()
	for _, f := range s.facts(fmt.Sprintf("%s to %s, %s", shortTime(first), shortTime(last), counted(count, "time"))) {
		m.line("- **" + f.what + "**: " + m.text(f.text))
	}
	m.line("")
}

// what prints the rule's explanation the first time, later where it stands.
func (m *markdownPrinter) what(number int, s *story, told map[string]int) {
	rule := m.doc.Rules[s.lead().Rule]
	if rule == nil || rule.Doc.What == "" {
		return
	}
	m.heading("What happened")
	if n, ok := told[rule.Slug]; ok {
		m.line(fmt.Sprintf("As explained under %d.", n))
	} else {
		told[rule.Slug] = number
		for i, p := range paragraphs(rule.Doc.What) {
			if i > 0 {
				m.line("")
			}
			m.line(m.text(p))
		}
	}
	m.line("")
}

// sureness prints the verdict and the evidence.
func (m *markdownPrinter) sureness(s *story) {
	m.heading("How sure")
	m.line(m.text(s.sureness()))
	m.line("")
	for i, e := range s.evidence {
		sign := "for"
		if !e.supports {
			sign = "against"
		}
		m.line(fmt.Sprintf("%d. **%s**: %s", i+1, sign, m.text(e.text)))
	}
	m.line("")
}

func (m *markdownPrinter) alternatives(s *story) {
	all := s.alternatives()
	if len(all) == 0 {
		return
	}
	m.heading("Other explanations")
	for i := range all {
		a := &all[i]
		m.line(fmt.Sprintf("- %s, %s: %s", m.text(a.Rule), alternativeVerdict(a), m.text(a.Why)))
	}
	m.line("")
}

func (m *markdownPrinter) remedy(s *story) {
	steps := s.remedy()
	if len(steps) == 0 {
		return
	}
	m.heading("What to do")
	for i, step := range steps {
		m.line(fmt.Sprintf("%d. %s", i+1, m.text(step)))
	}
	m.line("")
}

func (m *markdownPrinter) frames(s *story) {
	if len(s.frames) == 0 {
		return
	}
	m.heading("Frames")
	m.line("| file | frame | role | evidence |")
	m.line("| --- | ---: | --- | --- |")
	for i := range s.frames {
		f := &s.frames[i]
		m.line(fmt.Sprintf("| %s | %d | %s | %s |", m.text(fileName(m.doc.Files, f.input)), f.frame, m.text(strings.Join(f.roles, ", ")),
			f.numbers()))
	}
	m.line("")
}

func (m *markdownPrinter) events(s *story) {
	ids := s.events()
	if len(ids) == 0 {
		return
	}
	m.heading("Expect in the host's System log (source NetBT)")
	for _, id := range ids {
		m.line("- " + eventText(id))
	}
	if data := s.lead().EventData; data != "" {
		m.line("- address bytes in the event's data: " + m.text(eventDataText(data)))
	}
	m.line("")
}
