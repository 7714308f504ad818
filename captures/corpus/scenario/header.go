package scenario

import (
	"fmt"
	"strings"

	"nbtrace/analyze/nbns"
)

// Header is what a scenario says of itself.
type Header struct {
	Title  string
	Why    string // what the capture teaches, and why the expectations hold
	Source string // the KB article, RFC section or lab observation that it follows
	Fires  []Expectation
	Silent []string // rules that must not report, though the traffic is close to theirs
	// SeverityBelow: no finding beside those of Fires has this severity or a
	// worse one; "none" means that anything may be found. Default: warning.
	SeverityBelow string
	Mappings      []string // lists of mappings that are supplied, beside the scenario
}

// Expectation is a finding that the capture must lead to.
type Expectation struct {
	Rule    string
	Name    string // as findings display it; "-" for a finding without a name, "" for any
	Verdict string // "" for any
}

// header reads the lines "key: value" up to the first line without them.
// It returns how many lines it took.
func header(file string, lines []string) (*Header, int, error) {
	h := &Header{SeverityBelow: "warning"}
	seen := map[string]bool{}
	n := 0
	for ; n < len(lines); n++ {
		line := lines[n]
		if strings.TrimSpace(line) == "" {
			break
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, 0, &Error{file, n + 1, 1, "a line of the header is KEY: VALUE; a blank line ends the header"}
		}
		bad := func(column int, format string, args ...any) error {
			return &Error{file, n + 1, column, fmt.Sprintf(format, args...)}
		}
		at := len(key) + 2
		value = strings.TrimSpace(value)
		if value == "" {
			return nil, 0, bad(at, "%s has no value", key)
		}
		switch key {
		case "fires", "silent", "mappings":
		default:
			if seen[key] {
				return nil, 0, bad(1, "%s stands here twice", key)
			}
		}
		seen[key] = true
		switch key {
		case "title":
			h.Title = value
		case "synthetic":
			if value != "yes" {
				return nil, 0, bad(at, "a scenario is synthetic: yes")
			}
		case "why":
			h.Why = value
		case "source":
			h.Source = value
		case "fires":
			e, err := expectation(value)
			if err != nil {
				return nil, 0, bad(at, "%v", err)
			}
			h.Fires = append(h.Fires, e)
		case "silent":
			h.Silent = append(h.Silent, strings.Fields(value)...)
		case "severity-below":
			switch value {
			case "notice", "warning", "critical", "none":
			default:
				return nil, 0, bad(at, "severity-below is notice, warning, critical or none, not %q", value)
			}
			h.SeverityBelow = value
		case "mappings":
			h.Mappings = append(h.Mappings, strings.Fields(value)...)
		default:
			return nil, 0, bad(1, "unknown key %q: title, synthetic, why, source, fires, silent, severity-below and mappings are known", key)
		}
	}
	for _, need := range []string{"title", "synthetic", "why", "source"} {
		if !seen[need] {
			return nil, 0, &Error{file, n + 1, 1, "the header lacks its " + need}
		}
	}
	if len(h.Fires)+len(h.Silent) == 0 {
		return nil, 0, &Error{file, n + 1, 1, "the header lacks its expectations: fires or silent"}
	}
	return h, n, nil
}

// expectation reads RULE [NAME|- [VERDICT]].
func expectation(value string) (Expectation, error) {
	w, err := split("", 1, value)
	if err != nil {
		return Expectation{}, fmt.Errorf("fires: %w", err)
	}
	e := Expectation{Rule: w.next("the rule")}
	if w.more() {
		e.Name = w.next("the name")
		if e.Name != "-" {
			name, scope, err := nbns.ParseName(e.Name)
			if err != nil {
				return Expectation{}, fmt.Errorf("fires: %w", err)
			}
			e.Name = name.Display(scope)
		}
	}
	if w.more() {
		switch e.Verdict = w.next("the verdict"); e.Verdict {
		case "possible", "likely", "proved":
		default:
			return Expectation{}, fmt.Errorf("verdict %q: possible, likely or proved", e.Verdict)
		}
	}
	if err := w.done(); err != nil {
		return Expectation{}, err
	}
	return e, nil
}
