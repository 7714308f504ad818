package nbdgm

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"nbtrace/analyze/nbns"
)

// encode is a name in first-level encoding with its length byte, no scope.
func encode(n nbns.Name) string {
	var b strings.Builder
	b.WriteByte(32)
	for _, c := range n {
		b.WriteByte('A' + c>>4)
		b.WriteByte('A' + c&15)
	}
	return b.String()
}

var (
	host  = nbns.MakeName("FILESRV", 0x20)
	group = nbns.MakeName("OFFICE", 0x1D)
)

const head = "\x0a\x12\x34\x0a\x00\x00\x05\x00\x8a" // FLAGS to SOURCE_PORT

// direct is a direct unique datagram; length corrects DGM_LENGTH.
func direct(source, destination, data string, length int) string {
	body := source + destination + data
	b := binary.BigEndian.AppendUint16([]byte("\x10"+head), uint16(len(body)+length))
	return string(append(b, 0, 0)) + body
}

var decodeTests = []struct {
	name  string
	b     string
	want  Datagram // but for the header fields that are the same in all
	fault string
}{
	{name: "direct unique", b: direct(encode(host)+"\x00", encode(group)+"\x00", "data", 0),
		want: Datagram{Type: DirectUnique, Length: 72, HasSource: true, Source: host, HasDestination: true, Destination: group, Data: []byte("data")}},
	{name: "scope", b: direct(encode(host)+"\x03lab\x07example\x00", encode(group)+"\x01x\x00", "", 0),
		want: Datagram{Type: DirectUnique, Length: 82, HasSource: true, Source: host, SourceScope: "lab.example", HasDestination: true,
			Destination: group, DestinationScope: "x", Data: []byte{}}},
	{name: "destination's scope by pointer", b: direct(encode(host)+"\x03lab\x00", encode(group)+"\xc0\x2f", "data", 0),
		want: Datagram{Type: DirectUnique, Length: 77, HasSource: true, Source: host, SourceScope: "lab", HasDestination: true,
			Destination: group, DestinationScope: "lab", Data: []byte("data")}},
	{name: "bytes behind", b: direct(encode(host)+"\x00", encode(group)+"\x00", "data", -1),
		want: Datagram{Type: DirectUnique, Length: 71, HasSource: true, Source: host, HasDestination: true, Destination: group, Data: []byte("dat"), Trailing: 1}},
	{name: "length that counts the header", b: direct(encode(host)+"\x00", encode(group)+"\x00", "data", 14),
		want: Datagram{Type: DirectUnique, Length: 86, HasSource: true, Source: host, HasDestination: true, Destination: group, Data: []byte("data")}},
	{name: "length beyond the end", b: direct(encode(host)+"\x00", encode(group)+"\x00", "data", 1),
		want:  Datagram{Type: DirectUnique, Length: 73, HasSource: true, Source: host, HasDestination: true, Destination: group, Data: []byte("data")},
		fault: "DGM_LENGTH at byte 10: is 73, 72 bytes left"},
	{name: "length within the names", b: direct(encode(host)+"\x00", encode(group)+"\x00", "data", -40),
		want:  Datagram{Type: DirectUnique, Length: 32, HasSource: true, Source: host, HasDestination: true, Destination: group, Data: []byte{}, Trailing: 4},
		fault: "DGM_LENGTH at byte 10: is 32, but the names end at 68"},
	{name: "letter beyond P", b: direct("\x20Q"+encode(host)[2:]+"\x00", encode(group)+"\x00", "data", 0),
		want:  Datagram{Type: DirectUnique, Length: 72, HasDestination: true, Destination: group, Data: []byte("data")},
		fault: `SOURCE_NAME at byte 14: "QG" at byte 0 of the label is not two letters A to P`},
	{name: "first label of 3", b: direct("\x03ABC\x00", encode(group)+"\x00", "data", 0),
		want:  Datagram{Type: DirectUnique, Length: 43, HasDestination: true, Destination: group, Data: []byte("data")},
		fault: "SOURCE_NAME at byte 14: first label has 3 bytes, not 32"},
	{name: "empty name", b: direct("\x00", encode(group)+"\x00", "data", 0),
		want:  Datagram{Type: DirectUnique, Length: 39, HasDestination: true, Destination: group, Data: []byte("data")},
		fault: "SOURCE_NAME at byte 14: is empty"},
	{name: "pointer to itself", b: direct("\xc0\x0e", "", "", 0),
		want: Datagram{Type: DirectUnique, Length: 2}, fault: "SOURCE_NAME at byte 14: pointer to byte 14"},
	{name: "pointer ahead", b: direct(encode(host)+"\xc0\x40", "", strings.Repeat("\x00", 64), 0),
		want: Datagram{Type: DirectUnique, Length: 99}, fault: "SOURCE_NAME at byte 47: pointer to byte 64"},
	{name: "pointer cut", b: direct(encode(host)+"\xc0", "", "", 0),
		want: Datagram{Type: DirectUnique, Length: 34}, fault: "SOURCE_NAME at byte 47: pointer runs past the end"},
	{name: "label type 0x40", b: direct("\x40"+encode(host), "", "", 0),
		want: Datagram{Type: DirectUnique, Length: 34}, fault: "SOURCE_NAME at byte 14: label of 64 bytes, 33 left"},
	{name: "endless scope", b: direct(encode(host)+strings.Repeat("\x3f"+strings.Repeat("x", 63), 4), "", "", 0),
		want: Datagram{Type: DirectUnique, Length: 289}, fault: "SOURCE_NAME at byte 303: runs past the end"},
	{name: "scope of 256 bytes", b: direct(encode(host)+strings.Repeat("\x3f"+strings.Repeat("x", 63), 4)+"\x01y\x00", "", "", 0),
		want: Datagram{Type: DirectUnique, Length: 292}, fault: "SOURCE_NAME at byte 303: scope of more than 255 bytes"},
	{name: "error", b: "\x13" + head + "\x82", want: Datagram{Type: Error, ErrorCode: 0x82}},
	{name: "error without code", b: "\x13" + head, want: Datagram{Type: Error}, fault: "ERROR_CODE at byte 10: needs 1 bytes, 0 left"},
	{name: "query", b: "\x14" + head + encode(group) + "\x00", want: Datagram{Type: QueryRequest, HasDestination: true, Destination: group}},
	{name: "negative response to a query", b: "\x16" + head + encode(group) + "\x00",
		want: Datagram{Type: QueryNegativeResponse, HasDestination: true, Destination: group}},
	{name: "unknown type", b: "\xde" + head, want: Datagram{Type: 0xDE}, fault: "MSG_TYPE at byte 0: unknown type 0xde"},
}

func TestDecode(t *testing.T) {
	m := Datagram{Source: host, ErrorCode: 9} // nothing of this may stay
	for _, c := range decodeTests {
		Decode(&m, []byte(c.b))
		got := ""
		if m.Fault != nil {
			got = m.Fault.Error()
		}
		if got != c.fault {
			t.Errorf("%s: fault %q, want %q", c.name, got, c.fault)
		}
		m.Fault = nil
		c.want.Flags, c.want.ID, c.want.SourceIP, c.want.SourcePort = 0x0A, 0x1234, [4]byte{10, 0, 0, 5}, 138
		if !reflect.DeepEqual(m, c.want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", c.name, m, c.want)
		}
	}
	if n := Flags(0x0A).SourceNodeType(); n != nbns.MNode {
		t.Errorf("SNT of 0x0a is %d", n)
	}
}

func TestDecodePrefixes(t *testing.T) {
	for _, c := range decodeTests {
		var m Datagram
		for n := range len(c.b) {
			Decode(&m, []byte(c.b[:n]))
			if m.Fault == nil && n < len(c.b)-c.want.Trailing {
				t.Errorf("%s: no fault in %d of %d bytes", c.name, n, len(c.b))
			} else if m.Fault != nil && m.Fault.Offset > n {
				t.Errorf("%s: %d bytes: fault at byte %d", c.name, n, m.Fault.Offset)
			}
			m.Browse()
		}
	}
}

// transact is an SMB transaction that writes data to a mailslot.
func transact(mailslot, data string) []byte {
	b := make([]byte, 69)
	copy(b, "\xffSMB\x25")
	b[32] = 17
	b[59] = 3
	b = append(b, mailslot+"\x00"...)
	binary.LittleEndian.PutUint16(b[55:], uint16(len(data)))
	binary.LittleEndian.PutUint16(b[57:], uint16(len(b)))
	return append(b, data...)
}

const announcement = "\x05\x80\xfc\x0a\x00FILESRV\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\x0b\x00\x04\x80\x0f\x01\x55\xaa"

var browseTests = []struct {
	name string
	data string
	want Browse
}{
	{"host announcement", "\x01" + announcement + "the\x1b[2J server\x00", Browse{Opcode: HostAnnouncement, UpdateCount: 5, Periodicity: 720000,
		Name: "FILESRV", OSMajor: 5, OSMinor: 1, ServerType: 0x8004000B, Comment: "the\x1b[2J server"}},
	{"local master announcement without NUL", "\x0f" + announcement + "x", Browse{Opcode: LocalMasterAnnouncement, UpdateCount: 5, Periodicity: 720000,
		Name: "FILESRV", OSMajor: 5, OSMinor: 1, ServerType: 0x8004000B, Comment: "x", Cut: true}},
	{"domain announcement", "\x0c" + announcement + "MASTER\x00", Browse{Opcode: DomainAnnouncement, UpdateCount: 5, Periodicity: 720000,
		Name: "FILESRV", OSMajor: 5, OSMinor: 1, ServerType: PrimaryDomain | MasterBrowser | DomainController | Server | Workstation, Master: "MASTER"}},
	{"announcement cut in the name", "\x01\x05\x80\xfc\x0a\x00FILE", Browse{Opcode: HostAnnouncement, UpdateCount: 5, Periodicity: 720000, Cut: true}},
	{"announcement request", "\x02\x00FILESRV\x00", Browse{Opcode: AnnouncementRequest, Name: "FILESRV"}},
	{"election", "\x08\x01\x03\x0f\x01\x14\x10\x27\x00\x00\x00\x00\x00\x00FILESRV\x00",
		Browse{Opcode: RequestElection, ElectionVersion: 1, Criteria: 0x14010F03, Uptime: 10000, Name: "FILESRV"}},
	{"backup list request", "\x09\x04\x01\x00\x00\x00", Browse{Opcode: GetBackupListRequest, Count: 4, Token: 1}},
	{"backup list response", "\x0a\x02\x01\x00\x00\x00ONE\x00TWO\x00", Browse{Opcode: GetBackupListResponse, Count: 2, Token: 1, Servers: []string{"ONE", "TWO"}}},
	{"backup list response of one too few", "\x0a\x02\x01\x00\x00\x00ONE\x00", Browse{Opcode: GetBackupListResponse, Count: 2, Token: 1, Servers: []string{"ONE"}, Cut: true}},
	{"become backup", "\x0bFILESRV\x00", Browse{Opcode: BecomeBackup, Name: "FILESRV"}},
	{"master announcement", "\x0dFILESRV\x00", Browse{Opcode: MasterAnnouncement, Name: "FILESRV"}},
	{"reset", "\x0e\x01", Browse{Opcode: ResetState, Reset: 1}},
}

func TestBrowse(t *testing.T) {
	for _, c := range browseTests {
		m := Datagram{Data: transact(`\MAILSLOT\BROWSE`, c.data)}
		if got, ok := m.Browse(); !ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%+v, %v\nwant\n%+v", c.name, got, ok, c.want)
		}
	}
}

func TestMailslot(t *testing.T) {
	whole := transact(`\mailslot\net\netlogon`, "data")
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(whole)
		copy(c[at:], b)
		return c
	}
	for _, c := range []struct {
		name     string
		b        []byte
		mailslot string
		data     string
		ok       bool
	}{
		{"whole", whole, `\mailslot\net\netlogon`, "data", true},
		{"data cut", whole[:len(whole)-1], `\mailslot\net\netlogon`, "dat", true},
		{"count beyond the end", change(smbDataCountAt, 0xFF, 0xFF), `\mailslot\net\netlogon`, "data", true},
		{"offset beyond the end", change(smbDataOffsetAt, 0xFF, 0xFF), `\mailslot\net\netlogon`, "", true},
		{"offset into the header", change(smbDataOffsetAt, 4, 0), `\mailslot\net\netlogon`, "", true},
		{"no SMB", change(0, 0xFE), "", "", false},
		{"other command", change(smbCommandAt, 0x32), "", "", false},
		{"word count that contradicts the setup count", change(smbWordCountAt, 18), "", "", false},
		{"name without end", whole[:80], "", "", false},
		{"header only", whole[:smbSetupAt], "", "", false},
		{"nothing", nil, "", "", false},
	} {
		m := Datagram{Data: c.b}
		name, data, ok := m.Mailslot()
		if string(name) != c.mailslot || string(data) != c.data || ok != c.ok || m.Netlogon() != ok {
			t.Errorf("%s: %q, %q, %v", c.name, name, data, ok)
		}
		if _, ok := m.Browse(); ok {
			t.Errorf("%s: taken for a browser frame", c.name)
		}
	}
}

func TestDecodeAllocs(t *testing.T) {
	b := []byte(direct(encode(host)+"\x00", encode(group)+"\x00", string(transact(`\MAILSLOT\BROWSE`, "\x0e\x01")), 0))
	var m Datagram
	n := testing.AllocsPerRun(100, func() {
		Decode(&m, b)
		m.Mailslot()
	})
	if n != 0 || !m.HasDestination {
		t.Errorf("%v allocations, %+v", n, m)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range decodeTests {
		f.Add([]byte(c.b))
	}
	for _, c := range browseTests {
		f.Add([]byte(direct(encode(host)+"\x00", encode(group)+"\x00", string(transact(`\MAILSLOT\BROWSE`, c.data)), 0)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Datagram
		Decode(&m, b)
		if m.Fault != nil && m.Fault.Offset > len(b) || m.Trailing < 0 || len(m.Data)+m.Trailing > len(b) {
			t.Fatalf("%+v out of %d bytes", m, len(b))
		}
		if len(m.SourceScope) > maxScope || len(m.DestinationScope) > maxScope {
			t.Fatalf("scopes of %d and %d bytes", len(m.SourceScope), len(m.DestinationScope))
		}
		if got, ok := m.Browse(); ok && len(got.Servers) > len(m.Data) {
			t.Fatalf("%d servers", len(got.Servers))
		}
	})
}
