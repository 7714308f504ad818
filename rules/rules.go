// Package rules holds what nbtrace can diagnose: one file a fault, one value a
// rule. Rules that explain the same kind of event (a refused registration, a
// release demand, a conflict demand) form a family: the family weighs all
// explanations of one event, the best one becomes the finding, the others its
// alternatives.
package rules

import (
	"fmt"
	"slices"
	"strings"

	"nbtrace/analyze"
)

// All lists the rules, by name.
func All() []*analyze.Rule {
	rs := slices.Clone(all)
	slices.SortFunc(rs, func(a, b *analyze.Rule) int { return strings.Compare(a.Slug, b.Slug) })
	return rs
}

// ByName returns the rule with the slug, nil if there is none.
func ByName(slug string) *analyze.Rule {
	for _, r := range all {
		if r.Slug == slug {
			return r
		}
	}
	return nil
}

// Select picks rules by a list of slugs as --rules takes it: "a,b" only
// these, "-a,-b" all but these.
func Select(list string) ([]*analyze.Rule, error) {
	rs := All()
	if strings.TrimSpace(list) == "" {
		return rs, nil
	}
	var only, without []string
	for _, s := range strings.Split(list, ",") {
		s = strings.TrimSpace(s)
		name := strings.TrimPrefix(s, "-")
		if ByName(name) == nil {
			return nil, &UnknownError{Slug: name}
		}
		if name != s {
			without = append(without, name)
		} else {
			only = append(only, name)
		}
	}
	return slices.DeleteFunc(rs, func(r *analyze.Rule) bool {
		return len(only) > 0 && !slices.Contains(only, r.Slug) || slices.Contains(without, r.Slug)
	}), nil
}

// UnknownError says that no rule has the slug.
type UnknownError struct{ Slug string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("unknown rule %q: `nbtrace rules list` names them all", e.Slug)
}
