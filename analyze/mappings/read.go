package mappings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// parser turns the lines of one format into entries. A line is valid during
// the call; n is its number.
type parser interface {
	line(n int, line []byte)
	// finish is called after the last line.
	finish()
}

// Read reads a list of mappings and tells its format by its content. Name is
// what the list is called in List.Source and in errors. Lines that are not
// understood are in List.Problems, the rest is used. An error means that
// nothing could be used, or that r failed; in the latter case the list holds
// what came before.
func Read(name string, r io.Reader) (*List, error) {
	l, err := newLines(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// An error of Peek other than a short text shows again below.
	sample, _ := l.r.Peek(sampleSize)
	b := &builder{list: &List{Source: name, Format: detect(sample)}, textual: l.textual}
	if b.list.Format == "" {
		return nil, fmt.Errorf("%s is no list of WINS mappings that is known; known are %s", name, knownFormats)
	}
	p := b.parser(sample)
	for {
		line, long, err := l.next()
		if err != nil {
			p.finish()
			b.done()
			if !errors.Is(err, io.EOF) {
				return b.list, fmt.Errorf("%s, after line %d: %w", name, l.number, err)
			}
			break
		}
		if long {
			b.problem(l.number, fmt.Sprintf("the line has more than %d bytes", sampleSize), line)
			continue
		}
		p.line(l.number, line)
	}
	if len(b.list.Entries) == 0 {
		return b.list, b.unusable()
	}
	return b.list, nil
}

func (b *builder) unusable() error {
	l := b.list
	if len(l.Problems) > 0 {
		p := l.Problems[0]
		return fmt.Errorf("%s looks like %s but holds no usable mapping; line %d: %s; known formats are %s",
			l.Source, l.Format, p.Line, p.Reason, knownFormats)
	}
	return fmt.Errorf("%s looks like %s but holds no mapping; known formats are %s", l.Source, l.Format, knownFormats)
}

// parser makes the parser of the list's format; sample is the start of the text.
func (b *builder) parser(sample []byte) parser {
	switch b.list.Format {
	case LMHOSTS:
		return newLMHosts(b)
	case WINSDMP:
		return newWinsdmp(b, sample)
	case Netsh:
		return &netsh{b: b}
	case Console:
		return &console{b: b}
	case WinsDat:
		return &winsDat{b: b}
	default:
		return &ldif{b: b}
	}
}

// detect tells the format by the first lines that look like one. Each line is
// judged alone, so that banners and comments before it do not matter.
func detect(sample []byte) Format {
	comments := false
	for len(sample) > 0 {
		line := sample
		if i := bytes.IndexByte(sample, '\n'); i >= 0 {
			line, sample = sample[:i], sample[i+1:]
		} else {
			sample = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return ""
		}
		if f := detectLine(line); f != "" {
			return f
		}
		comments = comments || line[0] == '#'
	}
	if comments {
		return LMHOSTS // the sample that Windows ships has many before its first line
	}
	return ""
}

func detectLine(line []byte) Format {
	word, rest := field(line)
	switch {
	case string(word) == "VERSION":
		if n, _ := field(rest); len(n) > 0 && n[0] >= '0' && n[0] <= '9' {
			return WinsDat
		}
	case line[0] == '"' && winsDatRecord(line):
		return WinsDat
	case bytes.HasPrefix(line, []byte("dn:")), bytes.HasPrefix(line, []byte("# record ")), bytes.HasPrefix(line, []byte("version: ")):
		return LDIF
	case consoleHeader(line) != nil:
		return Console
	case netshCommand(line) != nil:
		return Netsh
	}
	if i := bytes.IndexByte(line, ','); i > 0 {
		if _, ok := parseIPv4(bytes.TrimSpace(line[:i])); ok {
			return WINSDMP
		}
	}
	if _, ok := parseIPv4(word); ok && len(bytes.TrimSpace(rest)) > 0 {
		return LMHOSTS
	}
	if _, _, _, ok := cutSuffix(line); ok && line[0] != '#' {
		return Netsh
	}
	return ""
}
