package report

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"nbtrace/analyze/nbdgm"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

// usable reports whether a frame may carry anything that nbtrace reads.
func usable(f *captures.Frame) bool { return wire.Quick(f.Link, f.Data) != wire.No }

// choose reads all frames once and notes which are wanted: by name, by
// machine, and as parts of messages that came in pieces.
func (b *evidenceBuilder) choose() error {
	decoder := wire.NewDecoder(wire.Options{})
	var packets []wire.Packet
	return b.each(func(f *captures.Frame) error {
		if !usable(f) {
			return nil
		}
		if b.counts[levelAll]++; b.counts[levelAll] > maxContext {
			b.closed[levelAll] = true
		}
		packets = decoder.Decode(f, packets[:0])
		for i := range packets {
			b.consider(&packets[i], f)
		}
		return nil
	})
}

// consider notes for whom the frames of a message are wanted.
func (b *evidenceBuilder) consider(p *wire.Packet, f *captures.Frame) {
	place := framePlace{p.Input, p.Frame}
	for _, i := range b.concerned(p) {
		b.want(place, evidenceTag{i, b.nearOr(i, p.Time, levelNameNear, levelName)})
	}
	for _, a := range []netip.Addr{p.Src.Addr(), p.Dst.Addr()} {
		for _, i := range b.byAddr[a] {
			b.want(place, evidenceTag{i, b.nearOr(i, p.Time, levelHostNear, levelHost)})
		}
	}
	tags := b.wanted[place]
	if tags == nil {
		return
	}
	switch {
	case p.TCP:
		if len(b.flows) < maxFlows {
			addFlow(b.flows, connectionOf(p.Src, p.Dst), tags, p.Time)
		}
	case p.Frame == f.Number && len(b.frags) < maxFlows:
		for _, h := range ipHeaders(f.Data) {
			if k, ok := fragmentAt(f.Data[h:]); ok && k.src == p.Src.Addr() && k.dst == p.Dst.Addr() {
				addFlow(b.frags, k, tags, p.Time)
			}
		}
	}
}

// nearOr is one level for what is near the events of a subject, and another
// for the rest.
func (b *evidenceBuilder) nearOr(subject int32, at int64, near, rest uint8) uint8 {
	if s := &b.subjects[subject]; at >= s.first-nearby && at <= s.last+nearby {
		return near
	}
	return rest
}

// addFlow notes a message of a connection or a fragmented datagram, and for whom
// it is wanted.
func addFlow[K comparable](flows map[K]*evidenceFlow, k K, tags []evidenceTag, at int64) {
	fl := flows[k]
	if fl == nil {
		fl = &evidenceFlow{}
		flows[k] = fl
	}
	fl.last = max(fl.last, at)
	fl.times = append(fl.times, at)
	for _, t := range tags {
		i := slices.IndexFunc(fl.tags, func(have evidenceTag) bool { return have.subject == t.subject })
		if i < 0 {
			fl.tags = append(fl.tags, t)
		} else {
			fl.tags[i].level = min(fl.tags[i].level, t.level)
		}
	}
}

// concerned lists the subjects whose name, with whatever suffix, a message is
// about.
func (b *evidenceBuilder) concerned(p *wire.Packet) []int32 {
	if len(b.byName) == 0 {
		return nil
	}
	var out []int32
	note := func(n nbns.Name, scope string) {
		for _, i := range b.byName[familyOf(n, scope)] {
			if !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
	}
	switch p.Protocol {
	case wire.NBNS:
		var m nbns.Message
		nbns.Decode(&m, p.Payload)
		for i := range m.Questions {
			note(m.Questions[i].Name, m.Questions[i].Scope)
		}
		for i := range m.Records {
			note(m.Records[i].Name, m.Records[i].Scope)
		}
	case wire.NBDGM:
		var m nbdgm.Datagram
		nbdgm.Decode(&m, p.Payload)
		if m.HasSource {
			note(m.Source, m.SourceScope)
		}
	}
	return out
}

// flowTags says for whom a frame is wanted that carries no message to its end:
// a segment of a wanted connection up to its last wanted message, or a
// fragment of a wanted datagram.
func (b *evidenceBuilder) flowTags(f *captures.Frame) []evidenceTag {
	if len(b.flows) == 0 && len(b.frags) == 0 {
		return nil
	}
	for _, h := range ipHeaders(f.Data) {
		ip := f.Data[h:]
		if k, ok := fragmentAt(ip); ok {
			if fl := b.frags[k]; fl != nil && slices.ContainsFunc(fl.times, func(t int64) bool { return t >= f.Time && t-f.Time <= flowReach }) {
				return fl.tags
			}
			continue
		}
		k, ok := connectionAt(ip)
		if !ok {
			continue
		}
		if fl := b.flows[k]; fl != nil && f.Time <= fl.last && fl.count < maxFlowFrames && (fl.count < maxFlowHead || f.Time >= fl.last-flowReach) {
			fl.count++
			return fl.tags
		}
	}
	return nil
}

// connection is a TCP connection, whichever end sends.
type connection struct{ a, b netip.AddrPort }

func connectionOf(a, b netip.AddrPort) connection {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return connection{a, b}
}

// fragmentKey is what the fragments of one datagram share, RFC 791 3.2.
type fragmentKey struct {
	src, dst netip.Addr
	id       uint16
	proto    byte
}

// maxHeaderOffset is how deep in a frame an IP header is looked for.
const maxHeaderOffset = 256

// ipHeaders finds where IP headers may begin in a frame, whatever encloses
// them: bytes that have the form of one. That is enough here, since a match is
// taken only if its addresses and ports, or its identification, are those of
// a wanted message.
func ipHeaders(data []byte) []int {
	var at []int
	for i := 0; i+20 <= len(data) && i < maxHeaderOffset; i++ {
		switch data[i] >> 4 {
		case 4:
			if data[i]&0xF < 5 {
				continue
			}
			total := int(binary.BigEndian.Uint16(data[i+2:]))
			if proto := data[i+9]; (proto == 6 || proto == 17) && (total >= 20 || total == 0) && total <= len(data)-i+65535 {
				at = append(at, i)
			}
		case 6:
			if i+40 <= len(data) && data[i+6] == 6 {
				at = append(at, i)
			}
		}
	}
	return at
}

// fragmentAt reads the header of an IPv4 fragment.
func fragmentAt(ip []byte) (k fragmentKey, ok bool) {
	if ip[0]>>4 != 4 || binary.BigEndian.Uint16(ip[6:])&0x3FFF == 0 {
		return k, false
	}
	return fragmentKey{netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20])), binary.BigEndian.Uint16(ip[4:]), ip[9]}, true
}

// connectionAt reads the addresses and ports of a TCP segment.
func connectionAt(ip []byte) (c connection, ok bool) {
	var src, dst netip.Addr
	var tcp []byte
	if ip[0]>>4 == 6 {
		if len(ip) < 44 || ip[6] != 6 {
			return c, false
		}
		src, dst, tcp = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40])), ip[40:]
	} else {
		n := int(ip[0]&0xF) * 4
		if ip[9] != 6 || len(ip) < n+4 {
			return c, false
		}
		src, dst, tcp = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20])), ip[n:]
	}
	return connectionOf(netip.AddrPortFrom(src, binary.BigEndian.Uint16(tcp)), netip.AddrPortFrom(dst, binary.BigEndian.Uint16(tcp[2:]))), true
}
