package mappings

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"time"

	"nbtrace/analyze/winsrepl"
)

// maxAttributes bounds what is kept of one LDIF record, and maxFolded how long
// a value may be over all its lines.
const (
	maxAttributes = maxAddresses + 64
	maxFolded     = 16 << 10
)

// ldif reads the output of ldbsearch on Samba's wins.ldb (RFC 2849).
type ldif struct {
	b     *builder
	attrs []attribute
	count int // attributes of the record at hand; attrs keeps the memory of the rest
	first int // its first line
	// skip: the last logical line was a comment, or too long, and so are its
	// continuations.
	skip bool
}

// attribute is a line of a record, unfolded.
type attribute struct {
	line    int
	text    []byte // "name:value" as it stands
	tooLong bool
}

func (p *ldif) line(n int, line []byte) {
	switch {
	case len(line) == 0:
		p.record()
	case line[0] == '#':
		p.skip = true
	case line[0] == ' ':
		if p.skip || p.count == 0 {
			return
		}
		a := &p.attrs[p.count-1]
		if len(a.text)+len(line) > maxFolded {
			a.tooLong = true
			return
		}
		a.text = append(a.text, line[1:]...)
	default:
		p.skip = p.count == maxAttributes
		if p.skip {
			p.b.problem(n, "the record has too many attributes", line)
			return
		}
		if p.count == 0 {
			p.first = n
		}
		if p.count == len(p.attrs) {
			p.attrs = append(p.attrs, attribute{})
		}
		a := &p.attrs[p.count]
		a.line, a.text, a.tooLong = n, append(a.text[:0], line...), false
		p.count++
	}
}

func (p *ldif) finish() { p.record() }

// value parts an attribute into name and value, and undoes base64.
func (a *attribute) value() (name string, value []byte, ok bool) {
	i := bytes.IndexByte(a.text, ':')
	if i < 0 || a.tooLong {
		return "", nil, false
	}
	name, value = string(a.text[:i]), a.text[i+1:]
	if len(value) > 0 && value[0] == ':' {
		in := bytes.TrimLeft(value[1:], " ")
		out := make([]byte, base64.StdEncoding.DecodedLen(len(in)))
		n, err := base64.StdEncoding.Decode(out, in)
		if err != nil {
			return "", nil, false
		}
		return name, out[:n], true
	}
	return name, bytes.TrimLeft(value, " "), true
}

// winsRecord is what the attributes of a record say.
type winsRecord struct {
	entry  Entry
	is     bool // the record is a winsRecord at all
	typed  bool // it has a type, the name's suffix
	text   []byte
	suffix byte
	addrs  []netip.Addr
}

// set takes an attribute. It is false if the value cannot be read.
func (r *winsRecord) set(name string, value []byte) (ok bool) {
	ok = true
	e := &r.entry
	switch name {
	case "objectClass":
		r.is = r.is || string(value) == "winsRecord"
	case "name":
		r.text = value
	case "type":
		r.suffix, ok = ldbSuffix(value)
		r.typed = ok
	case "scope":
		e.Scope = string(value)
	case "recordType":
		var v uint64
		v, ok = ldbNumber(value, 3)
		e.Type = winsrepl.RecordType(v)
	case "recordState":
		var v uint64
		v, ok = ldbNumber(value, 3)
		e.State = winsrepl.State(v)
	case "isStatic":
		var v uint64
		v, ok = ldbNumber(value, 1)
		e.Static = static(v == 1)
	case "versionID":
		e.VersionID, ok = parseUint(value)
	case "winsOwner":
		e.Owner, ok = parseIPv4(value)
	case "expireTime":
		e.Time, ok = ldapTime(value)
	case "address":
		// A dynamic record's value goes on with the owner and the expiry.
		ip, _, _ := bytes.Cut(value, []byte{';'})
		var addr netip.Addr
		if addr, ok = parseIPv4(ip); ok && len(r.addrs) < maxAddresses {
			r.addrs = append(r.addrs, addr)
		}
	}
	return ok
}

// record makes an entry of the attributes gathered, if they are a winsRecord.
func (p *ldif) record() {
	attrs := p.attrs[:p.count]
	p.count = 0
	r := winsRecord{entry: Entry{Line: int32(p.first)}}
	for i := range attrs {
		a := &attrs[i]
		name, value, ok := a.value()
		if !ok || !r.set(name, value) {
			p.b.problem(a.line, "the attribute cannot be read", a.text)
		}
	}
	if !r.is {
		return
	}
	if !r.typed {
		p.b.problem(p.first, "the winsRecord has no type", attrs[0].text)
		return
	}
	e := r.entry
	if e.Owner.IsUnspecified() {
		e.Owner = netip.Addr{}
	}
	// Samba leaves out the name where it is empty, and writes the bytes that
	// came in the packet.
	if len(r.text) > 15 {
		p.b.problem(p.first, nameTooLong, r.text)
		return
	}
	e.Name = padded(r.text, r.suffix)
	e.Addresses = p.b.addresses(r.addrs)
	p.b.add(e)
}

// ldbSuffix reads the type of a name, 0x20. Samba 4.17 extends the sign of
// those from 0x80 on: 0xFFFFFFBE is <BE>.
func ldbSuffix(b []byte) (byte, bool) {
	rest, ok := bytes.CutPrefix(b, []byte("0x"))
	if !ok {
		v, ok := ldbNumber(b, 0xFF)
		return byte(v), ok
	}
	if low, ok := bytes.CutPrefix(rest, []byte("FFFFFF")); ok && len(low) == 2 {
		rest = low
	}
	return parseHex(rest)
}

// ldbNumber reads a decimal number up to limit.
func ldbNumber(b []byte, limit uint64) (uint64, bool) {
	v, ok := parseUint(b)
	return v, ok && v <= limit
}

// ldapTime reads a GeneralizedTime; an empty one is never.
func ldapTime(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	t, err := time.Parse("20060102150405.0Z", string(b))
	if err != nil || t.Year() > 2200 || t.Year() < 1970 {
		return 0, false
	}
	return t.UnixNano(), true
}
