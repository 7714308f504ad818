package scenario

import (
	"fmt"
	"net/netip"
	"strings"

	"nbtrace/analyze/nbns"
	"nbtrace/captures/capgen"
)

// segment is one broadcast domain.
type segment struct {
	name   string
	index  int
	prefix netip.Prefix
	router nic
	vlan   uint16
}

func (s *segment) broadcast() netip.Addr {
	a := s.prefix.Masked().Addr().As4()
	for bit := s.prefix.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

// nic is an adapter of a host, or an address of it.
type nic struct {
	addr netip.Addr
	mac  capgen.MAC
	seg  *segment
}

// host is a machine.
type host struct {
	name    string
	flavour *flavour
	node    nbns.NodeType
	hops    uint8
	scope   string
	nics    []nic
	trn     uint16
	ipid    uint16
	port    uint16 // of the last TCP connection
}

// endpoint is an address of a host as a line of the scenario names it.
type endpoint struct {
	host *host
	nic  *nic
	addr netip.Addr // of the nic, or a broadcast address
	seg  *segment
}

func (e endpoint) broadcast() bool { return e.host == nil }

// flavour is the machine's; an address of nobody has that of an undeclared one.
func (e endpoint) flavour() *flavour {
	if e.host == nil {
		return undeclared
	}
	return e.host.flavour
}

// network is who is where.
type network struct {
	segments []*segment
	hosts    map[string]*host
	byAddr   map[netip.Addr]endpoint
	servers  []*host
	order    []*host
}

const maxSegments = 200

// segmentOf is where an address lives; the /24 around it is made a segment if
// no declared one holds it.
func (n *network) segmentOf(a netip.Addr) *segment {
	for _, s := range n.segments {
		if s.prefix.Contains(a) {
			return s
		}
	}
	p, _ := a.Prefix(24) // cannot fail for IPv4
	return n.addSegment(p.String(), p)
}

func (n *network) addSegment(name string, p netip.Prefix) *segment {
	s := &segment{name: name, index: len(n.segments) + 1, prefix: p}
	r := p.Masked().Addr()
	if next := r.Next(); p.Contains(next) {
		r = next
	}
	s.router = nic{addr: r, seg: s}
	n.segments = append(n.segments, s)
	s.router.mac = macOf(s, r)
	return s
}

// macOf makes up the address of an adapter: the segment and the last two
// bytes of the address tell them apart.
func macOf(s *segment, a netip.Addr) capgen.MAC {
	b := a.As4()
	return capgen.MAC{0x00, 0x15, 0x5D, 0x80 + byte(s.index), b[2], b[3]}
}

func (n *network) addHost(name string, f *flavour, addrs []netip.Addr) *host {
	h := &host{name: name, flavour: f, node: f.node, hops: f.hops, ipid: uint16(len(n.order)+1) << 8, port: 1024 + uint16(len(n.order))*16}
	// Transaction ids start apart, so that hosts do not use the same ones by chance.
	h.trn = uint16(len(n.order)+1) * 0x161
	for _, a := range addrs {
		s := n.segmentOf(a)
		h.nics = append(h.nics, nic{addr: a, mac: macOf(s, a), seg: s})
	}
	n.hosts[name] = h
	n.order = append(n.order, h)
	for i := range h.nics {
		k := &h.nics[i]
		n.byAddr[k.addr] = endpoint{h, k, k.addr, k.seg}
	}
	return h
}

// endpoint reads a host (srv: its first adapter), an adapter of it (srv.2),
// bcast (of the segment that from is on, or of the adapter named behind it),
// or an address. An unknown address belongs to a machine that says nothing by
// itself.
func (n *network) endpoint(w *words, what string, from *endpoint) endpoint {
	t := w.next(what)
	if w.fault != nil {
		return endpoint{}
	}
	if t == "bcast" {
		if from == nil || from.seg == nil {
			w.wrong("bcast needs a sender")
			return endpoint{}
		}
		return endpoint{addr: from.seg.broadcast(), seg: from.seg}
	}
	if a, err := netip.ParseAddr(t); err == nil {
		if !a.Is4() {
			w.wrong("%s must be an IPv4 address", what)
			return endpoint{}
		}
		return n.at(a, from)
	}
	name, index := t, 1
	if i := strings.LastIndexByte(t, '.'); i > 0 {
		if _, err := fmt.Sscanf(t[i+1:], "%d", &index); err == nil {
			name = t[:i]
		}
	}
	h := n.hosts[name]
	if h == nil {
		w.wrong("no host %q: declare it with host or wins", name)
		return endpoint{}
	}
	if index < 1 || index > len(h.nics) {
		w.wrong("host %s has %d addresses, no number %d", name, len(h.nics), index)
		return endpoint{}
	}
	k := &h.nics[index-1]
	return endpoint{h, k, k.addr, k.seg}
}

var (
	allOnes = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	// undeclared is how machines write that no line declares.
	undeclared = flavours["windows"]
)

// at is the endpoint of an address; a machine is made for one that nobody has.
func (n *network) at(a netip.Addr, from *endpoint) endpoint {
	if e, ok := n.byAddr[a]; ok {
		return e
	}
	if a == allOnes && from != nil {
		return endpoint{addr: a, seg: from.seg}
	}
	s := n.segmentOf(a)
	if s.broadcast() == a {
		return endpoint{addr: a, seg: s}
	}
	h := n.addHost(a.String(), undeclared, []netip.Addr{a})
	return endpoint{h, &h.nics[0], a, h.nics[0].seg}
}
