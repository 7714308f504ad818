package report

import (
	"regexp"
	"slices"
)

// segment is a piece of a remedy step: prose, or a command to copy.
type segment struct {
	ID      string // of a command
	Text    string
	Command bool
}

// What can be typed in a remedy step: nbtstat with one switch, a line of an
// LMHOSTS file, and netsh with plain words up to its last argument.
var (
	nbtstatPattern = regexp.MustCompile(`nbtstat -[A-Za-z]{1,2}\b`)
	lmhostsPattern = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+[ \t]+[\w.\-]+(?:[ \t]+#[A-Z]+(?::[\w.\-]+)?)*$`)
	netshPattern   = regexp.MustCompile(`netsh wins server (?:\S+ )+?endchar=[0-9a-f]{2}\b`)
	// plainCommand is what a command may hold to be offered for copying: no
	// character that a shell acts on.
	plainCommand = regexp.MustCompile(`^[\w .=*\\#~@+\-:\t]+$`)
)

// commands parts a remedy step into prose and commands. A command with a
// character that a shell may act on stays prose.
func commands(step string) []segment {
	if lmhostsPattern.MatchString(step) {
		return []segment{{Text: step, Command: true}}
	}
	var found [][]int
	for _, p := range []*regexp.Regexp{netshPattern, nbtstatPattern} {
		for _, m := range p.FindAllStringIndex(step, -1) {
			if plainCommand.MatchString(step[m[0]:m[1]]) {
				found = append(found, m)
			}
		}
	}
	slices.SortFunc(found, func(a, b []int) int { return a[0] - b[0] })
	var out []segment
	at := 0
	for _, m := range found {
		if m[0] < at {
			continue
		}
		// A command that the text quotes needs its quotes no more.
		from, to := m[0], m[1]
		if from > at && step[from-1] == '`' && to < len(step) && step[to] == '`' {
			from, to = from-1, to+1
		}
		if from > at {
			out = append(out, segment{Text: step[at:from]})
		}
		out = append(out, segment{Text: step[m[0]:m[1]], Command: true})
		at = to
	}
	if at < len(step) {
		out = append(out, segment{Text: step[at:]})
	}
	return out
}
