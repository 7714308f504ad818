package mappings

import (
	"bytes"
	"net/netip"
	"strings"

	"nbtrace/analyze/winsrepl"
)

// netsh reads what netsh wins prints (show database, show name), and its
// add name commands. How the listings are laid out is documented nowhere, so
// that a record is known by its suffix, [20h], and the words behind it are
// taken by what they can mean.
type netsh struct {
	b     *builder
	owner netip.Addr
	// open is the record that following lines may add to.
	open  Entry
	addrs []netip.Addr
	have  bool
	group bool // the record's type was said
}

// cutSuffix finds [NNh] in a line.
func cutSuffix(line []byte) (before []byte, suffix byte, after []byte, ok bool) {
	for i := 0; i+5 <= len(line); i++ {
		if line[i] != '[' || line[i+3]|0x20 != 'h' || line[i+4] != ']' {
			continue
		}
		if v, ok := parseHex(line[i+1 : i+3]); ok {
			return line[:i], v, line[i+5:], true
		}
	}
	return nil, 0, nil, false
}

// netshCommand is the part of a line behind "add name", or nil.
func netshCommand(line []byte) []byte {
	const command = "add name "
	for i := 0; i+len(command) <= len(line); i++ {
		if line[i]|0x20 == 'a' && bytes.EqualFold(line[i:i+len(command)], []byte(command)) {
			if rest := line[i+len(command):]; bytes.IndexByte(rest, '{') >= 0 {
				return rest
			}
		}
	}
	return nil
}

func (p *netsh) line(n int, line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if word, _ := field(line); bytes.EqualFold(word, []byte("rem")) || bytes.EqualFold(word, []byte("rem:")) {
		return
	}
	if rest := netshCommand(line); rest != nil {
		p.flush()
		p.command(n, line, rest)
		return
	}
	if before, suffix, after, ok := cutSuffix(line); ok {
		p.flush()
		p.record(n, line, before, suffix, after)
		return
	}
	if lower := bytes.ToLower(line); bytes.Contains(lower, []byte("owner")) {
		p.owned(line, bytes.HasPrefix(lower, []byte("owner")))
		return
	}
	if !p.have {
		return
	}
	// More of the record: "State : ACTIVE", or another of its addresses.
	if i := bytes.IndexByte(line, ':'); i >= 0 {
		p.words(line[i+1:], false)
	} else if _, ok := parseIPv4(trimPunctuation(line)); ok {
		p.words(line, false)
	} else {
		p.flush()
	}
}

// owned takes a line that names an owner: of the open record, or of the
// records that follow.
func (p *netsh) owned(line []byte, ofRecord bool) {
	a := addressesIn(line, nil)
	switch {
	case len(a) != 1:
	case ofRecord && p.have:
		p.open.Owner = a[0]
	default:
		p.flush()
		p.owner = a[0]
	}
}

// record starts an entry. Before is the name, with "Name :" before it in a
// listing of one record.
func (p *netsh) record(n int, line, before []byte, suffix byte, after []byte) {
	text := before
	if i := bytes.IndexByte(text, ':'); i >= 0 && bytes.Contains(bytes.ToLower(text[:i]), []byte("name")) {
		text = text[i+1:]
	}
	name, reason := p.b.name(bytes.TrimSpace(text), suffix)
	if reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	p.open = Entry{Name: name, Line: int32(n), Owner: p.owner}
	p.addrs, p.have, p.group = p.addrs[:0], true, false
	p.words(after, true)
}

// words takes what stands behind a name, parted by blanks, dashes and commas.
// Single letters count in one line only, in the order S or D (static or
// dynamic), A, R or T (state), U, N, G, I, M or D (type).
func (p *netsh) words(b []byte, letters bool) {
	step := 0
	for _, w := range bytes.FieldsFunc(b, func(r rune) bool { return strings.ContainsRune(" \t-,;|()", r) }) {
		if a, ok := parseIPv4(w); ok {
			if len(p.addrs) < maxAddresses {
				p.addrs = append(p.addrs, a)
			}
			continue
		}
		switch strings.ToUpper(string(w)) {
		case "STATIC":
			p.open.Static, step = StaticYes, max(step, 1)
		case "DYNAMIC":
			p.open.Static, step = StaticNo, max(step, 1)
		case "ACTIVE":
			p.open.State, step = winsrepl.Active, max(step, 2)
		case "RELEASED":
			p.open.State, step = winsrepl.Released, max(step, 2)
		case "TOMBSTONE", "TOMBSTONED":
			p.open.State, step = winsrepl.Tombstone, max(step, 2)
		case "UNIQUE":
			p.typed(winsrepl.Unique)
		case "GROUP":
			if !p.group { // "normal group", but also "internet group"
				p.typed(winsrepl.Group)
			}
		case "INTERNET", "DOMAIN":
			p.typed(winsrepl.SpecialGroup)
		case "MULTIHOMED":
			p.typed(winsrepl.Multihomed)
		default:
			if letters && len(w) == 1 {
				step = p.letter(w[0], step)
			}
		}
	}
}

// letter takes a single letter of a listing; step says how many of its three
// kinds have been there.
func (p *netsh) letter(c byte, step int) int {
	switch {
	case step == 0 && c == 'S':
		p.open.Static = StaticYes
		return 1
	case step == 0 && c == 'D':
		p.open.Static = StaticNo
		return 1
	case step == 1 && c == 'A':
		p.open.State = winsrepl.Active
		return 2
	case step == 1 && c == 'R':
		p.open.State = winsrepl.Released
		return 2
	case step == 1 && c == 'T':
		p.open.State = winsrepl.Tombstone
		return 2
	case step == 2:
		if i := strings.IndexByte("UNGIDM", c); i >= 0 {
			p.typed([...]winsrepl.RecordType{winsrepl.Unique, winsrepl.Group, winsrepl.Group,
				winsrepl.SpecialGroup, winsrepl.SpecialGroup, winsrepl.Multihomed}[i])
			if c != 'D' { // it may as well have been a digit of the version
				return 3
			}
		}
	}
	return step
}

func (p *netsh) typed(t winsrepl.RecordType) { p.open.Type, p.group = t, true }

// flush adds the open record.
func (p *netsh) flush() {
	if !p.have {
		return
	}
	p.have = false
	if !p.group {
		p.open.Type = guessType(p.open.Name[15], len(p.addrs))
	}
	p.open.Addresses = p.b.addresses(p.addrs)
	p.b.add(p.open)
}

func (p *netsh) finish() { p.flush() }

// guessType is the type of a record whose list does not say.
func guessType(suffix byte, addresses int) winsrepl.RecordType {
	switch {
	case suffix == domainSuffix:
		return winsrepl.SpecialGroup
	case suffix == 0x1E:
		return winsrepl.Group
	case addresses > 1:
		return winsrepl.Multihomed
	}
	return winsrepl.Unique
}

// addressesIn appends the IPv4 addresses in b.
func addressesIn(b []byte, to []netip.Addr) []netip.Addr {
	for _, w := range bytes.FieldsFunc(b, func(r rune) bool { return strings.ContainsRune(" \t-,;|(){}=", r) }) {
		if a, ok := parseIPv4(trimPunctuation(w)); ok && len(to) < maxAddresses {
			to = append(to, a)
		}
	}
	return to
}

func trimPunctuation(b []byte) []byte { return bytes.Trim(b, " \t:.,;") }

// command reads Name= EndChar= Scope= RecType= Group= Node= IP={...}, with the
// tags or without, in that order.
func (p *netsh) command(n int, line, rest []byte) {
	e := Entry{Line: int32(n), Static: StaticYes}
	open, end := bytes.IndexByte(rest, '{'), bytes.IndexByte(rest, '}')
	if end < open {
		p.b.problem(n, "the list of addresses does not end", line)
		return
	}
	addrs := addressesIn(rest[open:end], nil)
	args := map[string][]byte{}
	order := [...]string{"NAME", "ENDCHAR", "SCOPE", "RECTYPE", "GROUP", "NODE"}
	for i, w := range bytes.Fields(rest[:open]) {
		if k, v, ok := bytes.Cut(w, []byte{'='}); ok {
			args[strings.ToUpper(string(k))] = v
		} else if i < len(order) {
			args[order[i]] = w
		}
	}
	e.Scope = string(args["SCOPE"])
	if v := args["RECTYPE"]; len(v) > 0 {
		e.Static = static(string(v) != "1")
	}
	group, ok := parseUint(args["GROUP"])
	if !ok && len(args["GROUP"]) > 0 || group > 4 {
		p.b.problem(n, "Group is none of 0 to 4", line)
		return
	}
	e.Type = [...]winsrepl.RecordType{winsrepl.Unique, winsrepl.Group, winsrepl.SpecialGroup, winsrepl.Multihomed, winsrepl.SpecialGroup}[group]
	suffixes := hostSuffixes[:]
	switch v := args["ENDCHAR"]; {
	case len(v) > 0:
		s, ok := parseHex(v)
		if !ok {
			p.b.problem(n, "EndChar is no hexadecimal number of two digits", line)
			return
		}
		suffixes = []byte{s}
	case group == 4:
		suffixes = []byte{domainSuffix}
	case group == 1 || group == 2:
		suffixes = []byte{specialSuffix}
	}
	for _, s := range suffixes {
		var reason string
		if e.Name, reason = p.b.name(bytes.Trim(args["NAME"], `"`), s); reason != "" {
			p.b.problem(n, reason, line)
			return
		}
		e.Addresses = p.b.addresses(addrs)
		p.b.add(e)
	}
}
