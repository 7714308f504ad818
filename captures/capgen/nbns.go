package capgen

import (
	"encoding/binary"
	"net/netip"
)

// The words after NAME_TRN_ID of the messages written here (RFC 1002 4.2.1.1),
// as Windows and Samba send them.
const (
	flagsRegister    = 0x2900
	flagsMultihomed  = 0x7900
	flagsRefresh     = 0x4000
	flagsRelease     = 0x3000
	flagsQuery       = 0x0100
	flagsBroadcast   = 0x0110
	flagsChallenge   = 0x0000
	flagsStatus      = 0x0000
	flagsRegistered  = 0xAD80
	flagsActive      = 0xAD86 // ACT_ERR
	flagsWait        = 0xBC00
	flagsReleased    = 0xB400
	flagsFound       = 0x8580
	flagsNotFound    = 0x8583 // NAM_ERR
	flagsOwner       = 0x8500
	flagsStatusReply = 0x8400
)

const (
	typeNB     = 0x0020
	typeNBStat = 0x0021
	typeNull   = 0x000A
	classIN    = 1

	nodeH    = 0x6000 // NB_FLAGS: unique, H node
	groupBit = 0x8000

	registeredTTL = 518400 // seconds: six days
	pointerToName = 0xC00C // to the question's name, just behind the header
)

// name is a NetBIOS name: fifteen characters and the suffix.
type name [16]byte

// message starts a message with the counts of questions, answers and
// additional records.
func message(b []byte, id, flags, qd, an, ar uint16) []byte {
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint16(b, qd)
	b = binary.BigEndian.AppendUint16(b, an)
	b = binary.BigEndian.AppendUint16(b, 0)
	return binary.BigEndian.AppendUint16(b, ar)
}

// encoded adds the first-level encoding of a name without scope.
func encoded(b []byte, n *name) []byte {
	b = append(b, 32)
	for _, c := range n {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	return append(b, 0)
}

func question(b []byte, n *name, kind uint16) []byte {
	b = encoded(b, n)
	b = binary.BigEndian.AppendUint16(b, kind)
	return binary.BigEndian.AppendUint16(b, classIN)
}

// record adds what follows a record's name.
func record(b []byte, kind uint16, ttl uint32, length uint16) []byte {
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = binary.BigEndian.AppendUint32(b, ttl)
	return binary.BigEndian.AppendUint16(b, length)
}

func address(b []byte, flags uint16, a netip.Addr) []byte {
	b = binary.BigEndian.AppendUint16(b, flags)
	v4 := a.As4()
	return append(b, v4[:]...)
}

// request is a registration, refresh or release: the question and, by
// pointer, the address.
func request(b []byte, id, flags uint16, n *name, ttl uint32, nb uint16, a netip.Addr) []byte {
	b = question(message(b, id, flags, 1, 0, 1), n, typeNB)
	b = binary.BigEndian.AppendUint16(b, pointerToName)
	return address(record(b, typeNB, ttl, 6), nb, a)
}

// query asks for a name or, with typeNBStat, for a node's status.
func query(b []byte, id, flags uint16, n *name, kind uint16) []byte {
	return question(message(b, id, flags, 1, 0, 0), n, kind)
}

// reply answers with one address.
func reply(b []byte, id, flags uint16, n *name, ttl uint32, nb uint16, a netip.Addr) []byte {
	b = encoded(message(b, id, flags, 0, 1, 0), n)
	return address(record(b, typeNB, ttl, 6), nb, a)
}

// notFound is the negative answer to a query: a record without data.
func notFound(b []byte, id uint16, n *name) []byte {
	b = encoded(message(b, id, flagsNotFound, 0, 1, 0), n)
	return record(b, typeNull, 0, 0)
}

// wait is a WACK (RFC 1002 4.2.16) that repeats the request's flags word.
func wait(b []byte, id, requested uint16, n *name, seconds uint32) []byte {
	b = encoded(message(b, id, flagsWait, 0, 1, 0), n)
	b = record(b, typeNB, seconds, 2)
	return binary.BigEndian.AppendUint16(b, requested)
}

// status is a node status answer (RFC 1002 4.2.18) with names of the node.
func status(b []byte, id uint16, asked *name, names []name, mac MAC) []byte {
	b = encoded(message(b, id, flagsStatusReply, 0, 1, 0), asked)
	const statistics = 46
	b = record(b, typeNBStat, 0, uint16(1+18*len(names)+statistics))
	b = append(b, byte(len(names)))
	for i := range names {
		b = append(b, names[i][:]...)
		b = binary.BigEndian.AppendUint16(b, nodeH|0x0400) // ACT
	}
	b = append(b, mac[:]...)
	return append(b, make([]byte, statistics-len(mac))...)
}
