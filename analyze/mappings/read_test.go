package mappings

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"
)

// describe writes a list, a line an entry, problem and note.
func describe(l *List) string {
	var b strings.Builder
	for _, e := range l.Entries {
		fmt.Fprintf(&b, "%d %s %s", e.Line, e.Name.Display(e.Scope), e.Type)
		switch e.Static {
		case StaticYes:
			b.WriteString(" static")
		case StaticNo:
			b.WriteString(" dynamic")
		}
		if e.State != 0 {
			fmt.Fprintf(&b, " %s", e.State)
		}
		for _, a := range e.Addresses {
			fmt.Fprintf(&b, " %v", a)
		}
		if e.Owner.IsValid() {
			fmt.Fprintf(&b, " owner=%v", e.Owner)
		}
		if e.VersionID != 0 {
			fmt.Fprintf(&b, " version=%d", e.VersionID)
		}
		if e.Time != 0 {
			fmt.Fprintf(&b, " time=%s", time.Unix(0, e.Time).UTC().Format("2006-01-02T15:04:05"))
		}
		b.WriteByte('\n')
	}
	for _, p := range l.Problems {
		fmt.Fprintf(&b, "problem %d: %s: %q\n", p.Line, p.Reason, p.Text)
	}
	for _, n := range l.Notes {
		fmt.Fprintf(&b, "note %d: %s\n", n.Line, n.Reason)
		for _, c := range n.Correction {
			fmt.Fprintf(&b, "\t%s\n", c)
		}
	}
	return b.String()
}

type readTest struct {
	name   string
	format Format
	in     string
	want   string
}

func runReadTests(t *testing.T, tests []readTest) {
	t.Helper()
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			l, err := Read("list", strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if l.Source != "list" || l.Format != c.format {
				t.Errorf("source %q, format %q", l.Source, l.Format)
			}
			if got, want := describe(l), strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// encode16 writes a text as UTF-16.
func encode16(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

// A list says the same in every encoding, with every kind of line end.
func TestReadEncodings(t *testing.T) {
	const text = "Record Name\tType\tIP Address\tState\tStatic\tOwner\tVersion\tExpiration\n" +
		"FILESRV\t[20h] File Server\t10.0.0.5\tActive\tx\t10.0.0.1\t4A\tInfinite\n" +
		"M\u00dcLLER\t[20h] File Server\t10.0.0.6\tActive\t\t10.0.0.1\t4B\t1/1/2001\n" +
		"\U0001F600\t[20h] File Server\t10.0.0.7\tActive\t\t10.0.0.1\t4B\t1/1/2001\n" +
		"OFFICE\t[1Eh] Normal Group Name\t10.0.0.8\tActive\t\t10.0.0.1\t4C\t1/1/2001\n"
	want := "2 FILESRV<20> unique static 10.0.0.5 owner=10.0.0.1\n" +
		"5 OFFICE<1e> group dynamic 10.0.0.8 owner=10.0.0.1\n" +
		fmt.Sprintf("problem 3: %s: %q\n", nameCodePage, strings.Split(text, "\n")[2]) +
		fmt.Sprintf("problem 4: %s: %q\n", nameCodePage, strings.Split(text, "\n")[3])
	le, be := binary.LittleEndian, binary.BigEndian
	for name, in := range map[string]string{
		"UTF-8":                         text,
		"UTF-8 with mark":               "\ufeff" + text,
		"UTF-16LE with mark":            encode16("\ufeff"+text, le),
		"UTF-16BE with mark":            encode16("\ufeff"+text, be),
		"UTF-16LE":                      encode16(text, le),
		"UTF-16BE":                      encode16(text, be),
		"CR LF":                         strings.ReplaceAll(text, "\n", "\r\n"),
		"Ctrl-Z":                        text + "\x1a",
		"no last line end":              strings.TrimSuffix(text, "\n"),
		"UTF-16LE, odd byte at the end": encode16("\ufeff"+text, le) + "\x00",
	} {
		l, err := Read("list", iotest.OneByteReader(strings.NewReader(in)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := describe(l); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	// In an ANSI file the bytes are taken for the name's.
	l, err := Read("list", strings.NewReader(strings.ReplaceAll(text, "\u00dc", "\x9a")))
	if err != nil || len(l.Entries) != 3 || l.Entries[1].Name.Raw() != "M\x9aLLER" {
		t.Errorf("ANSI: %v, %v", l, err)
	}
}

func TestReadErrors(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "is no list of WINS mappings that is known"},
		{"prose", "Dear administrator,\nplease see below.\n", "known are LMHOSTS, WINSDMP"},
		{"a capture", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00", "is no list"},
		{"comments only", "# nothing here\n", "looks like LMHOSTS but holds no mapping; known formats are"},
		{"bad lines only", "10.0.0.1 \n10.0.0.2 NAME-THAT-IS-TOO-LONG\n", "looks like LMHOSTS but holds no usable mapping; line 1: has no name"},
		{"wins.dat without records", "VERSION 1 0\n", "looks like Samba wins.dat but holds no mapping"},
	} {
		if _, err := Read("list", strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "list") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := Read("list", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("unreadable: %v", err)
	}
	l, err := Read("list", iotest.DataErrReader(&failing{strings.NewReader("10.0.0.1 A\n10.0.0.2 B\n"), broken}))
	if !errors.Is(err, broken) || len(l.Entries) != 6 || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("cut off: %v, %v", l, err)
	}
}

// failing reads r, then fails.
type failing struct {
	r   *strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, f.err
	}
	return f.r.Read(p)
}

// A hostile list neither grows without bound nor hides what is good in it.
func TestReadBounds(t *testing.T) {
	var b strings.Builder
	for range 1500 {
		b.WriteString("10.0.0.256 " + strings.Repeat("x", 300) + "\n")
	}
	b.WriteString("10.0.0.5 " + strings.Repeat("y", sampleSize) + "\n10.0.0.5 FILESRV\n")
	l, err := Read("list", strings.NewReader("10.0.0.1 FIRST\n"+b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Problems) != maxProblems || l.Omitted != 501 || len(l.Entries) != 6 || l.Entries[3].Line != 1503 {
		t.Errorf("%d problems, %d omitted, %d entries", len(l.Problems), l.Omitted, len(l.Entries))
	}
	if n := len(l.Problems[0].Text); n != maxText {
		t.Errorf("text of %d bytes", n)
	}

	l, err = Read("list", strings.NewReader("10.0.0.5 FILESRV\n"+strings.Repeat("z", 3*sampleSize)+"\n"))
	if err != nil || len(l.Problems) != 1 || l.Problems[0].Line != 2 || l.Problems[0].Text != strings.Repeat("z", maxText) {
		t.Errorf("long line: %v, %v", err, l.Problems)
	}
}

// The files of real servers: testdata/README.md says how they came about.
func TestReadRealFiles(t *testing.T) {
	for _, c := range []struct {
		file   string
		format Format
	}{{"wins.dat", WinsDat}, {"wins.ldif", LDIF}} {
		f, err := os.Open("testdata/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l, err := Read(c.file, f)
		if err != nil {
			t.Fatal(err)
		}
		if l.Format != c.format || len(l.Problems) > 0 || len(l.Notes) > 0 {
			t.Errorf("%s: %s, %v, %v", c.file, l.Format, l.Problems, l.Notes)
		}
		want, err := os.ReadFile("testdata/" + c.file + ".want")
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(l); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.file, got, want)
		}
	}
}
