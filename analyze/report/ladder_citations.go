package report

import (
	"cmp"
	"slices"
	"strings"

	"nbtrace/analyze"
)

// citation is a frame with all that the evidence says of it.
type citation struct {
	ref   analyze.FrameRef
	also  []framePlace // copies that other taps saw
	roles []string
	names []int // findings of the story that cite it for their own name
	first bool  // cited by a story's first piece of evidence
}

// gatherCitations lists the frames of the evidence, each once, by time.
func gatherCitations(s *story) []*citation {
	var cites []*citation
	index := map[framePlace]*citation{}
	first := true
	for i, f := range s.findings {
		for k := range f.Evidence {
			e := &f.Evidence[k]
			for _, ref := range e.Frames {
				p := framePlace{ref.Input, ref.Frame}
				c := index[p]
				if c == nil {
					c = &citation{ref: ref}
					index[p] = c
					cites = append(cites, c)
				}
				c.cite(ref)
				c.first = c.first || first && e.For
				// A frame that shows what the machine is, or what befell
				// another of its names, is not about this finding's name.
				if ref.Role != "multihomed" && !strings.HasPrefix(e.Sign, "sibling-") && !slices.Contains(c.names, i) {
					c.names = append(c.names, i)
				}
			}
			if e.For && len(e.Frames) > 0 {
				first = false
			}
		}
	}
	sortCitations(cites)
	return cites
}

// cite takes a further reference to the frame: the one that says most wins.
func (c *citation) cite(ref analyze.FrameRef) {
	if role := Escape(ref.Role); role != "" && !slices.Contains(c.roles, role) {
		c.roles = append(c.roles, role)
	}
	better := !c.ref.Src.IsValid() && ref.Src.IsValid() || !c.ref.Dst.IsValid() && ref.Dst.IsValid() ||
		c.ref.Dst.IsValid() == ref.Dst.IsValid() && (vague(c.ref.What) && !vague(ref.What) || len(ref.What) > len(c.ref.What) && !vague(ref.What))
	if better {
		c.ref = ref
	}
}

// vague reports whether the words for a frame tell less than others may.
func vague(what string) bool { return what == "" || what == "reply" || what == "answer" }

// sortCitations orders frames by time. One whose time is not known stands
// after the frame before it in its file.
func sortCitations(cites []*citation) {
	slices.SortFunc(cites, func(a, b *citation) int {
		return cmp.Or(cmp.Compare(a.ref.Input, b.ref.Input), cmp.Compare(a.ref.Frame, b.ref.Frame))
	})
	at := make(map[*citation]int64, len(cites))
	for i, c := range cites {
		at[c] = c.ref.Time
		if c.ref.Time == 0 && i > 0 && cites[i-1].ref.Input == c.ref.Input {
			at[c] = at[cites[i-1]]
		}
	}
	slices.SortStableFunc(cites, func(a, b *citation) int { return cmp.Compare(at[a], at[b]) })
}

// foldCopies makes one of what several inputs saw of one packet.
func foldCopies(cites []*citation) []*citation {
	var out []*citation
next:
	for _, c := range cites {
		for i := len(out) - 1; i >= 0 && out[i].ref.Time == c.ref.Time && c.ref.Time != 0; i-- {
			o := out[i]
			if o.ref.Input == c.ref.Input || o.ref.Src != c.ref.Src || o.ref.What != c.ref.What || o.ref.Dst != c.ref.Dst {
				continue
			}
			o.also = append(o.also, framePlace{c.ref.Input, c.ref.Frame})
			for _, r := range c.roles {
				if !slices.Contains(o.roles, r) {
					o.roles = append(o.roles, r)
				}
			}
			continue next
		}
		out = append(out, c)
	}
	return out
}
