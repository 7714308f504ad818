package nbns

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func raw(s string) Name { return Name([]byte(s)) }

func TestNameText(t *testing.T) {
	tests := []struct {
		name          string
		in            Name
		scope         string
		raw, text     string
		display, hex  string
		displayScoped string
	}{
		{"padded", MakeName("FILESRV", 0x20), "plant.example", "FILESRV", "FILESRV", "FILESRV<20>",
			"46494c4553525620202020202020202020"[:30] + "20", "FILESRV<20>.plant.example"},
		{"15 bytes", MakeName("ABCDEFGHIJKLMNO", 0x1C), "", "ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO<1c>", "4142434445464748494a4b4c4d4e4f1c", "ABCDEFGHIJKLMNO<1c>"},
		{"wildcard", MakeName("*", 0), "", "*", "*", "*<00>", "2a000000000000000000000000000000", "*<00>"},
		{"* and blanks is no wildcard", raw("*              \x00"), "", "*", `*\x20`, `*\x20<00>`, "2a202020202020202020202020202000", `*\x20<00>`},
		{"* and other NULs", raw("*\x00\x00           \x00\x00"), "", "*\x00\x00           \x00", `*\x00\x00           \x00`, `*\x00\x00           \x00<00>`,
			"2a000020202020202020202020200000", `*\x00\x00           \x00<00>`},
		{"NUL padding stays", raw("SRV\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20"), "", "SRV" + strings.Repeat("\x00", 12),
			"SRV" + strings.Repeat(`\x00`, 12), "SRV" + strings.Repeat(`\x00`, 12) + "<20>", "53525600000000000000000000000020", "SRV" + strings.Repeat(`\x00`, 12) + "<20>"},
		{"master browser", MakeName("\x01\x02__MSBROWSE__\x02", 1), "", "\x01\x02__MSBROWSE__\x02", `\x01\x02__MSBROWSE__\x02`, `\x01\x02__MSBROWSE__\x02<01>`, "01025f5f4d5342524f5753455f5f0201", `\x01\x02__MSBROWSE__\x02<01>`},
		{"inner and leading blanks", MakeName("  A B", 3), "", "  A B", "  A B", "  A B<03>", "20204120422020202020202020202003", "  A B<03>"},
		{"blank", MakeName("", 0), "", "", "", "<00>", "20202020202020202020202020202000", "<00>"},
		{"backslash, escape sequence, DEL, non-ASCII", MakeName("A\\\x1b[31m\x7f\xe9", 0xFF), "s\\\n\u202e", "A\\\x1b[31m\x7f\xe9", `A\x5c\x1b[31m\x7f\xe9`,
			`A\x5c\x1b[31m\x7f\xe9<ff>`, "415c1b5b33316d7fe9202020202020ff", `A\x5c\x1b[31m\x7f\xe9<ff>.s\x5c\x0a\xe2\x80\xae`},
		{"what reads as a suffix", MakeName("A<20>B<3x>", 0x20), "c<20>", "A<20>B<3x>", `A\x3c20>B<3x>`, `A\x3c20>B<3x><20>`, "413c32303e423c33783e202020202020"[:30] + "20", `A\x3c20>B<3x><20>.c<20>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []struct{ what, got, want string }{
				{"Raw", tt.in.Raw(), tt.raw},
				{"Text", tt.in.Text(), tt.text},
				{"AppendText", string(tt.in.AppendText([]byte("x"))), "x" + tt.text},
				{"String", tt.in.String(), tt.display},
				{"Hex", tt.in.Hex(), tt.hex},
				{"Display", tt.in.Display(tt.scope), tt.displayScoped},
				{"AppendDisplay", string(tt.in.AppendDisplay([]byte("x"), tt.scope)), "x" + tt.displayScoped},
			} {
				if c.got != c.want {
					t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
				}
			}
			n, scope, err := ParseName(tt.displayScoped)
			if n != tt.in || scope != tt.scope || err != nil {
				t.Errorf("ParseName(%q): %v, %q, %v", tt.displayScoped, n.Hex(), scope, err)
			}
		})
	}
}

func TestMakeName(t *testing.T) {
	if got, want := MakeName("ABCDEFGHIJKLMNOPQ", 0x20), raw("ABCDEFGHIJKLMNO\x20"); got != want {
		t.Errorf("17 bytes: %q, want %q", got, want)
	}
	if got := MakeName("FILESRV", 0x1B).Suffix(); got != 0x1B {
		t.Errorf("suffix %#x", got)
	}
	if got, want := MakeName("*", 0x20), raw("*\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20"); got != want {
		t.Errorf("wildcard: %q, want %q", got, want)
	}
}

func TestParseName(t *testing.T) {
	tests := []struct {
		in    string
		want  Name
		scope string
	}{
		{"filesrv<20>", MakeName("filesrv", 0x20), ""},
		{"FILESRV#20", MakeName("FILESRV", 0x20), ""},
		{"FILESRV#1C.scope", MakeName("FILESRV", 0x1C), "scope"},
		{"FILESRV<1C>.a.b", MakeName("FILESRV", 0x1C), "a.b"},
		{"A.B<00>", MakeName("A.B", 0), ""},
		{"A#1<00>", MakeName("A#1", 0), ""},
		{"A#20<00>", MakeName("A#20", 0), ""},
		{"A#20.x<00>", MakeName("A#20.x", 0), ""},
		{"A<20>x<00>", MakeName("A<20>x", 0), ""},
		{"<<<20>", MakeName("<<", 0x20), ""},
		{"#20", MakeName("", 0x20), ""},
		{"*<00>", MakeName("*", 0), ""},
		{`\x2A<00>`, MakeName("*", 0), ""},
		{`a\x2eb<00>.c\x5c`, MakeName("a.b", 0), `c\`},
	}
	for _, tt := range tests {
		n, scope, err := ParseName(tt.in)
		if n != tt.want || scope != tt.scope || err != nil {
			t.Errorf("ParseName(%q): %v, %q, %v", tt.in, n.Hex(), scope, err)
		}
	}
}

func TestParseNameErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "no suffix"},
		{"FILESRV", "no suffix"},
		{"FILESRV<2>", "no suffix"},
		{"FILESRV<2g>", "no suffix"},
		{"FILESRV#2", "no suffix"},
		{"FILESRV<20>x", "no suffix"},
		{"FILESRV#201", "no suffix"},
		{"ABCDEFGHIJKLMNOP<20>", "16 bytes"},
		{`A\<20>`, `\x5c`},
		{`A\x4<20>`, "two hexadecimal digits"},
		{"A<20>.", "label of 0 bytes"},
		{"A<20>.a..b", "label of 0 bytes"},
		{"A<20>." + strings.Repeat("a", 64), "label of 64 bytes"},
		{"A<20>." + strings.Repeat("a.", 10) + "a", "more than 10 labels"},
		{"A<20>." + strings.Repeat(strings.Repeat("a", 63)+".", 4) + "a", "257 bytes"},
	}
	for _, tt := range tests {
		_, _, err := ParseName(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseName(%q): error %v, want one with %q", tt.in, err, tt.want)
		}
		if got := errors.Is(err, ErrNoSuffix); got != (tt.want == "no suffix") {
			t.Errorf("ParseName(%q): is ErrNoSuffix: %v", tt.in, got)
		}
	}
}

// anyName makes bytes that matter to the text form likely.
func anyName() *rapid.Generator[Name] {
	special := rapid.SampledFrom([]byte("*\x00 <>\\#.20xAc"))
	return rapid.Custom(func(t *rapid.T) Name {
		b := rapid.SliceOfN(rapid.OneOf(special, rapid.Byte()), 16, 16).Draw(t, "bytes")
		if pad := rapid.IntRange(0, 15).Draw(t, "padded from"); pad < 15 {
			fill := rapid.SampledFrom([]byte(" \x00")).Draw(t, "padding")
			for i := pad; i < 15; i++ {
				b[i] = fill
			}
		}
		return Name(b)
	})
}

// anyScope makes scopes that can be encoded.
func anyScope() *rapid.Generator[string] {
	label := rapid.Custom(func(t *rapid.T) string {
		b := rapid.SliceOfN(rapid.Byte(), 1, 24).Draw(t, "label")
		for i := range b {
			if b[i] == '.' {
				b[i] = '-'
			}
		}
		return string(b)
	})
	return rapid.Map(rapid.SliceOfN(label, 0, maxScopeLabels), func(l []string) string { return strings.Join(l, ".") })
}

func TestDisplayParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, scope := anyName().Draw(t, "name"), anyScope().Draw(t, "scope")
		text := n.Display(scope)
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q holds byte %#x", text, c)
			}
		}
		gotName, gotScope, err := ParseName(text)
		if gotName != n || gotScope != scope || err != nil {
			t.Fatalf("ParseName(%q): %v, %q, %v; displayed was %v, %q", text, gotName.Hex(), gotScope, err, n.Hex(), scope)
		}
	})
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"FILESRV<20>", "FILESRV#1c.scope", `*\x20<00>.a.b`, `\x01\x02__MSBROWSE__\x02<01>`, "*<00>", "A<20>.", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, scope, err := ParseName(s)
		if err != nil {
			return
		}
		text := n.Display(scope)
		n2, scope2, err := ParseName(text)
		if n2 != n || scope2 != scope || err != nil {
			t.Errorf("%q is %v, %q; displayed %q, which is %v, %q, %v", s, n.Hex(), scope, text, n2.Hex(), scope2, err)
		}
	})
}

func TestSuffixText(t *testing.T) {
	tests := []struct {
		suffix byte
		group  bool
		want   string
	}{
		{0x00, false, "workstation"}, {0x00, true, "domain or workgroup"},
		{0x01, true, "master browser"}, {0x03, false, "messenger"}, {0x03, true, "messenger"},
		{0x1B, false, "domain master browser"}, {0x1C, true, "domain controllers"}, {0x1C, false, "domain controllers"},
		{0x1D, false, "master browser"}, {0x1E, true, "browser elections"}, {0x20, false, "file server"},
		{0x20, true, "file server"}, {0x99, false, ""}, {0x99, true, ""},
	}
	for _, tt := range tests {
		if got := SuffixText(tt.suffix, tt.group); got != tt.want {
			t.Errorf("SuffixText(%02x, %v): %q, want %q", tt.suffix, tt.group, got, tt.want)
		}
	}
}
