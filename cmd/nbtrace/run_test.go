package main

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestClosedPipeIsQuiet(t *testing.T) {
	const capture = "../../captures/corpus/lab/03c-static-unique-refuses-multihomed.pcap"
	for _, args := range [][]string{{"analyze", capture}, {"analyze", "--format", "json", capture}, {"export", "messages", capture},
		{"export", "messages", "--format", "csv", capture}, {"rules"}, {"version"}} {
		var stderr bytes.Buffer
		if code := run(args, strings.NewReader(""), closedPipe{}, &stderr); code != exitRead {
			t.Errorf("%q: exit code %d, want %d", args, code, exitRead)
		}
		if stderr.Len() > 0 {
			t.Errorf("%q: %s", args, stderr.String())
		}
	}
}

func TestExitCodesOnlyGetWorse(t *testing.T) {
	a := &app{}
	for _, c := range []struct{ code, want int }{{exitOK, 0}, {exitFinding, 1}, {exitRead, 2}, {exitFinding, 2}, {exitUsage, 3}, {exitRead, 3}} {
		if a.fail(c.code); a.code != c.want {
			t.Errorf("after %d: %d, want %d", c.code, a.code, c.want)
		}
	}
}

func TestMessagesAreEscaped(t *testing.T) {
	var stderr bytes.Buffer
	run([]string{"analyze", "\x1b[31mred\n\u202e.pcap"}, nil, nil, &stderr)
	if got := stderr.String(); strings.ContainsAny(strings.TrimSuffix(got, "\n"), "\x1b\u202e") {
		t.Errorf("got %q", got)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"messages", "exchanges", "names", "hosts", "mappings", "findings", "all"}
	for given, want := range map[string]string{
		"mesages": "messages", "message": "messages", "nmaes": "names", "host": "hosts", "MESSAGES": "messages", "map": "mappings", "zzz": "", "": "",
	} {
		if got := strings.Join(nearest(given, known), " "); got != want {
			t.Errorf("near %q: %q, want %q", given, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abcd", "abd", 1}, {"formt", "format", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		in   string
		end  bool
		want string
	}{
		{"2026-11-24T06:00:00.5+01:00", false, "2026-11-24T05:00:00.5Z"},
		{"2026-11-24 06:00:00", true, "2026-11-24T06:00:00Z"},
		{"2026-11-24T06:00", false, "2026-11-24T06:00:00Z"},
		{"2026-11-24 06:00", true, "2026-11-24T06:00:59.999999999Z"},
		{"2026-11-24", false, "2026-11-24T00:00:00Z"},
		{"2026-11-24", true, "2026-11-24T23:59:59.999999999Z"},
		{"0001-01-01", false, ""},
		{"24.11.2026", false, ""},
		{"", false, ""},
	} {
		ns, err := parseTime(c.in, c.end)
		got := ""
		if err == nil {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%q: %s, %v, want %s", c.in, got, err, c.want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for _, c := range []struct{ flag, output, want string }{
		{"", "-", "table"}, {"", "a.csv", "csv"}, {"", "a.CSV", "csv"}, {"", "a.md", "markdown"}, {"", "a.jsonl", "ndjson"}, {"", "a.txt", "table"},
		{"", "a.pcap", "table"}, {"tsv", "a.csv", "tsv"}, {"", "folder.d/a", "table"},
	} {
		if got, err := formatOf(c.flag, c.output, "table", formatNames()); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

// Every subcommand has an example, and every flag says what it does.
func TestHelpIsComplete(t *testing.T) {
	for _, c := range (&app{}).rootCommand().Commands() {
		if c.Name() != "version" && c.Name() != "help" && c.Name() != "completion" && c.Example == "" {
			t.Errorf("%s has no example", c.Name())
		}
		if c.Short == "" {
			t.Errorf("%s says nothing", c.Name())
		}
	}
	if !slices.Contains(tableNames(), "findings") || len(formatNames()) != 9 {
		t.Errorf("tables %q, formats %q", tableNames(), formatNames())
	}
}
