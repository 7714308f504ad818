package nbns

import (
	"encoding/binary"
	"fmt"
)

// Limits of a decoded name. RFC 1002 4.1 allows 255 bytes for the whole name,
// but WINS servers take scopes of up to 237 characters, which makes 272; so
// the limit is on the scope alone.
const (
	maxHops        = 10
	maxScopeLabels = 10
	maxScope       = 255
)

const (
	headerLen   = 12
	encodedLen  = 32 // letters of a first-level encoded name
	statusEntry = 18 // NODE_NAME entry: 16 bytes of name, NAME_FLAGS
	statistics  = 46 // STATISTICS of a node status response, RFC 1002 4.2.18
	addrEntry   = 6
)

var headerFields = [6]string{"NAME_TRN_ID", "FLAGS", "QDCOUNT", "ANCOUNT", "NSCOUNT", "ARCOUNT"}

// Decode resets m and fills it from b, one NBNS message (a UDP payload, or a
// TCP message without its length prefix). It decodes as much as it can and
// never fails: m.Fault is the first thing wrong in order of decoding, and
// what was decoded before it stands. Record.Data aliases b; the slices of m
// are reused by the next Decode into m.
//
// Taken as sound, because implementations differ there: any bytes after the
// last record (counted in Trailing), a negative response whose counts are all
// zero with a record behind the header (as RFC 1002 4.2.14 draws it) or
// without one, a WACK record of any type with two bytes of RDATA, A and NS
// records named by host names, unknown opcodes, types and classes.
func Decode(m *Message, b []byte) {
	m.TrnID, m.Flags = 0, 0
	m.QDCount, m.ANCount, m.NSCount, m.ARCount = 0, 0, 0, 0
	m.Questions, m.Records, m.Status = m.Questions[:0], m.Records[:0], m.Status[:0]
	m.UnitID, m.HasUnitID, m.Trailing, m.Fault = [6]byte{}, false, 0, nil

	d := decoder{m: m, b: b}
	if !d.header() {
		return
	}
	for range m.QDCount {
		if !d.question() {
			return
		}
	}
	if m.Flags.Response() && m.Flags.RCode() != RCodeOK && m.QDCount|m.ANCount|m.NSCount|m.ARCount == 0 && d.off < len(b) {
		if !d.record(Answer) {
			return
		}
	}
	for s, n := range [...]uint16{Answer: m.ANCount, Authority: m.NSCount, Additional: m.ARCount} {
		for range n {
			if !d.record(Section(s)) {
				return
			}
		}
	}
	m.Trailing = len(b) - d.off
}

// decoder walks one message. Its methods return false when decoding must
// stop, having set the fault.
type decoder struct {
	m         *Message
	b         []byte
	off       int
	hasStatus bool
}

func (d *decoder) fault(f Fault) {
	if d.m.Fault == nil {
		d.m.Fault = &f
	}
}

// u16 reads a field of two bytes at d.off.
func (d *decoder) u16(field string) (uint16, bool) {
	if len(d.b)-d.off < 2 {
		d.truncated(field)
		return 0, false
	}
	v := binary.BigEndian.Uint16(d.b[d.off:])
	d.off += 2
	return v, true
}

func (d *decoder) truncated(field string) {
	d.fault(Fault{Offset: d.off, Field: field, Reason: "the message ends here", Truncated: true})
}

func (d *decoder) header() bool {
	if len(d.b) == 0 {
		d.fault(Fault{Field: headerFields[0], Reason: "empty message", Truncated: true})
		return false
	}
	m := d.m
	var v [6]uint16
	whole := len(d.b) >= headerLen
	if whole {
		for i := range v {
			v[i] = binary.BigEndian.Uint16(d.b[2*i:])
		}
		d.off = headerLen
	} else {
		// One of the fields is cut: u16 notes which.
		ok := true
		for i := 0; ok; i++ {
			v[i], ok = d.u16(headerFields[i])
		}
	}
	m.TrnID, m.Flags = v[0], Flags(v[1])
	m.QDCount, m.ANCount, m.NSCount, m.ARCount = v[2], v[3], v[4], v[5]
	if !whole {
		return false
	}
	switch {
	case !m.Flags.Response() && m.QDCount == 0:
		d.fault(Fault{Offset: 4, Field: headerFields[2], Reason: "a request without a question"})
	case !m.Flags.Response() && needsRecord(m.Flags.Opcode()) && m.ARCount == 0:
		d.fault(Fault{Offset: 10, Field: headerFields[5], Reason: "missing record: the request has no additional record"})
	case m.Flags.Response() && m.Flags.RCode() == RCodeOK && m.Flags&FlagTC == 0 && m.ANCount|m.NSCount == 0:
		d.fault(Fault{Offset: 6, Field: headerFields[3], Reason: "missing record: a positive response without a record"})
	}
	return true
}

// needsRecord reports whether requests of the opcode carry an NB record.
func needsRecord(o Opcode) bool {
	switch o {
	case OpRegistration, OpRelease, OpRefresh, OpRefreshAlt, OpMultihomedReg:
		return true
	}
	return false
}

func (d *decoder) question() bool {
	m := d.m
	var known string
	if n := len(m.Questions); n < cap(m.Questions) {
		known = m.Questions[:n+1][n].Scope
	}
	name, plain := d.plainName()
	var scope string
	if !plain {
		var bad nameFault
		if name, scope, bad = d.name("QUESTION_NAME", known); bad.Reason != "" {
			d.fault(bad.Fault)
			return false
		}
	}
	m.Questions = append(m.Questions, Question{Name: name, Scope: scope})
	q := &m.Questions[len(m.Questions)-1]
	t, ok := d.u16("QUESTION_TYPE")
	if !ok {
		return false
	}
	q.Type = Type(t)
	q.Class, ok = d.u16("QUESTION_CLASS")
	return ok
}

func (d *decoder) record(s Section) bool {
	m := d.m
	n := len(m.Records)
	var addrs []AddrEntry
	var known string
	if n < cap(m.Records) {
		old := &m.Records[:n+1][n]
		addrs, known = old.Addrs[:0], old.Scope
	}
	if len(m.Questions) > 0 {
		known = m.Questions[0].Scope
	}
	name, plain := d.plainName()
	var scope string
	if !plain {
		var ok bool
		if name, scope, ok = d.recordName(known); !ok {
			return false
		}
	}
	m.Records = append(m.Records, Record{Section: s, Name: name, Scope: scope, Addrs: addrs, Cut: true})
	r := &m.Records[n]
	t, ok := d.u16("RR_TYPE")
	if !ok {
		return false
	}
	r.Type = Type(t)
	if r.Class, ok = d.u16("RR_CLASS"); !ok {
		return false
	}
	if len(d.b)-d.off < 4 {
		d.truncated("TTL")
		return false
	}
	r.TTL, r.Cut = binary.BigEndian.Uint32(d.b[d.off:]), false
	d.off += 4
	length, ok := d.u16("RDLENGTH")
	if !ok {
		return false
	}
	end := d.off + int(length)
	if end > len(d.b) {
		d.fault(Fault{Offset: d.off - 2, Field: "RDLENGTH", Truncated: true,
			Reason: fmt.Sprintf("RDATA of %d bytes, the message has %d left", length, len(d.b)-d.off)})
		end, ok = len(d.b), false
	}
	r.Data = d.b[d.off:end:end]
	switch {
	case r.Type == TypeNB && m.Flags.Opcode() != OpWACK:
		d.addresses(r)
	case r.Type == TypeNBSTAT && !d.hasStatus:
		d.hasStatus = true
		d.status(r.Data)
	}
	d.off = end
	return ok
}

// recordName decodes RR_NAME as name does. The name of an A or NS record may be
// a host name that is no encoded NetBIOS name, that of the NBNS which a redirect
// points to, RFC 1002 4.2.15: it is zero then.
func (d *decoder) recordName(known string) (n Name, scope string, ok bool) {
	n, scope, bad := d.name("RR_NAME", known)
	switch {
	case bad.Reason == "":
		return n, scope, true
	case !bad.notEncoded:
		d.fault(bad.Fault)
		return Name{}, "", false
	case len(d.b)-d.off < 2:
		d.truncated("RR_TYPE")
		return Name{}, "", false
	}
	if t := Type(binary.BigEndian.Uint16(d.b[d.off:])); t != TypeA && t != TypeNS {
		d.fault(bad.Fault)
		return Name{}, "", false
	}
	return Name{}, "", true
}

// addresses decodes the RDATA of an NB record, which begins at d.off.
func (d *decoder) addresses(r *Record) {
	f := d.m.Flags
	if len(r.Data) == 0 && !f.Response() && needsRecord(f.Opcode()) {
		d.fault(Fault{Offset: d.off - 2, Field: "RDLENGTH", Reason: "missing address: RDATA is empty"})
	}
	whole := len(r.Data) / addrEntry
	for i := range whole {
		e := r.Data[i*addrEntry:]
		r.Addrs = append(r.Addrs, AddrEntry{NBFlags(binary.BigEndian.Uint16(e)), [4]byte(e[2:addrEntry])})
	}
	if rest := len(r.Data) % addrEntry; rest != 0 {
		d.fault(Fault{Offset: d.off + whole*addrEntry, Field: "RDATA",
			Reason: fmt.Sprintf("%d bytes are left after %d address entries of %d bytes", rest, whole, addrEntry)})
	}
}

// status decodes the RDATA of a node status response, which begins at d.off.
func (d *decoder) status(data []byte) {
	m := d.m
	if len(data) == 0 {
		if m.Flags.RCode() == RCodeOK {
			d.fault(Fault{Offset: d.off - 2, Field: "RDLENGTH", Reason: "missing NUM_NAMES: RDATA is empty"})
		}
		return
	}
	names := int(data[0])
	room := (len(data) - 1) / statusEntry
	for i := range min(names, room) {
		e := data[1+i*statusEntry:]
		m.Status = append(m.Status, StatusEntry{Name(e[:16]), StatusFlags(binary.BigEndian.Uint16(e[16:]))})
	}
	if names > room {
		d.fault(Fault{Offset: d.off, Field: "NUM_NAMES",
			Reason: fmt.Sprintf("%d names, RDATA has room for %d", names, room)})
		return
	}
	if rest := data[1+names*statusEntry:]; len(rest) >= len(m.UnitID) {
		m.UnitID, m.HasUnitID = [6]byte(rest), true
	}
}

// plainName decodes the name at d.off if it is one as nearly all are: a sound
// name without scope, or a pointer to the question's, which is such a name
// just behind the header. It decides as name does.
func (d *decoder) plainName() (Name, bool) {
	b := d.b[d.off:]
	switch {
	case len(b) > 1+encodedLen && b[0] == encodedLen && b[1+encodedLen] == 0:
		var n Name
		if !n.decodeSound((*[encodedLen]byte)(b[1:])) {
			return Name{}, false
		}
		d.off += 2 + encodedLen
		return n, true
	case len(b) > 1 && b[0] == 0xC0 && b[1] == headerLen && d.off > headerLen+1+encodedLen:
		whole := d.b[headerLen:]
		var n Name
		if whole[0] != encodedLen || whole[1+encodedLen] != 0 || !n.decodeSound((*[encodedLen]byte)(whole[1:])) {
			return Name{}, false
		}
		d.off += 2
		return n, true
	}
	return Name{}, false
}

// decodeSound undoes the first-level encoding, eight letters at a time. It
// gives up if one of them is not A to P.
func (n *Name) decodeSound(letters *[encodedLen]byte) bool {
	const each = 0x0101_0101_0101_0101
	for i := range encodedLen / 8 {
		// A letter below A borrows and one above P carries into the upper half
		// of its byte.
		v := binary.LittleEndian.Uint64(letters[8*i:]) - 'A'*each
		if v&(0xF0*each) != 0 {
			return false
		}
		v = (v<<4 | v>>8) & 0x00FF_00FF_00FF_00FF
		v = (v | v>>8) & 0x0000_FFFF_0000_FFFF
		binary.LittleEndian.PutUint32(n[4*i:], uint32(v|v>>16))
	}
	return true
}

// nameFault is a fault that makes a name unusable; the zero value is none.
type nameFault struct {
	Fault
	notEncoded bool // whole labels, but the first is no encoded NetBIOS name
}

// name decodes the name at d.off and moves d.off behind it. known is a scope
// that the name is likely to have: it saves making the same string again.
func (d *decoder) name(field, known string) (n Name, scope string, bad nameFault) {
	b := d.b
	pos, next := d.off, -1
	hops, labels := 0, 0
	var buf [maxScope]byte
	w := 0

	stop := func(at int, truncated bool, reason string) (Name, string, nameFault) {
		if bad.Reason == "" {
			bad.Fault = Fault{Offset: at, Field: field, Reason: reason, Truncated: truncated}
		}
		bad.notEncoded = false
		return Name{}, "", bad
	}
	for {
		if pos >= len(b) {
			return stop(pos, true, "the message ends here")
		}
		c := int(b[pos])
		if c == 0 {
			if next < 0 {
				next = pos + 1
			}
			break
		}
		switch c & 0xC0 {
		case 0xC0:
			if pos+1 >= len(b) {
				return stop(pos, true, "the message ends here")
			}
			target := c&0x3F<<8 | int(b[pos+1])
			if next < 0 {
				next = pos + 2
			}
			if hops++; hops > maxHops {
				return stop(pos, false, fmt.Sprintf("a loop of compression pointers, or more than %d", maxHops))
			}
			if target >= len(b) {
				return stop(pos, false, fmt.Sprintf("compression pointer to offset %d, outside the message", target))
			}
			if target >= pos && bad.Reason == "" {
				d.fault(Fault{Offset: pos, Field: field, Reason: "compression pointer that does not point back"})
			}
			pos = target
			continue
		case 0x40, 0x80:
			return stop(pos, false, fmt.Sprintf("label of unknown kind 0x%02x", c&0xC0))
		}
		end := pos + 1 + c
		label := b[pos+1 : min(end, len(b))]
		switch {
		case labels == 0 && c != encodedLen:
			bad = nameFault{Fault{Offset: pos, Field: field, Reason: "first label is not 32 bytes long"}, true}
		case labels == 0:
			i, legible := n.decode(label)
			wrong := Fault{Offset: pos + 1 + i, Field: field, Reason: "not a letter A to P"}
			if !legible {
				bad = nameFault{wrong, true}
			} else if i < len(label) {
				d.fault(wrong)
			}
		}
		if end > len(b) {
			return stop(pos, true, "the message ends here")
		}
		if labels > 0 {
			if labels > maxScopeLabels {
				return stop(pos, false, fmt.Sprintf("more than %d scope labels", maxScopeLabels))
			}
			dot := min(w, 1)
			if w+dot+c > len(buf) {
				return stop(pos, false, fmt.Sprintf("scope of more than %d bytes", maxScope))
			}
			w += copy(buf[w:], "."[:dot])
			for i, ch := range label {
				if ch == '.' && bad.Reason == "" {
					d.fault(Fault{Offset: pos + 1 + i, Field: field, Reason: "dot within a scope label"})
				}
			}
			w += copy(buf[w:], label)
		}
		labels++
		pos = end
	}
	if labels == 0 {
		bad = nameFault{Fault{Offset: d.off, Field: field, Reason: "empty name"}, true}
	}
	d.off = next
	switch {
	case bad.Reason != "":
		return Name{}, "", bad
	case string(buf[:w]) == known:
		return n, known, bad
	}
	return n, string(buf[:w]), bad
}

// decode undoes the first-level encoding (RFC 1001 14.1) of label, at most 32
// bytes. It returns how many of its bytes were letters A to P before the first
// that was not, and whether all were letters at all: Q to Z overflow the half
// byte that they stand for, and are read as Wireshark reads them.
func (n *Name) decode(label []byte) (good int, legible bool) {
	good = len(label)
	for i, c := range label {
		c -= 'A'
		if c > 'Z'-'A' {
			return min(good, i), false
		}
		if c > 15 && good == len(label) {
			good = i
		}
		n[i/2] = n[i/2]<<4 | c
	}
	return good, true
}
