package report

import (
	"net/netip"

	"nbtrace/analyze/nbns"
)

var messagesTable = Table{
	Name:    "messages",
	Doc:     "one row per NBNS message",
	Streams: true,
	Columns: columns(
		[]Column{
			{Name: "file", Type: String, Rank: 3, Doc: "base name of the capture, - for standard input",
				get: func(r *Row, v *Value) { v.SetText(fileName(r.Files, r.Message.Packet.Input)) }},
			{Name: "frame", Type: Int, Doc: "frame number in its file, from 1",
				get: func(r *Row, v *Value) { v.SetInt(r.Message.Packet.Frame) }},
			{Name: "time", Type: Time, Rank: 1, Doc: "time of the frame",
				get: func(r *Row, v *Value) { v.SetTime(r.Message.Packet.Time) }},
			{Name: "transport", Type: String, Rank: 7, Doc: "udp or tcp", get: func(r *Row, v *Value) {
				if r.Message.Packet.TCP {
					v.SetText("tcp")
				} else {
					v.SetText("udp")
				}
			}},
			{Name: "src", Type: String, Addr: true, Doc: "source address of the innermost IP header",
				get: func(r *Row, v *Value) { v.SetAddr(r.Message.Packet.Src.Addr()) }},
			{Name: "src_port", Type: Int, Rank: 7, Doc: "source port",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.Packet.Src.Port())) }},
			{Name: "dst", Type: String, Addr: true, Doc: "destination address",
				get: func(r *Row, v *Value) { v.SetAddr(r.Message.Packet.Dst.Addr()) }},
			{Name: "dst_port", Type: Int, Rank: 7, Doc: "destination port",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.Packet.Dst.Port())) }},
			{Name: "src_mac", Type: String, Null: true, Rank: 8, Doc: "source MAC address, null where the link has none",
				get: func(r *Row, v *Value) { setMAC(v, r.Message.Packet.SrcMAC, r.Message.Packet.HasSrcMAC) }},
			{Name: "dst_mac", Type: String, Null: true, Rank: 8, Doc: "destination MAC address",
				get: func(r *Row, v *Value) { setMAC(v, r.Message.Packet.DstMAC, r.Message.Packet.HasDstMAC) }},
			{Name: "vlan", Type: Ints, Rank: 8, Doc: "VLAN ids, outermost first", get: func(r *Row, v *Value) {
				v.SetInts()
				for _, id := range r.Message.Packet.VLAN {
					v.AddInt(int64(id))
				}
			}},
			{Name: "trn_id", Type: Int, Rank: 6, Doc: "NAME_TRN_ID",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.NBNS.TrnID)) }},
			{Name: "response", Type: Bool, Rank: 8, Doc: "R",
				get: func(r *Row, v *Value) { v.SetBool(r.Message.NBNS.Flags.Response()) }},
			{Name: "opcode", Type: Int, Rank: 8, Doc: "OPCODE",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.NBNS.Flags.Opcode())) }},
			{Name: "rcode", Type: Int, Rank: 2, Doc: "RCODE; 0 in requests that are well formed",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.NBNS.Flags.RCode())) }},
			{Name: "flags", Type: Int, Rank: 8, Doc: "the 16-bit word after NAME_TRN_ID",
				get: func(r *Row, v *Value) { v.SetInt(int64(r.Message.NBNS.Flags)) }},
			{Name: "kind", Type: String, Doc: "what the message does",
				get: func(r *Row, v *Value) { v.SetText(r.Message.Kind.String()) }},
		},
		nameColumns(messageName, true),
		[]Column{
			{Name: "name_hex", Type: String, Null: true, Rank: 9, Doc: "the 16 bytes of the name", get: func(r *Row, v *Value) {
				n, _, ok := messageName(r)
				if !ok {
					v.SetNull()
					return
				}
				v.SetHex(n[:])
			}},
			{Name: "group", Type: Bool, Null: true, Rank: 6, Doc: "G of the first NB record", get: func(r *Row, v *Value) {
				group, ok := r.Message.NBNS.Group()
				if !ok {
					v.SetNull()
					return
				}
				v.SetBool(group)
			}},
			{Name: "node_type", Type: String, Null: true, Rank: 8, Doc: "B, P, M or H of the first NB record", get: func(r *Row, v *Value) {
				t, ok := r.Message.NBNS.NodeType()
				if !ok {
					v.SetNull()
					return
				}
				v.SetText(t.String())
			}},
			{Name: "addresses", Type: Strings, Rank: 4, Doc: "every NB_ADDRESS, in order", get: func(r *Row, v *Value) {
				v.SetStrings()
				for i := range r.Message.NBNS.Records {
					for _, a := range r.Message.NBNS.Records[i].Addrs {
						v.AddAddr(a.IP())
					}
				}
			}},
			{Name: "ttl", Type: Int, Null: true, Rank: 7, Doc: "TTL of the first record, seconds", get: func(r *Row, v *Value) {
				ttl, ok := r.Message.NBNS.TTL()
				if !ok {
					v.SetNull()
					return
				}
				v.SetInt(int64(ttl))
			}},
			{Name: "malformed", Type: String, Null: true, Rank: 5, Doc: "the first fault, null if there is none", get: func(r *Row, v *Value) {
				f := r.Message.NBNS.Fault
				if f == nil {
					v.SetNull()
					return
				}
				v.SetText(f.String())
			}},
		},
	),
	names: func(r *Row, yield func(string) bool) bool {
		m := r.Message.NBNS
		for i := range m.Questions {
			if yield(m.Questions[i].Name.Display(m.Questions[i].Scope)) {
				return true
			}
		}
		for i := range m.Records {
			if yield(m.Records[i].Name.Display(m.Records[i].Scope)) {
				return true
			}
		}
		return false
	},
	addrs: func(r *Row, yield func(netip.Addr) bool) bool {
		if yield(r.Message.Packet.Src.Addr()) || yield(r.Message.Packet.Dst.Addr()) {
			return true
		}
		for i := range r.Message.NBNS.Records {
			for _, a := range r.Message.NBNS.Records[i].Addrs {
				if yield(a.IP()) {
					return true
				}
			}
		}
		return false
	},
	span: func(r *Row) (int64, int64, bool) {
		return r.Message.Packet.Time, r.Message.Packet.Time, true
	},
}

// messageName is the question's name, else the first record's.
func messageName(r *Row) (nbns.Name, string, bool) {
	n, ok := r.Message.NBNS.Name()
	return n, r.Message.NBNS.Scope(), ok
}

func setMAC(v *Value, mac [6]byte, ok bool) {
	if !ok {
		v.SetNull()
		return
	}
	v.SetMAC(mac)
}
