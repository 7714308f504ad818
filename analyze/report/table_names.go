package report

import (
	"math"
	"net/netip"

	"nbtrace/analyze/nbns"
)

var namesTable = Table{
	Name: "names",
	Doc:  "one row per holder of a name and period: who held a name, when",
	Columns: columns(
		nameColumns(func(r *Row) (nbns.Name, string, bool) { return r.Name.Name, r.Name.Scope, true }, false),
		[]Column{
			{Name: "type", Type: String, Rank: 4, Doc: "unique, group, special-group or multihomed",
				get: func(r *Row, v *Value) { v.SetText(r.Name.Type) }},
			{Name: "holder", Type: Int, Null: true, Rank: 3, Doc: "id of the host, null if unknown",
				get: func(r *Row, v *Value) { setID(v, r.Name.Holder) }},
			{Name: "addresses", Type: Strings, Doc: "addresses of the name",
				get: func(r *Row, v *Value) { setAddrs(v, r.Name.Addresses) }},
			{Name: "server", Type: String, Null: true, Addr: true, Rank: 3, Doc: "the WINS server, null for broadcast",
				get: func(r *Row, v *Value) { v.SetAddr(r.Name.Server) }},
			{Name: "state", Type: String, Doc: "active, released, conflict or refused",
				get: func(r *Row, v *Value) { v.SetText(r.Name.State) }},
			{Name: "from", Type: Time, Null: true, Rank: 5, Doc: "begin of the period",
				get: func(r *Row, v *Value) { setTime(v, r.Name.From) }},
			{Name: "until", Type: Time, Null: true, Rank: 5, Doc: "its end, null if it lasts to the end of the capture",
				get: func(r *Row, v *Value) { setTime(v, r.Name.Until) }},
			{Name: "frames", Type: Frames, Rank: 9, Doc: "frames that show it",
				get: func(r *Row, v *Value) { setFrames(v, r, r.Name.Frames) }},
		},
	),
	names: func(r *Row, yield func(string) bool) bool { return yield(r.Name.Name.Display(r.Name.Scope)) },
	addrs: func(r *Row, yield func(netip.Addr) bool) bool {
		return yield(r.Name.Server) || anyAddr(yield, r.Name.Addresses)
	},
	span: func(r *Row) (int64, int64, bool) {
		if r.Name.Until == 0 {
			return r.Name.From, math.MaxInt64, true
		}
		return r.Name.From, r.Name.Until, true
	},
}

// setID sets the id of a host; 0 is unknown.
func setID(v *Value, id int) {
	if id == 0 {
		v.SetNull()
		return
	}
	v.SetInt(int64(id))
}

// setTime sets a time of which 0 means unknown.
func setTime(v *Value, ns int64) {
	if ns == 0 {
		v.SetNull()
		return
	}
	v.SetTime(ns)
}
