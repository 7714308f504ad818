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
		e.gaps = true
		e.replTracker.Gap(p.Src, p.Dst)
		return
	}
	m := &e.repl
	winsrepl.Decode(m, p.Payload)
	for _, a := range []netip.Addr{p.Src.Addr(), p.Dst.Addr()} {
		e.hosts.AddRole(e.hosts.Touch(a, p.Time), hosts.WINSPartner)
	}
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
