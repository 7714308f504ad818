package analyze

import (
	"net/netip"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/winsrepl"
	"nbtrace/analyze/wire"
)

// replication works a WINS replication message into the records of names. A
// record is held by the server that pulled it from now on.
func (e *Engine) replication(p *wire.Packet) {
	if p.Protocol == wire.WINSGap {
		e.Missed()
		e.replTracker.Gap(p.Src, p.Dst)
		return
	}
	m := &e.repl
	winsrepl.Decode(m, p.Payload)
	for _, a := range []netip.Addr{p.Src.Addr(), p.Dst.Addr()} {
		e.hosts.AddRole(e.hosts.Touch(a, p.Time), hosts.WINSPartner)
	}
	e.associate(p, m)
	t, ok := e.replTracker.Feed(m, p.Src, p.Dst, p.Time)
	if !ok {
		return
	}
	for i := range t.Records {
		r := &t.Records[i]
		rec := names.Record{Type: names.Type(r.Flags.Type()), Static: names.StaticNo, Owner: t.RecordOwner(r), Server: t.Puller, From: t.Sender,
			Source: "replication", State: r.Flags.State().String(), VersionID: r.Version, Time: e.clock, Last: e.clock,
			Frames: []exchange.FrameRef{{Input: p.Input, Frame: p.Frame, Role: "replication", Time: p.Time, Src: t.Sender, Dst: t.Puller, What: "replication"}}}
		if r.Flags.Static() {
			rec.Static = names.StaticYes
		}
		if rec.Type != names.Group {
			for _, a := range r.Members {
				rec.Addrs = append(rec.Addrs, netip.AddrFrom4(a.Addr))
			}
		}
		e.names.Touch(r.Name, r.Scope, e.clock).AddRecord(rec)
	}
}

// association is a connection between WINS servers, as the one that opened it
// sees it.
type association struct{ from, to netip.AddrPort }

// associationState is how far an association has come.
type associationState struct {
	accepted bool // the responder took the association
	answered bool // the responder gave its owner map, or records
	start    FrameRef
	asked    FrameRef // the first thing that was asked of it
}

// servers is who opens associations with whom, whatever the ports.
type servers struct{ from, to netip.Addr }

const maxAssociations = 4096

// associate notes when a server accepts an association and stops it, or closes
// the connection, before it gives its owner map: it does not take the other for
// a partner. That it closed shows when the other tries anew.
func (e *Engine) associate(p *wire.Packet, m *winsrepl.Message) {
	out, back := association{p.Src, p.Dst}, association{p.Dst, p.Src}
	switch {
	case m.Type == winsrepl.StartRequest:
		if len(e.associations) >= maxAssociations {
			clear(e.associations)
		}
		pair := servers{p.Src.Addr(), p.Dst.Addr()}
		if a := e.attempts[pair]; a != nil && a.accepted && !a.answered && a.asked.Frame != 0 {
			add := Anomaly{Kind: PartnerRefused, From: p.Dst.Addr(), To: p.Src.Addr(), Detail: "closed"}
			e.anomalies.add(add, a.start)
			e.anomalies.add(add, a.asked)
		}
		a := &associationState{start: frameOf(p, "association", "start association")}
		if len(e.attempts) >= maxAssociations {
			clear(e.attempts)
		}
		e.associations[out], e.attempts[pair] = a, a
	case m.Type == winsrepl.StartResponse:
		if a := e.associations[back]; a != nil {
			a.accepted = true
		}
	case m.Type == winsrepl.Stop:
		if a := e.associations[back]; a != nil && !a.answered && m.Reason == winsrepl.StopError {
			add := Anomaly{Kind: PartnerRefused, From: p.Src.Addr(), To: p.Dst.Addr()}
			e.anomalies.add(add, a.start)
			e.anomalies.add(add, frameOf(p, "stop", "stop, error"))
			a.answered = true // it has been counted
		}
		delete(e.associations, back)
		delete(e.associations, out)
	case m.Type == winsrepl.Replication:
		if a := e.associations[back]; a != nil {
			a.answered = true
		}
		if a := e.associations[out]; a != nil && a.asked.Frame == 0 {
			a.asked = frameOf(p, "asked", "replication request")
		}
	}
}
