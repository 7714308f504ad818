package nbns

import (
	"errors"
	"fmt"
	"strings"
)

const hexDigits = "0123456789abcdef"

// MakeName makes a name of text, which is raw bytes, case kept (systems
// register names in upper case, and compare bytes), and suffix. Text is
// padded with blanks, "*" with NULs (RFC 1001 17.2, MS-NBTE 2.2.1); what is
// beyond 15 bytes is cut off.
func MakeName(text string, suffix byte) Name {
	var n Name
	if text != "*" {
		for i := range n[:15] {
			n[i] = ' '
		}
	}
	copy(n[:15], text)
	n[15] = suffix
	return n
}

// Suffix is the sixteenth byte: what kind of service the name is for.
func (n Name) Suffix() byte { return n[15] }

// unpadded is the length of the name without its padding.
func (n *Name) unpadded() int {
	if n.wildcard() {
		return 1
	}
	w := 15
	for w > 0 && n[w-1] == ' ' {
		w--
	}
	return w
}

func (n *Name) wildcard() bool { return *n == MakeName("*", n[15]) }

// Raw is the name without padding and suffix, byte for byte. It may hold any
// byte; Text is for show.
func (n Name) Raw() string { return string(n[:n.unpadded()]) }

// Text is the name without padding and suffix in printable ASCII: other
// bytes and the backslash are written \xNN, and so is a < that would read as
// a suffix. Padding is blanks, or NULs after the sole *; other NULs stay.
func (n Name) Text() string { return string(n.AppendText(nil)) }

// AppendText appends what Text returns to dst.
func (n Name) AppendText(dst []byte) []byte {
	s := n[:n.unpadded()]
	for i, c := range s {
		if _, ok := suffixAt(s[i:]); ok {
			dst = appendHexEscape(dst, c)
			continue
		}
		dst = appendEscaped(dst, c)
	}
	if len(s) == 1 && s[0] == '*' && !n.wildcard() {
		// The rest are blanks, which must not read as the wildcard.
		dst = appendHexEscape(dst, ' ')
	}
	return dst
}

// String is Text and the suffix in two hexadecimal digits: FILESRV<20>.
func (n Name) String() string { return n.Display("") }

// Display is String with the scope, if any, written like it: FILESRV<20>.scope.
func (n Name) Display(scope string) string { return string(n.AppendDisplay(nil, scope)) }

// AppendDisplay appends what Display returns to dst.
func (n Name) AppendDisplay(dst []byte, scope string) []byte {
	dst = n.AppendText(dst)
	dst = append(dst, '<', hexDigits[n[15]>>4], hexDigits[n[15]&15], '>')
	if scope == "" {
		return dst
	}
	dst = append(dst, '.')
	return AppendScope(dst, scope)
}

// AppendScope appends scope to dst in printable ASCII, other bytes and the
// backslash as \xNN.
func AppendScope(dst []byte, scope string) []byte {
	for i := range len(scope) {
		dst = appendEscaped(dst, scope[i])
	}
	return dst
}

// Hex is the 16 bytes in 32 lower-case hexadecimal digits.
func (n Name) Hex() string {
	var b [32]byte
	for i, c := range n {
		b[2*i], b[2*i+1] = hexDigits[c>>4], hexDigits[c&15]
	}
	return string(b[:])
}

func appendEscaped(dst []byte, c byte) []byte {
	if c < ' ' || c > '~' || c == '\\' {
		return appendHexEscape(dst, c)
	}
	return append(dst, c)
}

func appendHexEscape(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// ErrNoSuffix is wrapped by the error of ParseName for a text without a
// suffix, which could mean any of up to 256 names.
var ErrNoSuffix = errors.New("no suffix (write NAME<20> or NAME#20)")

// ParseName reads what Display writes, and FILESRV#20 or FILESRV#20.scope as
// Samba's tools write it; hexadecimal digits may be in upper case. The case
// of the name and of the scope is kept: WINS compares both byte by byte.
func ParseName(text string) (Name, string, error) {
	name, suffix, scope, ok := splitName(text)
	if !ok {
		return Name{}, "", fmt.Errorf("name %q: %w", text, ErrNoSuffix)
	}
	raw, err := unescape(name)
	if err != nil {
		return Name{}, "", fmt.Errorf("name %q: %w", text, err)
	}
	if len(raw) > 15 {
		return Name{}, "", fmt.Errorf("name %q: %d bytes, a NetBIOS name has at most 15", text, len(raw))
	}
	if scope != "" {
		if scope, err = unescape(scope[1:]); err == nil {
			err = checkScope(scope, false)
		}
		if err != nil {
			return Name{}, "", fmt.Errorf("name %q: scope: %w", text, err)
		}
	}
	return MakeName(raw, suffix), scope, nil
}

// splitName splits text into the name, its suffix, and the scope with a dot
// before it, or nothing. The first suffix in angle brackets counts, else the
// first with # that ends the text or has a dot behind.
func splitName(text string) (name string, suffix byte, scope string, ok bool) {
	for i := range len(text) {
		if c, ok := suffixAt(text[i:]); ok && endsName(text[i+4:]) {
			return text[:i], c, text[i+4:], true
		}
	}
	for i := range len(text) - 2 {
		if c, ok := hexByte(text[i+1:]); ok && text[i] == '#' && endsName(text[i+3:]) {
			return text[:i], c, text[i+3:], true
		}
	}
	return "", 0, "", false
}

func endsName(rest string) bool { return rest == "" || rest[0] == '.' }

// suffixAt reads a suffix in angle brackets at the start of s.
func suffixAt[T string | []byte](s T) (byte, bool) {
	if len(s) < 4 || s[0] != '<' || s[3] != '>' {
		return 0, false
	}
	return hexByte(s[1:])
}

// hexByte reads two hexadecimal digits at the start of s.
func hexByte[T string | []byte](s T) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, ok1 := hexDigit(s[0])
	lo, ok2 := hexDigit(s[1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if !strings.HasPrefix(s[i:], `\x`) {
			return "", errors.New(`a backslash must be written \x5c`)
		}
		c, ok := hexByte(s[i+2:])
		if !ok {
			return "", errors.New(`\x needs two hexadecimal digits`)
		}
		out = append(out, c)
		i += 3
	}
	return string(out), nil
}

// checkScope says why scope cannot be encoded, or with what Decode would
// find fault. empty allows the empty scope.
func checkScope(scope string, empty bool) error {
	if scope == "" && empty {
		return nil
	}
	if len(scope) > maxScope {
		return fmt.Errorf("%d bytes, at most %d can be", len(scope), maxScope)
	}
	labels := 0
	for label := range strings.SplitSeq(scope, ".") {
		if labels++; labels > maxScopeLabels {
			return fmt.Errorf("more than %d labels", maxScopeLabels)
		}
		if label == "" || len(label) > 63 {
			return fmt.Errorf("label of %d bytes, must be 1 to 63", len(label))
		}
	}
	return nil
}
