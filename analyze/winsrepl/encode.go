package winsrepl

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Append encodes m, without the length prefix, behind b. Counts are those of
// the slices, not m.Count. It fails where m has no wire form: a scope that is
// too long or holds a NUL, more than 255 members, not one address for a record
// of one, not one owner in a name records request, an unknown type or command.
func Append(b []byte, m *Message) ([]byte, error) {
	start := b
	b = binary.BigEndian.AppendUint32(b, m.Reserved)
	b = binary.BigEndian.AppendUint32(b, m.Assoc)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Type))
	switch m.Type {
	case StartRequest, StartResponse:
		b = binary.BigEndian.AppendUint32(b, m.Sender)
		b = binary.BigEndian.AppendUint16(b, m.Major)
		b = binary.BigEndian.AppendUint16(b, m.Minor)
		return append(b, make([]byte, startReserved)...), nil
	case Stop:
		b = binary.BigEndian.AppendUint32(b, m.Reason)
		return append(b, make([]byte, stopReserved)...), nil
	case Replication:
		b = append(b, 0, 0, 0, byte(m.Command))
	default:
		return start, fmt.Errorf("message type %d has no wire form", m.Type)
	}
	switch {
	case m.Command == OwnerMapRequest:
	case m.Command == NameRecordsRequest:
		if len(m.Owners) != 1 {
			return start, fmt.Errorf("name records request with %d owners, needs one", len(m.Owners))
		}
		b = appendOwner(b, m.Owners[0])
	case m.Command == OwnerMapResponse, m.Command.UpdateNotification():
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.Owners)))
		for _, o := range m.Owners {
			b = appendOwner(b, o)
		}
		b = append(b, m.Initiator[:]...)
	case m.Command == NameRecordsResponse:
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.Records)))
		for i := range m.Records {
			var err error
			if b, err = appendRecord(b, &m.Records[i]); err != nil {
				return start, fmt.Errorf("record %d: %w", i, err)
			}
		}
	default:
		return start, fmt.Errorf("replication command %d has no wire form", m.Command)
	}
	return b, nil
}

// AppendFramed encodes m behind b as it travels in the TCP stream: with the
// 4-byte length prefix.
func AppendFramed(b []byte, m *Message) ([]byte, error) {
	n := len(b)
	out, err := Append(append(b, 0, 0, 0, 0), m)
	if err != nil {
		return b, err
	}
	size := len(out) - n - 4
	if uint64(size) > math.MaxUint32 {
		return b, fmt.Errorf("message of %d bytes has no wire form", size)
	}
	binary.BigEndian.PutUint32(out[n:], uint32(size))
	return out, nil
}

func appendOwner(b []byte, o Owner) []byte {
	b = append(b, o.Address[:]...)
	b = binary.BigEndian.AppendUint64(b, o.MaxVersion)
	b = binary.BigEndian.AppendUint64(b, o.MinVersion)
	return binary.BigEndian.AppendUint32(b, o.Reserved)
}

func appendRecord(b []byte, r *Record) ([]byte, error) {
	if len(r.Scope) > maxScope || strings.IndexByte(r.Scope, 0) >= 0 {
		return b, fmt.Errorf("scope of %d bytes: at most %d, none of them NUL", len(r.Scope), maxScope)
	}
	list := r.Flags.Listed()
	if !list && len(r.Members) != 1 || len(r.Members) > math.MaxUint8 {
		return b, fmt.Errorf("%s record with %d addresses", r.Flags.Type(), len(r.Members))
	}
	n := nameSize + len(r.Scope) + 1
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	name := r.Name
	if name[15] == 0x1B {
		name[0], name[15] = name[15], name[0]
	}
	b = append(b, name[:]...)
	b = append(b, r.Scope...)
	b = append(b, 0)
	b = append(b, make([]byte, 4-n&3)...)
	b = binary.BigEndian.AppendUint32(b, uint32(r.Flags))
	b = binary.LittleEndian.AppendUint32(b, r.Group)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	if list {
		b = append(b, byte(len(r.Members)), 0, 0, 0)
		for _, m := range r.Members {
			b = append(b, m.Owner[:]...)
			b = append(b, m.Addr[:]...)
		}
	} else {
		b = append(b, r.Members[0].Addr[:]...)
	}
	return append(b, 0xFF, 0xFF, 0xFF, 0xFF), nil
}
