package analyze

import (
	"time"

	"nbtrace/analyze/exchange"
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
	// Triggers are the kinds of settled exchanges that the rule judges.
	Triggers []exchange.Kind
	// Horizon is how long after settling, in capture time, the rule wants to
	// have seen before it judges for good.
	Horizon time.Duration
	// Check judges one exchange. It reads through Pass only and keeps nothing.
	Check func(*Pass)
}
