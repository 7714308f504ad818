package report

import (
	"fmt"
	"io"
	"strings"

	"nbtrace/analyze"
)

// Example is a finding of a rule: where it was seen, and what it says.
type Example struct{ Capture, Finding string }

// WriteRulesPage writes the documentation of rules as one Markdown page.
// Example gives a rule's example, ok false if there is none.
func WriteRulesPage(w io.Writer, rules []*analyze.Rule, example func(slug string) (Example, bool)) error {
	var b strings.Builder
	b.WriteString("# What nbtrace can diagnose\n\n" +
		"Made from the rules themselves by `make docs`; do not edit.\n\n" +
		"A finding says how sure it is: *proved*, *likely* or *possible*. What speaks for and against it stands in its evidence, " +
		"and what else could explain the event in its alternatives. The example below each rule is from the corpus of captures " +
		"that is tested with every change: severity, rule, verdict, name, host and server; then the evidence for (+) and against (-), " +
		"each with frame numbers and roles; then the alternatives (?).\n\n" +
		"| rule | severity | what |\n| --- | --- | --- |\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", r.Slug, r.Slug, r.Severity, markdownText(r.Title))
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** Severity: %s.\n\n%s\n", r.Slug, markdownText(r.Title), r.Severity, markdownText(r.Doc.What))
		b.WriteString("\n**Evidence**\n\n")
		for _, s := range r.Signs {
			sign := "for"
			if !s.For {
				sign = "against"
			}
			fmt.Fprintf(&b, "- %s: `%s`. %s\n", sign, s.Slug, markdownText(s.Text))
		}
		fmt.Fprintf(&b, "\n**How to confirm it.** %s\n", markdownText(r.Doc.Confirm))
		fmt.Fprintf(&b, "\n**How it can be wrong.** %s\n", markdownText(r.Doc.FalsePositives))
		steps := func(heading string, list []string) {
			if len(list) > 0 {
				fmt.Fprintf(&b, "\n**%s**\n\n", heading)
				for i, s := range list {
					fmt.Fprintf(&b, "%d. %s\n", i+1, markdownText(s))
				}
			}
		}
		steps("What to do on Windows", r.Doc.FixWindows)
		steps("What to do on Samba", r.Doc.FixSamba)
		fmt.Fprintf(&b, "\n**Tried on.** %s\n", markdownText(r.Doc.Proven))
		fmt.Fprintf(&b, "\n**References.** %s\n", markdownText(strings.Join(r.References, "; ")))
		if e, ok := example(r.Slug); ok {
			fmt.Fprintf(&b, "\n**Example** (`%s`)\n\n```\n%s\n```\n", e.Capture, e.Finding)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownText keeps names like <20> from being taken for HTML. The texts are
// the rules' own and may use Markdown's code marks.
func markdownText(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", "\\|").Replace(s)
}
