package report

import (
	"fmt"
	"slices"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
)

// widen gives each subject the context that its findings need, and says which
// are not the same even so.
func (b *evidenceBuilder) widen() ([]string, error) {
	for {
		differs, raise := b.compare(b.replay())
		if len(differs) == 0 {
			return nil, nil
		}
		raised, everything := false, false
		for _, i := range raise {
			s := &b.subjects[i]
			for s.level < levelAll {
				s.level++
				if !b.closed[s.level] {
					raised = true
					break
				}
			}
			everything = everything || s.level == levelAll && !b.closed[levelAll]
		}
		if !raised {
			return differs, nil
		}
		if everything && !b.all {
			if err := b.collect(true); err != nil {
				return nil, err
			}
		}
	}
}

// replay reads the evidence as it will be read from the file.
func (b *evidenceBuilder) replay() []*analyze.Finding {
	e := analyze.New(b.Options, analyze.Sink{})
	ifaces := map[sourceInterface]int{}
	number := int64(0)
	for i := range b.held {
		h := &b.held[i]
		if !b.needed(h) {
			continue
		}
		number++
		f := h.frame
		k := sourceInterface{f.Input, f.Interface, f.Link}
		id, ok := ifaces[k]
		if !ok {
			id = len(ifaces)
			ifaces[k] = id
		}
		f.Input, f.Interface, f.Number = 0, id, number
		e.Feed(&f)
	}
	findings := e.Finish().Findings
	if b.Reported != nil {
		findings = b.Reported(findings)
	}
	return findings
}

// sourceInterface is what becomes one interface of the written capture.
type sourceInterface struct {
	input, iface int
	link         captures.LinkType
}

// compare tells the findings of the evidence from those of the run: what
// differs in words, and the subjects that need more context.
func (b *evidenceBuilder) compare(got []*analyze.Finding) (differs []string, raise []int) {
	taken := make([]bool, len(got))
	add := func(i int) {
		if !slices.Contains(raise, i) {
			raise = append(raise, i)
		}
	}
	for i := range b.subjects {
		for _, want := range b.subjects[i].findings {
			k := slices.IndexFunc(got, func(g *analyze.Finding) bool { return sameFinding(want, g) })
			switch {
			case k < 0:
				differs = append(differs, fmt.Sprintf("%s: not found in the evidence alone", findingLabel(want)))
				add(i)
				continue
			case got[k].Verdict != want.Verdict:
				differs = append(differs, fmt.Sprintf("%s: %s, but %s by the evidence alone", findingLabel(want), want.Verdict, got[k].Verdict))
				add(i)
			}
			taken[k] = true
		}
	}
	for k, g := range got {
		if taken[k] {
			continue
		}
		differs = append(differs, fmt.Sprintf("%s: found in the evidence alone only", findingLabel(g)))
		owners := b.owners(g)
		for _, i := range owners {
			add(int(i))
		}
		if len(owners) == 0 {
			for i := range b.subjects {
				add(i)
			}
		}
	}
	return differs, raise
}

// owners are the subjects that a finding of the evidence alone may belong to:
// those of its name, else those of its machine or server.
func (b *evidenceBuilder) owners(f *analyze.Finding) []int32 {
	if named := b.byName[familyOf(f.Name, f.Scope)]; f.HasName && len(named) > 0 {
		return named
	}
	var owners []int32
	for _, a := range append(slices.Clone(f.Host.Addresses), f.Server) {
		owners = append(owners, b.byAddr[a]...)
	}
	return owners
}

// sameFinding reports whether two findings say the same of the same name and
// machine.
func sameFinding(a, b *analyze.Finding) bool {
	if a.Rule != b.Rule || a.HasName != b.HasName || a.Name != b.Name || a.Scope != b.Scope || a.Server != b.Server {
		return false
	}
	return sharesAddress(a.Host.Addresses, b.Host.Addresses)
}

// sharesAddress reports whether two machines have an address in common, or
// neither has any.
func sharesAddress[A comparable](a, b []A) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return slices.ContainsFunc(a, func(x A) bool { return slices.Contains(b, x) })
}

func findingLabel(f *analyze.Finding) string {
	label := Escape(f.Rule)
	if f.HasName {
		label += " of " + Escape(nbns.Name(f.Name).Display(f.Scope))
	}
	return label
}
