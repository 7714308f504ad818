package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"nbtrace/analyze/nbns"
)

// Error says where a scenario is wrong.
type Error struct {
	File         string
	Line, Column int // from 1; the column counts bytes
	Reason       string
}

// Error is FILE:LINE:COLUMN: REASON.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Reason)
}

// word is one word of a line.
type word struct {
	text   string
	column int
}

// words are the words of a line that are still to be read. The first thing
// wrong stops everything: readers go on with zero values.
type words struct {
	file  string
	line  int
	list  []word
	at    int
	end   int // column behind the line
	fault *Error
}

// split cuts a line into words: blanks part them, "…" holds blanks, # begins
// a comment where a word could begin.
func split(file string, line int, text string) (*words, error) {
	w := &words{file: file, line: line}
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '#':
			w.end = i + 1
			return w, nil
		case c == '"':
			n := strings.IndexByte(text[i+1:], '"')
			if n < 0 {
				return nil, &Error{file, line, i + 1, "the quotation has no end"}
			}
			w.list = append(w.list, word{text[i+1 : i+1+n], i + 1})
			i += n + 2
			if i < len(text) && text[i] == '<' { // "A B"<20>
				n := strings.IndexAny(text[i:]+" ", " \t")
				w.list[len(w.list)-1].text += text[i : i+n]
				i += n
			}
		default:
			n := strings.IndexAny(text[i:]+" ", " \t")
			w.list = append(w.list, word{text[i : i+n], i + 1})
			i += n
		}
	}
	w.end = len(text) + 1
	return w, nil
}

func (w *words) more() bool { return w.fault == nil && w.at < len(w.list) }

func (w *words) peek() string {
	if !w.more() {
		return ""
	}
	return w.list[w.at].text
}

// wrong notes what is wrong with the word read last.
func (w *words) wrong(format string, args ...any) {
	c := w.end
	if w.at > 0 && w.at <= len(w.list) {
		c = w.list[w.at-1].column
	}
	w.wrongAt(c, format, args...)
}

func (w *words) wrongAt(column int, format string, args ...any) {
	if w.fault == nil {
		w.fault = &Error{w.file, w.line, column, fmt.Sprintf(format, args...)}
	}
}

func (w *words) next(what string) string {
	if w.fault != nil {
		return ""
	}
	if w.at >= len(w.list) {
		w.wrongAt(w.end, "%s is missing", what)
		return ""
	}
	w.at++
	return w.list[w.at-1].text
}

// take reads the next word if it is this one.
func (w *words) take(text string) bool {
	if w.peek() != text || !w.more() {
		return false
	}
	w.at++
	return true
}

// must reads the next word, which must be this one.
func (w *words) must(text string) {
	if got := w.next(strconv.Quote(text)); w.fault == nil && got != text {
		w.wrong("%q must stand here, not %q", text, got)
	}
}

func (w *words) number(what string, most uint64) uint64 {
	t := w.next(what)
	if w.fault != nil {
		return 0
	}
	n, err := strconv.ParseUint(t, 0, 64)
	if err != nil || n > most {
		w.wrong("%s must be a number from 0 to %d, not %q", what, most, t)
	}
	return n
}

func (w *words) address(what string) netip.Addr {
	t := w.next(what)
	if w.fault != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(t)
	if err != nil || !a.Is4() {
		w.wrong("%s must be an IPv4 address, not %q", what, t)
	}
	return a
}

// isAddress reports whether the next word is an IPv4 address.
func (w *words) isAddress() bool {
	a, err := netip.ParseAddr(w.peek())
	return err == nil && a.Is4()
}

func (w *words) name() (nbns.Name, string) {
	t := w.next("a name")
	if w.fault != nil {
		return nbns.Name{}, ""
	}
	n, scope, err := nbns.ParseName(t)
	if err != nil {
		w.wrong("%v", err)
	}
	return n, scope
}

func (w *words) isName() bool {
	_, _, err := nbns.ParseName(w.peek())
	return w.more() && err == nil
}

// duration reads 1.5, 300ms, 2m or 6h; without a unit it is seconds.
func (w *words) duration(what string) time.Duration {
	t := w.next(what)
	if w.fault != nil {
		return 0
	}
	d, err := parseDuration(t)
	if err != nil {
		w.wrong("%s must be a duration, not %q", what, t)
	}
	return d
}

const maxDuration = 10 * 365 * 24 * time.Hour

func parseDuration(t string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(t, 64); err == nil {
		t += "s"
	}
	d, err := time.ParseDuration(t)
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", t, err)
	}
	if d > maxDuration || d < -maxDuration {
		return 0, fmt.Errorf("duration %q: beyond ten years", t)
	}
	return d, nil
}

func (w *words) hex(what string) []byte {
	t := w.next(what)
	if w.fault != nil {
		return nil
	}
	t = strings.NewReplacer(":", "", "_", "").Replace(t)
	b := make([]byte, 0, len(t)/2)
	for i := 0; i < len(t); i += 2 {
		c, err := strconv.ParseUint(t[i:min(i+2, len(t))], 16, 8)
		if err != nil || i+2 > len(t) {
			w.wrong("%s must be pairs of hexadecimal digits", what)
			return nil
		}
		b = append(b, byte(c))
	}
	return b
}

// done makes a left-over word an error, and returns what was wrong.
func (w *words) done() error {
	if w.fault == nil && w.at < len(w.list) {
		w.wrongAt(w.list[w.at].column, "%q does not belong here", w.list[w.at].text)
	}
	if w.fault != nil {
		return w.fault
	}
	return nil
}
