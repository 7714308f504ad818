package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"nbtrace/analyze/report"
)

// isTerminal reports whether what is written to w goes to a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth is the width of the terminal that w is, 0 if it is none.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// textWidth is the width for prose: the terminal's, else $COLUMNS, else 80.
func (a *app) textWidth(w io.Writer) int {
	if width := terminalWidth(w); width > 0 {
		return width
	}
	if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

// useColor decides on colours for output to w by --color.
func (a *app) useColor(choice string, w io.Writer) (bool, error) {
	switch choice {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb", nil
	}
	return false, usagef("%s", unknown("--color", choice, []string{"auto", "always", "never"}))
}

// textOptions are those of a text report to output, "-" for standard output.
func (a *app) textOptions(color, output string, ladder bool) (report.TextOptions, error) {
	var target io.Writer
	if output == "-" {
		target = a.stdout
	}
	paint, err := a.useColor(color, target)
	return report.TextOptions{Width: a.textWidth(target), Color: paint, Ladder: ladder, ASCII: target != nil && a.plainTerminal()}, err
}

// plainTerminal reports whether the locale says that the terminal knows no
// Unicode. Without any locale that is not assumed.
func (a *app) plainTerminal() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := a.getenv(name); v != "" {
			v = strings.ToLower(v)
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
