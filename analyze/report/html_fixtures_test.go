package report

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures"
	"nbtrace/rules"
)

// labCaptures are captures of the corpus with different stories to tell.
var labCaptures = []string{
	"03c-static-unique-refuses-multihomed.pcap", "04d-replicated-static-release-demands.pcap", "05-duplicate-owner-alive.pcap",
	"07-bnode-owner-defends.pcap", "12-spoofing-responder-and-forged-demand.pcap", "w1-windows-static-refuses-every-nic.pcap",
	"w9-windows-kb-story-client-side.pcapng",
}

func labPath(name string) string {
	return filepath.Join("..", "..", "captures", "corpus", "lab", name)
}

// analyzed runs captures through the engine with every rule.
func analyzed(t testing.TB, paths ...string) *Document {
	t.Helper()
	var readers []*captures.Reader
	d := &Document{Version: "1.2.3", Rules: map[string]*analyze.Rule{}}
	for _, p := range paths {
		r, err := captures.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
		d.Files = append(d.Files, filepath.Base(p))
	}
	m := captures.NewMerge(readers)
	defer m.Close()
	e := analyze.New(analyze.Options{Rules: rules.All()}, analyze.Sink{})
	var f captures.Frame
	for {
		err := m.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Feed(&f)
	}
	d.Result = e.Finish()
	d.Findings = d.Result.Findings
	d.Inputs = m.Infos()
	for _, r := range rules.All() {
		d.Rules[r.Slug] = r
	}
	return d
}
