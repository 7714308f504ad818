package report

import (
	"net/netip"

	"nbtrace/analyze/nbns"
)

var mappingsTable = Table{
	Name: "mappings",
	Doc:  "what WINS is known to hold",
	Columns: columns(
		nameColumns(func(r *Row) (nbns.Name, string, bool) { return r.Mapping.Name, r.Mapping.Scope, true }, false),
		[]Column{
			{Name: "type", Type: String, Rank: 2, Doc: "unique, group, special-group or multihomed",
				get: func(r *Row, v *Value) { v.SetText(r.Mapping.Type) }},
			{Name: "static", Type: Bool, Null: true, Doc: "entered by hand, null when unknown", get: func(r *Row, v *Value) {
				if r.Mapping.Static == nil {
					v.SetNull()
					return
				}
				v.SetBool(*r.Mapping.Static)
			}},
			{Name: "addresses", Type: Strings, Doc: "addresses of the name",
				get: func(r *Row, v *Value) { setAddrs(v, r.Mapping.Addresses) }},
			{Name: "owner", Type: String, Null: true, Addr: true, Rank: 2, Doc: "the WINS server that owns the record",
				get: func(r *Row, v *Value) { v.SetAddr(r.Mapping.Owner) }},
			{Name: "server", Type: String, Null: true, Addr: true, Rank: 2, Doc: "the WINS server that is known to hold it",
				get: func(r *Row, v *Value) { v.SetAddr(r.Mapping.Server) }},
			{Name: "source", Type: String, Rank: 4, Doc: "replication, import:FILE or inferred",
				get: func(r *Row, v *Value) { v.SetText(r.Mapping.Source) }},
			{Name: "state", Type: String, Rank: 3, Doc: "active, released or tombstone",
				get: func(r *Row, v *Value) { v.SetText(r.Mapping.State) }},
			{Name: "version_id", Type: Uint, Null: true, Rank: 6, Doc: "version ID, MS-WINSRA 2.2.10.1, null when unknown", get: func(r *Row, v *Value) {
				if r.Mapping.VersionID == 0 {
					v.SetNull()
					return
				}
				v.SetUint(r.Mapping.VersionID)
			}},
			{Name: "time", Type: Time, Null: true, Rank: 5, Doc: "when it became known",
				get: func(r *Row, v *Value) { setTime(v, r.Mapping.Time) }},
			{Name: "frames", Type: Frames, Rank: 9, Doc: "frames that show it",
				get: func(r *Row, v *Value) { setFrames(v, r, r.Mapping.Frames) }},
		},
	),
	names: func(r *Row, yield func(string) bool) bool {
		return yield(r.Mapping.Name.Display(r.Mapping.Scope))
	},
	addrs: func(r *Row, yield func(netip.Addr) bool) bool {
		return yield(r.Mapping.Owner) || yield(r.Mapping.Server) || anyAddr(yield, r.Mapping.Addresses)
	},
	span: func(r *Row) (int64, int64, bool) { return r.Mapping.Time, r.Mapping.Time, r.Mapping.Time != 0 },
}
