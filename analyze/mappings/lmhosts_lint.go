package mappings

import (
	"fmt"
	"slices"
	"strings"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
)

// lint looks for what the author will not have meant: static unique mappings
// of a host with several addresses (KB164016), and the #MH lines of KB110347
// that repeat an address.
func (p *lmhosts) lint() {
	for _, l := range p.hosts {
		multihomed := p.lists[listKey{l.name, winsrepl.Multihomed}]
		switch {
		case multihomed != nil:
			all := &addressList{name: l.name, given: l.given, addrs: slices.Clone(multihomed.addrs)}
			for _, a := range l.addrs {
				all.add(a)
			}
			p.b.note(l.line, fmt.Sprintf("%s has lines with #MH and lines without: the latter become static unique mappings, "+
				"which clash with the host's registrations", l.display()), all.lines(" #MH")...)
		case len(l.addrs) > 1:
			p.b.note(l.line, fmt.Sprintf("%s has %d addresses in lines without #MH: WINS makes a static unique mapping of each, "+
				"and a unique mapping clashes with the registrations of a multihomed host", l.display(), len(l.addrs)), l.lines(" #MH")...)
		case l.repeated:
			p.b.note(l.line, fmt.Sprintf("%s has the same line twice", l.display()), l.lines("")...)
		}
	}
	for _, l := range p.order {
		switch {
		case l.typ == winsrepl.Multihomed && !l.given && l.name[15] != hostSuffixes[0]:
			continue // one note for the three mappings of a host
		case l.typ == winsrepl.Multihomed && len(l.addrs) == 1:
			reason := "has one address with #MH: a multihomed mapping has to hold the address of every adapter"
			if l.repeated {
				reason = "has the same address in several lines with #MH: each line has to hold the address of another adapter"
			}
			p.b.note(l.line, l.display()+" "+reason)
		case l.typ == winsrepl.Multihomed && l.repeated:
			p.b.note(l.line, l.display()+" has an address twice in its lines with #MH: each line has to hold the address of another adapter",
				l.lines(" #MH")...)
		case len(l.addrs) > memberLimit:
			p.b.note(l.line, fmt.Sprintf("%s has %d addresses; WINS keeps %d", l.display(), len(l.addrs), memberLimit))
		}
	}
	slices.SortStableFunc(p.b.list.Notes, func(a, b Note) int { return a.Line - b.Line })
}

// display is the host's name for a note.
func (l *addressList) display() string {
	if l.given || l.typ == winsrepl.SpecialGroup {
		return l.name.String()
	}
	return l.name.Text()
}

// lines writes the list as LMHOSTS lines with the tag.
func (l *addressList) lines(tag string) []string {
	name := quoted(l.name)
	if !l.given {
		name = plainName(l.name)
	}
	all := make([]string, len(l.addrs))
	for i, a := range l.addrs {
		all[i] = fmt.Sprintf("%-15s %s%s%s", a, name, l.tags, tag)
	}
	return all
}

// quoted writes a name with its suffix as LMHOSTS has it.
func quoted(n nbns.Name) string { return fmt.Sprintf(`"%s\0x%02x"`, n[:15], n[15]) }

// plainName writes a name without suffix, in quotes if it holds a blank.
func plainName(n nbns.Name) string {
	s := strings.TrimRight(string(n[:15]), " ")
	if strings.ContainsAny(s, " \t#") {
		return `"` + s + `"`
	}
	return s
}
