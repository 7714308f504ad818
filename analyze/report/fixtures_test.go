package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

var (
	serverAddr = netip.MustParseAddr("10.20.9.11")
	nic1       = netip.MustParseAddr("10.20.1.53")
	nic2       = netip.MustParseAddr("10.20.2.53")
)

const t0 = int64(1795500000123456789)

// aMessage is a refused registration's answer, with every column set.
func aMessage() *analyze.Message {
	name := nbns.MakeName("FILESRV", 0x20)
	return &analyze.Message{
		Packet: &wire.Packet{Protocol: wire.NBNS, Frame: 18, Time: t0, Src: netip.AddrPortFrom(serverAddr, 137), Dst: netip.AddrPortFrom(nic1, 137),
			SrcMAC: [6]byte{0, 0x15, 0x5d, 0x95, 9, 0xb}, HasSrcMAC: true, VLAN: []uint16{10, 20}},
		NBNS: &nbns.Message{TrnID: 0x1234, Flags: 0xAD86, ANCount: 1, Records: []nbns.Record{{Name: name, Scope: "lab.test", Type: nbns.TypeNB, Class: 1, TTL: 300,
			Addrs: []nbns.AddrEntry{{Flags: 0x6000, Addr: [4]byte{10, 20, 1, 53}}, {Flags: 0x6000, Addr: [4]byte{10, 20, 2, 53}}}}}},
		Kind: exchange.RegistrationResponseNegative,
	}
}

// stranger knows nobody.
type stranger struct{}

func (stranger) NameServer(netip.Addr) bool               { return false }
func (stranger) Holds(nbns.Name, string, netip.Addr) bool { return false }
func (stranger) SameMachine(a, b netip.Addr) bool         { return a == b }

func anExchange() *exchange.Exchange {
	name := nbns.MakeName("FILESRV", 0x20)
	t := exchange.NewTracker(stranger{}, 0, func(*exchange.Exchange) bool { return true })
	t.Observe(&exchange.Message{Name: 1, Frame: 13, Src: nic1, Dst: serverAddr,
		NBNS: &nbns.Message{Flags: 0x7900, Questions: []nbns.Question{{Name: name, Type: nbns.TypeNB}}}})
	_, x := t.Observe(&exchange.Message{Name: 1, Frame: 18, Src: serverAddr, Dst: nic1,
		NBNS: &nbns.Message{Flags: 0xAD86, Records: []nbns.Record{{Name: name, Type: nbns.TypeNB}}}})
	x.ID, x.Responder, x.TrnID, x.Start, x.End, x.Requests = 7, serverAddr, 0x1234, t0, t0+1_500_000, 2
	x.Challenges, x.Outcome, x.RCode = []uint64{8, 9}, exchange.Refused, 6
	x.Requested, x.Granted, x.TTL, x.HasTTL, x.RTT = []netip.Addr{nic1}, []netip.Addr{serverAddr}, 300, true, 607_000
	return x
}

func aFinding(suffix byte) *analyze.Finding {
	name := nbns.MakeName("FILESRV", suffix)
	return &analyze.Finding{
		Rule: "static-multihomed-refusal", Severity: analyze.Critical, Verdict: analyze.Likely,
		Title:   "The WINS server refuses " + name.String() + " because of a static mapping",
		HasName: true, Name: name,
		Host:   analyze.FindingHost{ID: 3, Addresses: []netip.Addr{nic1, nic2}, MACs: [][6]byte{{0, 0x15, 0x5d, 0x8d, 1, 0x35}}},
		Server: serverAddr, Events: []int{4319, 4321}, EventData: "0b 09 14 0a", First: t0, Last: t0 + 20e9, Count: 3,
		Evidence: []analyze.Evidence{
			{Sign: "refused-at-once", For: true, Text: name.String() + " was refused with ACT_ERR, without a WACK and without a challenge.",
				Frames: []analyze.FrameRef{{Frame: 13 + int64(suffix), Role: "registration"}, {Frame: 18 + int64(suffix), Role: "refusal"}}},
			{Sign: "other-address", For: true, Text: "The server gives an address that the host does not own.", Frames: []analyze.FrameRef{{Frame: 68, Role: "query answer"}}},
			{Sign: "one-way", For: false, Text: "Some requests were not captured.", Frames: []analyze.FrameRef{{Input: 1, Frame: 5, Role: "answer"}}},
		},
		Alternatives: []analyze.Alternative{{Rule: "live-duplicate-name", Excluded: true, Why: "nobody was challenged"}, {Rule: "group-name", Why: "the record's type was not seen"}},
		Remedy:       []string{"Delete the static mapping of " + name.String() + " in the WINS console.", "netsh wins server \\\\10.20.9.11 delete name NAME=FILESRV ENDCHAR=20"},
		References:   []string{"Q164016", "RFC 1002 4.2.6"},
	}
}

func aDocument(findings ...*analyze.Finding) *Document {
	return &Document{
		Version: "1.2.3",
		Files:   []string{"a.pcap", "b.pcapng"},
		Inputs: []captures.Info{
			{Name: "a.pcap", Format: "pcap", LinkTypes: []captures.LinkType{captures.LinkEthernet, captures.LinkSLL2}, Packets: 83, Bytes: 9000, First: t0, Last: t0 + 25e9, Complete: true},
			{Name: "b.pcapng", Format: "pcapng+gzip", Packets: 0, Err: &captures.DamageError{Name: "b.pcapng", Reason: "cut"}},
		},
		Result:   &analyze.Result{Summary: analyze.Summary{Packets: 83, Messages: 74, Exchanges: 31, Names: 12, Hosts: 5, Malformed: 1, Duplicates: 2, Evicted: 1}, Findings: findings},
		Findings: findings,
		Rules: map[string]*analyze.Rule{"static-multihomed-refusal": {Slug: "static-multihomed-refusal", Title: "t", Severity: analyze.Critical,
			Doc: analyze.Doc{What: "A static mapping stands in the way of a host with several addresses.\n\nThe server refuses each of its registrations, since a static mapping is never overwritten."}}},
	}
}

// aRow is a row of the table with its cells set.
func aRow(t *Table) *Row {
	yes := true
	name := nbns.MakeName("FILESRV", 0x20)
	frames := []analyze.FrameRef{{Frame: 13, Role: "request"}, {Input: 1, Frame: 2, Role: "answer"}}
	r := &Row{Files: []string{"a.pcap", "-"}}
	switch t.Name {
	case "messages":
		r.Message = aMessage()
	case "exchanges":
		r.Exchange = anExchange()
	case "findings":
		r.Finding = aFinding(0x20)
	case "names":
		r.Name = &analyze.Name{Name: name, Scope: "lab", Type: "unique", Holder: 3, Addresses: []netip.Addr{nic1}, Server: serverAddr, State: "active", From: t0, Until: t0 + 1e9, Frames: frames}
	case "hosts":
		r.Host = &analyze.Host{ID: 3, Addresses: []netip.Addr{nic1, nic2}, MACs: [][6]byte{{1, 2, 3, 4, 5, 6}}, Names: []string{"FILESRV<20>", "MY PC;X<00>"},
			Roles: []string{"end-node"}, NodeType: "H", Multihomed: true, MultihomedWhy: []analyze.Reason{{Text: "one MAC, two addresses"}}, Implementation: "windows"}
	case "mappings":
		r.Mapping = &analyze.Mapping{Name: name, Type: "unique", Static: &yes, Addresses: []netip.Addr{nic2}, Owner: serverAddr, Source: "replication", State: "active",
			VersionID: 1<<63 + 5, Time: t0, Frames: frames}
	}
	return r
}

// export writes rows of values in a format and returns the bytes.
func export(t testing.TB, f Format, name string, columns []Column, rows [][]Value, o WriterOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, f, name, columns, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.WriteRow(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile draws texts that try to act: control bytes, escapes, marks, markup.
func hostile() *rapid.Generator[string] {
	parts := []string{"\x1b[31m", "\x07", "\x00", "\n", "\r\n", "\t", "\u202e", "\u200b", "\u2066", "\u0085", "\ufeff", "\xff\xfe", "|", "`", "<script>", "&lt;",
		"=1+1", "+1", "-1", "@SUM(A1)", "＝1", "'", "\"", ";=1", ",=1", " =1", "\\", "\\u{202e}", "\\x1b", "_x0041_", "www.x.example", "http://x", "*", "_", "ü", "名", "e\u0301", "A", " ", "  ", "FILESRV<20>", "\U000e0041", "\u3164"}
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			if rapid.Bool().Draw(t, "fixed") {
				b.WriteString(rapid.SampledFrom(parts).Draw(t, "part"))
			} else {
				b.WriteString(rapid.String().Draw(t, "text"))
			}
		}
		return b.String()
	})
}

// drawRow sets random values of the columns' types.
func drawRow(t *rapid.T, columns []Column) []Value {
	row := make([]Value, len(columns))
	for i := range columns {
		v, c := &row[i], &columns[i]
		if c.Null && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			v.SetNull()
			continue
		}
		switch c.Type {
		case String:
			v.SetText(hostile().Draw(t, c.Name))
		case Int:
			v.SetInt(rapid.Int64().Draw(t, c.Name))
		case Uint:
			v.SetUint(rapid.Uint64().Draw(t, c.Name))
		case Float:
			v.SetFloat(float64(rapid.Int64Range(0, 1e12).Draw(t, c.Name)) / 1e9)
		case Bool:
			v.SetBool(rapid.Bool().Draw(t, c.Name))
		case Time:
			v.SetTime(rapid.Int64Range(0, 1<<62).Draw(t, c.Name))
		case Strings:
			v.SetStrings()
			for _, s := range rapid.SliceOfN(hostile(), 0, 3).Draw(t, c.Name) {
				v.AddText(s)
			}
		case Ints:
			v.SetInts()
			for _, n := range rapid.SliceOfN(rapid.Int64(), 0, 3).Draw(t, c.Name) {
				v.AddInt(n)
			}
		case Frames:
			v.SetFrames()
			for range rapid.IntRange(0, 3).Draw(t, "frames") {
				v.AddFrame(hostile().Draw(t, "file"), rapid.Int64Range(1, 1<<40).Draw(t, "frame"), hostile().Draw(t, "role"))
			}
		case Object:
			s := hostile().Draw(t, c.Name)
			v.SetObject(func(b []byte) []byte {
				b = append(b, `{"text":`...)
				b = appendJSONString(b, Escape(s))
				return append(b, '}')
			})
		}
	}
	return row
}
