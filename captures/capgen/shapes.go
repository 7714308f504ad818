package capgen

import (
	"encoding/binary"
	"math/rand/v2"
)

// tagger gives most frames one or two VLAN tags.
type tagger struct {
	rng *rand.Rand
	out *output
}

func (g tagger) frame(t int64, frame []byte) {
	tci := func() uint16 { return uint16(g.rng.Uint32N(8)<<13 | 1 + g.rng.Uint32N(4094)) }
	switch n := g.rng.IntN(100); {
	case n < 50:
		frame = VLAN(frame, TypeVLAN, tci())
	case n < 80:
		frame = VLAN(VLAN(frame, TypeVLAN, tci()), TypeQinQ, tci())
	case n < 85:
		frame = VLAN(frame, TypeVLAN, uint16(g.rng.Uint32N(8)<<13)) // priority alone
	}
	g.out.frame(t, frame)
}

// fragmenter cuts each datagram into IPv4 fragments.
type fragmenter struct {
	rng *rand.Rand
	out *output
}

func (g fragmenter) frame(t int64, frame []byte) {
	parts := Fragment(frame[ethernetHeader:], 8*(2+g.rng.IntN(5)))
	if g.rng.IntN(100) < 30 {
		g.rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	switch g.rng.IntN(100) {
	case 0:
		parts = append(parts, parts[0])
	case 1, 2:
		parts = parts[:len(parts)-1]
	}
	for i, p := range parts {
		g.out.frame(t+int64(i)*microsecond, append(append([]byte(nil), frame[:ethernetHeader]...), p...))
	}
}

// liar spoils messages, each in one way.
type liar struct {
	rng  *rand.Rand
	out  *output
	buf  []byte
	lies []func(b []byte) []byte
}

const messageAt = ethernetHeader + ipv4Header + udpHeader

func newLiar(rng *rand.Rand, out *output) *liar {
	l := &liar{rng: rng, out: out}
	l.lies = []func([]byte) []byte{
		l.counts, l.pointer, l.letters, l.label, l.flip, l.flip, l.short, l.udpLength, l.ipLength, l.headerLength,
		l.recordLength, l.endless, l.noise, l.tail, func(b []byte) []byte { return b },
	}
	return l
}

func (l *liar) frame(t int64, frame []byte) {
	l.buf = append(l.buf[:0], frame...)
	b := l.lies[l.rng.IntN(len(l.lies))](l.buf)
	if l.rng.IntN(4) > 0 {
		fixChecksums(b)
	}
	length := len(b)
	if l.rng.IntN(20) == 0 {
		b = b[:l.rng.IntN(length+1)] // cut by a snap length
	}
	l.out.cut(t, b, length)
}

// fixChecksums sets the checksums as far as the lengths allow.
func fixChecksums(b []byte) {
	if len(b) < messageAt {
		return
	}
	ip, udp := b[ethernetHeader:messageAt-udpHeader], b[messageAt-udpHeader:]
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
	binary.BigEndian.PutUint16(udp[6:], 0) // none
}

// counts claims records that are not there.
func (l *liar) counts(b []byte) []byte {
	binary.BigEndian.PutUint16(b[messageAt+4+2*l.rng.IntN(4):], uint16(l.rng.Uint32()))
	return b
}

// pointer puts a compression pointer to anywhere in place of the name.
func (l *liar) pointer(b []byte) []byte {
	binary.BigEndian.PutUint16(b[messageAt+12:], 0xC000|uint16(l.rng.Uint32N(64)))
	return b
}

// letters uses bytes that first-level encoding does not have.
func (l *liar) letters(b []byte) []byte {
	for range 1 + l.rng.IntN(4) {
		b[messageAt+13+l.rng.IntN(32)] = byte(l.rng.Uint32())
	}
	return b
}

// label gives the name's label another length.
func (l *liar) label(b []byte) []byte {
	b[messageAt+12] = byte(l.rng.Uint32())
	return b
}

// flip changes bits anywhere behind the Ethernet header.
func (l *liar) flip(b []byte) []byte {
	for range 1 + l.rng.IntN(8) {
		b[ethernetHeader+l.rng.IntN(len(b)-ethernetHeader)] ^= 1 << l.rng.IntN(8)
	}
	return b
}

// short ends the datagram early, the headers agreeing.
func (l *liar) short(b []byte) []byte {
	b = b[:messageAt+l.rng.IntN(len(b)-messageAt)]
	setLengths(b)
	return b
}

func setLengths(b []byte) {
	binary.BigEndian.PutUint16(b[ethernetHeader+2:], uint16(len(b)-ethernetHeader))
	binary.BigEndian.PutUint16(b[messageAt-4:], uint16(len(b)-messageAt+udpHeader))
}

func (l *liar) udpLength(b []byte) []byte {
	binary.BigEndian.PutUint16(b[messageAt-4:], uint16(l.rng.Uint32()))
	return b
}

func (l *liar) ipLength(b []byte) []byte {
	binary.BigEndian.PutUint16(b[ethernetHeader+2:], uint16(l.rng.Uint32()))
	return b
}

func (l *liar) headerLength(b []byte) []byte {
	b[ethernetHeader] = 0x40 | byte(l.rng.Uint32N(16))
	return b
}

// recordLength makes the last record claim other data than it has.
func (l *liar) recordLength(b []byte) []byte {
	binary.BigEndian.PutUint16(b[len(b)-8:], uint16(l.rng.Uint32()))
	return b
}

// endless is a name whose compression pointer points to itself, in every
// record.
func (l *liar) endless(b []byte) []byte {
	b = message(b[:messageAt], uint16(l.rng.Uint32()), flagsRegister, 40, 40, 40)
	for range 100 {
		b = binary.BigEndian.AppendUint16(b, 0xC000|uint16(len(b)-messageAt))
		b = record(b, typeNB, 0, 0)
	}
	setLengths(b)
	return b
}

// noise is no message at all.
func (l *liar) noise(b []byte) []byte {
	b = b[:messageAt]
	for range l.rng.IntN(600) {
		b = append(b, byte(l.rng.Uint32()))
	}
	setLengths(b)
	return b
}

// tail adds bytes behind the message, as a hiding place.
func (l *liar) tail(b []byte) []byte {
	for range 1 + l.rng.IntN(200) {
		b = append(b, byte(l.rng.Uint32()))
	}
	setLengths(b)
	return b
}
