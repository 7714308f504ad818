package scenario

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"nbtrace/analyze/nbdgm"
	"nbtrace/analyze/nbns"
)

const datagramPort = 138

var browseKinds = map[string]nbdgm.Opcode{"host": nbdgm.HostAnnouncement, "master": nbdgm.LocalMasterAnnouncement,
	"domain": nbdgm.DomainAnnouncement, "election": nbdgm.RequestElection}

// datagram NAME NAME [group] [announce KIND TEXT TYPE] [logon] [claims ADDRESS] from HOST to ENDPOINT and what optSend
// allows: a NetBIOS datagram (RFC 1002 4.4) from the first name to the second.
func (b *builder) datagram(w *words) {
	src, srcScope := w.name()
	dst, dstScope := w.name()
	kind := byte(nbdgm.DirectUnique)
	var body []byte
	var claims netip.Addr
	for w.more() {
		if w.take("group") {
			kind = byte(nbdgm.DirectGroup)
			continue
		}
		if w.take("claims") {
			claims = w.address("the address that the datagram gives as its source")
			continue
		}
		if w.take("logon") {
			body = mailslot(`\MAILSLOT\NET\NTLOGON`, append([]byte{18, 0, 0, 0}, make([]byte, 20)...))
			continue
		}
		if w.take("announce") {
			t := w.next("the kind of announcement")
			op, ok := browseKinds[t]
			if !ok {
				w.wrong("an announcement is host, master, domain or election, not %q", t)
				return
			}
			text := w.next("who is announced")
			body = mailslot(`\MAILSLOT\BROWSE`, announcement(op, text, uint32(w.number("the server type", 0xFFFFFFFF))))
			continue
		}
		break
	}
	o := b.options(w, optSend)
	r := &request{}
	if w.fault != nil || !b.ends(w, o, r, true) {
		return
	}
	names := appendName(appendName(nil, src, scopeOf(r.from.host, srcScope, o)), dst, scopeOf(r.from.host, dstScope, o))
	if !claims.IsValid() {
		claims = r.from.addr
	}
	ip := claims.As4()
	r.from.host.trn++
	d := []byte{kind, 0x02 | byte(r.from.host.node)<<2} // first and only fragment
	d = binary.BigEndian.AppendUint16(d, r.from.host.trn)
	d = append(d, ip[:]...)
	d = binary.BigEndian.AppendUint16(d, datagramPort)
	d = binary.BigEndian.AppendUint16(d, uint16(len(names)+len(body)))
	d = append(d, 0, 0)
	d = append(append(d, names...), body...)
	p := b.packet(w, o, r.from, r.to, datagramPort, datagramPort, damage(w, o, d))
	if w.fault == nil {
		b.send(p)
	}
}

func appendName(b []byte, n nbns.Name, scope string) []byte {
	b = append(b, 32)
	for _, c := range n {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	for scope != "" {
		var label string
		label, scope, _ = strings.Cut(scope, ".")
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// mailslot is an SMB_COM_TRANSACTION that writes to a mailslot (MS-MAIL 2.2.1).
func mailslot(name string, data []byte) []byte {
	smb := append([]byte{0xFF, 'S', 'M', 'B', 0x25}, make([]byte, 27)...)
	const wordCount = 17
	params := make([]byte, 2*wordCount)
	le := binary.LittleEndian
	at := len(smb) + 1 + len(params) + 2 + len(name) + 1
	le.PutUint16(params[2:], uint16(len(data)))  // TotalDataCount
	le.PutUint16(params[22:], uint16(len(data))) // DataCount
	le.PutUint16(params[24:], uint16(at))        // DataOffset
	params[26] = 3                               // SetupCount
	le.PutUint16(params[28:], 1)                 // write mailslot
	le.PutUint16(params[30:], 1)                 // priority
	le.PutUint16(params[32:], 2)                 // unreliable
	smb = append(append(smb, wordCount), params...)
	smb = le.AppendUint16(smb, uint16(len(name)+1+len(data)))
	smb = append(append(smb, name...), 0)
	return append(smb, data...)
}

// announcement is a browser frame (MS-BRWS 2.2).
func announcement(op nbdgm.Opcode, name string, kind uint32) []byte {
	le := binary.LittleEndian
	b := []byte{byte(op)}
	if op == nbdgm.RequestElection {
		b = append(b, 1)
		b = le.AppendUint32(b, 0x20010F03)
		b = le.AppendUint32(b, 60000)
		b = le.AppendUint32(b, 0)
		return append(append(b, name...), 0)
	}
	b = append(b, 0)
	b = le.AppendUint32(b, 720000)
	var field [16]byte
	copy(field[:15], name)
	b = append(b, field[:]...)
	b = append(b, 4, 0)
	b = le.AppendUint32(b, kind)
	b = append(b, 0x0F, 0x01, 0x55, 0xAA)
	return append(b, 0)
}
