package report

import "net/netip"

var hostsTable = Table{
	Name: "hosts",
	Doc:  "every machine seen",
	Columns: []Column{
		{Name: "id", Type: Int, Doc: "number of the host, stable within a run",
			get: func(r *Row, v *Value) { v.SetInt(int64(r.Host.ID)) }},
		{Name: "addresses", Type: Strings, Doc: "its IP addresses",
			get: func(r *Row, v *Value) { setAddrs(v, r.Host.Addresses) }},
		{Name: "macs", Type: Strings, Rank: 4, Doc: "its MAC addresses", get: func(r *Row, v *Value) {
			v.SetStrings()
			for _, m := range r.Host.MACs {
				v.AddMAC(m)
			}
		}},
		{Name: "names", Type: Strings, Rank: 1, Doc: "names it holds or held",
			get: func(r *Row, v *Value) { setTexts(v, r.Host.Names) }},
		{Name: "roles", Type: Strings, Rank: 2, Doc: "wins-server, end-node, wins-proxy, dns-server, wins-partner",
			get: func(r *Row, v *Value) { setTexts(v, r.Host.Roles) }},
		{Name: "node_type", Type: String, Null: true, Rank: 6, Doc: "B, P, M or H",
			get: func(r *Row, v *Value) { setOptional(v, r.Host.NodeType) }},
		{Name: "multihomed", Type: Bool, Rank: 3, Doc: "it has several addresses",
			get: func(r *Row, v *Value) { v.SetBool(r.Host.Multihomed) }},
		{Name: "multihomed_evidence", Type: Strings, Rank: 9, Doc: "why it is taken for multihomed",
			get: func(r *Row, v *Value) {
				v.SetStrings()
				for _, why := range r.Host.MultihomedWhy {
					v.AddText(nameFiles(why.Text, why.Frames, r.Files))
				}
			}},
		{Name: "implementation", Type: String, Null: true, Rank: 5, Doc: "samba-nmbd, samba4 or windows",
			get: func(r *Row, v *Value) { setOptional(v, r.Host.Implementation) }},
	},
	names: func(r *Row, yield func(string) bool) bool {
		for _, n := range r.Host.Names {
			if yield(n) {
				return true
			}
		}
		return false
	},
	addrs: func(r *Row, yield func(netip.Addr) bool) bool { return anyAddr(yield, r.Host.Addresses) },
}
