package report

import (
	"net/netip"
	"slices"

	"nbtrace/analyze"
)

// lanes assigns addresses to life lines.
type lanes struct {
	lines  []lifeline
	index  map[netip.Addr]int
	hosts  map[netip.Addr]*analyze.Host
	others int // the line that takes what has no other, -1 while there is none
	story  *story
}

func newLanes(hosts []analyze.Host, s *story) *lanes {
	t := &lanes{index: map[netip.Addr]int{}, hosts: map[netip.Addr]*analyze.Host{}, others: -1, story: s}
	for i := range hosts {
		for _, a := range hosts[i].Addresses {
			t.hosts[a] = &hosts[i]
		}
	}
	return t
}

// assign makes the lines: the machine that suffers, then the server, then the
// others as they appear, and broadcast addresses last.
func (t *lanes) assign(cites []*citation) {
	used := map[netip.Addr]bool{}
	var order []netip.Addr
	note := func(a netip.Addr) {
		if a.IsValid() && !used[a] {
			used[a] = true
			order = append(order, a)
		}
	}
	for _, c := range cites {
		note(c.ref.Src)
		note(c.ref.Dst)
	}
	f := t.story.lead()
	who := "affected host"
	if slices.Contains(f.Host.Addresses, f.Server) {
		who = "sender"
	}
	for _, a := range f.Host.Addresses {
		if used[a] {
			t.add(f.Host.Addresses, who, false)
			break
		}
	}
	if _, ok := t.index[f.Server]; !ok && used[f.Server] {
		who := "sender"
		if h := t.hosts[f.Server]; h != nil && slices.Contains(h.Roles, "wins-server") {
			who = "WINS server"
		}
		t.add(t.addresses(f.Server), who, false)
	}
	var bcast []netip.Addr
	for _, a := range order {
		if _, ok := t.index[a]; ok {
			continue
		}
		if t.broadcast(a) {
			bcast = append(bcast, a)
			continue
		}
		who := ""
		if h := t.hosts[a]; h != nil {
			who = roleWords(h.Roles)
		}
		t.add(t.addresses(a), who, false)
	}
	if len(bcast) > 0 {
		t.add(bcast, "broadcast", true)
	}
}

// addresses are those of the machine that has a.
func (t *lanes) addresses(a netip.Addr) []netip.Addr {
	if h := t.hosts[a]; h != nil {
		return h.Addresses
	}
	return []netip.Addr{a}
}

// broadcast reports whether an address that no machine was seen to have is
// one that all hear.
func (t *lanes) broadcast(a netip.Addr) bool {
	if t.hosts[a] != nil {
		return false
	}
	if a.IsMulticast() {
		return true
	}
	return a.Is4() && a.As4()[3] == 255
}

func roleWords(roles []string) string {
	for _, r := range []struct{ slug, words string }{{"wins-server", "WINS server"}, {"wins-partner", "WINS partner"}, {"wins-proxy", "WINS proxy"},
		{"dns-server", "DNS server"}, {"end-node", "end node"}} {
		if slices.Contains(roles, r.slug) {
			return r.words
		}
	}
	return ""
}

func (t *lanes) add(addrs []netip.Addr, who string, bcast bool) {
	if len(t.lines) == maxLadderLines && t.others < 0 {
		t.others = len(t.lines)
		t.lines = append(t.lines, lifeline{who: "others"})
	}
	if t.others >= 0 {
		o := &t.lines[t.others]
		for _, a := range addrs {
			if _, ok := t.index[a]; !ok {
				t.index[a] = t.others
				o.addrs = append(o.addrs, a)
			}
		}
		return
	}
	t.lines = append(t.lines, lifeline{addrs: addrs, who: who, bcast: bcast})
	for _, a := range addrs {
		t.index[a] = len(t.lines) - 1
	}
}
