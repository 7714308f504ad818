package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nbtrace/analyze/nbns"
	"nbtrace/captures"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nbtrace": main})
}

// TestScripts runs testdata/script. With NBTRACE_UPDATE=1 the golden outputs
// that scripts compare with are rewritten; look at the difference.
func TestScripts(t *testing.T) {
	corpus, err := filepath.Abs("../../captures/corpus")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("NBTRACE_UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("LAB", filepath.Join(corpus, "lab"))
			// The caller's settings must not change outputs.
			env.Setenv("COLUMNS", "80")
			env.Setenv("NO_COLOR", "")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    exits,
			"cut":      cut,
			"hostile":  hostileCapture,
			"nbns":     nbnsCapture,
			"harmless": harmless,
		},
	})
}

// exits runs a command and compares its exit code: exits 3 nbtrace analyze.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		code = exitCode(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// exitCode is the exit code of a command that failed, -1 if it did not exit.
func exitCode(err error) int {
	if e, ok := err.(interface{ ExitCode() int }); ok {
		return e.ExitCode()
	}
	return -1
}

// cut writes all but the last N bytes of a file to another: cut N FROM TO.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut N FROM TO")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[1]))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data[:len(data)-n], 0o644))
}

// hostileCapture writes a capture whose names and scopes try to act.
func hostileCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hostile TO")
	}
	var messages []*nbns.Message
	for i, n := range hostileNames {
		messages = append(messages, registration(uint16(i), nbns.MakeName(n.name, 0x20), n.scope))
	}
	ts.Check(writeCapture(ts.MkAbs(args[0]), messages))
}

var hostileNames = []struct{ name, scope string }{
	{"\x1b[31mRED\x07", ""}, {"<script>x", ""}, {"=1+1", ""}, {"+A", ""}, {"-A", ""}, {"@SUM(A1)", ""}, {"a|b`c`", ""}, {"\"q\",;=1", ""},
	{"\xe2\x80\xaeRLO", ""}, {"\xff\xff\xff\xff", ""}, {"a\nb\r\tc", ""}, {"\x00\x00", ""}, {"SCOPE", "\x1b[2J.\xe2\x80\xae"}, {"SCOPE2", "=1+1"}, {"\u0085", ""},
}

// nbnsCapture writes a capture of N registrations: nbns N TO.
func nbnsCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: nbns N TO")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	messages := make([]*nbns.Message, n)
	for i := range messages {
		messages[i] = registration(uint16(i), nbns.MakeName("H"+strconv.Itoa(i), 0), "")
	}
	ts.Check(writeCapture(ts.MkAbs(args[1]), messages))
}

func registration(id uint16, name nbns.Name, scope string) *nbns.Message {
	return &nbns.Message{TrnID: id, Flags: 0x2900, QDCount: 1, ARCount: 1,
		Questions: []nbns.Question{{Name: name, Scope: scope, Type: nbns.TypeNB, Class: nbns.ClassIN}},
		Records: []nbns.Record{{Section: nbns.Additional, Name: name, Scope: scope, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: 300,
			Addrs: []nbns.AddrEntry{{Flags: 0x6000, Addr: [4]byte{10, 0, 0, 1}}}}}}
}

// writeCapture writes messages as raw IPv4 packets, a second apart.
func writeCapture(path string, messages []*nbns.Message) error {
	var b bytes.Buffer
	w := captures.NewWriter(&b, captures.WriterOptions{})
	for i, m := range messages {
		payload, err := nbns.Append(nil, m)
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		packet := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 137, 0, 137, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(packet[2:], uint16(28+len(payload)))
		binary.BigEndian.PutUint16(packet[24:], uint16(8+len(payload)))
		packet = append(packet, payload...)
		err = w.Write(&captures.Frame{Number: int64(i + 1), Time: 1795500000e9 + int64(i)*1e9, Link: captures.LinkRaw, Length: len(packet), Data: packet})
		if err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// harmless checks that files hold no byte that acts on a terminal.
func harmless(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: harmless FILE...")
	}
	for _, name := range args {
		for _, r := range ts.ReadFile(name) {
			if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r == 0xfffd {
				ts.Fatalf("%s holds %U", name, r)
			}
		}
	}
}

// The scripts are the tests; an empty folder must not pass.
func TestThereAreScripts(t *testing.T) {
	list, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(list) < 10 {
		t.Fatalf("%d scripts, %v", len(list), err)
	}
	var all strings.Builder
	for _, f := range list {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for code := range 4 {
		if !strings.Contains(all.String(), fmt.Sprintf("exits %d nbtrace", code)) {
			t.Errorf("no script expects exit code %d", code)
		}
	}
}
