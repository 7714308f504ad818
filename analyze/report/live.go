package report

import (
	"fmt"
	"io"
	"slices"

	"nbtrace/analyze"
)

// Live writes findings one after the other, as they are found while a capture
// goes on, in the words of a Document. The text numbers its blocks from 1 on
// and explains a rule the first time only.
type Live struct {
	doc    *Document
	text   TextOptions
	told   map[string]int
	number int
}

// NewLive makes a writer of findings of doc, whose Files may grow meanwhile.
func NewLive(doc *Document, text TextOptions) *Live {
	return &Live{doc: doc, text: text, told: map[string]int{}}
}

// WriteText writes the document's findings as blocks; those that differ in
// nothing but the name's suffix are one block.
func (l *Live) WriteText(w io.Writer) error {
	stories := tell(l.doc.Findings, l.doc.Files)
	t := newTextPrinter(l.doc, l.text)
	for i := range stories {
		l.number++
		t.story(l.number, &stories[i], l.told)
	}
	return t.write(w)
}

// WriteLines writes the document's findings as NDJSON, a line each of "type":
// "finding".
func (l *Live) WriteLines(w io.Writer) error { return l.doc.writeFindingLines(w, lineOfFinding) }

// Rise is a finding that was written before and has a stronger verdict now.
type Rise struct {
	Finding *analyze.Finding
	Was     analyze.Verdict
}

// WriteTextRises writes findings again, briefly: their heads, which say what
// the verdict was, the evidence, and the filter that shows its packets.
func (l *Live) WriteTextRises(w io.Writer, rises []Rise) error {
	t := newTextPrinter(l.doc, l.text)
	for _, like := range alike(rises) {
		findings := make([]*analyze.Finding, len(like))
		for i := range like {
			findings[i] = like[i].Finding
		}
		for _, s := range tell(findings, l.doc.Files) {
			l.number++
			t.head(l.number, &s, fmt.Sprintf("now %s (was %s)", s.lead().Verdict, like[0].Was))
			t.sureness(&s)
			t.filter(&s)
		}
	}
	return t.write(w)
}

// alike parts rises by what the verdict is and was, surest first, so that those
// which are told as one story have both in common.
func alike(rises []Rise) [][]Rise {
	var parts [][]Rise
	for is := analyze.Proved; is > analyze.Possible; is-- {
		for was := analyze.Possible; was < is; was++ {
			part := slices.DeleteFunc(slices.Clone(rises), func(r Rise) bool { return r.Finding.Verdict != is || r.Was != was })
			if len(part) > 0 {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// WriteLineRises writes findings again as NDJSON, a line each of "type":
// "strengthened", with "was", the verdict before, ahead of the finding's fields.
// Lines of "type": "finding" thus remain one for each finding.
func (l *Live) WriteLineRises(w io.Writer, rises []Rise) error {
	for _, r := range rises {
		one := Document{Files: l.doc.Files, Findings: []*analyze.Finding{r.Finding}}
		if err := one.writeFindingLines(w, `{"type":"`+strengthened+`","was":"`+r.Was.String()+`"`); err != nil {
			return err
		}
	}
	return nil
}

// strengthened is the type of a line that takes the place of an earlier one.
const strengthened = "strengthened"

// WriteSummary writes what the whole run was like: the head of the text report
// of all, which holds all inputs and findings, without telling the findings.
func (l *Live) WriteSummary(w io.Writer, all *Document) error {
	t := newTextPrinter(all, l.text)
	t.line("")
	t.summary()
	t.overview(tell(all.Findings, all.Files))
	return t.write(w)
}
