package analyze

import (
	"fmt"
	"time"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/names"
)

// Sign is a piece of evidence that a rule knows, for or against.
type Sign struct {
	Slug string
	For  bool
	Text string // what it means, one sentence
}

// Doc is a rule's documentation; rules show, the reports and docs/rules.md
// render it. Each field is plain prose; paragraphs are parted by blank lines.
type Doc struct {
	What           string   // what happens and why
	Confirm        string   // how to confirm it, and which capture point or file would settle it
	FalsePositives string   // how the rule can be wrong
	FixWindows     []string // steps
	FixSamba       []string
	Proven         string // on real, lab or synthetic traffic only
}

// Rule is one fault that nbtrace can diagnose: data and one pure function.
type Rule struct {
	Slug       string
	Title      string // one line
	Severity   Severity
	Doc        Doc
	References []string // KB articles, RFC sections
	Signs      []Sign
	// Triggers are the kinds of settled exchanges that the rule judges, and
	// Wants, if set, narrows them by a first look at the exchange and the
	// history of its name. It must be quick: most exchanges are in order.
	Triggers []exchange.Kind
	Wants    func(*exchange.Exchange, *names.State) bool
	// Horizon is how long after settling, in capture time, the rule wants to
	// have seen before it judges for good. Before that it is asked once, a
	// little after settling, and may report what is beyond doubt already
	// (Pass.Final is false then). A rule without a horizon is asked once, when
	// the exchange settles.
	Horizon time.Duration
	// Check judges one exchange. It reads through Pass only and keeps nothing.
	Check func(*Pass)
	// Survey, if set, looks over everything that is known, every ten minutes
	// of capture time and at the end, for faults that no single exchange
	// shows. What it reports again is the same finding. Surveys are the names
	// that it looks over, told by a first look at their histories that must be
	// quick; nil: none.
	Survey  func(*Survey)
	Surveys func(*names.State) bool
}

// Validate says what a rule lacks.
func (r *Rule) Validate() error {
	for field, empty := range map[string]bool{
		"slug": r.Slug == "", "title": r.Title == "", "doc.What": r.Doc.What == "", "doc.Confirm": r.Doc.Confirm == "",
		"doc.FalsePositives": r.Doc.FalsePositives == "", "doc.Proven": r.Doc.Proven == "", "signs": len(r.Signs) == 0,
		"references": len(r.References) == 0, "triggers": len(r.Triggers) == 0 && r.Survey == nil, "check": r.Check == nil && r.Survey == nil,
	} {
		if empty {
			return fmt.Errorf("rule %q lacks its %s", r.Slug, field)
		}
	}
	return nil
}
