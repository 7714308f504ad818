package report

import (
	"net/netip"
	"strings"
)

// Criteria choose rows of a table. The zero value takes all.
type Criteria struct {
	// Name is a pattern for displayed names: * stands for any characters, ?
	// for one. It matches without regard to case, as people write names. A
	// pattern without a suffix (FILESRV) takes every suffix and scope.
	Name string
	// Host takes rows that any address in it appears in.
	Host netip.Prefix
	// Since and Until, ns, take rows whose time, or part of whose period, is
	// within; rows of unknown time are taken. Nil: no limit.
	Since, Until *int64
}

// Timed reports whether the rows of t have a time that Since and Until can
// apply to.
func (t *Table) Timed() bool { return t.span != nil }

// Match reports whether the row of table t is taken.
func (c *Criteria) Match(t *Table, r *Row) bool {
	if (c.Since != nil || c.Until != nil) && t.span != nil {
		from, until, ok := t.span(r)
		if ok && (c.Since != nil && until < *c.Since || c.Until != nil && from > *c.Until) {
			return false
		}
	}
	if c.Host.IsValid() && !t.addrs(r, func(a netip.Addr) bool { return c.Host.Contains(a.WithZone("")) }) {
		return false
	}
	return c.Name == "" || t.names(r, func(name string) bool { return matchName(c.Name, name) })
}

// matchName matches a displayed name, NAME<20> or NAME<20>.scope.
func matchName(pattern, name string) bool {
	pattern, name = strings.ToUpper(pattern), strings.ToUpper(name)
	if glob(pattern, name) {
		return true
	}
	if strings.Contains(pattern, "<") {
		end := suffixEnd(name)
		return glob(pattern, name[:end])
	}
	return glob(pattern, name[:max(suffixEnd(name)-len("<20>"), 0)])
}

// suffixEnd is the index after the suffix in a displayed name. A name shows a
// "<" of its own as \x3c where it would read as a suffix.
func suffixEnd(name string) int {
	for i := 0; i+4 <= len(name); i++ {
		if name[i] == '<' && name[i+3] == '>' {
			return i + 4
		}
	}
	return len(name)
}

// glob matches bytes, * and ?. It goes back to the last * only, so it takes
// at most len(pattern) x len(s) steps.
func glob(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
