package report

import (
	"net/netip"
	"strconv"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

var findingsTable = Table{
	Name: "findings",
	Doc:  "what is wrong, and why",
	Columns: columns(
		[]Column{
			{Name: "rule", Type: String, Doc: "slug of the rule", get: func(r *Row, v *Value) { v.SetText(r.Finding.Rule) }},
			{Name: "severity", Type: String, Doc: "info, notice, warning or critical",
				get: func(r *Row, v *Value) { v.SetText(r.Finding.Severity.String()) }},
			{Name: "verdict", Type: String, Doc: "proved, likely or possible",
				get: func(r *Row, v *Value) { v.SetText(r.Finding.Verdict.String()) }},
			{Name: "title", Type: String, Rank: 4, Doc: "one line for people",
				get: func(r *Row, v *Value) { v.SetText(r.Finding.Title) }},
		},
		nameColumns(func(r *Row) (nbns.Name, string, bool) {
			return nbns.Name(r.Finding.Name), r.Finding.Scope, r.Finding.HasName
		}, true),
		[]Column{
			{Name: "host", Type: Object, Null: true, Rank: 5, Doc: "{id, addresses, macs} of the machine that suffers", get: func(r *Row, v *Value) {
				h := &r.Finding.Host
				if h.ID == 0 && len(h.Addresses) == 0 && len(h.MACs) == 0 {
					v.SetNull()
					return
				}
				v.SetObject(func(b []byte) []byte { return appendHost(b, h) })
			}},
			{Name: "server", Type: String, Null: true, Addr: true, Rank: 1, Doc: "the WINS server or other sender concerned",
				get: func(r *Row, v *Value) { v.SetAddr(r.Finding.Server) }},
			{Name: "events", Type: Ints, Rank: 6, Doc: "Windows event ids that the host is expected to log", get: func(r *Row, v *Value) {
				v.SetInts()
				for _, id := range r.Finding.Events {
					v.AddInt(int64(id))
				}
			}},
			{Name: "event_data", Type: String, Null: true, Rank: 7, Doc: "the address bytes in events 4319 and 4320",
				get: func(r *Row, v *Value) { setOptional(v, r.Finding.EventData) }},
			{Name: "first", Type: Time, Rank: 3, Doc: "first occurrence",
				get: func(r *Row, v *Value) { v.SetTime(r.Finding.First) }},
			{Name: "last", Type: Time, Rank: 7, Doc: "last occurrence",
				get: func(r *Row, v *Value) { v.SetTime(r.Finding.Last) }},
			{Name: "count", Type: Int, Rank: 3, Doc: "occurrences",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Finding.Count)) }},
			{Name: "evidence", Type: Object, Rank: 9, Doc: "for and against, with the frames", get: func(r *Row, v *Value) {
				v.SetObject(func(b []byte) []byte { return appendEvidence(b, r, r.Finding.Evidence) })
			}},
			{Name: "alternatives", Type: Object, Rank: 9, Doc: "other explanations", get: func(r *Row, v *Value) {
				v.SetObject(func(b []byte) []byte { return appendAlternatives(b, r.Finding.Alternatives) })
			}},
			{Name: "remedy", Type: Strings, Rank: 9, Doc: "what to do, in steps",
				get: func(r *Row, v *Value) { setTexts(v, r.Finding.Remedy) }},
			{Name: "references", Type: Strings, Rank: 9, Doc: "articles and RFC sections",
				get: func(r *Row, v *Value) { setTexts(v, r.Finding.References) }},
			{Name: "display_filter", Type: String, Null: true, Rank: 8, Doc: "Wireshark filter that shows just these packets, per file",
				get: func(r *Row, v *Value) { setOptional(v, DisplayFilter(r.Files, r.Finding)) }},
		},
	),
	names: func(r *Row, yield func(string) bool) bool {
		return r.Finding.HasName && yield(nbns.Name(r.Finding.Name).Display(r.Finding.Scope))
	},
	addrs: func(r *Row, yield func(netip.Addr) bool) bool {
		return yield(r.Finding.Server) || anyAddr(yield, r.Finding.Host.Addresses)
	},
	span: func(r *Row) (int64, int64, bool) { return r.Finding.First, r.Finding.Last, true },
}

func appendHost(b []byte, h *analyze.FindingHost) []byte {
	b = append(b, `{"id":`...)
	if h.ID == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(h.ID), 10)
	}
	b = append(b, `,"addresses":[`...)
	for i, a := range h.Addresses {
		b = comma(b, i)
		b = append(b, '"')
		b = appendAddr(b, a)
		b = append(b, '"')
	}
	b = append(b, `],"macs":[`...)
	for i, m := range h.MACs {
		b = comma(b, i)
		b = append(b, '"')
		b = appendMAC(b, m)
		b = append(b, '"')
	}
	return append(b, "]}"...)
}

func appendEvidence(b []byte, r *Row, evidence []analyze.Evidence) []byte {
	var frames Value
	b = append(b, '[')
	for i := range evidence {
		e := &evidence[i]
		b = comma(b, i)
		b = append(b, `{"sign":`...)
		b = appendJSONString(b, Escape(e.Sign))
		b = append(b, `,"for":`...)
		b = strconv.AppendBool(b, e.For)
		b = append(b, `,"text":`...)
		b = appendJSONString(b, Escape(e.Text))
		b = append(b, `,"frames":`...)
		setFrames(&frames, r, e.Frames)
		b = frames.appendJSON(b)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendAlternatives(b []byte, alternatives []analyze.Alternative) []byte {
	b = append(b, '[')
	for i := range alternatives {
		a := &alternatives[i]
		b = comma(b, i)
		b = append(b, `{"rule":`...)
		b = appendJSONString(b, Escape(a.Rule))
		b = append(b, `,"verdict":`...)
		b = appendJSONString(b, alternativeVerdict(a))
		b = append(b, `,"why":`...)
		b = appendJSONString(b, Escape(a.Why))
		b = append(b, '}')
	}
	return append(b, ']')
}

func alternativeVerdict(a *analyze.Alternative) string {
	if a.Excluded {
		return "excluded"
	}
	return "possible"
}
