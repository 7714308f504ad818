package exchange

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an IP address without the pointer of netip.Addr, for what is kept in
// large numbers. The zero value is no address. IPv4 addresses are held as
// IPv4-mapped ones, so that those two are the same, and :: is no address; NBNS
// knows neither.
type Addr struct{ hi, lo uint64 }

const mapped = 0xFFFF_0000_0000

// PackAddr is the compact form of a.
func PackAddr(a netip.Addr) Addr {
	if a.Is4() {
		b := a.As4()
		return Addr{0, mapped | uint64(binary.BigEndian.Uint32(b[:]))}
	}
	if !a.IsValid() {
		return Addr{}
	}
	b := a.As16()
	return Addr{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

// IsValid reports whether p is an address.
func (p Addr) IsValid() bool { return p != Addr{} }

// Addr is the address in its usual form.
func (p Addr) Addr() netip.Addr {
	if p.hi == 0 && p.lo>>32 == mapped>>32 {
		return netip.AddrFrom4([4]byte{byte(p.lo >> 24), byte(p.lo >> 16), byte(p.lo >> 8), byte(p.lo)})
	}
	if !p.IsValid() {
		return netip.Addr{}
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], p.hi)
	binary.BigEndian.PutUint64(b[8:], p.lo)
	return netip.AddrFrom16(b)
}
