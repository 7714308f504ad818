package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// baselineSchema marks a baseline file.
const baselineSchema = "nbtrace-baseline/1"

// baseline is a file of known findings: those that somebody has looked at and
// wants to hear no more of. People may edit it, and say why in a comment.
type baseline struct {
	Schema   string         `json:"schema"`
	Findings []knownFinding `json:"findings"`
}

// knownFinding says which finding is meant. Verdict, times and counts are left
// out: a finding stays known when it happens again.
type knownFinding struct {
	Rule      string   `json:"rule"`
	Name      string   `json:"name,omitempty"` // as displayed, with its scope
	Server    string   `json:"server,omitempty"`
	Addresses []string `json:"addresses,omitempty"` // of the machine; one of them is enough
	Comment   string   `json:"comment,omitempty"`
}

// maxBaseline bounds what is read of a baseline file.
const maxBaseline = 64 << 20

func readBaseline(path string) (*baseline, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("--baseline: %w", err)
	}
	defer f.Close()
	b := &baseline{}
	d := json.NewDecoder(io.LimitReader(f, maxBaseline))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, usagef("--baseline: %s is not a baseline: %w; make one with --write-baseline", filepath.Base(path), err)
	}
	if b.Schema != baselineSchema {
		return nil, usagef("--baseline: %s has the schema %q, want %q; make one with --write-baseline", filepath.Base(path), b.Schema, baselineSchema)
	}
	return b, nil
}

// known is the entry that f would have in a baseline.
func known(f *analyze.Finding) knownFinding {
	k := knownFinding{Rule: f.Rule}
	if f.HasName {
		k.Name = nbns.Name(f.Name).Display(f.Scope)
	}
	if f.Server.IsValid() {
		k.Server = f.Server.String()
	}
	for _, a := range f.Host.Addresses {
		k.Addresses = append(k.Addresses, a.String())
	}
	return k
}

// has reports whether the baseline holds the finding. The machine may have
// gained or lost addresses since.
func (b *baseline) has(k knownFinding) bool {
	return slices.ContainsFunc(b.Findings, func(o knownFinding) bool {
		return o.Rule == k.Rule && o.Name == k.Name && o.Server == k.Server &&
			(len(o.Addresses) == 0 && len(k.Addresses) == 0 || slices.ContainsFunc(k.Addresses, func(a string) bool { return sameAddress(o.Addresses, a) }))
	})
}

// sameAddress looks for an address however it was written.
func sameAddress(list []string, a string) bool {
	want, err := netip.ParseAddr(a)
	return err == nil && slices.ContainsFunc(list, func(s string) bool {
		have, err := netip.ParseAddr(s)
		return err == nil && have == want
	})
}

// writeBaseline stores the findings as known.
func (a *app) writeBaseline(path string, inputs []string, findings []*analyze.Finding) error {
	out, err := a.openOutput(path, inputs)
	if err != nil {
		return err
	}
	defer out.abort()
	b := baseline{Schema: baselineSchema, Findings: []knownFinding{}}
	for _, f := range findings {
		b.Findings = append(b.Findings, known(f))
	}
	w := bufio.NewWriter(out)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	return out.commit()
}
