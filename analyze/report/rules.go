package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"nbtrace/analyze"
)

// WriteRules lists rules for people, one line each where the width allows it.
func WriteRules(w io.Writer, rules []*analyze.Rule, o TextOptions) error {
	header := []string{"rule", "severity", "title"}
	rows := make([][]string, len(rules))
	for i, r := range rules {
		rows[i] = []string{Escape(r.Slug), r.Severity.String(), Escape(r.Title)}
	}
	limits := naturalWidths(header, rows)
	// The title gives way first: slugs are to be copied.
	excess := limits[0] + limits[1] + limits[2] + 3*tableGap - o.width()
	if fit := limits[2] - excess; fit >= minCell {
		limits[2] = min(fit, limits[2])
	} else {
		shrink(limits, []int{0, 1, 2}, excess)
	}
	return renderTable(w, header, rows, tw.Alignment{tw.AlignLeft, tw.AlignLeft, tw.AlignLeft}, limits)
}

// WriteRulesJSON lists rules with their documentation: one array, or one
// object a line.
func WriteRulesJSON(w io.Writer, rules []*analyze.Rule, lines bool) error {
	var b []byte
	if !lines {
		b = append(b, '[')
	}
	for i, r := range rules {
		if !lines {
			b = comma(b, i)
			b = append(b, '\n')
		}
		b = appendRule(b, r)
		if lines {
			b = append(b, '\n')
		}
	}
	if !lines {
		if len(rules) > 0 {
			b = append(b, '\n')
		}
		b = append(b, "]\n"...)
	}
	return flush(w, &b)
}

func appendRule(b []byte, r *analyze.Rule) []byte {
	field := func(name, value string) {
		b = append(b, name...)
		b = appendJSONString(b, value)
	}
	list := func(name string, values []string) {
		b = append(b, name...)
		b = append(b, '[')
		for i, v := range values {
			b = comma(b, i)
			b = appendJSONString(b, v)
		}
		b = append(b, ']')
	}
	field(`{"rule":`, r.Slug)
	field(`,"severity":`, r.Severity.String())
	field(`,"title":`, r.Title)
	field(`,"what":`, r.Doc.What)
	field(`,"confirm":`, r.Doc.Confirm)
	field(`,"false_positives":`, r.Doc.FalsePositives)
	list(`,"fix_windows":`, r.Doc.FixWindows)
	list(`,"fix_samba":`, r.Doc.FixSamba)
	field(`,"proven":`, r.Doc.Proven)
	list(`,"references":`, r.References)
	b = append(b, `,"signs":[`...)
	for i, s := range r.Signs {
		b = comma(b, i)
		field(`{"sign":`, s.Slug)
		b = fmt.Appendf(b, `,"for":%t`, s.For)
		field(`,"text":`, s.Text)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// WriteRule prints the documentation of one rule for people.
func WriteRule(w io.Writer, r *analyze.Rule, o TextOptions) error {
	t := newTextPrinter(nil, o)
	t.prose("", r.Slug+" ("+r.Severity.String()+")", severityColor(r.Severity))
	t.prose("", r.Title, "")
	section := func(heading, text string) {
		if text != "" {
			t.heading(heading)
			t.paragraphs("  ", text)
		}
	}
	steps := func(heading string, list []string) {
		if len(list) == 0 {
			return
		}
		t.heading(heading)
		for i, s := range list {
			t.prose(fmt.Sprintf("  %d. ", i+1), s, "")
		}
	}
	section("What happens", r.Doc.What)
	if len(r.Signs) > 0 {
		t.heading("Signs")
		for _, s := range r.Signs {
			mark := "  + "
			if !s.For {
				mark = "  - "
			}
			t.prose(mark, s.Slug+": "+s.Text, "")
		}
	}
	section("How to confirm it", r.Doc.Confirm)
	section("How it can be wrong", r.Doc.FalsePositives)
	steps("What to do on Windows", r.Doc.FixWindows)
	steps("What to do on Samba", r.Doc.FixSamba)
	section("Tried on", r.Doc.Proven)
	if o.Example != nil {
		if e, ok := o.Example(r.Slug); ok {
			t.heading("Example, from the corpus: " + e.Capture)
			for l := range strings.Lines(e.Finding) {
				for _, part := range wrapKeep("  "+strings.TrimRight(l, "\n"), t.width) {
					t.line(part)
				}
			}
		}
	}
	if len(r.References) > 0 {
		t.heading("References")
		t.prose("  ", strings.Join(r.References, "; "), "")
	}
	return t.write(w)
}
