package mappings

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
)

// Suffixes of the mappings that an LMHOSTS line becomes in WINS (MS-NBTE
// 2.2.3, KB163524). What a line with #SG becomes is not documented; <20> is
// what the WINS console gives a group that a user defines.
var hostSuffixes = [...]byte{0x00, 0x03, 0x20}

const (
	domainSuffix  = 0x1C
	specialSuffix = 0x20
	// memberLimit is how many addresses WINS keeps of a name.
	memberLimit = 25
)

// lmhosts reads an LMHOSTS file as the WINS command Import Mappings does: a
// plain line is a static unique mapping of <00>, <03> and <20>; the lines of
// one name with #MH are one static multihomed mapping; #DOM puts the address
// into the domain's <1C> group, #SG into a special group. It also reads
// Samba's NAME#20.
type lmhosts struct {
	b     *builder
	lists map[listKey]*addressList // multihomed names and groups
	order []*addressList
	plain map[hostKey]*addressList // plain lines, to find what should be #MH
	hosts []*addressList
}

type listKey struct {
	name nbns.Name
	typ  winsrepl.RecordType
}

// hostKey is a name without suffix, or with one that the file gives.
type hostKey struct {
	name  nbns.Name
	given bool // name[15] is from the file
}

// addressList gathers the lines of one name.
type addressList struct {
	name     nbns.Name
	given    bool
	typ      winsrepl.RecordType
	line     int
	addrs    []netip.Addr
	repeated bool   // an address stood there twice
	tags     string // what the lines need behind the name, beside #MH
}

func newLMHosts(b *builder) *lmhosts {
	return &lmhosts{b: b, lists: map[listKey]*addressList{}, plain: map[hostKey]*addressList{}}
}

// lmTags are the tags of a line of a host.
type lmTags struct {
	pre, multihomed, special bool
	domain                   []byte
	hasDomain                bool
}

func (p *lmhosts) line(n int, line []byte) {
	trimmed := bytes.TrimLeft(line, " \t")
	if len(trimmed) == 0 {
		return
	}
	if trimmed[0] == '#' {
		p.directive(n, trimmed)
		return
	}
	word, rest := field(trimmed)
	addr, ok := parseIPv4(word)
	if !ok {
		p.b.problem(n, "does not start with an IPv4 address", line)
		return
	}
	rest = bytes.TrimLeft(rest, " \t")
	h, reason := p.hostName(rest)
	if reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	if h.short {
		p.b.note(n, "the quoted name is not padded to 15 characters: Windows takes the byte behind it for a part of the name",
			fmt.Sprintf("%-15s %s", addr, quoted(h.name)))
	}
	t := p.tags(n, h.rest)
	if !addr.IsGlobalUnicast() {
		p.b.note(n, fmt.Sprintf("%s is no address of a host", addr))
	}
	p.host(n, line, addr, h, t)
}

// directive takes a line that starts with #: a comment, or one of those that
// Import Mappings would follow and nbtrace does not.
func (p *lmhosts) directive(n int, line []byte) {
	word, _ := field(line)
	switch string(word) {
	case "#INCLUDE":
		p.b.problem(n, "the file that #INCLUDE names is not read: give it as a list of its own", line)
	case "#BEGIN_ALTERNATE", "#END_ALTERNATE", "#BEGIN_INCLUDE", "#END_INCLUDE":
		p.b.problem(n, string(word)+" is not followed: give the files that the block names as lists of their own", line)
	}
}

// lmHost is the name field of a line.
type lmHost struct {
	name  nbns.Name
	given bool   // the suffix is from the file
	short bool   // quoted, with a suffix, but not padded
	rest  []byte // of the line
}

// hostName reads NAME, "NAME           \0xNN" or Samba's NAME#xx.
func (p *lmhosts) hostName(b []byte) (h lmHost, reason string) {
	if len(b) == 0 {
		return h, "has no name"
	}
	var text []byte
	var suffix byte
	if b[0] == '"' {
		text, suffix, reason = h.readQuoted(b)
	} else {
		text, suffix = h.readPlain(b)
	}
	if reason != "" {
		return h, reason
	}
	text = bytes.Clone(text)
	upper(text)
	h.name, reason = p.b.name(text, suffix)
	return h, reason
}

// readQuoted reads a name in quotes. Its suffix stands behind \0x, or is its
// sixteenth byte as it is.
func (h *lmHost) readQuoted(b []byte) (text []byte, suffix byte, reason string) {
	end := bytes.IndexByte(b[1:], '"')
	if end < 0 {
		return nil, 0, "the quoted name does not end"
	}
	text, h.rest = b[1:1+end], b[end+2:]
	switch i := bytes.LastIndex(text, []byte(`\0x`)); {
	case i >= 0:
		var ok bool
		if suffix, ok = parseHex(text[i+3:]); !ok {
			return nil, 0, `\0x is not followed by two hexadecimal digits`
		}
		h.given, h.short = true, i < 15
		text = text[:i]
	case len(text) == 16:
		h.given, suffix, text = true, text[15], text[:15]
	}
	return text, suffix, ""
}

// readPlain reads a name that ends at a blank or a #.
func (h *lmHost) readPlain(b []byte) (text []byte, suffix byte) {
	text, h.rest = field(b)
	i := bytes.IndexByte(text, '#')
	if i < 0 {
		return text, 0
	}
	if v, ok := parseHex(text[i+1:]); ok && len(text) == i+3 {
		h.given, suffix = true, v
	} else {
		h.rest = b[i:] // a tag or a comment without a blank before it
	}
	return text[:i], suffix
}

// tags reads what stands behind the name. The first # that is no tag starts a
// comment.
func (p *lmhosts) tags(n int, b []byte) (t lmTags) {
	for {
		i := bytes.IndexByte(b, '#')
		if i < 0 {
			return t
		}
		b = b[i:]
		end := 1
		for end < len(b) && b[end] != '#' && !isSpace(b[end]) {
			end++
		}
		word := b[:end]
		switch {
		case string(word) == "#PRE":
			t.pre = true
		case string(word) == "#MH":
			t.multihomed = true
		case string(word) == "#SG":
			t.special = true
		case string(word) == "#NOFNR":
		case bytes.HasPrefix(word, []byte("#DOM:")):
			t.domain, t.hasDomain = bytes.Clone(word[5:]), true
		default:
			up := strings.ToUpper(string(word))
			if up != string(word) && (up == "#PRE" || up == "#MH" || up == "#SG" || strings.HasPrefix(up, "#DOM:")) {
				p.b.note(n, "the tag is not in upper case, so that Windows takes it for a comment")
			}
			return t
		}
		b = b[len(word):]
	}
}

func (p *lmhosts) host(n int, line []byte, addr netip.Addr, h lmHost, t lmTags) {
	if t.hasDomain {
		upper(t.domain)
		domain, reason := p.b.name(t.domain, domainSuffix)
		if reason != "" {
			p.b.problem(n, "#DOM: "+reason, line)
			return
		}
		p.member(n, domain, winsrepl.SpecialGroup, addr, nil)
		return
	}
	switch {
	case t.special:
		if !h.given {
			h.name[15] = specialSuffix
		}
		p.member(n, h.name, winsrepl.SpecialGroup, addr, nil)
	case t.multihomed && h.given:
		p.member(n, h.name, winsrepl.Multihomed, addr, &h)
	case t.multihomed:
		for _, s := range hostSuffixes {
			h.name[15] = s
			p.member(n, h.name, winsrepl.Multihomed, addr, &h)
		}
	default:
		p.unique(n, addr, h, t)
	}
}

func (p *lmhosts) unique(n int, addr netip.Addr, h lmHost, t lmTags) {
	suffixes := hostSuffixes[:]
	if h.given {
		suffixes = []byte{h.name[15]}
	}
	e := Entry{Name: h.name, Static: StaticYes, Line: int32(n), Addresses: p.b.addresses([]netip.Addr{addr})}
	for _, s := range suffixes {
		e.Name[15] = s
		p.b.add(e)
	}
	key := hostKey{h.name, h.given}
	l := p.plain[key]
	if l == nil {
		if len(p.hosts) == maxEntries {
			return
		}
		l = &addressList{name: h.name, given: h.given, line: n}
		p.plain[key] = l
		p.hosts = append(p.hosts, l)
	}
	if t.pre {
		l.tags = " #PRE"
	}
	l.add(addr)
}

// member adds an address to a multihomed name or a group; h is nil for groups.
func (p *lmhosts) member(n int, name nbns.Name, typ winsrepl.RecordType, addr netip.Addr, h *lmHost) {
	key := listKey{name, typ}
	l := p.lists[key]
	if l == nil {
		if len(p.order) == maxEntries {
			p.b.list.Omitted++
			return
		}
		l = &addressList{name: name, typ: typ, line: n}
		if h != nil {
			l.given = h.given
		}
		p.lists[key] = l
		p.order = append(p.order, l)
	}
	l.add(addr)
}

func (l *addressList) add(addr netip.Addr) {
	if slices.Contains(l.addrs, addr) {
		l.repeated = true
	} else if len(l.addrs) < maxAddresses {
		l.addrs = append(l.addrs, addr)
	}
}

func (p *lmhosts) finish() {
	for _, l := range p.order {
		p.b.add(Entry{Name: l.name, Type: l.typ, Static: StaticYes, Line: int32(l.line), Addresses: p.b.addresses(l.addrs)})
	}
	p.lint()
}
