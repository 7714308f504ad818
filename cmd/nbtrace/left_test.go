package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/report"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/captures/corpus"
	"nbtrace/rules"
)

// TestLeftBehindIsCounted: what the readers leave behind is missed nowhere. The
// report is as if every frame had gone through the engine.
func TestLeftBehindIsCounted(t *testing.T) {
	dir := t.TempDir()
	var sets [][]string
	all, err := corpus.Captures()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		var set []string
		for _, path := range c.Files {
			b, err := corpus.FS.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, filepath.Base(path))
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			set = append(set, name)
		}
		sets = append(sets, set)
	}
	var several []string
	for i, kind := range capgen.Kinds {
		var b bytes.Buffer
		if _, err := capgen.Generate(&b, capgen.Config{Kind: kind, Messages: 500, Bytes: 4 << 20, NG: i%2 > 0, Seed: uint64(i)}); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, string(kind))
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		sets = append(sets, []string{name})
		several = append(several, name)
	}
	sets = append(sets, several)
	for name, b := range surrounded(t) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		sets = append(sets, []string{path}, []string{path, several[0]})
	}

	var left, decoded int64
	for _, paths := range sets {
		var docs [2]bytes.Buffer
		for i := range docs {
			a := &app{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, quiet: true}
			in, err := a.open(paths)
			if err != nil {
				t.Fatal(err)
			}
			engine := analyze.New(analyze.Options{Rules: rules.All()}, ends(&docs[i]))
			if i == 0 {
				err = feedFrames(in.merge, engine, new(atomic.Bool))
			} else {
				err = a.feed(in, engine, nil, new(atomic.Bool))
			}
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			result := engine.Finish()
			if i == 1 {
				left += in.merge.Left().Frames
				decoded += result.Wire.Frames
				if n := in.merge.Left().Frames + result.Wire.Frames; n != result.Summary.Packets {
					t.Errorf("%v: %d packets of %d", paths, result.Summary.Packets, n)
				}
			}
			result.Wire.Frames = 0
			doc := &report.Document{Inputs: in.infos(), Files: in.files, Result: result, Findings: result.Findings, Rules: rulesBySlug()}
			if err := doc.WriteJSON(&docs[i]); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&docs[i], "%+v\n%+v\n%+v\n", result.Wire, result.Names, result.Hosts)
			if err := in.merge.Close(); err != nil {
				t.Error(err)
			}
		}
		if !bytes.Equal(docs[0].Bytes(), docs[1].Bytes()) {
			t.Errorf("%v:\n%s\nwith all frames\n%s", paths, docs[1].Bytes(), docs[0].Bytes())
		}
	}
	if left < 10_000 || decoded < 10_000 {
		t.Errorf("%d frames left behind, %d decoded", left, decoded)
	}
}

// surrounded are messages with traffic of no use long before and long after
// them: it says when the capture began, and until when it would have seen
// answers.
func surrounded(t *testing.T) map[string][]byte {
	var out bytes.Buffer
	const start = int64(1_700_000_000_000_000_000)
	if _, err := capgen.Generate(&out, capgen.Config{Kind: capgen.KindNames, Messages: 41, Start: start}); err != nil {
		t.Fatal(err)
	}
	header, messages := out.Bytes()[:24], out.Bytes()[24:]
	frame := make([]byte, 60)
	frame[12], frame[13] = 0x08, 0x06 // ARP
	if !useless(captures.LinkEthernet, frame) {
		t.Fatal("the frame is of use")
	}
	hour := int64(time.Hour)
	before, after := capgen.AppendPcap(nil, start-hour, frame, 60), capgen.AppendPcap(nil, start+hour, frame, 60)
	files := map[string][]byte{
		"before": slices.Concat(header, before, before, messages),
		"after":  slices.Concat(header, messages, after, before),
		"around": slices.Concat(header, after, messages, before),
	}
	plain := resultOf(t, out.Bytes())
	for name, b := range files {
		if resultOf(t, b) == plain {
			t.Errorf("traffic %s the messages makes no difference", name)
		}
	}
	return files
}

// resultOf is a capture's report without what it says of the file and of the
// number of its packets.
func resultOf(t *testing.T, b []byte) string {
	r, err := captures.NewReader("x", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var doc bytes.Buffer
	engine := analyze.New(analyze.Options{Rules: rules.All()}, ends(&doc))
	if err := feedFrames(r, engine, new(atomic.Bool)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	result := engine.Finish()
	result.Wire.Frames, result.Summary.Packets = 0, 0
	if err := (&report.Document{Files: []string{"x"}, Result: result, Findings: result.Findings, Rules: rulesBySlug()}).WriteJSON(&doc); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s%+v\n", &doc, result.Names)
}

// ends writes down how each exchange ended, and when.
func ends(w io.Writer) analyze.Sink {
	return analyze.Sink{Exchange: func(x *exchange.Exchange) {
		fmt.Fprintln(w, x.Kind, x.Start, x.Outcome, x.Settled)
	}}
}
