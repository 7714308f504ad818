package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures"
	"nbtrace/rules"
)

// evidenceOf writes the evidence of captures to a file.
func evidenceOf(t testing.TB, d *Document, paths ...string) (string, *EvidenceCount) {
	t.Helper()
	e := &Evidence{Version: "1.2.3", Files: d.Files, Findings: d.Findings, Options: analyze.Options{Rules: rules.All()},
		Open: func() (captures.Source, func(), error) {
			var readers []*captures.Reader
			for _, p := range paths {
				r, err := captures.Open(p)
				if err != nil {
					return nil, nil, err
				}
				readers = append(readers, r)
			}
			m := captures.NewMerge(readers)
			return m, func() { m.Close() }, nil
		}}
	var b bytes.Buffer
	count, err := e.Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "evidence.pcapng")
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return out, count
}

// conclusions lists findings without what depends on frame numbers and counts.
func conclusions(findings []*analyze.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprint(findingLabel(f), " ", f.Verdict, " ", f.Server, " ", f.Host.Addresses))
	}
	slices.Sort(out)
	return out
}

func readFrames(t testing.TB, path string) []captures.Frame {
	t.Helper()
	r, err := captures.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []captures.Frame
	for {
		var f captures.Frame
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		f.Data = slices.Clone(f.Data)
		all = append(all, f)
	}
}

func TestEvidenceLeadsToTheSameFindings(t *testing.T) {
	for _, name := range labCaptures {
		t.Run(name, func(t *testing.T) {
			d := analyzed(t, labPath(name))
			path, count := evidenceOf(t, d, labPath(name))
			t.Logf("%+v of %d packets", *count, d.Result.Summary.Packets)
			if len(count.Differs) > 0 {
				t.Errorf("differs: %q", count.Differs)
			}
			if got, want := conclusions(analyzed(t, path).Findings), conclusions(d.Findings); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

var _ = exec.Command
