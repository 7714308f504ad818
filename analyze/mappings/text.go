package mappings

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"unicode/utf16"
	"unicode/utf8"

	"nbtrace/analyze/nbns"
)

// sampleSize is how much of a file is looked at to tell its format. It is also
// the longest line that is used.
const sampleSize = 64 << 10

// lines walks a text of any of the encodings that Windows writes.
type lines struct {
	r       *bufio.Reader
	textual bool // decoded from UTF-8 with BOM or from UTF-16
	number  int  // of the line that next returned, from 1
}

// newLines tells the encoding by its byte order mark, or UTF-16 without one by
// its NULs.
func newLines(r io.Reader) (*lines, error) {
	br := bufio.NewReaderSize(&stickyReader{r: r}, sampleSize)
	head, err := br.Peek(512)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	order, skip := utf16Order(head)
	switch {
	case order != nil:
		if _, err := br.Discard(skip); err != nil {
			return nil, err
		}
		return &lines{r: bufio.NewReaderSize(&utf16Reader{r: br, order: order}, sampleSize), textual: true}, nil
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		if _, err := br.Discard(3); err != nil {
			return nil, err
		}
		return &lines{r: br, textual: true}, nil
	}
	return &lines{r: br}, nil
}

// utf16Order tells UTF-16 and how long its byte order mark is.
func utf16Order(head []byte) (binary.ByteOrder, int) {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, 2
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return binary.BigEndian, 2
	}
	var nul [2]int
	for i, c := range head {
		if c == 0 {
			nul[i&1]++
		}
	}
	half := len(head) / 2
	switch {
	case half == 0:
	case nul[0] < (half+15)/16 && nul[1] > half*3/4:
		return binary.LittleEndian, 0
	case nul[1] < (half+15)/16 && nul[0] > half*3/4:
		return binary.BigEndian, 0
	}
	return nil, 0
}

// stickyReader repeats the error that ended r, which looking ahead forgets.
type stickyReader struct {
	r   io.Reader
	err error
}

func (s *stickyReader) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.err = err
	return n, err
}

// utf16Reader turns UTF-16 into UTF-8. An odd last byte is dropped.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	rest  []byte // encoded, not handed out yet
	buf   [utf8.UTFMax]byte
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	for n < len(p) && u.err == nil && len(u.rest) == 0 {
		c, err := u.unit()
		if err != nil {
			u.err = err
			break
		}
		if utf16.IsSurrogate(c) {
			c = u.pair(c)
		}
		e := u.buf[:utf8.EncodeRune(u.buf[:], c)]
		m := copy(p[n:], e)
		n += m
		u.rest = e[m:]
	}
	if n > 0 {
		return n, nil
	}
	return 0, u.err
}

func (u *utf16Reader) unit() (rune, error) {
	b, err := u.r.Peek(2)
	if len(b) < 2 {
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	c := rune(u.order.Uint16(b))
	_, err = u.r.Discard(2)
	return c, err
}

// pair completes a surrogate pair; a lone surrogate is the replacement character.
func (u *utf16Reader) pair(high rune) rune {
	b, err := u.r.Peek(2)
	if err != nil {
		return utf8.RuneError
	}
	c := utf16.DecodeRune(high, rune(u.order.Uint16(b)))
	if c != utf8.RuneError {
		if _, err := u.r.Discard(2); err != nil {
			return utf8.RuneError
		}
	}
	return c
}

// next returns the next line without its end, valid until the next call, or
// nil and the error that ended the text. A line that is too long comes cut,
// with long set.
func (l *lines) next() (line []byte, long bool, err error) {
	line, err = l.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		// The slice is overwritten by the next read: keep what is shown of it.
		if !long {
			line, long = bytes.Clone(line[:maxText]), true
		}
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, false, err
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if i := bytes.IndexByte(line, 0x1A); i >= 0 { // Ctrl-Z, the end of a DOS text
		line = line[:i]
	}
	return line, long, nil
}

// isSpace is a blank within a line.
func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// field cuts the first word off b.
func field(b []byte) (word, rest []byte) {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	n := 0
	for n < len(b) && !isSpace(b[n]) {
		n++
	}
	return b[:n], b[n:]
}

// parseIPv4 reads a dotted quad. Numbers with leading zeros are refused, as
// systems differ on whether they are octal.
func parseIPv4(b []byte) (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		n, digits := 0, 0
		for digits < len(b) && digits < 4 && b[digits] >= '0' && b[digits] <= '9' {
			n = n*10 + int(b[digits]-'0')
			digits++
		}
		if digits == 0 || n > 255 || digits > 1 && b[0] == '0' {
			return netip.Addr{}, false
		}
		a[i] = byte(n)
		b = b[digits:]
		if i < 3 {
			if len(b) == 0 || b[0] != '.' {
				return netip.Addr{}, false
			}
			b = b[1:]
		}
	}
	return netip.AddrFrom4(a), len(b) == 0
}

// parseHex reads one or two hexadecimal digits.
func parseHex(b []byte) (byte, bool) {
	if len(b) == 0 || len(b) > 2 {
		return 0, false
	}
	var v byte
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | (c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | ((c | 0x20) - 'a' + 10)
		default:
			return 0, false
		}
	}
	return v, true
}

// parseUint reads a decimal number.
func parseUint(b []byte) (uint64, bool) {
	var v uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || v > (1<<64-1-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, len(b) > 0
}

// Reasons why a text is no name.
const (
	nameEmpty    = "the name is empty"
	nameTooLong  = "the name has more than 15 bytes"
	nameCodePage = "the name has characters outside ASCII, and the file does not say which code page the server uses"
)

// name makes a name of text. It returns "" or why it cannot.
func (b *builder) name(text []byte, suffix byte) (nbns.Name, string) {
	var n nbns.Name
	switch {
	case len(text) == 0:
		return n, nameEmpty
	case !b.ownBytes(text):
		return n, nameCodePage
	case len(text) > 15:
		return n, nameTooLong
	}
	return padded(text, suffix), ""
}

// padded makes a name of at most 15 bytes and its suffix.
func padded(text []byte, suffix byte) nbns.Name {
	var n nbns.Name
	for i := copy(n[:15], text); i < 15; i++ {
		n[i] = ' '
	}
	n[15] = suffix
	return n
}

// ownBytes reports whether text is bytes of a name rather than Unicode text.
// Without a byte order mark only text that is valid UTF-8 beyond ASCII is
// taken for Unicode: names in an OEM code page hardly ever are.
func (b *builder) ownBytes(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return !b.textual && !utf8.Valid(text)
		}
	}
	return true
}

// upper makes ASCII letters upper case, in place.
func upper(b []byte) {
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}
