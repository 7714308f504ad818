package capgen

import (
	"math/rand/v2"
	"net/netip"
)

const (
	// packetGap is the mean time between two packets of general traffic.
	packetGap = 10 * microsecond
	// sparseExchangeGap makes one frame in a thousand an NBNS message: an
	// exchange has about two of them.
	sparseExchangeGap = 20_500 * microsecond

	largestFrame  = 1514
	smallestFrame = 60
	poolSize      = 1 << 16
)

// background is the general traffic between a simulation's messages.
type background struct {
	rng   *rand.Rand
	out   *output
	now   int64
	limit int64  // bytes of the file, 0 for none
	pool  []byte // random bytes that payloads are cut from
	ends  [64]Station
	far   [64]netip.Addr
	six   [64]netip.Addr
}

func newBackground(rng *rand.Rand, s *sim, out *output, c Config) *background {
	b := &background{rng: rng, out: out, now: c.Start, limit: c.Bytes, pool: make([]byte, poolSize+largestFrame)}
	for i := range b.pool {
		b.pool[i] = byte(rng.Uint32())
	}
	for i := range b.ends {
		b.ends[i] = s.host(i % s.hosts)
		b.far[i] = netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
		b.six[i] = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(i + 1)})
	}
	return b
}

// until writes general traffic up to t and then the message, which is left out
// if the file is full before.
func (b *background) until(t int64, frame []byte) {
	for b.now < t && b.out.err == nil {
		if b.limit > 0 && b.out.bytes >= b.limit {
			return
		}
		b.packet(b.now)
		b.now += packetGap/2 + int64(b.rng.Uint32N(packetGap))
	}
	if b.rng.Uint32N(50) == 0 {
		frame = VLAN(frame, TypeVLAN, 100)
	}
	b.out.frame(t, frame)
}

// size is a frame's length: acknowledgements, full segments and what is
// between, 658 bytes in the mean.
func (b *background) size() int {
	switch n := b.rng.Uint32N(100); {
	case n < 44:
		return smallestFrame + int(b.rng.Uint32N(60))
	case n < 71:
		return largestFrame
	default:
		return 120 + int(b.rng.Uint32N(1330))
	}
}

func (b *background) packet(t int64) {
	r := b.rng.Uint64()
	size, kind := b.size(), r%100
	near := &b.ends[r>>8%64]
	gateway := MAC{2, 0, 0, 0, 0, 1}
	at := b.out.begin(t)
	buf := append(append(b.out.buf, gateway[:]...), near.MAC[:]...)
	if r>>16%50 == 0 {
		buf = append(buf, TypeVLAN>>8, TypeVLAN&0xff, 0, 100)
		size = max(size-4, smallestFrame)
	}
	low, high := uint16(1024+r>>24%40000), [4]uint16{80, 443, 445, 8080}[r>>40%4]
	peer := r >> 48 % 64
	payload := b.pool[r>>32%poolSize:]
	src, dst := netip.AddrPortFrom(near.Addr.Addr(), low), netip.AddrPortFrom(b.far[peer], high)
	switch {
	case kind < 55:
		n := size - ethernetHeader - ipv4Header - tcpHeader
		buf = appendIP(append(buf, TypeIPv4>>8, TypeIPv4&0xff), src.Addr(), dst.Addr(), ProtocolTCP, low, tcpHeader+n)
		buf = appendTCP(buf, src, dst, uint32(r), uint32(r>>20), ACK, payload[:n])
	case kind < 80:
		n := size - ethernetHeader - ipv4Header - udpHeader
		buf = appendIP(append(buf, TypeIPv4>>8, TypeIPv4&0xff), src.Addr(), dst.Addr(), ProtocolUDP, low, udpHeader+n)
		buf = appendUDP(buf, src, dst, payload[:n])
	case kind < 97:
		src, dst = netip.AddrPortFrom(b.six[r>>8%64], low), netip.AddrPortFrom(b.six[peer], high)
		n := max(size-ethernetHeader-ipv6Header-tcpHeader, 0)
		buf = appendIP(append(buf, TypeIPv6>>8, TypeIPv6&0xff), src.Addr(), dst.Addr(), ProtocolTCP, 0, tcpHeader+n)
		buf = appendTCP(buf, src, dst, uint32(r), uint32(r>>20), ACK, payload[:n])
	default:
		s, d := src.Addr().As4(), dst.Addr().As4()
		buf = append(buf, TypeARP>>8, TypeARP&0xff, 0, 1, TypeIPv4>>8, TypeIPv4&0xff, 6, 4, 0, 1)
		buf = append(append(buf, near.MAC[:]...), s[:]...)
		buf = append(append(buf, 0, 0, 0, 0, 0, 0), d[:]...)
		buf = append(buf, make([]byte, 18)...)
	}
	b.out.buf = buf
	b.out.end(at, t)
}
