package mappings

import (
	"bytes"
	"fmt"
	"net/netip"

	"nbtrace/analyze/winsrepl"
)

// winsdmp reads what WINSDMP of the NT resource kits prints (KB142302,
// KB169216): owner,"name",byte 16,length,type,state,version high,version
// low,static,time stamp,count,address...
type winsdmp struct {
	b     *builder
	cells [12][]byte
	addrs []netip.Addr
	hex   bool // byte 16 is hexadecimal
}

// newWinsdmp settles from the start of the file how byte 16 is written, which
// no article says; the example of KB142302 has 0, which is both. Numbers that
// make sense in one way only decide: 1B to 1E and 20 are hexadecimal, 27 to 29
// and 32 the same suffixes in decimal.
func newWinsdmp(b *builder, sample []byte) *winsdmp {
	p := &winsdmp{b: b}
	decimal, hex := 0, 0
	for line := range bytes.Lines(sample) {
		cells, _, ok := p.split(line)
		if !ok {
			continue
		}
		switch v, ok := parseUint(cells[2]); {
		case ok && (v > 99 || v == 27 || v == 28 || v == 29 || v == 32):
			decimal++
		case ok && v == 20:
			hex++
		case !ok && len(cells[2]) == 2:
			if _, ok := parseHex(cells[2]); ok {
				hex++
			}
		}
	}
	if p.hex = hex > decimal; p.hex {
		b.note(0, "byte 16 of the names (field 3) is read as a hexadecimal number")
	}
	return p
}

func (p *winsdmp) line(n int, line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	cells, rest, ok := p.split(line)
	if !ok {
		p.b.problem(n, "has fewer than 12 fields", line)
		return
	}
	var e Entry
	if e.Owner, ok = parseIPv4(cells[0]); !ok {
		p.b.problem(n, "the owner (field 1) is no IPv4 address", line)
		return
	}
	if e.Owner.IsUnspecified() {
		e.Owner = netip.Addr{}
	}
	suffix, ok := p.suffix(cells[2])
	if !ok {
		p.b.problem(n, "byte 16 of the name (field 3) is no number up to 255", line)
		return
	}
	var reason string
	if e.Name, reason = p.b.name(bytes.TrimRight(cells[1], " "), suffix); reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	typ, ok1 := parseUint(cells[4])
	state, ok2 := parseUint(cells[5])
	high, ok3 := parseUint(cells[6])
	low, ok4 := parseUint(cells[7])
	flag, ok5 := parseUint(cells[8])
	switch {
	case !ok1 || typ > 3:
		reason = "the type (field 5) is none of 0 to 3"
	case !ok2 || state > 3:
		reason = "the state (field 6) is none of 0 to 3"
	case !ok3 || !ok4 || high > 1<<32-1 || low > 1<<32-1:
		reason = "the version (fields 7 and 8) is no pair of 32-bit numbers"
	case !ok5 || flag > 1:
		reason = "the static flag (field 9) is neither 0 nor 1"
	}
	if reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	e.Type, e.State = winsrepl.RecordType(typ), winsrepl.State(state)
	e.VersionID = high<<32 | low
	e.Static = static(flag == 1)
	if t, ok := parseUint(cells[9]); ok && t < 1<<32-1 {
		e.Time = int64(t) * 1e9
	}
	if !p.addresses(n, line, cells[10], cells[11], rest) {
		return
	}
	e.Addresses, e.Line = p.b.addresses(p.addrs), int32(n)
	p.b.add(e)
}

// split parts a line at its commas. The name may hold commas and quotes: it
// ends at the quote behind 15 bytes, or at the first quote before a comma.
func (p *winsdmp) split(line []byte) (cells *[12][]byte, rest []byte, ok bool) {
	cells, rest = &p.cells, line
	for i := range cells {
		if i > 0 && rest == nil {
			return cells, nil, false
		}
		if i == 1 && len(rest) > 0 && rest[0] == '"' {
			end := 16
			if len(rest) < 18 || rest[16] != '"' || rest[17] != ',' {
				if end = bytes.Index(rest, []byte(`",`)); end < 1 {
					return cells, nil, false
				}
			}
			cells[i], rest = rest[1:end], rest[end+2:]
			continue
		}
		cells[i], rest = cell(rest)
	}
	return cells, rest, true
}

// cell cuts a cell off; rest is nil behind the last.
func cell(b []byte) (c, rest []byte) {
	if i := bytes.IndexByte(b, ','); i >= 0 {
		return bytes.TrimSpace(b[:i]), b[i+1:]
	}
	return bytes.TrimSpace(b), nil
}

// suffix reads byte 16 of a name.
func (p *winsdmp) suffix(b []byte) (byte, bool) {
	if len(b) == 3 && b[2]|0x20 == 'h' {
		return parseHex(b[:2])
	}
	if p.hex {
		return parseHex(b)
	}
	v, ok := parseUint(b)
	return byte(v), ok && v < 256
}

// addresses reads the count and the addresses into p.addrs. A wrong count is
// reported; the addresses are used all the same.
func (p *winsdmp) addresses(n int, line, count, first, rest []byte) bool {
	p.addrs = p.addrs[:0]
	for c := first; ; c, rest = cell(rest) {
		if len(c) > 0 {
			a, ok := parseIPv4(c)
			if !ok {
				p.b.problem(n, "an address (from field 12 on) is no IPv4 address", line)
				return false
			}
			if len(p.addrs) < maxAddresses && !a.IsUnspecified() {
				p.addrs = append(p.addrs, a)
			}
		}
		if rest == nil {
			break
		}
	}
	if want, ok := parseUint(count); !ok || want != uint64(len(p.addrs)) {
		p.b.problem(n, fmt.Sprintf("has %d addresses, but a count (field 11) of another number; they are used", len(p.addrs)), line)
	}
	return true
}

func (p *winsdmp) finish() {}
