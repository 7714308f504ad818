package analyze

import (
	"net/netip"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/hosts"
	"nbtrace/analyze/nbdgm"
	"nbtrace/analyze/wire"
)

// datagram takes from a NetBIOS datagram who uses which name: its source name
// belongs to the address that the datagram itself gives, which is the IP
// source unless a router translated addresses or a server distributes it.
func (e *Engine) datagram(p *wire.Packet) {
	m := &e.dgm
	nbdgm.Decode(m, p.Payload)
	if m.Fault != nil || !m.HasSource {
		return
	}
	from := netip.AddrFrom4(m.SourceIP)
	i := e.hosts.Touch(p.Src.Addr(), p.Time)
	if p.HasSrcMAC && !p.Tunnelled {
		e.hosts.SeenMAC(i, p.SrcMAC, p.TTL, p.Time, p.Input, p.Frame)
	}
	if from == p.Src.Addr() {
		e.hosts.AddName(i, m.Source, m.SourceScope, e.clock, 0)
	}
	e.names.Touch(m.Source, m.SourceScope, e.clock).Witness(from, p.Src.Addr(), e.clock, exchange.FrameRef{Input: p.Input, Frame: p.Frame, Role: "datagram", Time: p.Time, Src: p.Src.Addr(), Dst: p.Dst.Addr(), What: "datagram"}.Short())
	if from != p.Src.Addr() && plausibleHost(from) {
		e.anomalies.add(Anomaly{Kind: EmbeddedAddress, From: p.Src.Addr(), Addr: from, Name: m.Source, Named: true}, frameOf(p, "datagram", "datagram"))
	}
	if b, ok := m.Browse(); ok && from == p.Src.Addr() {
		if b.Opcode == nbdgm.LocalMasterAnnouncement {
			e.hosts.AddRole(i, hosts.MasterBrowser)
		}
		if b.Opcode == nbdgm.HostAnnouncement || b.Opcode == nbdgm.LocalMasterAnnouncement {
			if b.ServerType&(nbdgm.DomainController|nbdgm.DomainBackup) != 0 {
				e.hosts.AddRole(i, hosts.DomainController)
			}
			if b.ServerType&nbdgm.DomainMaster != 0 {
				e.hosts.AddRole(i, hosts.DomainMaster)
			}
		}
	}
}
