package winsrepl

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"nbtrace/analyze/nbns"
)

// Sizes of parts of messages, in bytes.
const (
	ownerSize     = 24
	nameSize      = 16
	maxNameLen    = 255 // of the name field with its NUL, MS-WINSRA 2.2.10.1
	maxScope      = maxNameLen - nameSize - 1
	startReserved = 21                        // at the end of the start messages
	stopReserved  = 24                        // at the end of a stop
	minRecordSize = 4 + 4 + 4 + 4 + 8 + 4 + 4 // a one-byte name with its padding
)

// decoder walks a message. After a fault that leaves the position of what
// follows unknown, stuck is set and nothing more is read.
type decoder struct {
	b     []byte
	off   int
	fault *Fault
	stuck bool
}

// note keeps the first fault and goes on.
func (d *decoder) note(off int, field, reason string) {
	if d.fault == nil {
		d.fault = &Fault{Offset: off, Field: field, Reason: reason}
	}
}

func (d *decoder) stop(off int, field, reason string) {
	d.note(off, field, reason)
	d.stuck = true
}

// take hands over the next n bytes, or nil with a fault.
func (d *decoder) take(n int, field string) []byte {
	if d.stuck {
		return nil
	}
	if left := len(d.b) - d.off; left < n {
		d.stop(d.off, field, fmt.Sprintf("needs %d bytes, %d left", n, left))
		return nil
	}
	p := d.b[d.off : d.off+n]
	d.off += n
	return p
}

func (d *decoder) uint32(field string) uint32 {
	if p := d.take(4, field); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) uint16(field string) uint16 {
	if p := d.take(2, field); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

// Decode decodes b, one replication message without its length prefix, into
// m and reuses m's slices. It keeps no reference to b. It decodes what it can;
// m.Fault is the first thing that was wrong.
func Decode(m *Message, b []byte) {
	*m = Message{Owners: m.Owners[:0], Records: m.Records[:0]}
	d := decoder{b: b}
	m.Reserved = d.uint32("Reserved")
	m.Assoc = d.uint32("DestAssocHandle")
	m.Type = MessageType(d.uint32("MessageType"))
	switch {
	case d.stuck:
	case m.Type == StartRequest, m.Type == StartResponse:
		m.Sender = d.uint32("SenderAssocCtx")
		m.Major = d.uint16("NBNSMajorVersion")
		m.Minor = d.uint16("NBNSMinorVersion")
		d.skipReserved(startReserved) // older Samba leaves them out
	case m.Type == Stop:
		m.Reason = d.uint32("Reason")
		d.skipReserved(stopReserved) // Samba leaves them out
	case m.Type == Replication:
		d.replication(m)
	default:
		d.stop(8, "MessageType", fmt.Sprintf("unknown type %d", uint32(m.Type)))
	}
	m.Fault = d.fault
	if !d.stuck {
		m.Trailing = len(b) - d.off
	}
}

// skipReserved passes over at most n reserved bytes, which senders may shorten.
func (d *decoder) skipReserved(n int) {
	if !d.stuck {
		d.off += min(n, len(d.b)-d.off)
	}
}

func (d *decoder) replication(m *Message) {
	p := d.take(4, "RplOpCode")
	if p == nil {
		return
	}
	m.Command = Command(p[3])
	switch {
	case m.Command == OwnerMapRequest:
	case m.Command == NameRecordsRequest:
		m.Count = 1
		if o, ok := d.owner(); ok {
			m.Owners = append(m.Owners, o)
		}
	case m.Command == OwnerMapResponse, m.Command.UpdateNotification():
		d.owners(m)
	case m.Command == NameRecordsResponse:
		d.records(m)
	default:
		d.stop(d.off-1, "RplOpCode", fmt.Sprintf("unknown opcode %d", p[3]))
	}
}

func (d *decoder) owner() (Owner, bool) {
	p := d.take(ownerSize, "OwnerRecord")
	if p == nil {
		return Owner{}, false
	}
	return Owner{
		Address:    [4]byte(p[:4]),
		MaxVersion: binary.BigEndian.Uint64(p[4:]),
		MinVersion: binary.BigEndian.Uint64(p[12:]),
		Reserved:   binary.BigEndian.Uint32(p[20:]),
	}, true
}

// count reads the number of things that follow, each of at least size bytes,
// and notes a fault if they cannot all be there.
func (d *decoder) count(field string, size int) uint32 {
	off := d.off
	n := d.uint32(field)
	if left := len(d.b) - d.off; !d.stuck && uint64(n)*uint64(size) > uint64(left) {
		d.note(off, field, fmt.Sprintf("announces %d, %d bytes left", n, left))
	}
	return n
}

func (d *decoder) owners(m *Message) {
	m.Count = d.count("NumberOfOwners", ownerSize)
	for i := uint32(0); i < m.Count && !d.stuck; i++ {
		o, ok := d.owner()
		if !ok {
			return
		}
		m.Owners = append(m.Owners, o)
	}
	if p := d.take(4, "InitiatorIPAddress"); p != nil {
		m.Initiator = [4]byte(p)
	}
}

func (d *decoder) records(m *Message) {
	m.Count = d.count("NumberOfRecords", minRecordSize)
	for i := uint32(0); i < m.Count; i++ {
		// A slot that a former message filled keeps its Members' memory.
		if len(m.Records) < cap(m.Records) {
			m.Records = m.Records[:len(m.Records)+1]
		} else {
			m.Records = append(m.Records, Record{})
		}
		r := &m.Records[len(m.Records)-1]
		*r = Record{Members: r.Members[:0]}
		if !d.record(r) {
			m.Records = m.Records[:len(m.Records)-1]
			return
		}
	}
}

// record reads a name record. It reports whether the record can be used: all
// but some of its members, and the reserved word, were there.
func (d *decoder) record(r *Record) bool {
	if !d.name(r) {
		return false
	}
	p := d.take(16, "Flags")
	if p == nil {
		return false
	}
	r.Flags = Flags(binary.BigEndian.Uint32(p))
	r.Group = binary.LittleEndian.Uint32(p[4:])
	r.Version = binary.BigEndian.Uint64(p[8:])
	if r.Flags.Listed() {
		d.members(r)
	} else {
		a := d.take(4, "IPAddress")
		if a == nil {
			return false
		}
		r.Members = append(r.Members, Member{Addr: [4]byte(a)})
	}
	d.take(4, "Reserved2")
	return true
}

// name reads the name field: its length, the 16 bytes, the scope, a NUL and
// the padding to a multiple of four, which is four bytes where none is needed.
func (d *decoder) name(r *Record) bool {
	off := d.off
	n := d.uint32("NameLength")
	if d.stuck {
		return false
	}
	left := len(d.b) - d.off
	switch {
	case n == 0:
		d.stop(off, "NameLength", "is 0")
		return false
	case uint64(n) > uint64(left):
		d.stop(off, "NameLength", fmt.Sprintf("is %d, %d bytes left", n, left))
		return false
	case n > maxNameLen:
		// Windows 2000 drops the whole response, NT 4.0 takes it.
		d.note(off, "NameLength", fmt.Sprintf("is %d, over 255", n))
	}
	start := d.off
	p := d.take(int(n), "Name")
	r.Name, r.Scope = splitName(p)
	if n < nameSize {
		d.note(start, "Name", fmt.Sprintf("has %d bytes, not 16", n))
	}
	return d.take(4-int(n)&3, "Padding") != nil
}

// splitName parts the name field into name and scope. A <1B> name travels
// with its first and last byte swapped.
func splitName(p []byte) (nbns.Name, string) {
	var name nbns.Name
	if len(p) < nameSize {
		// Samba pads a short name and gives it the suffix 0.
		for i := copy(name[:], p); i < nameSize-1; i++ {
			name[i] = ' '
		}
		return name, ""
	}
	copy(name[:], p)
	if name[0] == 0x1B {
		name[0], name[15] = name[15], name[0]
	}
	scope := p[nameSize:min(len(p), nameSize+maxScope)]
	if i := bytes.IndexByte(scope, 0); i >= 0 {
		scope = scope[:i]
	}
	if len(scope) == 0 {
		return name, ""
	}
	return name, string(scope)
}

// members reads the address list of a special group or multihomed record. Its
// count is one byte and three reserved ones, in other words little endian.
func (d *decoder) members(r *Record) {
	off := d.off
	p := d.take(4, "NumberOfAddresses")
	if p == nil {
		return
	}
	n := int(p[0])
	if p[1]|p[2]|p[3] != 0 {
		d.note(off, "NumberOfAddresses", fmt.Sprintf("reserved bytes are %#x", p[1:]))
	}
	for i := 0; i < n; i++ {
		q := d.take(8, "AddressList")
		if q == nil {
			return
		}
		r.Members = append(r.Members, Member{Owner: [4]byte(q[:4]), Addr: [4]byte(q[4:])})
	}
}
