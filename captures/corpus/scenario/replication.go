package scenario

import (
	"net/netip"
	"time"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
	"nbtrace/captures/capgen"
)

const (
	replicationPort = 42
	segmentSize     = 1400
	tcpStep         = 300 * time.Microsecond
	maxRecords      = 5000
)

// record NAME [static] [TYPE] [STATE] ADDRESS... [version N] [node T] [member-owner ADDRESS]:
// one for the next replicate.
func (b *builder) record(w *words) {
	b.now -= defaultStep
	name, scope := w.name()
	var (
		kind   = winsrepl.Unique
		state  = winsrepl.Active
		static bool
		node   = nbns.HNode
		owner  netip.Addr
		addrs  []netip.Addr
		ver    = uint64(len(b.records) + 1)
	)
	for w.more() {
		if w.isAddress() {
			addrs = append(addrs, w.address("an address"))
			continue
		}
		switch t := w.next(""); t {
		case "static":
			static = true
		case "unique":
			kind = winsrepl.Unique
		case "group":
			kind = winsrepl.Group
		case "special":
			kind = winsrepl.SpecialGroup
		case "multihomed":
			kind = winsrepl.Multihomed
		case "active":
			state = winsrepl.Active
		case "released":
			state = winsrepl.Released
		case "tombstone":
			state = winsrepl.Tombstone
		case "version":
			ver = w.number("the version", 1<<63)
		case "node":
			node = w.node()
		case "member-owner":
			owner = w.address("the owner")
		default:
			w.wrong("unknown option %q of a record", t)
			return
		}
	}
	if w.fault != nil {
		return
	}
	list := kind == winsrepl.SpecialGroup || kind == winsrepl.Multihomed
	if len(addrs) == 0 && kind == winsrepl.Group {
		addrs = []netip.Addr{allOnes}
	}
	if !list && len(addrs) != 1 {
		w.wrongAt(w.end, "a %s record has one address, not %d", kind, len(addrs))
		return
	}
	if len(b.records) >= maxRecords {
		w.wrong("more than %d records", maxRecords)
		return
	}
	r := winsrepl.Record{Name: name, Scope: scope, Flags: winsrepl.MakeFlags(kind, state, node, static), Version: ver}
	if kind == winsrepl.Group || kind == winsrepl.SpecialGroup {
		r.Group = 1
	}
	for _, a := range addrs {
		m := winsrepl.Member{Addr: a.As4()}
		if list && owner.IsValid() {
			m.Owner = owner.As4()
		}
		r.Members = append(r.Members, m)
	}
	b.records = append(b.records, r)
}

// stream is a TCP connection to port 42.
type stream struct {
	b          *builder
	ends       [2]endpoint // who connects, who listens
	ports      [2]uint16
	seq        [2]uint32
	size       int
	reorder    bool
	lost       bool
	handles    [2]uint32
	fault      error
	lossyPart  int // the number of the data segment of the listener that is not captured
	dataPieces int
}

// dialogue is what the partners say over a stream.
type dialogue struct {
	owner   netip.Addr
	refused string // stop, fin, rst or silent; "" if it is not
	middle  bool   // the capture begins after the association was made
	maps    []winsrepl.Owner
	minor   uint16
	records []winsrepl.Record
}

// replicate from PARTNER to PULLER [owner SERVER] [refused stop|fin|rst|silent]
// [segment N] [reorder] [gap N] [mid-stream] [lost] [map ADDRESS VERSION]... [minor N]
func (b *builder) replicate(w *words) {
	s := &stream{b: b, size: segmentSize}
	d := &dialogue{minor: winsrepl.MinorW2K}
	w.must("from")
	s.ends[1] = b.net.endpoint(w, "who holds the records", nil)
	w.must("to")
	s.ends[0] = b.net.endpoint(w, "who pulls them", nil)
	b.replicateOptions(w, s, d)
	if w.fault != nil {
		return
	}
	if s.ends[0].broadcast() || s.ends[1].broadcast() {
		w.wrong("replication is between two machines")
		return
	}
	if !d.owner.IsValid() {
		d.owner = s.ends[1].addr
	}
	d.records, b.records = b.records, nil
	h := s.ends[0].host
	h.port++
	s.ports = [2]uint16{h.port, replicationPort}
	s.seq = [2]uint32{uint32(h.port) << 12, uint32(h.port)<<12 + 0x1234567}
	s.handles = [2]uint32{0x01000000 + uint32(h.port), 0x02000000 + uint32(h.port)}
	s.hold(d)
	if s.fault != nil {
		w.wrong("%v", s.fault)
	}
}

func (b *builder) replicateOptions(w *words, s *stream, d *dialogue) {
	for w.more() {
		switch t := w.next(""); t {
		case "owner":
			d.owner = b.net.endpoint(w, "the owner", nil).addr
		case "refused":
			switch d.refused = w.next("how"); d.refused {
			case "stop", "fin", "rst", "silent":
			default:
				w.wrong("refused stop, fin, rst or silent, not %q", d.refused)
			}
		case "segment":
			s.size = int(max(w.number("bytes a segment", 1460), 1))
		case "reorder":
			s.reorder = true
		case "gap":
			s.lossyPart = int(w.number("which segment", 1000))
		case "mid-stream":
			d.middle = true
		case "lost":
			s.lost = true
		case "map":
			a := w.address("an owner")
			v := w.number("its highest version", 1<<63)
			if w.fault == nil {
				d.maps = append(d.maps, winsrepl.Owner{Address: a.As4(), MaxVersion: v, MinVersion: 1, Reserved: 1})
			}
		case "minor":
			d.minor = uint16(w.number("the minor version", 0xFFFF))
		default:
			w.wrong("unknown option %q", t)
		}
	}
}

// hold holds the dialogue: the connection, the association, the owner map and
// the records.
func (s *stream) hold(d *dialogue) {
	if !d.middle {
		s.segment(0, capgen.SYN, nil)
		s.segment(1, capgen.SYN|capgen.ACK, nil)
		s.segment(0, capgen.ACK, nil)
		s.say(0, &winsrepl.Message{Type: winsrepl.StartRequest, Sender: s.handles[0], Major: winsrepl.MajorVersion, Minor: d.minor})
		s.say(1, &winsrepl.Message{Type: winsrepl.StartResponse, Sender: s.handles[1], Major: winsrepl.MajorVersion, Minor: d.minor})
	}
	s.say(0, &winsrepl.Message{Type: winsrepl.Replication, Command: winsrepl.OwnerMapRequest})
	switch d.refused {
	case "stop":
		s.say(1, &winsrepl.Message{Type: winsrepl.Stop, Reason: winsrepl.StopError})
		s.close(1)
		return
	case "fin":
		s.close(1)
		return
	case "rst":
		s.segment(1, capgen.RST|capgen.ACK, nil)
		return
	case "silent":
		return
	}
	low, high := d.own()
	if len(d.maps) == 0 {
		d.maps = []winsrepl.Owner{{Address: d.owner.As4(), MaxVersion: high, MinVersion: min(low, 1), Reserved: 1}}
	}
	s.say(1, &winsrepl.Message{Type: winsrepl.Replication, Command: winsrepl.OwnerMapResponse, Owners: d.maps})
	if len(d.records) > 0 {
		s.say(0, &winsrepl.Message{Type: winsrepl.Replication, Command: winsrepl.NameRecordsRequest,
			Owners: []winsrepl.Owner{{Address: d.owner.As4(), MaxVersion: high, MinVersion: low, Reserved: 1}}})
		s.say(1, &winsrepl.Message{Type: winsrepl.Replication, Command: winsrepl.NameRecordsResponse, Records: d.records})
	}
	s.say(0, &winsrepl.Message{Type: winsrepl.Stop, Reason: winsrepl.StopNormal})
	s.close(0)
}

// own gives the members of the records that have none yet their owner, and
// returns the range of the records' versions.
func (d *dialogue) own() (low, high uint64) {
	if len(d.records) == 0 {
		return 0, 0
	}
	low = ^uint64(0)
	for i := range d.records {
		r := &d.records[i]
		low, high = min(low, r.Version), max(high, r.Version)
		for k := range r.Members {
			if m := &r.Members[k]; r.Flags.Listed() && m.Owner == ([4]byte{}) {
				m.Owner = d.owner.As4()
			}
		}
	}
	return low, high
}

// say sends a message, in segments.
func (s *stream) say(who int, m *winsrepl.Message) {
	m.Reserved = 0x7800
	if m.Type != winsrepl.StartRequest {
		m.Assoc = s.handles[1-who]
	}
	data, err := winsrepl.AppendFramed(nil, m)
	if err != nil {
		s.fault = err
		return
	}
	var parts [][]byte
	for len(data) > s.size {
		parts, data = append(parts, data[:s.size]), data[s.size:]
	}
	parts = append(parts, data)
	first := s.seq[who]
	if s.reorder && len(parts) > 1 {
		// The second segment overtakes the first.
		s.seq[who] = first + uint32(len(parts[0]))
		s.segment(who, capgen.PSH|capgen.ACK, parts[1])
		s.seq[who] = first
		s.segment(who, capgen.PSH|capgen.ACK, parts[0])
		s.seq[who] = first + uint32(len(parts[0])+len(parts[1]))
		parts = parts[2:]
	}
	for _, p := range parts {
		s.segment(who, capgen.PSH|capgen.ACK, p)
	}
	s.segment(1-who, capgen.ACK, nil)
}

func (s *stream) close(who int) {
	s.segment(who, capgen.FIN|capgen.ACK, nil)
	s.segment(1-who, capgen.FIN|capgen.ACK, nil)
	s.segment(who, capgen.ACK, nil)
}

func (s *stream) segment(who int, flags uint8, data []byte) {
	from, to := s.ends[who], s.ends[1-who]
	src, dst := netip.AddrPortFrom(from.addr, s.ports[who]), netip.AddrPortFrom(to.addr, s.ports[1-who])
	ack := s.seq[1-who]
	if flags&capgen.ACK == 0 {
		ack = 0
	}
	p := packet{host: from.host, from: from.seg, srcMAC: from.nic.mac, src: from.addr, dst: to.addr, to: to, hops: from.host.hops,
		ipid: from.host.nextIPID(), protocol: capgen.ProtocolTCP, payload: capgen.TCP(src, dst, s.seq[who], ack, flags, data), lost: s.lost}
	if who == 1 && len(data) > 0 {
		if s.dataPieces++; s.dataPieces == s.lossyPart {
			p.lost = true
		}
	}
	s.b.send(p)
	s.b.now += tcpStep
	s.seq[who] += uint32(len(data))
	if flags&(capgen.SYN|capgen.FIN) != 0 {
		s.seq[who]++
	}
}
