package nbdgm

import (
	"encoding/binary"
	"fmt"

	"nbtrace/analyze/nbns"
)

// Bounds of names, RFC 1002 4.1 and 6.
const (
	encodedName = 32  // first label of an encoded name
	maxScope    = 255 // bytes of scope, dotted
	maxHops     = 10  // label string pointers followed in one name
)

type decoder struct {
	b     []byte
	off   int
	fault *Fault
	stuck bool // the position of what follows is unknown
}

func (d *decoder) note(off int, field, reason string) {
	if d.fault == nil {
		d.fault = &Fault{Offset: off, Field: field, Reason: reason}
	}
}

func (d *decoder) stop(off int, field, reason string) {
	d.note(off, field, reason)
	d.stuck = true
}

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

func (d *decoder) uint8(field string) uint8 {
	if p := d.take(1, field); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) uint16(field string) uint16 {
	if p := d.take(2, field); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

// Decode decodes b, the payload of one UDP packet, into m. m.Data aliases b.
// It decodes what it can; m.Fault is the first thing that was wrong. It
// allocates for scopes and faults only.
func Decode(m *Datagram, b []byte) {
	*m = Datagram{}
	d := decoder{b: b}
	m.Type = MessageType(d.uint8("MSG_TYPE"))
	m.Flags = Flags(d.uint8("FLAGS"))
	m.ID = d.uint16("DGM_ID")
	if p := d.take(4, "SOURCE_IP"); p != nil {
		m.SourceIP = [4]byte(p)
	}
	m.SourcePort = d.uint16("SOURCE_PORT")
	switch {
	case d.stuck:
	case m.Type == DirectUnique, m.Type == DirectGroup, m.Type == Broadcast:
		d.direct(m)
	case m.Type == Error:
		m.ErrorCode = d.uint8("ERROR_CODE")
	case m.Type == QueryRequest, m.Type == QueryPositiveResponse, m.Type == QueryNegativeResponse:
		m.Destination, m.DestinationScope, m.HasDestination = d.name("DESTINATION_NAME")
	default:
		d.stop(0, "MSG_TYPE", fmt.Sprintf("unknown type %#02x", uint8(m.Type)))
	}
	m.Fault = d.fault
	if !d.stuck {
		m.Trailing = len(b) - d.off
	}
}

func (d *decoder) direct(m *Datagram) {
	lengthAt := d.off
	m.Length = d.uint16("DGM_LENGTH")
	m.PacketOffset = d.uint16("PACKET_OFFSET")
	if d.stuck {
		return
	}
	end := d.off + int(m.Length)
	if end == len(d.b)+d.off {
		// Some senders (Solaris, AIX) count the header too.
		end = len(d.b)
	}
	if end > len(d.b) {
		d.note(lengthAt, "DGM_LENGTH", fmt.Sprintf("is %d, %d bytes left", m.Length, len(d.b)-d.off))
		end = len(d.b)
	}
	m.Source, m.SourceScope, m.HasSource = d.name("SOURCE_NAME")
	m.Destination, m.DestinationScope, m.HasDestination = d.name("DESTINATION_NAME")
	if d.stuck {
		return
	}
	if end < d.off {
		d.note(lengthAt, "DGM_LENGTH", fmt.Sprintf("is %d, but the names end at %d", m.Length, d.off-lengthAt-4))
		end = d.off
	}
	m.Data = d.b[d.off:end]
	d.off = end
}

// name reads a first-level encoded name with its scope (RFC 1002 4.1),
// following label string pointers, which may only point back. A name whose
// letters are wrong is no name, but what follows it is still found.
func (d *decoder) name(field string) (n nbns.Name, scope string, ok bool) {
	if d.stuck {
		return n, "", false
	}
	var buf [maxScope]byte
	width, labels, hops := 0, 0, 0
	at, run := d.off, d.off // run: where the run of labels being read starts
	end := -1               // offset after the name, once a pointer was followed
	ok = true
	for {
		if at >= len(d.b) {
			d.stop(at, field, "runs past the end")
			return nbns.Name{}, "", false
		}
		c := int(d.b[at])
		if c == 0 {
			break
		}
		if c >= 0xC0 {
			to, reason := d.pointer(at)
			if hops++; reason == "" && (to >= run || hops > maxHops) {
				reason = fmt.Sprintf("pointer to byte %d", to)
			}
			if reason != "" {
				d.stop(at, field, reason)
				return nbns.Name{}, "", false
			}
			if end < 0 {
				end = at + 2
			}
			at, run = to, to
			continue
		}
		if c > 63 || at+1+c > len(d.b) {
			d.stop(at, field, fmt.Sprintf("label of %d bytes, %d left", c, len(d.b)-at-1))
			return nbns.Name{}, "", false
		}
		label := d.b[at+1 : at+1+c]
		if labels == 0 {
			if wrong := decodeLabel(&n, label); wrong != "" {
				d.note(at, field, wrong)
				ok = false
			}
		} else {
			dot := min(width, 1)
			if width+dot+c > maxScope {
				d.stop(at, field, fmt.Sprintf("scope of more than %d bytes", maxScope))
				return nbns.Name{}, "", false
			}
			width += copy(buf[width:], "."[:dot])
			width += copy(buf[width:], label)
		}
		labels++
		at += 1 + c
	}
	if end < 0 {
		end = at + 1
	}
	d.off = end
	if labels == 0 {
		d.note(at, field, "is empty")
		ok = false
	}
	if !ok {
		return nbns.Name{}, "", false
	}
	return n, string(buf[:width]), true
}

// pointer reads the label string pointer at byte at; the reason is "" or why not.
func (d *decoder) pointer(at int) (to int, reason string) {
	if at+2 > len(d.b) {
		return 0, "pointer runs past the end"
	}
	return int(binary.BigEndian.Uint16(d.b[at:]) & 0x3FFF), ""
}

// decodeLabel undoes the first-level encoding (RFC 1001 14.1). It returns ""
// or what is wrong with the label.
func decodeLabel(n *nbns.Name, label []byte) string {
	if len(label) != encodedName {
		return fmt.Sprintf("first label has %d bytes, not %d", len(label), encodedName)
	}
	for i := range n {
		hi, lo := label[2*i]-'A', label[2*i+1]-'A'
		if hi > 15 || lo > 15 {
			return fmt.Sprintf("%q at byte %d of the label is not two letters A to P", label[2*i:2*i+2], 2*i)
		}
		n[i] = hi<<4 | lo
	}
	return ""
}
