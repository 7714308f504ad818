package nbns

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameMessage ignores whether an empty slice is nil.
var sameMessage = cmpopts.EquateEmpty()

var ignoreData = cmpopts.IgnoreFields(Record{}, "Data")

func TestDecodePackets(t *testing.T) {
	var reused Message
	for _, p := range packets {
		t.Run(p.name, func(t *testing.T) {
			b := octets(t, p.hex)
			Decode(&reused, b)
			if diff := cmp.Diff(p.want, reused, sameMessage, ignoreData); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			if got := reused.Form(); got != p.form {
				t.Errorf("form: got %v, want %v", got, p.form)
			}
			var data []byte
			for _, r := range reused.Records {
				data = r.Data
			}
			if !bytes.HasSuffix(b, data) {
				t.Errorf("Data of the last record is % x, the message ends otherwise", data)
			}
		})
	}
}

// Every prefix of a message is one that a snap length can leave.
func TestDecodePrefixes(t *testing.T) {
	for _, p := range packets {
		t.Run(p.name, func(t *testing.T) {
			whole := octets(t, p.hex)
			var m Message
			for n := range whole {
				Decode(&m, whole[:n:n])
				if n == headerLen && p.headerOnly {
					if m.Fault != nil {
						t.Fatalf("%d bytes: fault %v, want none", n, m.Fault)
					}
					continue
				}
				if m.Fault == nil {
					t.Fatalf("%d of %d bytes: no fault", n, len(whole))
				}
				if !m.Fault.Truncated || m.Fault.Offset > n || m.Fault.Field == "" || m.Fault.Reason == "" {
					t.Fatalf("%d of %d bytes: fault %+v is not a truncation", n, len(whole), *m.Fault)
				}
				if n >= headerLen && (m.TrnID != p.want.TrnID || m.Flags != p.want.Flags || m.ARCount != p.want.ARCount) {
					t.Fatalf("%d of %d bytes: the header is lost", n, len(whole))
				}
				if len(m.Questions) > len(p.want.Questions) || len(m.Records) > len(p.want.Records) {
					t.Fatalf("%d of %d bytes: more decoded than there is", n, len(whole))
				}
				for i, r := range m.Records {
					if want := p.want.Records[i]; r.Name != want.Name || r.Scope != want.Scope {
						t.Fatalf("%d of %d bytes: record name %v, want %v", n, len(whole), r.Name, want.Name)
					}
				}
			}
		})
	}
}

const (
	filesrvName = `20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 `
	nbIN        = ` 00 20 00 01 `
	regHeader   = `00 01 29 00 00 01 00 00 00 00 00 01 `
	regQuestion = regHeader + filesrvName + nbIN // RR_NAME is at 50, RDLENGTH at 60, RDATA at 62
	queryHeader = `00 01 01 00 00 01 00 00 00 00 00 00 `
	respHeader  = `00 01 85 00 00 00 00 01 00 00 00 00 `
)

func TestDecodeFaults(t *testing.T) {
	long := strings.Repeat("61", 63)
	tests := []struct {
		group, name string
		hex         string
		fault       string // Fault.String
		truncated   bool
		// What stands in spite of the fault.
		questions, records, addrs, status int
	}{
		{"header", "empty", ``, "byte 0: NAME_TRN_ID: empty message", true, 0, 0, 0, 0},
		{"header", "one byte", `12`, "byte 0: NAME_TRN_ID: the message ends here", true, 0, 0, 0, 0},
		{"header", "cut in ARCOUNT", `00 01 29 00 00 01 00 00 00 00 00`, "byte 10: ARCOUNT: the message ends here", true, 0, 0, 0, 0},
		{"header", "zeros", strings.Repeat("00", 50), "byte 4: QDCOUNT: a request without a question", false, 0, 0, 0, 0},
		{"header", "QDCOUNT 65535", `00 01 01 00 FF FF 00 00 00 00 00 00 ` + filesrvName + nbIN,
			"byte 50: QUESTION_NAME: the message ends here", true, 1, 0, 0, 0},
		{"header", "counts 65535", `00 01 85 00 00 00 FF FF FF FF FF FF ` + filesrvName + nbIN + `00000000 0000`,
			"byte 56: RR_NAME: the message ends here", true, 0, 1, 0, 0},
		{"header", "release request, ARCOUNT 0", `00 01 30 00 00 01 00 00 00 00 00 00 ` + filesrvName + nbIN,
			"byte 10: ARCOUNT: missing record: the request has no additional record", false, 1, 0, 0, 0},
		{"header", "multihomed registration, ARCOUNT 0, record there", `00 01 79 00 00 01 00 00 00 00 00 00 ` + filesrvName + nbIN +
			`C00C` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 10: ARCOUNT: missing record: the request has no additional record", false, 1, 0, 0, 0},
		{"header", "positive response without a record", `00 01 AD 80 00 00 00 00 00 00 00 00`,
			"byte 6: ANCOUNT: missing record: a positive response without a record", false, 0, 0, 0, 0},

		{"name", "first label of 31 letters", queryHeader + `1F "EGEJEMEFFDFCFGCACACACACACACACAC" 00` + nbIN,
			"byte 12: QUESTION_NAME: first label is not 32 bytes long", false, 0, 0, 0, 0},
		{"name", "first label of 33 letters", queryHeader + `21 "EGEJEMEFFDFCFGCACACACACACACACACAA" 00` + nbIN,
			"byte 12: QUESTION_NAME: first label is not 32 bytes long", false, 0, 0, 0, 0},
		{"name", "letter Q", queryHeader + `20 "EGEJEMEFFDFCFGCAQACACACACACACACA" 00` + nbIN,
			"byte 29: QUESTION_NAME: not a letter A to P", false, 1, 0, 0, 0},
		{"name", "lower case", queryHeader + `20 "egEJEMEFFDFCFGCACACACACACACACACA" 00` + nbIN,
			"byte 13: QUESTION_NAME: not a letter A to P", false, 0, 0, 0, 0},
		{"name", "wrong letter before the cut", queryHeader + `20 "EGFCENEBF@FDD"`,
			"byte 22: QUESTION_NAME: not a letter A to P", false, 0, 0, 0, 0},
		{"name", "root", queryHeader + `00` + nbIN, "byte 12: QUESTION_NAME: empty name", false, 0, 0, 0, 0},
		{"name", "label of kind 0x40", queryHeader + `41 "AAA" 00` + nbIN,
			"byte 12: QUESTION_NAME: label of unknown kind 0x40", false, 0, 0, 0, 0},
		{"name", "label of kind 0x80 in the scope", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" 81 00` + nbIN,
			"byte 45: QUESTION_NAME: label of unknown kind 0x80", false, 0, 0, 0, 0},
		{"name", "DNS name in a record that is not A or NS", respHeader + `04 "wins" 00` + nbIN + `00000000 0000`,
			"byte 12: RR_NAME: first label is not 32 bytes long", false, 0, 0, 0, 0},
		{"name", "no end", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" 03 "foo"`,
			"byte 49: QUESTION_NAME: the message ends here", true, 0, 0, 0, 0},
		{"name", "11 scope labels", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" ` + strings.Repeat("0161", 11) + ` 00` + nbIN,
			"byte 65: QUESTION_NAME: more than 10 scope labels", false, 0, 0, 0, 0},
		{"name", "scope of 256 bytes", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" ` + strings.Repeat("3F"+long, 4) + `016100` + nbIN,
			"byte 301: QUESTION_NAME: scope of more than 255 bytes", false, 0, 0, 0, 0},
		{"name", "dot within a label", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" 03 "a.b" 00` + nbIN,
			"byte 47: QUESTION_NAME: dot within a scope label", false, 1, 0, 0, 0},

		{"pointer", "to itself", regQuestion + `C032` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 50: RR_NAME: compression pointer that does not point back", false, 1, 0, 0, 0},
		{"pointer", "two in a circle", respHeader + `C00E C00C` + nbIN + `00000000 0000`,
			"byte 12: RR_NAME: compression pointer that does not point back", false, 0, 0, 0, 0},
		{"pointer", "label in a circle", respHeader + filesrvName[:len(filesrvName)-3] + `C00C` + nbIN + `00000000 0000`,
			"byte 12: RR_NAME: scope of more than 255 bytes", false, 0, 0, 0, 0},
		{"pointer", "outside", regQuestion + `C0FF` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 50: RR_NAME: compression pointer to offset 255, outside the message", false, 1, 0, 0, 0},
		{"pointer", "to the first byte outside", regQuestion + `C044` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 50: RR_NAME: compression pointer to offset 68, outside the message", false, 1, 0, 0, 0},
		{"pointer", "cut", regQuestion + `C0`, "byte 50: RR_NAME: the message ends here", true, 1, 0, 0, 0},
		{"pointer", "forward to a name", respHeader + `C018` + nbIN + `00000000 0000 ` + filesrvName,
			"byte 12: RR_NAME: compression pointer that does not point back", false, 0, 1, 0, 0},
		{"pointer", "into the header", regQuestion + `C000` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 50: RR_NAME: empty name", false, 1, 0, 0, 0},

		{"record", "cut after the name", respHeader + filesrvName, "byte 46: RR_TYPE: the message ends here", true, 0, 1, 0, 0},
		{"record", "cut in TTL", respHeader + filesrvName + nbIN + `00 00 00`, "byte 50: TTL: the message ends here", true, 0, 1, 0, 0},
		{"record", "RDLENGTH 65535", respHeader + filesrvName + nbIN + `00000000 FFFF 6000 0A140133 60`,
			"byte 54: RDLENGTH: RDATA of 65535 bytes, the message has 7 left", true, 0, 1, 1, 0},
		{"record", "RDLENGTH not a multiple of 6", respHeader + filesrvName + nbIN + `00000000 000E 6000 0A140133 6000 0A140234 6000`,
			"byte 68: RDATA: 2 bytes are left after 2 address entries of 6 bytes", false, 0, 1, 2, 0},
		{"record", "RDLENGTH 5", respHeader + filesrvName + nbIN + `00000000 0005 6000 0A1401`,
			"byte 56: RDATA: 5 bytes are left after 0 address entries of 6 bytes", false, 0, 1, 0, 0},
		{"record", "the record behind a bad one", `00 01 85 00 00 00 00 02 00 00 00 00 ` + filesrvName + nbIN + `00000000 0001 60 ` +
			`C00C` + nbIN + `00000000 0006 6000 0A140133`,
			"byte 56: RDATA: 1 bytes are left after 0 address entries of 6 bytes", false, 0, 2, 1, 0},
		{"record", "registration without an address", regQuestion + `C00C` + nbIN + `00000000 0000`,
			"byte 60: RDLENGTH: missing address: RDATA is empty", false, 1, 1, 0, 0},
		{"record", "negative response, cut record behind counts of 0", `00 01 85 83 00 00 00 00 00 00 00 00 ` + filesrvName + `000A`,
			"byte 48: RR_CLASS: the message ends here", true, 0, 1, 0, 0},

		{"status", "NUM_NAMES beyond RDATA", respHeader + filesrvName + `00 21 00 01 00000000 0014 02 "FILESRV        " 20 0400 00`,
			"byte 56: NUM_NAMES: 2 names, RDATA has room for 1", false, 0, 1, 0, 1},
		{"status", "empty RDATA", respHeader + filesrvName + `00 21 00 01 00000000 0000`,
			"byte 54: RDLENGTH: missing NUM_NAMES: RDATA is empty", false, 0, 1, 0, 0},
		{"status", "cut in the second name", respHeader + filesrvName + `00 21 00 01 00000000 0025 02 "FILESRV        " 20 0400 "FILES"`,
			"byte 54: RDLENGTH: RDATA of 37 bytes, the message has 24 left", true, 0, 1, 0, 1},
		{"junk", "text", hexOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "byte 12: ", false, 0, 0, 0, 0},
		{"junk", "0xFF", strings.Repeat("FF", 40), "byte 12: ", false, 0, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.group+"/"+tt.name, func(t *testing.T) {
			var m Message
			b := octets(t, tt.hex)
			Decode(&m, b)
			if m.Fault == nil {
				t.Fatal("no fault")
			}
			if got := m.Fault.String(); !strings.HasPrefix(got, tt.fault) {
				t.Errorf("fault %q, want %q", got, tt.fault)
			}
			if m.Fault.Truncated != tt.truncated {
				t.Errorf("truncated: %v", m.Fault.Truncated)
			}
			addrs := 0
			for _, r := range m.Records {
				addrs += len(r.Addrs)
			}
			got := [...]int{len(m.Questions), len(m.Records), addrs, len(m.Status)}
			if want := [...]int{tt.questions, tt.records, tt.addrs, tt.status}; got != want {
				t.Errorf("questions, records, addresses, status entries: got %v, want %v", got, want)
			}
			if len(b) >= headerLen && (m.TrnID != uint16(b[0])<<8|uint16(b[1]) || m.Flags != Flags(b[2])<<8|Flags(b[3])) {
				t.Error("the header is lost")
			}
		})
	}
}

func hexOf(s string) string { return `"` + s[:1] + `" ` + strings.ToUpper(hexBytes(s[1:])) }

func hexBytes(s string) string {
	var sb strings.Builder
	for i := range len(s) {
		sb.WriteByte(hexDigits[s[i]>>4])
		sb.WriteByte(hexDigits[s[i]&15])
	}
	return sb.String()
}

// What differs from RFC 1002 and is no fault all the same.
func TestDecodeLenient(t *testing.T) {
	tests := []struct {
		name, hex string
		check     func(m *Message) bool
	}{
		{"host-named A record", `00 01 85 00 00 00 00 01 00 00 00 00 04 "wins" 03 "com" 00 00 01 00 01 00000000 0004 0A140002`,
			func(m *Message) bool { _, ok := m.Name(); return !ok && len(m.Records) == 1 }},
		{"trailing bytes", queryHeader + filesrvName + nbIN + `DE AD BE EF`, func(m *Message) bool { return m.Trailing == 4 }},
		{"ten pointer hops", `00 01 85 00 00 00 00 02 00 00 00 00 ` + filesrvName + `00 0A 00 01 00000000 0014 ` +
			`C00C C038 C03A C03C C03E C040 C042 C044 C046 C048 C048` + nbIN + `00000000 0000`,
			func(m *Message) bool { return len(m.Records) == 2 && m.Records[1].Name == filesrv20 }},
		{"scope of 237 bytes, as WINS takes it", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" ` +
			strings.Repeat("3F"+strings.Repeat("61", 63), 3) + `2D` + strings.Repeat("62", 45) + `00` + nbIN,
			func(m *Message) bool { return len(m.Scope()) == 237 }},
		{"scope of any bytes", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" 03 00 FF 1B 00` + nbIN,
			func(m *Message) bool { return m.Scope() == "\x00\xff\x1b" }},
		{"ten scope labels", queryHeader + `20 "EGEJEMEFFDFCFGCACACACACACACACACA" ` + strings.Repeat("0161", 10) + ` 00` + nbIN,
			func(m *Message) bool { return m.Scope() == "a.a.a.a.a.a.a.a.a.a" }},
		{"question of type and class 0xABCD", queryHeader + filesrvName + `AB CD AB CD`,
			func(m *Message) bool { return m.Questions[0].Type == 0xABCD && m.Questions[0].Class == 0xABCD }},
		{"negative node status", `00 01 84 03 00 00 00 01 00 00 00 00 ` + filesrvName + `00 21 00 01 00000000 0000`,
			func(m *Message) bool { return m.Form() == FormStatusResponse }},
		{"truncated response, TC, no record", `00 01 87 00 00 00 00 00 00 00 00 00`, func(m *Message) bool { return m.Flags&FlagTC != 0 }},
		{"second NBSTAT record", `00 01 84 00 00 00 00 02 00 00 00 00 ` +
			filesrvName + `00 21 00 01 00000000 0013 01 "FILESRV        " 20 0400` +
			`C00C 00 21 00 01 00000000 0013 01 "FILESRV        " 00 0400`,
			func(m *Message) bool { return len(m.Status) == 1 && m.Status[0].Name == filesrv20 }},
		{"name of unprintable bytes", queryHeader + `20 "ABACFPFPENFDECFCEPFHFDEFFPFPACAB" 00` + nbIN,
			func(m *Message) bool { n, ok := m.Name(); return ok && n.String() == `\x01\x02__MSBROWSE__\x02<01>` }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			Decode(&m, octets(t, tt.hex))
			if m.Fault != nil {
				t.Errorf("fault %v", m.Fault)
			}
			if !tt.check(&m) {
				t.Errorf("decoded otherwise: %+v", m)
			}
		})
	}
}

func TestDecodeElevenHops(t *testing.T) {
	var m Message
	Decode(&m, octets(t, `00 01 85 00 00 00 00 02 00 00 00 00 `+filesrvName+`00 0A 00 01 00000000 0016 `+
		`C00C C038 C03A C03C C03E C040 C042 C044 C046 C048 C04A C04C`+nbIN+`00000000 0000`))
	const want = "byte 58: RR_NAME: a loop of compression pointers, or more than 10"
	if m.Fault == nil || m.Fault.String() != want {
		t.Errorf("fault %v, want %s", m.Fault, want)
	}
}

// Whatever was in a Message, Decode leaves nothing of it.
func TestDecodeResets(t *testing.T) {
	var reused Message
	for _, p := range packets {
		for _, q := range packets {
			Decode(&reused, octets(t, p.hex))
			Decode(&reused, octets(t, q.hex))
			var fresh Message
			Decode(&fresh, octets(t, q.hex))
			if diff := cmp.Diff(fresh, reused, sameMessage); diff != "" {
				t.Fatalf("%s after %s (-fresh +reused):\n%s", q.name, p.name, diff)
			}
		}
	}
	Decode(&reused, nil)
	if diff := cmp.Diff(Message{}, reused, sameMessage, cmpopts.IgnoreFields(Message{}, "Fault")); diff != "" {
		t.Errorf("nothing decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for _, p := range packets {
		b := octets(t, p.hex)
		var m Message
		Decode(&m, b)
		if n := testing.AllocsPerRun(100, func() { Decode(&m, b) }); n != 0 {
			t.Errorf("%s: %v allocations", p.name, n)
		}
	}
}

func TestMessageGetters(t *testing.T) {
	var m Message
	Decode(&m, octets(t, `00 01 85 00 00 00 00 02 00 00 00 00 `+filesrvName+nbIN+`0000003C 000C E000 0A140133 6000 0A140234`+
		`20 "FHEPFCELEHFCEPFFFACACACACACACAAA" 03 "foo" 00`+nbIN+`00000009 0006 0000 0A140102`))
	if n, ok := m.Name(); !ok || n != filesrv20 || m.Scope() != "" {
		t.Errorf("name %v %v, scope %q", n, ok, m.Scope())
	}
	if r := m.FirstNB(); r != &m.Records[0] {
		t.Errorf("FirstNB: %v", r)
	}
	want := []netip.Addr{netip.MustParseAddr("10.20.1.51"), netip.MustParseAddr("10.20.2.52"), netip.MustParseAddr("10.20.1.2")}
	if diff := cmp.Diff(want, m.Addresses(nil), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("Addresses (-want +got):\n%s", diff)
	}
	ttl, ok := m.TTL()
	if ttl != 60 || !ok {
		t.Errorf("TTL %d %v", ttl, ok)
	}
	if g, ok := m.Group(); !g || !ok {
		t.Errorf("Group %v %v", g, ok)
	}
	if nt, ok := m.NodeType(); nt != HNode || !ok {
		t.Errorf("NodeType %v %v", nt, ok)
	}

	Decode(&m, octets(t, respHeader+filesrvName+nbIN+`00 00`))
	if n, ok := m.Name(); !ok || n != filesrv20 {
		t.Errorf("cut record: name %v %v", n, ok)
	}
	if _, ok := m.TTL(); ok {
		t.Error("a TTL out of a record that ends before it")
	}

	Decode(&m, nil)
	if _, ok := m.Name(); ok || m.Scope() != "" || m.FirstNB() != nil || m.Addresses(nil) != nil {
		t.Error("something out of an empty message")
	}
	_, hasTTL := m.TTL()
	_, hasGroup := m.Group()
	_, hasNode := m.NodeType()
	if hasTTL || hasGroup || hasNode {
		t.Errorf("empty message: TTL %v, group %v, node type %v", hasTTL, hasGroup, hasNode)
	}
}
