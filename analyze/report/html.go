package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"nbtrace/analyze"
)

// Bounds of the HTML report. It must open at once however much was captured:
// what is beyond the first page of a table is data that the page shows on
// demand, and stories and diagrams beyond a number are left to other formats.
const (
	htmlPage     = 100    // rows of a table that stand in the page itself
	htmlRows     = 20_000 // rows of a table in all
	htmlStories  = 300    // findings told at length, the worst
	htmlDiagrams = 100    // of them with diagrams
	htmlFrames   = 200    // frames listed of one story
	htmlOpen     = 3      // stories that are open at first
)

//go:embed html_report.tmpl
var htmlTemplate string

//go:embed html_report.css
var htmlStyle string

//go:embed html_report.js
var htmlScript string

// The policy allows the page's own style and script by their hashes, and
// nothing else: no network, no images, no forms, no frames.
var (
	htmlPolicy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
		contentHash(htmlStyle), contentHash(htmlScript))
	htmlPageTemplate = template.Must(template.New("report").Parse(htmlTemplate))
)

func contentHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// htmlReport is what the template shows. Its texts are escaped once already;
// the template escapes them again, for their place.
type htmlReport struct {
	Policy   string
	Style    template.CSS
	Script   template.JS
	Version  string
	Headline string
	Period   string
	Counts   []htmlCount
	Notes    []string
	Inputs   []htmlInput
	Index    []htmlIndex
	Stories  []*htmlStory
	Untold   int
	Tables   []*htmlTable
}

type htmlCount struct{ Number, What string }

type htmlInput struct {
	Name, Format, Links, Packets, Bytes, First, Last string
	Complete                                         bool
	Error                                            string
}

// htmlIndex is a line of the list of findings.
type htmlIndex struct {
	Number                                           int
	Severity, Verdict, Title, Names, Server, Host, T string
	Told                                             bool
}

type htmlStory struct {
	Number            int
	Severity, Verdict string
	Title             string
	Open              bool
	Facts             []htmlFact
	What              []string
	SeeNumber         int
	Sure              string
	Evidence          []htmlEvidence
	Ladder            *drawing
	LadderRows        []htmlLadderRow
	LadderRest        string
	Timeline          *timeline
	Frames            []htmlFrame
	MoreFrames        int
	SeveralFiles      bool
	Alternatives      []htmlAlternative
	Remedy            [][]segment
	Events            []string
	EventData         string
	Filters           []htmlFilter
	References        string
	Confirm           []string
	Caution           []string
}

type htmlFact struct{ What, Text string }

type htmlEvidence struct {
	Number   int
	Supports bool
	Text     string
}

type htmlLadderRow struct {
	When, Frames, From, To, Text string
	Decisive                     bool
}

type htmlFrame struct {
	File     string
	Frame    int64
	Roles    string
	Evidence string
}

type htmlAlternative struct{ Rule, Verdict, Why string }

type htmlFilter struct{ ID, File, Filter string }

// WriteHTML writes the report as one HTML page that needs nothing but itself.
func (d *Document) WriteHTML(w io.Writer) error {
	h := &htmlReport{Policy: htmlPolicy, Style: template.CSS(htmlStyle), Script: template.JS(htmlScript), Version: Escape(d.Version)}
	d.htmlSummary(h)
	d.htmlStories(h)
	h.Tables = []*htmlTable{d.htmlNames(), d.htmlHosts(), d.htmlMappings()}
	var b bytes.Buffer
	if err := htmlPageTemplate.Execute(&b, h); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (d *Document) htmlSummary(h *htmlReport) {
	s := &d.Result.Summary
	for _, c := range []struct {
		n    int64
		what string
	}{{s.Packets, "packets"}, {s.Messages, "NBNS messages"}, {s.Exchanges, "exchanges"}, {s.Names, "names"}, {s.Hosts, "hosts"}} {
		h.Counts = append(h.Counts, htmlCount{grouped(c.n), c.what})
	}
	if s.Malformed > 0 {
		h.Notes = append(h.Notes, counted(s.Malformed, "message")+" malformed.")
	}
	if s.Duplicates > 0 {
		h.Notes = append(h.Notes, counted(s.Duplicates, "message")+" seen twice by taps and counted once.")
	}
	if s.Evicted > 0 {
		h.Notes = append(h.Notes, counted(s.Evicted, "entry", "entries")+" dropped from full tables, so absence proves less.")
	}
	if first, last, ok := d.span(); ok {
		h.Period = fmt.Sprintf("%s to %s, %s", shortTime(first), shortTime(last), duration(last-first))
	}
	for i := range d.Inputs {
		in := &d.Inputs[i]
		row := htmlInput{Name: Escape(in.Name), Format: Escape(in.Format), Links: strings.Join(linkNames(in), ", "), Packets: grouped(in.Packets),
			Bytes: grouped(in.Bytes), Complete: in.Complete}
		if in.Packets > 0 {
			row.First, row.Last = shortTime(in.First), shortTime(in.Last)
		}
		if in.Err != nil {
			row.Error = Escape(in.Err.Error())
		}
		if !in.Complete {
			h.Notes = append(h.Notes, row.Name+" was not read to its end, so what is not shown may still have happened.")
		}
		if in.Lost > 0 {
			h.Notes = append(h.Notes, fmt.Sprintf("%s lacks %s lost when it was captured, so what is not shown may still have happened.", row.Name, counted(in.Lost, "packet")))
		}
		h.Inputs = append(h.Inputs, row)
	}
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && c != '-' && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (d *Document) htmlStories(h *htmlReport) {
	stories := tell(d.Findings, d.Files)
	h.Headline = findingsHeadline(d.Findings)
	index := periods(d.Result.Names)
	told := map[string]int{}
	for i := range stories {
		s := &stories[i]
		f := s.lead()
		first, _, _ := s.span()
		line := htmlIndex{Number: i + 1, Severity: f.Severity.String(), Verdict: Escape(s.verdicts()), Title: Escape(s.title()),
			Names: Escape(strings.Join(s.names, ", ")), Server: string(appendAddr(nil, f.Server)),
			Host: addressText(f.Host.Addresses), T: shortTime(first), Told: i < htmlStories}
		if i < htmlRows {
			h.Index = append(h.Index, line)
		}
		if i >= htmlStories {
			h.Untold++
			continue
		}
		h.Stories = append(h.Stories, d.htmlStory(i+1, s, told, index))
	}
}

func (d *Document) htmlStory(number int, s *story, told map[string]int, index map[family][]*analyze.Name) *htmlStory {
	f := s.lead()
	out := &htmlStory{Number: number, Severity: f.Severity.String(), Verdict: Escape(s.verdicts()), Title: Escape(s.title()), Open: number <= htmlOpen,
		SeveralFiles: len(d.Files) > 1}
	for _, f := range s.facts(s.when()) {
		out.Facts = append(out.Facts, htmlFact{strings.ToUpper(f.what[:1]) + f.what[1:], Escape(f.text)})
	}
	if rule := d.Rules[f.Rule]; rule != nil {
		if n, ok := told[f.Rule]; ok {
			out.SeeNumber = n
		} else if rule.Doc.What != "" {
			told[f.Rule] = number
			out.What = htmlParagraphs(rule.Doc.What)
			out.Confirm = htmlParagraphs(rule.Doc.Confirm)
			out.Caution = htmlParagraphs(rule.Doc.FalsePositives)
		}
	}
	out.Sure = Escape(s.sureness())
	for i, e := range s.evidence {
		out.Evidence = append(out.Evidence, htmlEvidence{i + 1, e.supports, Escape(e.text)})
	}
	d.htmlLadder(out, s)
	if number <= htmlDiagrams && f.HasName {
		if from, until, ok := d.span(); ok {
			k := familyOf(f.Name, f.Scope)
			out.Timeline = newTimeline(fmt.Sprintf("timeline-%d", number), Escape(s.together()), index[k], from, until)
		}
	}
	d.htmlFrames(out, s)
	for _, a := range s.alternatives() {
		out.Alternatives = append(out.Alternatives, htmlAlternative{Escape(a.Rule), alternativeVerdict(&a), Escape(a.Why)})
	}
	for i, step := range s.remedy() {
		segments := commands(Escape(step))
		for k := range segments {
			segments[k].ID = fmt.Sprintf("command-%d-%d-%d", number, i+1, k)
		}
		out.Remedy = append(out.Remedy, segments)
	}
	for _, id := range s.events() {
		out.Events = append(out.Events, eventText(id))
	}
	if f.EventData != "" {
		out.EventData = Escape(eventDataText(f.EventData))
	}
	out.References = Escape(strings.Join(s.references(), "; "))
	return out
}

func htmlParagraphs(text string) []string {
	all := paragraphs(text)
	for i := range all {
		all[i] = Escape(all[i])
	}
	return all
}

func (d *Document) htmlLadder(out *htmlStory, s *story) {
	l := newLadder(d.Result.Hosts, s)
	if l.empty() {
		return
	}
	if out.Number <= htmlDiagrams {
		out.Ladder = l.draw(fmt.Sprintf("ladder-%d", out.Number), fmt.Sprintf("Messages of finding %d", out.Number))
	}
	out.LadderRest = strings.TrimSpace(l.sources(d.Files) + " " + l.rest())
	for i := range l.steps {
		st := &l.steps[i]
		row := htmlLadderRow{When: l.when(st), Frames: l.numbers(st), From: l.lines[st.from].short(), To: "not known", Text: st.label(), Decisive: st.decisive}
		if st.to >= 0 {
			row.To = l.lines[st.to].short()
		}
		out.LadderRows = append(out.LadderRows, row)
	}
}

func (d *Document) htmlFrames(out *htmlStory, s *story) {
	for i := range s.frames {
		if i == htmlFrames {
			out.MoreFrames = len(s.frames) - i
			break
		}
		f := &s.frames[i]
		out.Frames = append(out.Frames, htmlFrame{Escape(fileName(d.Files, f.input)), f.frame, Escape(strings.Join(f.roles, ", ")), f.numbers()})
	}
	for _, f := range s.fileFilters(d.Files) {
		f.ID = fmt.Sprintf("filter-%d-%d", out.Number, len(out.Filters)+1)
		out.Filters = append(out.Filters, f)
	}
}

// fileFilters are the display filters of the story, one for each file.
func (s *story) fileFilters(files []string) []htmlFilter {
	var out []htmlFilter
	for i := 0; i < len(s.frames); {
		var refs []analyze.FrameRef
		k := i
		for ; k < len(s.frames) && s.frames[k].input == s.frames[i].input; k++ {
			refs = append(refs, analyze.FrameRef{Frame: s.frames[k].frame})
		}
		out = append(out, htmlFilter{File: Escape(fileName(files, s.frames[i].input)), Filter: string(appendFrameSet(nil, refs))})
		i = k
	}
	return out
}
