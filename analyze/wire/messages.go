package wire

import "encoding/binary"

// verdict is what the first bytes of a stream look like.
type verdict uint8

const (
	wrong    verdict = iota // no message begins here
	more                    // too few bytes to tell
	plain                   // a message
	oversize                // a message longer than the limit
)

// saneMessage is the longest message that is believed at all, whatever the
// limit: WINS-R's whole database of a large site in one answer.
const saneMessage = 256 << 20

// prefixLen is the size of the length in front of each message: 16 bits for
// NBNS (RFC 1002 4.2.1), 32 for WINS replication (MS-WINSRA 2.2).
func prefixLen(p Protocol) int {
	if p == NBNS {
		return 2
	}
	return 4
}

// frameMessage judges whether a message with its length begins at b, and
// gives the size of both. strict is for bytes that were not known to be the
// beginning of a message: there everything must fit that can be checked.
func frameMessage(p Protocol, b []byte, limit int, strict bool) (size int, v verdict) {
	if p == NBNS {
		return frameNBNS(b, strict)
	}
	return frameWINS(b, limit, strict)
}

// frameNBNS judges a length of 16 bits and the header of RFC 1002 4.2.1.1.
func frameNBNS(b []byte, strict bool) (int, verdict) {
	const header = 2 + 12
	if len(b) < header {
		return 0, more
	}
	n := int(binary.BigEndian.Uint16(b))
	flags := binary.BigEndian.Uint16(b[4:])
	if n < 12 || flags&0x0060 != 0 || flags&0xF > 7 {
		return 0, wrong
	}
	response := flags&0x8000 != 0
	switch opcode := flags >> 11 & 0xF; opcode {
	case 0, 5, 6, 8, 9, 15:
	case 7: // only a server that waits says WACK
		if !response {
			return 0, wrong
		}
	default:
		return 0, wrong
	}
	questions := int(binary.BigEndian.Uint16(b[6:]))
	records := int(binary.BigEndian.Uint16(b[8:])) + int(binary.BigEndian.Uint16(b[10:])) + int(binary.BigEndian.Uint16(b[12:]))
	if questions > 1 || !response && questions == 0 || response && strict && questions != 0 {
		return 0, wrong
	}
	// A question takes at least 6 bytes, a record at least 12.
	if 12+questions*6+records*12 > n {
		return 0, wrong
	}
	if questions+records > 0 {
		if len(b) < header+1 {
			return 0, more
		}
		if b[header] != 0x20 { // length of the first label of a first-level encoded name
			return 0, wrong
		}
	} else if strict {
		return 0, wrong
	}
	return 2 + n, plain
}

// frameWINS judges a length of 32 bits and the header of MS-WINSRA 2.2.2.
func frameWINS(b []byte, limit int, strict bool) (int, verdict) {
	const header = 4 + 12
	if len(b) < header {
		return 0, more
	}
	n := uint64(binary.BigEndian.Uint32(b))
	kind := binary.BigEndian.Uint32(b[12:])
	if n < 12 || n > saneMessage || kind > 3 {
		return 0, wrong
	}
	if strict && b[6]&0x78 != 0x78 {
		return 0, wrong
	}
	if v := winsBody(kind, n, b[header:], strict); v != plain {
		return 0, v
	}
	if n > uint64(limit) {
		return int(4 + n), oversize
	}
	return int(4 + n), plain
}

// winsBody judges what follows the message type: b, of n-12 bytes. Association
// messages (types 0 to 2) have 41 or 40 bytes as documented; 20 is seen too.
func winsBody(kind uint32, n uint64, b []byte, strict bool) verdict {
	const small = 64
	if n < 16 { // every type has four bytes more
		return wrong
	}
	if kind < 3 && n > small {
		return wrong
	}
	if len(b) < 4 {
		return more
	}
	field := binary.BigEndian.Uint32(b)
	switch {
	case kind < 2:
		if n < 20 {
			return wrong
		}
		if !strict {
			return plain
		}
		if len(b) < 8 {
			return more
		}
		if b[4] != 0 || b[5] != 2 || b[6] != 0 || b[7] > 9 { // version 2.x
			return wrong
		}
		return plain
	case kind == 2:
		if strict && field > 0xFF {
			return wrong
		}
		return plain
	}
	var slack, each uint64
	switch field {
	case 0, 2:
		if n > small {
			return wrong
		}
		return plain
	case 1, 4, 5, 8, 9:
		slack, each = 8, 24
	case 3:
	default:
		return wrong
	}
	if !strict {
		return plain
	}
	if n < 20 {
		return wrong
	}
	if len(b) < 8 {
		return more
	}
	count := uint64(binary.BigEndian.Uint32(b[4:]))
	if field != 3 { // a table of owners
		if n < 20+count*each || n > 20+count*each+slack {
			return wrong
		}
		return plain
	}
	const leastRecord, mostRecord = 36, 512
	if n < 20+count*leastRecord || n > 20+count*mostRecord+slack {
		return wrong
	}
	return plain
}
