package mappings

import (
	"bytes"
	"net/netip"

	"nbtrace/analyze/winsrepl"
)

// Bits of the flags field of wins.dat: the low byte of Samba's name flags.
const (
	datGroup  = 0x80
	datActive = 0x04
)

// winsDat reads the wins.dat of Samba's nmbd: a VERSION line, then
// "NAME#xx" death address... flags, where death is the time of expiry, and 0
// means never: the name was entered by hand.
type winsDat struct{ b *builder }

// winsDatRecord reports whether a line looks like a record of wins.dat.
func winsDatRecord(line []byte) bool {
	_, _, rest, reason := datName(line)
	if reason != "" {
		return false
	}
	word, _ := field(rest)
	_, ok := parseUint(word)
	return ok
}

// datName reads "NAME#xx".
func datName(line []byte) (text []byte, suffix byte, rest []byte, reason string) {
	const malformed = `does not start with "NAME#xx"`
	if line[0] != '"' {
		return nil, 0, nil, malformed
	}
	// A name may hold quotes and #: what counts is the last #xx".
	for end := len(line) - 1; end > 3; end-- {
		if line[end] != '"' || line[end-3] != '#' {
			continue
		}
		if suffix, ok := parseHex(line[end-2 : end]); ok {
			return line[1 : end-3], suffix, line[end+1:], ""
		}
	}
	return nil, 0, nil, malformed
}

func (p *winsDat) line(n int, line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' || bytes.HasPrefix(line, []byte("VERSION ")) {
		return
	}
	text, suffix, rest, reason := datName(line)
	if reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	e := Entry{Line: int32(n)}
	// nmbd puts a scope behind the name and a dot. Names hold dots more often
	// than there are scopes, so only what is too long for a name is parted.
	if i := bytes.IndexByte(text, '.'); len(text) > 15 && i > 0 {
		e.Scope, text = string(text[i+1:]), text[:i]
	}
	if e.Name, reason = p.b.name(text, suffix); reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	word, rest := field(rest)
	death, ok := parseUint(word)
	if !ok || death > 1<<33 {
		p.b.problem(n, "the time of expiry behind the name is no number of seconds", line)
		return
	}
	e.Time = int64(death) * 1e9
	var addrs [memberLimit]netip.Addr
	count := 0
	for word, rest = field(rest); len(word) > 0; word, rest = field(rest) {
		a, ok := parseIPv4(word)
		if !ok {
			break
		}
		if !a.IsUnspecified() && count < len(addrs) { // nmbd has 0.0.0.0 for a group
			addrs[count] = a
			count++
		}
	}
	flags := word
	source := byte('R')
	if len(flags) > 0 && (flags[len(flags)-1] == 'R' || flags[len(flags)-1] == 'S') {
		source, flags = flags[len(flags)-1], flags[:len(flags)-1]
	}
	nb, ok := parseHex(flags)
	if !ok {
		p.b.problem(n, "does not end in flags, two hexadecimal digits and R or S", line)
		return
	}
	e.Addresses = p.b.addresses(addrs[:count])
	switch {
	case nb&datGroup != 0 && suffix == domainSuffix:
		e.Type = winsrepl.SpecialGroup
	case nb&datGroup != 0:
		e.Type = winsrepl.Group
	case count > 1:
		e.Type = winsrepl.Multihomed
	}
	if nb&datActive == 0 {
		e.State = winsrepl.Released
	}
	// 'S' is a name of the server's own: nmbd does not load it, and registers it anew.
	if source != 'S' {
		e.Static = static(death == 0)
	}
	p.b.add(e)
}

func (p *winsDat) finish() {}
