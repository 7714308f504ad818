package report

import (
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// textWidth is the number of terminal columns that s takes, measured as
// tablewriter measures it but without regard to the locale, so that the same
// input gives the same bytes everywhere.
func textWidth(s string) int {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return len(s)
	}
	return twwidth.WidthWithOptions(s, twwidth.Options{})
}

// wrap breaks s into lines of at most width columns, at blanks where it can,
// within a word where it must. width is at least 1.
func wrap(s string, width int) []string {
	width = max(width, 1)
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(s) {
		w := textWidth(word)
		if used > 0 && used+1+w > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		for w > width-used {
			head, tail := splitWidth(word, width-used)
			line.WriteString(head)
			lines = append(lines, line.String())
			line.Reset()
			used = 0
			word, w = tail, textWidth(tail)
		}
		line.WriteString(word)
		used += w
	}
	if used > 0 || len(lines) == 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// splitWidth splits s after as many characters as fit into width, at least one.
func splitWidth(s string, width int) (head, tail string) {
	used := 0
	for i, r := range s {
		w := textWidth(string(r))
		if used+w > width && i > 0 {
			return s[:i], s[i:]
		}
		used += w
	}
	return s, ""
}
