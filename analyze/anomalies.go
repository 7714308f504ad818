package analyze

import (
	"cmp"
	"net/netip"
	"slices"

	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
)

// AnomalyKind says what was odd about a frame. Anomalies are counted as they
// are met; the surveys of the rules read them.
type AnomalyKind uint8

// The kinds of anomalies.
const (
	Malformed          AnomalyKind = iota // a message with a fault
	ForwardedBroadcast                    // a broadcast that came through a router to a unicast MAC address
	EmbeddedAddress                       // a datagram or registration that names an address that is not its IP source
	ReusedDNSID                           // a DNS server reuses a transaction id before the first lookup was answered
	PartnerRefused                        // a WINS server stops an association before it gives its owner map
)

// Anomaly is one kind of oddity of one pair of addresses.
type Anomaly struct {
	Kind        AnomalyKind
	From, To    netip.Addr // sender; for PartnerRefused who refused, whom
	Name        nbns.Name
	Named       bool
	Detail      string // of the first one
	Addr        netip.Addr
	First, Last int64
	Count       int
	Frames      []FrameRef // the first few
}

type anomalyKey struct {
	kind     AnomalyKind
	from, to netip.Addr
	addr     netip.Addr
}

const (
	maxAnomalies     = 4096
	maxAnomalyFrames = 5
)

// anomalies holds what was odd, bounded; what finds no room is dropped.
type anomalies struct {
	list  []*Anomaly
	index map[anomalyKey]*Anomaly
}

func (t *anomalies) add(a Anomaly, ref FrameRef) {
	k := anomalyKey{a.Kind, a.From, a.To, a.Addr}
	e := t.index[k]
	if e == nil {
		if len(t.list) >= maxAnomalies {
			return
		}
		e = &a
		e.First = ref.Time
		t.index[k] = e
		t.list = append(t.list, e)
	}
	e.Count++
	e.Last = max(e.Last, ref.Time)
	if len(e.Frames) < maxAnomalyFrames {
		e.Frames = append(e.Frames, ref)
	}
}

func frameOf(p *wire.Packet, role, what string) FrameRef {
	return FrameRef{Input: p.Input, Frame: p.Frame, Role: role, Time: p.Time, Src: p.Src.Addr(), Dst: p.Dst.Addr(), What: what}
}

// odd looks at a message for what is odd about the frame itself.
func (e *Engine) odd(p *wire.Packet, m *nbns.Message) {
	if m.Fault != nil && !p.Snapped {
		n, named := m.Name()
		e.anomalies.add(Anomaly{Kind: Malformed, From: p.Src.Addr(), To: p.Dst.Addr(), Name: n, Named: named, Detail: m.Fault.String()},
			frameOf(p, "malformed", "malformed"))
	}
	if m.Flags.Broadcast() && !m.Flags.Response() && p.HasDstMAC && !p.Tunnelled && !p.LinkBcast && routed(p.TTL) {
		n, named := m.Name()
		e.anomalies.add(Anomaly{Kind: ForwardedBroadcast, From: p.Src.Addr(), To: p.Dst.Addr(), Name: n, Named: named}, frameOf(p, "forwarded-broadcast", "broadcast"))
	}
}

// routed reports whether a TTL is a little less than one that hosts start
// with.
func routed(ttl uint8) bool {
	for _, start := range [...]uint8{32, 64, 128, 255} {
		if ttl < start && ttl >= start-8 {
			return true
		}
	}
	return false
}

// dnsLookups remembers the latest lookups of DNS servers, to see a transaction
// id reused before its first lookup was answered.
type dnsLookups struct {
	ring [64]dnsLookup
	next int
}

type dnsLookup struct {
	from netip.Addr
	trn  uint16
	id   uint64 // of the name
	name nbns.Name
	ref  FrameRef
}

// dnsReuse is how soon after a lookup its id may not be used again, ns.
const dnsReuse = 4_000_000_000

func (e *Engine) dnsLookup(p *wire.Packet, s *names.State, trn uint16) {
	n := s.Name
	ref := frameOf(p, "lookup", "query")
	for i := range e.dns.ring {
		l := &e.dns.ring[i]
		if l.from == p.Src.Addr() && l.trn == trn && l.id != s.ID && l.ref.Time != 0 && p.Time-l.ref.Time < dnsReuse && !e.tracker.Answered(l.id, l.from, l.trn) {
			e.anomalies.add(Anomaly{Kind: ReusedDNSID, From: p.Src.Addr(), To: p.Dst.Addr(), Name: n, Named: true, Detail: l.name.String()}, l.ref)
			e.anomalies.add(Anomaly{Kind: ReusedDNSID, From: p.Src.Addr(), To: p.Dst.Addr(), Name: n, Named: true}, ref)
		}
	}
	e.dns.ring[e.dns.next] = dnsLookup{p.Src.Addr(), trn, s.ID, n, ref}
	e.dns.next = (e.dns.next + 1) % len(e.dns.ring)
}

// sorted lists the anomalies of a kind by first appearance.
func (t *anomalies) sorted(k AnomalyKind) []*Anomaly {
	var out []*Anomaly
	for _, a := range t.list {
		if a.Kind == k {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b *Anomaly) int { return cmp.Compare(a.First, b.First) })
	return out
}
