package report

import "io"

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
func (l *Live) WriteLines(w io.Writer) error { return l.doc.writeFindingLines(w) }

// WriteSummary writes what the whole run was like: the head of the text report
// of all, which holds all inputs and findings, without telling the findings.
func (l *Live) WriteSummary(w io.Writer, all *Document) error {
	t := newTextPrinter(all, l.text)
	t.line("")
	t.summary()
	t.overview(tell(all.Findings, all.Files))
	return t.write(w)
}
