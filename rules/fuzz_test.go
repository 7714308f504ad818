package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/captures"
	"nbtrace/rules"
)

// FuzzEngine runs whole captures, however damaged, through the engine with all
// rules: nothing may panic, and no evidence may name a frame that is not there.
func FuzzEngine(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("..", "captures", "corpus", "scenarios", "*.pcap*"))
	if err != nil {
		f.Fatal(err)
	}
	lab, err := filepath.Glob(filepath.Join("..", "captures", "corpus", "lab", "*.pcap*"))
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for _, s := range append(seeds, lab...) {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 32<<10 {
			f.Add(data)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seed captures")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := captures.NewReader("fuzz", bytes.NewReader(data))
		if err != nil {
			return
		}
		defer r.Close()
		e := analyze.New(analyze.Options{Rules: rules.All()}, analyze.Sink{
			Message: func(*analyze.Message) {}, Exchange: func(*exchange.Exchange) {}, Finding: func(*analyze.Finding) {},
		})
		last := int64(0)
		var frame captures.Frame
		for r.Next(&frame) == nil {
			last = frame.Number
			e.Feed(&frame)
		}
		for _, found := range e.Finish().Findings {
			for _, ev := range found.Evidence {
				for _, ref := range ev.Frames {
					if ref.Frame < 1 || ref.Frame > last {
						t.Errorf("%s: evidence %s names frame %d of %d", found.Rule, ev.Sign, ref.Frame, last)
					}
				}
			}
		}
	})
}
