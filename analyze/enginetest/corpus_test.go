package enginetest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
	"nbtrace/captures/corpus"
	"nbtrace/rules"
)

// large captures take part in the dear tests as samples only.
const large = 1000 // frames

// subject is a capture of the corpus, read into memory.
type subject struct {
	name   string
	frames []captures.Frame // merged, each with data of its own
	inputs int
}

func (s *subject) ethernet() bool {
	for i := range s.frames {
		if s.frames[i].Link != captures.LinkEthernet {
			return false
		}
	}
	return true
}

// subjects reads the corpus.
func subjects(t testing.TB) []subject {
	t.Helper()
	list, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	var out []subject
	for _, c := range list {
		s := subject{name: c.Folder + "/" + c.Name, inputs: len(c.Files)}
		var rs []*captures.Reader
		for _, f := range c.Files {
			b, err := fs.ReadFile(corpus.FS, f)
			if err != nil {
				t.Fatal(err)
			}
			r, err := captures.NewReader(f, bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			rs = append(rs, r)
		}
		m := captures.NewMerge(rs)
		for {
			var f captures.Frame
			err := m.Next(&f)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			f.Data = bytes.Clone(f.Data)
			s.frames = append(s.frames, f)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if len(out) < 100 {
		t.Fatalf("only %d captures", len(out))
	}
	return out
}

func engine(sink analyze.Sink) *analyze.Engine {
	return analyze.New(analyze.Options{Rules: rules.All()}, sink)
}

func run(frames []captures.Frame) *analyze.Result {
	e := engine(analyze.Sink{})
	for i := range frames {
		e.Feed(&frames[i])
	}
	return e.Finish()
}

// each calls f for every capture of the corpus, in a test of its own, and
// fails if it took fewer than least.
func each(t *testing.T, least int, suits func(*subject) bool, f func(t *testing.T, s *subject)) {
	n := 0
	list := subjects(t)
	for i := range list {
		s := &list[i]
		if suits != nil && !suits(s) {
			continue
		}
		n++
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
	if n < least {
		t.Errorf("only %d captures took part, want %d", n, least)
	}
}

// full writes everything of a result that users see of its findings, times
// relative to zero, frames as where says.
func full(r *analyze.Result, zero int64, where func(exchange.FrameRef) string) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s\n  title %s\n  times %d %d\n", key(f), f.Title, f.First-zero, f.Last-zero)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  %v %s: %s", e.For, e.Sign, e.Text)
			for _, ref := range e.Frames {
				fmt.Fprintf(&b, " %s/%s", where(ref), ref.Role)
			}
			b.WriteByte('\n')
		}
		for _, a := range f.Alternatives {
			fmt.Fprintf(&b, "  alternative %s %v %s\n", a.Rule, a.Excluded, a.Why)
		}
		fmt.Fprintf(&b, "  remedy %q\n", f.Remedy)
	}
	return b.String()
}

func plain(ref exchange.FrameRef) string { return fmt.Sprintf("%d:%d", ref.Input, ref.Frame) }

// key is what makes a finding this finding, and how it is graded.
func key(f *analyze.Finding) string {
	return fmt.Sprintf("%s %s %s %s host %v server %v count %d events %v", f.Severity, f.Rule, f.Verdict, nameOf(f), f.Host.Addresses, f.Server, f.Count, f.Events)
}

func nameOf(f *analyze.Finding) string {
	if !f.HasName {
		return "-"
	}
	return nbns.Name(f.Name).Display(f.Scope)
}

func keys(r *analyze.Result) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, key(f))
	}
	return strings.Join(out, "\n")
}

// same fails with the lines that only one of two texts has.
func same(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	only := func(a, b string, mark string) (out string) {
		have := map[string]bool{}
		for l := range strings.SplitSeq(b, "\n") {
			have[l] = true
		}
		for l := range strings.SplitSeq(a, "\n") {
			if !have[l] {
				out += mark + l + "\n"
			}
		}
		return out
	}
	diff := only(want, got, "- ") + only(got, want, "+ ")
	if diff == "" {
		diff = "(order alone)"
	}
	t.Errorf("the findings differ:\n%s", diff)
}
