package nbns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Append appends the encoding of m to dst. A record named like the first
// question gets a compression pointer to it, as RFC 1002 4.2.2 and 4.2.9 want
// it in requests; other names are written in full.
//
// The counts come from the sections, not from the count fields of m, and the
// records are written in the order of their sections. RDATA is Data; if that
// is nil, it is made of Addrs for an NB record and of Status and UnitID for an
// NBSTAT record. What m cannot be encoded for (a scope that has no legal
// labels, more than 65535 of something) is the error, and dst is returned as
// it was.
func Append(dst []byte, m *Message) ([]byte, error) { return appendMessage(dst, m, true) }

// AppendUncompressed is Append with every name written in full, as Samba
// sends its messages.
func AppendUncompressed(dst []byte, m *Message) ([]byte, error) { return appendMessage(dst, m, false) }

func appendMessage(dst []byte, m *Message, compress bool) ([]byte, error) {
	out := dst
	var counts [Additional + 1]int
	for i := range m.Records {
		s := m.Records[i].Section
		if int(s) >= len(counts) {
			return dst, fmt.Errorf("record %d: no such section: %d", i, s)
		}
		counts[s]++
	}
	out = binary.BigEndian.AppendUint16(out, m.TrnID)
	out = binary.BigEndian.AppendUint16(out, uint16(m.Flags))
	for _, n := range [...]int{len(m.Questions), counts[Answer], counts[Authority], counts[Additional]} {
		if n > math.MaxUint16 {
			return dst, fmt.Errorf("%d entries in a section, at most %d can be", n, math.MaxUint16)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	var err error
	for i := range m.Questions {
		q := &m.Questions[i]
		if out, err = appendName(out, q.Name, q.Scope); err != nil {
			return dst, fmt.Errorf("question %d: %w", i, err)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(q.Type))
		out = binary.BigEndian.AppendUint16(out, q.Class)
	}
	for s := range Additional + 1 {
		for i := range m.Records {
			r := &m.Records[i]
			if r.Section != s {
				continue
			}
			if compress && len(m.Questions) > 0 && m.Questions[0].Name == r.Name && m.Questions[0].Scope == r.Scope {
				out = append(out, 0xC0, headerLen)
			} else if out, err = appendName(out, r.Name, r.Scope); err != nil {
				return dst, fmt.Errorf("record %d: %w", i, err)
			}
			if out, err = appendRecord(out, m, r); err != nil {
				return dst, fmt.Errorf("record %d: %w", i, err)
			}
		}
	}
	return out, nil
}

// appendRecord appends the record r of m from RR_TYPE on.
func appendRecord(dst []byte, m *Message, r *Record) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.Type))
	dst = binary.BigEndian.AppendUint16(dst, r.Class)
	dst = binary.BigEndian.AppendUint32(dst, r.TTL)
	dst = append(dst, 0, 0)
	start := len(dst)
	switch {
	case r.Data != nil:
		dst = append(dst, r.Data...)
	case r.Type == TypeNB:
		for _, e := range r.Addrs {
			dst = binary.BigEndian.AppendUint16(dst, uint16(e.Flags))
			dst = append(dst, e.Addr[:]...)
		}
	case r.Type == TypeNBSTAT:
		if len(m.Status) > math.MaxUint8 {
			return dst, fmt.Errorf("%d names in a node status, at most %d can be", len(m.Status), math.MaxUint8)
		}
		dst = append(dst, byte(len(m.Status)))
		for _, e := range m.Status {
			dst = append(dst, e.Name[:]...)
			dst = binary.BigEndian.AppendUint16(dst, uint16(e.Flags))
		}
		if m.HasUnitID {
			dst = append(dst, m.UnitID[:]...)
			dst = append(dst, make([]byte, statistics-len(m.UnitID))...)
		}
	}
	n := len(dst) - start
	if n > math.MaxUint16 {
		return dst, errors.New("RDATA of more than 65535 bytes")
	}
	binary.BigEndian.PutUint16(dst[start-2:], uint16(n))
	return dst, nil
}

// appendName appends the second-level encoding of a name, RFC 1002 4.1.
func appendName(dst []byte, n Name, scope string) ([]byte, error) {
	if err := checkScope(scope, true); err != nil {
		return dst, fmt.Errorf("scope %q: %w", scope, err)
	}
	dst = append(dst, encodedLen)
	for _, c := range n {
		dst = append(dst, 'A'+c>>4, 'A'+c&15)
	}
	for scope != "" {
		label, rest, _ := strings.Cut(scope, ".")
		dst = append(dst, byte(len(label)))
		dst = append(dst, label...)
		scope = rest
	}
	return append(dst, 0), nil
}
