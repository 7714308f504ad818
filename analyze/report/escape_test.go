package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"FILESRV<20>", "FILESRV<20>"},
		{"", ""},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\x00\n\r\t\x7f", `a\x00\x0a\x0d\x09\x7f`},
		{"\xff\xfe", `\xff\xfe`},
		{"gr\xfc\u00dfe", `gr\xfcße`},
		{"a\u0085b", `a\u{85}b`},
		{"a\u202eb\u2066", `a\u{202e}b\u{2066}`},
		{"a\u200b\ufeff\u00ad", `a\u{200b}\u{feff}\u{ad}`},
		{"a\u2028b", `a\u{2028}b`},
		{"\u3164\u2800\U000e0041\ufe0f", `\u{3164}\u{2800}\u{e0041}\u{fe0f}`},
		{"é 名 e\u0301", "é 名 e\u0301"},
		{"\ufffd", "\ufffd"},
		{`back\slash \x1b`, `back\slash \x1b`},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestEscapedTextIsVisibleUTF8(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in string
		if rapid.Bool().Draw(t, "bytes") {
			in = string(rapid.SliceOf(rapid.Byte()).Draw(t, "in"))
		} else {
			in = hostile().Draw(t, "in")
		}
		got := Escape(in)
		if !utf8.ValidString(got) {
			t.Fatalf("%q: not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if again := Escape(got); again != got {
			t.Fatalf("Escape(%q) = %q, want it unchanged", got, again)
		}
	})
}

func TestJSONStringReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Escape(string(rapid.SliceOf(rapid.Byte()).Draw(t, "in")))
		var got string
		if err := json.Unmarshal(appendJSONString(nil, want), &got); err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

func TestTimesAreWrittenAsPackageTimeWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64().Draw(t, "ns")
		if got, want := string(appendTime(nil, ns)), time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z"); got != want {
			t.Fatalf("%d: got %s, want %s", ns, got, want)
		}
	})
}

func TestGuard(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"FILESRV", "FILESRV"},
		{"-", "-"},
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{" =1", " '=1"},
		{`"=1`, `"'=1`},
		{"＝1", "'＝1"},
		{"a=1", "a=1"},
		{"a;=1", "a;'=1"},
		{"a, @x", "a, '@x"},
		{"10.1.1.1;10.2.2.2", "10.1.1.1;10.2.2.2"},
		{"'=1", "''=1"},
	} {
		if got := string(appendGuarded(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q is guarded as %q, want %q", c.in, got, c.want)
		}
	}
}

func TestMarkdownEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"FILESRV<20>", "FILESRV&lt;20&gt;"},
		{"a|b`c`", "a\\|b\\`c\\`"},
		{"![x](y)", `\!\[x\](y)`},
		{"@user www.x.example http://x", "&#64;user www&#46;x.example http:&#47;/x"},
		{"a&b*_~$#", `a&amp;b\*\_\~\$\#`},
	} {
		if got := string(appendMarkdown(nil, c.in)); got != c.want {
			t.Errorf("%q is escaped as %q, want %q", c.in, got, c.want)
		}
	}
}

func TestHTMLEscape(t *testing.T) {
	got := string(appendHTML(nil, []byte(`<script>"'&`)))
	if want := "&lt;script&gt;&#34;&#39;&amp;"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// No format may carry a byte that acts, whatever the cells hold.
func TestHostileTextCannotAct(t *testing.T) {
	for _, table := range Tables() {
		for _, f := range []Format{FormatTable, FormatCSV, FormatTSV, FormatJSON, FormatNDJSON, FormatMarkdown, FormatHTML} {
			t.Run(table.Name+"/"+string(f), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					row := drawRow(rt, table.Columns)
					out := string(export(t, f, table.Name, table.Columns, [][]Value{row}, WriterOptions{}))
					for _, r := range out {
						if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == utf8.RuneError && !strings.Contains(out, "\ufffd") {
							rt.Fatalf("output holds %U:\n%s", r, out)
						}
					}
					if lines, want := strings.Count(out, "\n"), map[Format]int{FormatCSV: 2, FormatTSV: 2, FormatNDJSON: 1, FormatJSON: 3, FormatMarkdown: 3, FormatTable: 3}[f]; want != 0 && lines != want {
						rt.Fatalf("%d lines, want %d:\n%s", lines, want, out)
					}
					if f == FormatHTML && (strings.Contains(out, "<script") || strings.Count(out, "<td") != len(table.Columns)) {
						rt.Fatalf("markup in a cell:\n%s", out)
					}
				})
			})
		}
	}
}
