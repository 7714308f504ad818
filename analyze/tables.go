package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
	"nbtrace/analyze/nbns"
)

func (e *Engine) hostRows() []Host {
	all := e.hosts.All(!e.opts.NoNames)
	rows := make([]Host, 0, len(all))
	for _, h := range all {
		r := Host{ID: h.ID, Addresses: h.Addresses, MACs: h.MACs, Roles: h.Roles.Strings(),
			Multihomed: len(h.Joins) > 0, Implementation: h.Implementation.String()}
		if h.NodeType >= 0 {
			r.NodeType = nbns.NodeType(h.NodeType).String()
		}
		for _, n := range h.Names {
			r.Names = append(r.Names, nbns.Name(n.Bytes).Display(n.Scope))
		}
		slices.Sort(r.Names)
		for _, j := range h.Joins {
			r.MultihomedWhy = append(r.MultihomedWhy, Reason{JoinText(j), []FrameRef{{Input: j.Input, Frame: j.Frame}, {Input: j.OtherInput, Frame: j.Other}}})
		}
		rows = append(rows, r)
	}
	return rows
}

// JoinText says in words why two addresses are one machine's.
func JoinText(j hosts.Join) string {
	switch j.Sign {
	case hosts.OwnAnswer:
		return fmt.Sprintf("%s answered for %s with its own address and %s (frame %d)", j.A, j.Name, j.B, j.Frame)
	case hosts.NodeStatus:
		return fmt.Sprintf("%s and %s gave the same adapter and the name %s in node status responses (frame %d)", j.A, j.B, j.Name, j.Frame)
	case hosts.SameMAC:
		return fmt.Sprintf("%s and %s sent from the same MAC address at the same time (frame %d)", j.A, j.B, j.Frame)
	case hosts.SeveralRegs:
		return fmt.Sprintf("%s was registered from %s and %s within seconds, as adapters of one machine do (frames %d, %d)", j.Name, j.A, j.B, j.Other, j.Frame)
	case hosts.SentForOther:
		return fmt.Sprintf("%s registered %s for itself and for %s (frames %d, %d)", j.A, j.Name, j.B, j.Other, j.Frame)
	}
	return fmt.Sprintf("%s and %s used the same MAC address one after the other (frame %d)", j.A, j.B, j.Frame)
}

var stateNames = [...]string{names.Active: "active", names.Released: "released", names.Refused: "refused", names.Conflict: "conflict",
	names.Displaced: "released"}

func (e *Engine) nameRows() []Name {
	var rows []Name
	for _, s := range e.names.All() {
		first := len(rows)
		for i := range s.Claims {
			c := &s.Claims[i]
			// Claims of one machine at one server that overlap are one row
			// with several addresses.
			merged := false
			for j := first; j < len(rows); j++ {
				r := &rows[j]
				if r.Server == c.Server() && r.State == stateNames[c.State] && e.hosts.SameMachine(r.Addresses[0], c.Addr()) &&
					(r.Type == "group") == c.Group && together(r.Until, c.Until) {
					if !slices.Contains(r.Addresses, c.Addr()) {
						r.Addresses = append(r.Addresses, c.Addr())
						slices.SortFunc(r.Addresses, netip.Addr.Compare)
						if r.Type == "unique" {
							r.Type = "multihomed"
						}
					}
					r.Frames = append(r.Frames, claimFrames(c)...)
					r.From, r.Until = min(r.From, c.From()), max(r.Until, c.Until)
					merged = true
					break
				}
			}
			if merged {
				continue
			}
			t := "unique"
			switch {
			case c.Group && s.Name.Suffix() == 0x1C:
				t = "special-group"
			case c.Group:
				t = "group"
			}
			rows = append(rows, Name{Name: s.Name, Scope: s.Scope, Type: t, Holder: e.hosts.ID(c.Addr()), Addresses: []netip.Addr{c.Addr()},
				Server: c.Server(), State: stateNames[c.State], From: c.From(), Until: c.Until, Frames: claimFrames(c)})
		}
	}
	return rows
}

// together reports whether two periods of a machine's addresses ended as one:
// neither did, or both within seconds.
func together(a, b int64) bool {
	if a == 0 || b == 0 {
		return a == b
	}
	return max(a, b)-min(a, b) <= int64(10*time.Second)
}

func claimFrames(c *names.Claim) []FrameRef {
	out := c.RequestFrames("registration")
	out = append(out, c.Reply.As("reply", c.Server(), c.Sender(), "reply")...)
	return append(out, c.EndFrames("end")...)
}

func (e *Engine) mappingRows() []Mapping {
	var rows []Mapping
	yes, no := true, false
	for _, s := range e.names.Where(func(s *names.State) bool { return len(s.Records) > 0 }) {
		for i := range s.Records {
			r := &s.Records[i]
			m := Mapping{Name: s.Name, Scope: s.Scope, Type: r.Type.String(), Addresses: r.Addrs, Owner: r.Owner, Server: r.Server,
				Source: r.Source, State: r.State, VersionID: r.VersionID, Time: r.Time, Frames: r.Frames}
			switch r.Static {
			case names.StaticYes:
				m.Static = &yes
			case names.StaticNo:
				m.Static = &no
			}
			rows = append(rows, m)
		}
	}
	return append(rows, e.imports.rows()...)
}
