package report

import (
	"strconv"
	"unicode/utf8"
)

// This file is the only place where captured text is made harmless. There are
// two steps. appendEscaped removes what could act on whatever shows the text
// and is applied to every text when it enters a Value or a document. The
// other functions are each format's own quoting on top of it.

const hexDigits = "0123456789abcdef"

// appendEscaped appends s with everything that is not plainly visible replaced:
// control bytes, DEL and bytes that are not UTF-8 by \xNN; C1 controls,
// bidirectional marks, zero-width and other invisible characters by \u{N}.
// It is its own fixed point: escaped text passes unchanged, and a backslash
// stays a backslash, so where the difference matters use name_hex.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
			i++
			start = i
			continue
		}
		r, n := decodeRune(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
			n = 1
			start = i + n
		case !visible(r):
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u{`...)
			dst = strconv.AppendUint(dst, uint64(r), 16)
			dst = append(dst, '}')
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

func decodeRune[T string | []byte](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], s)])
}

// visible reports whether a non-ASCII character shows as itself and only
// there: strconv.IsPrint refuses controls, format characters (all bidi marks
// and most zero-width ones), odd blanks and separators; the rest are letters
// and marks by category that show as nothing.
func visible(r rune) bool {
	if !strconv.IsPrint(r) {
		return false
	}
	switch {
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r >= 0x180B && r <= 0x180F,
		r == 0x2800, r == 0x3164, r >= 0xFE00 && r <= 0xFE0F, r == 0xFFA0, r >= 0xE0100 && r <= 0xE01EF:
		return false
	}
	return true
}

// Escape returns s as appendEscaped makes it. Messages on standard error that
// name files or captured text use it too.
func Escape(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return string(appendEscaped(nil, s))
		}
	}
	return s
}

// appendJSONString appends s, which is escaped already, as a JSON string.
func appendJSONString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '"' && c != '\\' && c >= 0x20 {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch {
		case c >= 0x20:
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// guardMark stands before a character that a spreadsheet would take for the
// start of a formula, as a spreadsheet user types it.
const guardMark = '\''

// appendGuarded appends text for a spreadsheet cell: a guardMark goes before
// =, +, -, @ (and their full-width forms) at the start of the cell, and after
// a comma, a semicolon or a bar inside it, where a spreadsheet of another
// locale begins a new cell; blanks and quotes between do not matter. A lone
// "-", the name of standard input, cannot act and stays.
func appendGuarded(dst, s []byte) []byte {
	if len(s) == 1 && s[0] == '-' {
		return append(dst, s...)
	}
	atStart := true
	for i := 0; i < len(s); {
		c := s[i]
		n := 1
		switch c {
		case ' ', '"', guardMark:
		case ',', ';', '|':
			atStart = true
		case '=', '+', '-', '@':
			if atStart {
				dst = append(dst, guardMark)
			}
			atStart = false
		default:
			if c >= utf8.RuneSelf {
				var r rune
				r, n = utf8.DecodeRune(s[i:])
				if atStart && (r == '＝' || r == '＋' || r == '－' || r == '＠') {
					dst = append(dst, guardMark)
				}
			}
			atStart = false
		}
		dst = append(dst, s[i:i+n]...)
		i += n
	}
	return dst
}

// appendMarkdown appends s so that no Markdown renderer sees markup in it: a
// backslash before punctuation that could be one, entities for what HTML and
// automatic links (@user, www., http://) are made of.
func appendMarkdown[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\', '`', '*', '_', '[', ']', '|', '~', '$', '#', '!':
			dst = append(dst, '\\', c)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		case '@':
			dst = append(dst, "&#64;"...)
		case '.':
			if i >= 3 && (s[i-1]|0x20) == 'w' && (s[i-2]|0x20) == 'w' && (s[i-3]|0x20) == 'w' {
				dst = append(dst, "&#46;"...)
			} else {
				dst = append(dst, c)
			}
		case '/':
			if i >= 1 && s[i-1] == ':' {
				dst = append(dst, "&#47;"...)
			} else {
				dst = append(dst, c)
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendHTML appends s as HTML text or the value of a quoted attribute.
func appendHTML(dst, s []byte) []byte {
	for _, c := range s {
		switch c {
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		case '"':
			dst = append(dst, "&#34;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
