package scenario

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"nbtrace/captures"
	"nbtrace/captures/capgen"
)

// packet is one IPv4 packet and how it leaves its sender.
type packet struct {
	host     *host
	from     *segment // where it is sent
	srcMAC   capgen.MAC
	src, dst netip.Addr
	to       endpoint
	toMAC    *capgen.MAC
	hops     uint8
	ipid     uint16
	protocol uint8
	srcPort  uint16
	payload  []byte // above IP
	lost     bool
	order    int // in which it was made
}

func (h *host) nextIPID() uint16 {
	h.ipid++
	return h.ipid
}

// packet makes a UDP packet.
func (b *builder) packet(w *words, o *options, from, to endpoint, srcPort, dstPort uint16, data []byte) packet {
	if w.fault != nil {
		return packet{}
	}
	p := packet{host: from.host, from: from.seg, srcMAC: from.nic.mac, src: from.addr, dst: to.addr, to: to, toMAC: o.toMAC,
		hops: from.host.hops, protocol: capgen.ProtocolUDP, srcPort: srcPort, lost: o.lost, order: b.lines}
	if o.source.IsValid() {
		p.src = o.source
	}
	if o.mac != nil {
		p.srcMAC = *o.mac
	}
	if o.hops >= 0 {
		p.hops = uint8(o.hops)
	}
	if p.ipid = uint16(o.ipid); o.ipid < 0 {
		p.ipid = from.host.nextIPID()
	}
	if o.port != 0 {
		p.srcPort = o.port
	}
	if o.dstPort != 0 {
		dstPort = o.dstPort
	}
	p.payload = capgen.UDP(netip.AddrPortFrom(p.src, p.srcPort), netip.AddrPortFrom(p.dst, dstPort), data)
	return p
}

// ip is the packet with its IP header.
func (p *packet) ip(hops uint8) []byte {
	b := capgen.IPv4(p.src, p.dst, p.protocol, p.ipid, p.payload)
	b[8] = hops
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], capgen.Checksum(b[:20]))
	return b
}

// dstMAC is the destination on the packet's last segment: the one that the
// scenario gives, else usual.
func (p *packet) dstMAC(usual capgen.MAC) capgen.MAC {
	if p.toMAC != nil {
		return *p.toMAC
	}
	return usual
}

// hop is the passage of a packet over one segment.
type hop struct {
	at       time.Duration
	seg      *segment
	src, dst capgen.MAC
	sender   *host // nil: the router
	receiver *host
	bcast    bool
	ip       []byte
}

// send puts the packet on its way at the present time: over the segment of
// its sender and, behind the router, that of its receiver.
func (b *builder) send(p packet) {
	b.last = &p
	if p.lost {
		return
	}
	to := p.to
	if to.broadcast() && (to.seg == p.from || to.addr == allOnes) {
		b.capture(&p, hop{at: b.now, seg: p.from, src: p.srcMAC, dst: p.dstMAC(capgen.Broadcast), sender: p.host, bcast: true, ip: p.ip(p.hops)})
		return
	}
	if to.seg == p.from {
		b.capture(&p, hop{at: b.now, seg: p.from, src: p.srcMAC, dst: p.dstMAC(to.nic.mac), sender: p.host, receiver: to.host, ip: p.ip(p.hops)})
		return
	}
	b.capture(&p, hop{at: b.now, seg: p.from, src: p.srcMAC, dst: p.from.router.mac, sender: p.host, ip: p.ip(p.hops)})
	last := hop{at: b.now + routerDelay, seg: to.seg, src: to.seg.router.mac, dst: capgen.Broadcast, bcast: true, ip: p.ip(p.hops - 1)}
	if !to.broadcast() {
		last.dst, last.receiver, last.bcast = to.nic.mac, to.host, false
	}
	last.dst = p.dstMAC(last.dst)
	b.capture(&p, last)
}

// tap is a place where frames are captured.
type tap struct {
	seg    *segment // of one segment,
	host   *host    // or of one machine's adapters,
	all    bool     // or of every segment, one interface each
	cooked bool     // as Linux's "any" device shows them
	tagged bool     // with the segment's VLAN tag
	snap   int
	lose   []netip.Addr // senders whose packets it misses
	part   string
	iface  int // first interface number in its file
}

// frame is a captured frame.
type frame struct {
	at    time.Duration // true time
	stamp time.Duration // what the capturing clock said
	order int
	part  string
	iface int
	link  captures.LinkType
	data  []byte
	size  int
}

// tap SEGMENT|HOST|all [cooked] [tagged] [snap N] [lose ADDRESS...] [as PART]
func (b *builder) setTap(w *words) {
	t := &tap{}
	name := w.next("a segment, a host or all")
	if w.fault != nil {
		return
	}
	switch h := b.net.hosts[name]; {
	case name == "all":
		t.all = true
	case h != nil:
		t.host = h
	default:
		for _, s := range b.net.segments {
			if s.name == name || s.prefix.String() == name {
				t.seg = s
			}
		}
		if a, err := netip.ParseAddr(name); err == nil && a.Is4() {
			t.seg = b.net.segmentOf(a)
		}
		if p, err := netip.ParsePrefix(name); t.seg == nil && err == nil && p.Addr().Is4() {
			t.seg = b.net.addSegment(name, p)
		}
		if t.seg == nil {
			w.wrong("no segment or host %q", name)
			return
		}
	}
	for w.more() {
		switch w.next("") {
		case "cooked":
			t.cooked = true
		case "tagged":
			t.tagged = true
		case "snap":
			t.snap = int(w.number("the snap length", 65535))
		case "lose":
			for first := true; first || w.isAddress(); first = false {
				t.lose = append(t.lose, w.address("an address"))
				if w.fault != nil {
					return
				}
			}
		case "as":
			t.part = w.next("the part of the file name")
		default:
			w.wrong("unknown option %q: cooked, tagged, snap, lose or as", w.list[w.at-1].text)
			return
		}
	}
	for _, o := range b.taps {
		if o.part == t.part {
			t.iface = max(t.iface, o.iface+1)
			if o.all || o.host != nil && !o.cooked {
				t.iface = o.iface + maxSegments
			}
		}
	}
	b.taps = append(b.taps, t)
}

// theTaps are the taps of the scenario; without any, one at the segment of the
// first server, or of the first host.
func (b *builder) theTaps() []*tap {
	if len(b.taps) == 0 {
		switch {
		case len(b.net.servers) > 0:
			b.taps = []*tap{{seg: b.net.servers[0].nics[0].seg}}
		case len(b.net.order) > 0:
			b.taps = []*tap{{seg: b.net.order[0].nics[0].seg}}
		}
	}
	return b.taps
}

// capture shows the hop to every tap.
func (b *builder) capture(p *packet, h hop) {
	for _, t := range b.theTaps() {
		if slices.Contains(t.lose, p.src) {
			continue
		}
		iface := t.iface
		switch {
		case t.all:
			iface += h.seg.index - 1
		case t.seg != nil:
			if h.seg != t.seg {
				continue
			}
		default:
			on := slices.ContainsFunc(t.host.nics, func(k nic) bool { return k.seg == h.seg })
			if h.sender != t.host && h.receiver != t.host && (!h.bcast || !on) {
				continue
			}
			iface += slices.IndexFunc(t.host.nics, func(k nic) bool { return k.seg == h.seg })
		}
		f := frame{at: h.at, stamp: h.at + b.skew, order: len(b.frames), part: t.part, iface: iface}
		if t.cooked {
			f.iface, f.link, f.data = t.iface, captures.LinkSLL2, cooked(&h, t, iface)
		} else {
			f.link, f.data = captures.LinkEthernet, capgen.Ethernet(h.dst, h.src, capgen.TypeIPv4, h.ip)
			for len(f.data) < 60 {
				f.data = append(f.data, 0)
			}
			if t.tagged && h.seg.vlan != 0 {
				f.data = capgen.VLAN(f.data, capgen.TypeVLAN, h.seg.vlan)
			}
		}
		f.size = len(f.data)
		if t.snap > 0 && len(f.data) > t.snap {
			f.data = f.data[:t.snap]
		}
		b.frames = append(b.frames, f)
	}
}

// cooked is the packet behind a header of Linux cooked mode, version 2.
func cooked(h *hop, t *tap, iface int) []byte {
	b := binary.BigEndian.AppendUint16(nil, capgen.TypeIPv4)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(iface+2))
	b = binary.BigEndian.AppendUint16(b, 1) // Ethernet
	kind := byte(0)                         // to us
	switch {
	case t.host != nil && h.sender == t.host:
		kind = 4 // from us
	case h.bcast:
		kind = 1
	}
	b = append(b, kind, 6)
	b = append(b, h.src[:]...)
	b = append(b, 0, 0)
	return append(b, h.ip...)
}

// unreachable: the receiver of the latest packet says that nobody listens at
// its port (ICMP type 3 code 3), quoting it.
func (b *builder) unreachable(w *words) {
	if b.last == nil || b.last.to.host == nil {
		w.wrong("there is no packet to one machine that could be refused")
		return
	}
	l := b.last
	quoted := l.ip(l.hops - 1)
	icmp := append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, quoted[:min(len(quoted), 548)]...)
	binary.BigEndian.PutUint16(icmp[2:], capgen.Checksum(icmp))
	back, ok := b.net.byAddr[l.src]
	if !ok {
		w.wrong("%s is no machine", l.src)
		return
	}
	b.send(packet{host: l.to.host, from: l.to.seg, srcMAC: l.to.nic.mac, src: l.to.addr, dst: l.src, to: back, hops: l.to.host.hops,
		ipid: l.to.host.nextIPID(), protocol: 1, payload: icmp})
}

// write makes the files.
func (b *builder) write(name string) ([]File, error) {
	frames := slices.DeleteFunc(b.frames, func(f frame) bool { return f.at < b.from || b.until > 0 && f.at > b.until })
	if len(frames) == 0 {
		return nil, fmt.Errorf("nothing was captured")
	}
	slices.SortStableFunc(frames, func(a, b frame) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
	var files []File
	var parts []string
	for _, t := range b.taps {
		if !slices.Contains(parts, t.part) {
			parts = append(parts, t.part)
		}
	}
	for _, part := range parts {
		var own []frame
		for _, f := range frames {
			if f.part == part {
				own = append(own, f)
			}
		}
		base := name
		if part != "" {
			base += "." + part
		}
		for n := 1; len(own) > 0; n++ {
			end, called := len(own), base
			if b.ring > 0 {
				end, called = firstFrom(own, own[0].at+b.ring), base+"."+strconv.Itoa(n)
			}
			f, err := b.writeFile(called, own[:end])
			if err != nil {
				return nil, err
			}
			files = append(files, f)
			own = own[end:]
		}
	}
	return files, nil
}

// firstFrom is the index of the first frame at the time or later.
func firstFrom(frames []frame, at time.Duration) int {
	if i := slices.IndexFunc(frames, func(f frame) bool { return f.at >= at }); i >= 0 {
		return i
	}
	return len(frames)
}

// writeFile writes pcap with microseconds if all frames are of one interface,
// else pcapng.
func (b *builder) writeFile(name string, frames []frame) (File, error) {
	if slices.ContainsFunc(frames, func(f frame) bool { return f.iface != frames[0].iface || f.link != frames[0].link }) {
		data, err := b.pcapng(frames)
		return File{name + ".pcapng", data}, err
	}
	return File{name + ".pcap", b.pcap(frames)}, nil
}

func (b *builder) pcapng(frames []frame) ([]byte, error) {
	var out bytes.Buffer
	w := captures.NewWriter(&out, captures.WriterOptions{Application: "nbtrace scenario (synthetic)"})
	for i, f := range frames {
		fr := captures.Frame{Number: int64(i + 1), Time: b.start.Add(f.stamp).UnixNano(), Interface: f.iface, Link: f.link, Length: f.size, Data: f.data}
		if err := w.Write(&fr); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (b *builder) pcap(frames []frame) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xA1B2C3D4)
	out = le.AppendUint16(out, 2)
	out = le.AppendUint16(out, 4)
	out = append(out, make([]byte, 8)...)
	out = le.AppendUint32(out, 262144)
	out = le.AppendUint32(out, uint32(frames[0].link))
	for _, f := range frames {
		t := b.start.Add(f.stamp)
		out = le.AppendUint32(out, uint32(t.Unix()))
		out = le.AppendUint32(out, uint32(t.Nanosecond()/1000))
		out = le.AppendUint32(out, uint32(len(f.data)))
		out = le.AppendUint32(out, uint32(f.size))
		out = append(out, f.data...)
	}
	return out
}
