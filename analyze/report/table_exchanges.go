package report

import (
	"net/netip"

	"nbtrace/analyze/nbns"
)

var exchangesTable = Table{
	Name:    "exchanges",
	Doc:     "one row per reconstructed exchange: a request, its retransmissions and what answered it",
	Streams: true,
	Columns: columns(
		[]Column{
			{Name: "id", Type: Int, Doc: "number of the exchange, stable within a run",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Exchange.ID)) }},
			{Name: "kind", Type: String, Doc: "what it is about",
				get: func(r *Row, v *Value) { v.SetText(r.Exchange.Kind.String()) }},
		},
		nameColumns(func(r *Row) (nbns.Name, string, bool) { return r.Exchange.Name, r.Exchange.Scope, true }, false),
		[]Column{
			{Name: "initiator", Type: String, Null: true, Addr: true, Doc: "who asked",
				get: func(r *Row, v *Value) { v.SetAddr(r.Exchange.Initiator) }},
			{Name: "responder", Type: String, Null: true, Addr: true, Doc: "who answered, null if nobody did",
				get: func(r *Row, v *Value) { v.SetAddr(r.Exchange.Responder) }},
			{Name: "via", Type: String, Rank: 5, Doc: "broadcast or unicast", get: func(r *Row, v *Value) {
				if r.Exchange.Broadcast {
					v.SetText("broadcast")
				} else {
					v.SetText("unicast")
				}
			}},
			{Name: "trn_id", Type: Int, Rank: 7, Doc: "NAME_TRN_ID",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Exchange.TrnID)) }},
			{Name: "start", Type: Time, Rank: 2, Doc: "first request",
				get: func(r *Row, v *Value) { v.SetTime(r.Exchange.Start) }},
			{Name: "end", Type: Time, Rank: 8, Doc: "last message",
				get: func(r *Row, v *Value) { v.SetTime(r.Exchange.End) }},
			{Name: "requests", Type: Int, Rank: 6, Doc: "requests with retransmissions",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Exchange.Requests)) }},
			{Name: "wack", Type: Bool, Rank: 6, Doc: "the server asked to wait",
				get: func(r *Row, v *Value) { v.SetBool(r.Exchange.WACK) }},
			{Name: "challenges", Type: Ints, Rank: 7, Doc: "ids of the challenges it caused", get: func(r *Row, v *Value) {
				v.SetInts()
				for _, id := range r.Exchange.Challenges {
					v.AddInt(int64(id))
				}
			}},
			{Name: "outcome", Type: String, Doc: "how it ended",
				get: func(r *Row, v *Value) { v.SetText(r.Exchange.Outcome.String()) }},
			{Name: "rcode", Type: Int, Null: true, Rank: 4, Doc: "RCODE of the answer, null if there was none", get: func(r *Row, v *Value) {
				if !r.Exchange.Responder.IsValid() {
					v.SetNull()
					return
				}
				v.SetInt(int64(r.Exchange.RCode))
			}},
			{Name: "requested", Type: Strings, Rank: 6, Doc: "addresses asked for",
				get: func(r *Row, v *Value) { setAddrs(v, r.Exchange.Requested) }},
			{Name: "granted", Type: Strings, Rank: 6, Doc: "addresses in the answer",
				get: func(r *Row, v *Value) { setAddrs(v, r.Exchange.Granted) }},
			{Name: "ttl", Type: Int, Null: true, Rank: 8, Doc: "TTL of the answer, else of the request, seconds", get: func(r *Row, v *Value) {
				if !r.Exchange.HasTTL {
					v.SetNull()
					return
				}
				v.SetInt(int64(r.Exchange.TTL))
			}},
			{Name: "rtt_seconds", Type: Float, Null: true, Rank: 8, Doc: "last request to answer, null if unanswered", get: func(r *Row, v *Value) {
				if r.Exchange.RTT < 0 {
					v.SetNull()
					return
				}
				v.SetFloat(float64(r.Exchange.RTT) / 1e9)
			}},
			{Name: "frames", Type: Frames, Rank: 9, Doc: "its frames and their roles",
				get: func(r *Row, v *Value) { setFrames(v, r, r.Exchange.Frames()) }},
		},
	),
	names: func(r *Row, yield func(string) bool) bool {
		return yield(r.Exchange.Name.Display(r.Exchange.Scope))
	},
	addrs: func(r *Row, yield func(netip.Addr) bool) bool {
		e := r.Exchange
		return yield(e.Initiator) || yield(e.Responder) || yield(e.Asked) || anyAddr(yield, e.Requested, e.Granted)
	},
	span: func(r *Row) (int64, int64, bool) { return r.Exchange.Start, r.Exchange.End, true },
}
