package winsrepl

import (
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"nbtrace/analyze/nbns"
)

// unhex reads hexadecimal digits with blanks between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func name(s string, suffix byte) nbns.Name {
	var n nbns.Name
	copy(n[:], s+strings.Repeat(" ", 15))
	n[15] = suffix
	return n
}

const header = "00007800 05371e90 00000003 000000"

// blanks(n) is n times 0x20.
func blanks(n int) string { return strings.Repeat("20", n) }

var decodeTests = []struct {
	name  string
	hex   string
	want  Message
	fault string // the whole of Fault.Error
	// lossy: Append yields other bytes, because reserved ones were short or stale.
	lossy bool
}{
	{name: "start request", hex: "00007800 00000000 00000000 00000001 00020005" + strings.Repeat("00", 21),
		want: Message{Reserved: 0x7800, Type: StartRequest, Sender: 1, Major: 2, Minor: MinorW2K}},
	{name: "start request of NT 4.0", hex: "00007800 00000000 00000000 05371e90 00020001" + strings.Repeat("00", 21),
		want: Message{Reserved: 0x7800, Type: StartRequest, Sender: 0x05371e90, Major: 2, Minor: MinorNT4}},
	{name: "start request without reserved bytes", lossy: true, hex: "00007800 00000000 00000000 00000001 00020005",
		want: Message{Reserved: 0x7800, Type: StartRequest, Sender: 1, Major: 2, Minor: 5}},
	{name: "start response", hex: "78017805 05371e90 00000001 12345678 00020005" + strings.Repeat("00", 21),
		want: Message{Reserved: 0x78017805, Assoc: 0x05371e90, Type: StartResponse, Sender: 0x12345678, Major: 2, Minor: 5}},
	{name: "start request cut in the version", hex: "00007800 00000000 00000000 00000001 0002 00",
		want:  Message{Reserved: 0x7800, Type: StartRequest, Sender: 1, Major: 2},
		fault: "NBNSMinorVersion at byte 18: needs 2 bytes, 1 left"},
	{name: "stop, error", hex: "00007800 05371e90 00000002 00000004" + strings.Repeat("00", 24),
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Stop, Reason: StopError}},
	{name: "stop without reserved bytes", lossy: true, hex: "00007800 05371e90 00000002 00000000",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Stop}},
	{name: "stop with four bytes too many", lossy: true, hex: "00007800 05371e90 00000002 00000004" + strings.Repeat("5a", 28),
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Stop, Reason: StopError, Trailing: 4}},
	{name: "owner map request", hex: header + "00",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication}},
	{name: "owner map response", hex: header + "01 00000002" +
		"ac1f09ca 00000000 0000316c 00000000 00000000 00000001" +
		"ac1f09c9 00000001 00001196 00000000 00000002 00000001 00000000",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: OwnerMapResponse, Count: 2, Owners: []Owner{
			{Address: [4]byte{172, 31, 9, 202}, MaxVersion: 12652, Reserved: 1},
			{Address: [4]byte{172, 31, 9, 201}, MaxVersion: 1<<32 | 4502, MinVersion: 2, Reserved: 1}}}},
	{name: "owner map response that announces more than it holds", hex: header + "01 00000003" +
		"ac1f09ca 00000000 0000316c 00000000 00000000 00000001 00000000",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: OwnerMapResponse, Count: 3,
			Owners: []Owner{{Address: [4]byte{172, 31, 9, 202}, MaxVersion: 12652, Reserved: 1}}},
		fault: "NumberOfOwners at byte 16: announces 3, 28 bytes left"},
	{name: "owner map response of four thousand million owners", hex: header + "01 ffffffff 00000000",
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: OwnerMapResponse, Count: 0xFFFFFFFF},
		fault: "NumberOfOwners at byte 16: announces 4294967295, 4 bytes left"},
	{name: "update notification on a persistent association", hex: header + "08 00000001" +
		"ac1f09ca 00000000 000001fb 00000000 00000000 00000001 ac1f09ca",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: PersistentUpdate, Count: 1,
			Owners:    []Owner{{Address: [4]byte{172, 31, 9, 202}, MaxVersion: 507, Reserved: 1}},
			Initiator: [4]byte{172, 31, 9, 202}}},
	{name: "update notification without initiator", hex: header + "05 00000000",
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: UpdatePropagate},
		fault: "InitiatorIPAddress at byte 20: needs 4 bytes, 0 left"},
	{name: "name records request", hex: header + "02" + "0a14090b 00000000 00000008 00000000 00000001 00000001",
		want: Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsRequest, Count: 1,
			Owners: []Owner{{Address: [4]byte{10, 20, 9, 11}, MaxVersion: 8, MinVersion: 1, Reserved: 1}}}},
	{name: "name records request without owner", hex: header + "02 0a14090b",
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsRequest, Count: 1},
		fault: "OwnerRecord at byte 16: needs 24 bytes, 4 left"},
	{name: "unknown command", hex: header + "07 00000000",
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: 7},
		fault: "RplOpCode at byte 15: unknown opcode 7"},
	{name: "unknown type", hex: "00007800 00000000 00000009 00000000",
		want:  Message{Reserved: 0x7800, Type: 9},
		fault: "MessageType at byte 8: unknown type 9"},
	{name: "empty", hex: "", fault: "Reserved at byte 0: needs 4 bytes, 0 left"},

	{name: "static unique record", hex: response(1) + "00000011" + "46494c45535256" + blanks(8) + "20 00 000000" +
		"00000080 00000000 00000001 00000002 0a14073d ffffffff",
		want: records(Record{Name: name("FILESRV", 0x20), Flags: FlagStatic, Version: 1<<32 | 2, Members: addrs("\x0a\x14\x07\x3d")})},
	{name: "group, little endian flag", hex: response(1) + "00000011" + "4f4646494345" + blanks(9) + "1e 00 000000" +
		"00000061 01000000 00000000 00000005 ffffffff ffffffff",
		want: records(Record{Name: name("OFFICE", 0x1E), Flags: 0x61, Group: 1, Version: 5, Members: addrs("\xff\xff\xff\xff")})},
	{name: "multihomed, count of one byte", hex: response(1) + "00000011" + "4f5244455253" + blanks(9) + "00 00 000000" +
		"00000083 00000000 00000000 00000008 02 000000 0a14090b 0a14013d 0a14090b 0a14023d ffffffff",
		want: records(Record{Name: name("ORDERS", 0), Flags: 0x83, Version: 8, Members: []Member{
			{Owner: [4]byte{10, 20, 9, 11}, Addr: [4]byte{10, 20, 1, 61}}, {Owner: [4]byte{10, 20, 9, 11}, Addr: [4]byte{10, 20, 2, 61}}}})},
	{name: "multihomed, stale bytes behind the count", lossy: true, hex: response(1) + "00000011" + "4f5244455253" + blanks(9) + "00 00 000000" +
		"00000063 00000000 00000000 00000008 01 dd1f17 0a14090b 0a14013d ffffffff",
		want: records(Record{Name: name("ORDERS", 0), Flags: 0x63, Version: 8, Members: []Member{
			{Owner: [4]byte{10, 20, 9, 11}, Addr: [4]byte{10, 20, 1, 61}}}}),
		fault: "NumberOfAddresses at byte 60: reserved bytes are 0xdd1f17"},
	{name: "tombstone of a special group without members", hex: response(1) + "00000011" + "4f5244455253" + blanks(9) + "1c 00 000000" +
		"0000006a 01000000 00000000 00000008 00000000 ffffffff",
		want: records(Record{Name: name("ORDERS", 0x1C), Flags: 0x6A, Group: 1, Version: 8})},
	{name: "members cut", hex: response(1) + "00000011" + "4f5244455253" + blanks(9) + "00 00 000000" +
		"00000063 00000000 00000000 00000008 02000000 0a14090b 0a14013d 0a14",
		want: records(Record{Name: name("ORDERS", 0), Flags: 0x63, Version: 8, Members: []Member{
			{Owner: [4]byte{10, 20, 9, 11}, Addr: [4]byte{10, 20, 1, 61}}}}),
		fault: "AddressList at byte 72: needs 8 bytes, 2 left"},
	{name: "last reserved word missing", hex: response(1) + "00000011" + "4f5244455253" + blanks(9) + "00 00 000000" +
		"00000060 00000000 00000000 00000008 0a14013d",
		want:  records(Record{Name: name("ORDERS", 0), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")}),
		fault: "Reserved2 at byte 64: needs 4 bytes, 0 left"},
	{name: "first and last byte of <1B> swapped", hex: response(1) + "00000011" + "1b414d50" + blanks(11) + "43 00 000000" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want: records(Record{Name: name("CAMP", 0x1B), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")})},
	{name: "scope", hex: response(1) + "00000019" + "4f5244455253" + blanks(9) + "72" + hex.EncodeToString([]byte("example.")) + "00 000000" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want: records(Record{Name: name("ORDERS", 0x72), Scope: "example.", Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")})},
	{name: "name field of 20 bytes and four bytes of padding", hex: response(1) + "00000014" + "4f5244455253" + blanks(9) + "00" + hex.EncodeToString([]byte("foo")) + "00 5a5a5a5a" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff", lossy: true,
		want: records(Record{Name: name("ORDERS", 0), Scope: "foo", Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")})},
	{name: "name field without its NUL", lossy: true, hex: response(1) + "00000010" + "4f5244455253" + blanks(9) + "00 00000000" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want: records(Record{Name: name("ORDERS", 0), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")})},
	{name: "short name", lossy: true, hex: response(1) + "00000003 414243 00" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want:  records(Record{Name: name("ABC", 0), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")}),
		fault: "Name at byte 24: has 3 bytes, not 16"},
	{name: "name length 0", hex: response(2) + "00000000" + strings.Repeat("00", 80),
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsResponse, Count: 2},
		fault: "NameLength at byte 20: is 0"},
	{name: "name length beyond the end", hex: response(1) + "000000ff" + strings.Repeat("20", 60),
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsResponse, Count: 1},
		fault: "NameLength at byte 20: is 255, 60 bytes left"},
	{name: "name length of more than an int", hex: response(1) + "ffffffff" + strings.Repeat("20", 60),
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsResponse, Count: 1},
		fault: "NameLength at byte 20: is 4294967295, 60 bytes left"},
	{name: "longest scope", hex: response(1) + "000000ff" + "4f5244455253" + blanks(9) + "00" + strings.Repeat("78", 238) + "00 00" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want: records(Record{Name: name("ORDERS", 0), Scope: strings.Repeat("x", 238), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")})},
	{name: "name length 257, as NT 4.0 takes it", lossy: true, hex: response(1) + "00000101" + "4f5244455253" + blanks(9) + "00" + strings.Repeat("78", 240) + "00 000000" +
		"00000060 00000000 00000000 00000008 0a14013d ffffffff",
		want:  records(Record{Name: name("ORDERS", 0), Scope: strings.Repeat("x", 238), Flags: 0x60, Version: 8, Members: addrs("\x0a\x14\x01\x3d")}),
		fault: "NameLength at byte 20: is 257, over 255"},
	{name: "no records, stale memory behind", lossy: true, hex: response(0) + strings.Repeat("dd", 48), want: func() Message {
		m := records()
		m.Trailing = 48
		return m
	}()},
	{name: "four thousand million records", hex: header + "03 ffffffff" + strings.Repeat("00", 100),
		want:  Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsResponse, Count: 0xFFFFFFFF},
		fault: "NumberOfRecords at byte 16: announces 4294967295, 100 bytes left"},
}

func response(count byte) string { return header + "03 000000" + hex.EncodeToString([]byte{count}) }

func records(r ...Record) Message {
	return Message{Reserved: 0x7800, Assoc: 0x05371e90, Type: Replication, Command: NameRecordsResponse, Count: uint32(len(r)), Records: r}
}

func addrs(a string) []Member { return []Member{{Addr: [4]byte([]byte(a))}} }

// equal compares two messages but for nil and empty slices and the fault.
func equal(a, b *Message) bool {
	x, y := *a, *b
	if len(x.Owners) != len(y.Owners) || len(x.Records) != len(y.Records) {
		return false
	}
	for i := range x.Owners {
		if x.Owners[i] != y.Owners[i] {
			return false
		}
	}
	for i := range x.Records {
		p, q := x.Records[i], y.Records[i]
		if len(p.Members) != len(q.Members) || len(p.Members) > 0 && !reflect.DeepEqual(p.Members, q.Members) {
			return false
		}
		p.Members, q.Members = nil, nil
		if !reflect.DeepEqual(p, q) {
			return false
		}
	}
	x.Owners, y.Owners, x.Records, y.Records, x.Fault, y.Fault = nil, nil, nil, nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func TestDecode(t *testing.T) {
	var m Message // reused, so that one case cannot leak into the next unseen
	for _, c := range decodeTests {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			Decode(&m, b)
			if !equal(&m, &c.want) {
				t.Errorf("got\n%+v\nwant\n%+v", m, c.want)
			}
			got := ""
			if m.Fault != nil {
				got = m.Fault.Error()
			}
			if got != c.fault {
				t.Errorf("fault %q, want %q", got, c.fault)
			}
			if c.fault != "" {
				return
			}
			enc, err := Append(nil, &m)
			if err != nil {
				t.Fatal(err)
			}
			if !c.lossy && string(enc) != string(b) {
				t.Errorf("encoded\n%x\nwant\n%x", enc, b)
			}
			var again Message
			Decode(&again, enc)
			m.Trailing = 0
			if again.Fault != nil || !equal(&again, &m) {
				t.Errorf("decoded again\n%+v\nwant\n%+v", again, m)
			}
		})
	}
}

// Every prefix of every message decodes without panic, has a fault wherever
// the whole has not been reached, and yields records that the whole has too.
func TestDecodePrefixes(t *testing.T) {
	var whole, part Message
	for _, c := range decodeTests {
		b := unhex(t, c.hex)
		Decode(&whole, b)
		for n := range b {
			Decode(&part, b[:n])
			if len(part.Records) > len(whole.Records) || len(part.Owners) > len(whole.Owners) {
				t.Fatalf("%s: %d bytes hold %d records and %d owners, the whole %d and %d", c.name, n,
					len(part.Records), len(part.Owners), len(whole.Records), len(whole.Owners))
			}
			for i := range part.Records {
				if part.Records[i].Name != whole.Records[i].Name {
					t.Fatalf("%s: %d bytes: record %d differs", c.name, n, i)
				}
			}
			if part.Type == Replication && whole.Fault == nil && whole.Trailing == 0 && part.Fault == nil {
				t.Fatalf("%s: %d of %d bytes have no fault", c.name, n, len(b))
			}
			if f := part.Fault; f != nil && f.Offset > n {
				t.Fatalf("%s: %d bytes: fault at byte %d", c.name, n, f.Offset)
			}
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
	}{
		{"unknown type", Message{Type: 4}},
		{"unknown command", Message{Type: Replication, Command: 6}},
		{"no owner", Message{Type: Replication, Command: NameRecordsRequest}},
		{"scope too long", records(Record{Scope: strings.Repeat("x", 239), Members: make([]Member, 1)})},
		{"NUL in scope", records(Record{Scope: "a\x00b", Members: make([]Member, 1)})},
		{"unique without address", records(Record{})},
		{"group with two", records(Record{Flags: 1, Members: make([]Member, 2)})},
		{"multihomed with 256", records(Record{Flags: 3, Members: make([]Member, 256)})},
	} {
		if b, err := Append([]byte("kept"), &c.m); err == nil || string(b) != "kept" {
			t.Errorf("%s: %q, %v", c.name, b, err)
		}
		if b, err := AppendFramed([]byte("kept"), &c.m); err == nil || string(b) != "kept" {
			t.Errorf("%s, framed: %q, %v", c.name, b, err)
		}
	}
}

func TestAppendFramed(t *testing.T) {
	b, err := AppendFramed([]byte{0xEE}, &Message{Type: Replication})
	if want := unhex(t, "ee 00000010 00000000 00000000 00000003 00000000"); err != nil || string(b) != string(want) {
		t.Errorf("%x, %v; want %x", b, err, want)
	}
}

func TestFlags(t *testing.T) {
	for f := range Flags(0x100) {
		want := f &^ FlagLocal
		if got := MakeFlags(f.Type(), f.State(), f.NodeType(), f.Static()); got != want {
			t.Errorf("MakeFlags of %#x is %#x", f, got)
		}
	}
	f := Flags(0xEB)
	if f.Type().String() != "multihomed" || f.State().String() != "tombstone" || f.NodeType() != nbns.HNode || !f.Static() {
		t.Errorf("%#x: %v %v %v %v", f, f.Type(), f.State(), f.NodeType(), f.Static())
	}
}

// Random messages survive encoding and decoding.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var got Message
	for range 2000 {
		m := records()
		m.Records = make([]Record, rnd.IntN(5))
		m.Count = uint32(len(m.Records))
		for i := range m.Records {
			r := &m.Records[i]
			for j := range r.Name {
				r.Name[j] = byte(rnd.Uint32())
			}
			if r.Name[0] == 0x1B { // would come back swapped: no wire form
				r.Name[0] = 'X'
			}
			r.Scope = strings.Repeat("s", rnd.IntN(239))
			r.Flags, r.Group, r.Version = Flags(rnd.IntN(256)), rnd.Uint32(), rnd.Uint64()
			r.Members = make([]Member, 1)
			if r.Flags&2 != 0 {
				r.Members = make([]Member, rnd.IntN(256))
				for j := range r.Members {
					r.Members[j].Owner = [4]byte{byte(rnd.Uint32())}
				}
			}
		}
		b, err := Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		Decode(&got, b)
		if got.Fault != nil || !equal(&got, &m) {
			t.Fatalf("got\n%+v (%v)\nwant\n%+v", got, got.Fault, m)
		}
	}
}

// Decoding into a reused message allocates for scopes only.
func TestDecodeAllocs(t *testing.T) {
	m := records()
	for range 500 {
		m.Records = append(m.Records, Record{Name: name("ORDERS", 0), Flags: 0x83, Members: make([]Member, 4)})
	}
	b, err := Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	if n := testing.AllocsPerRun(10, func() { Decode(&got, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(got.Records) != 500 {
		t.Errorf("%d records", len(got.Records))
	}
}

func BenchmarkDecode(b *testing.B) {
	m := records()
	for range 1000 {
		m.Records = append(m.Records, Record{Name: name("ORDERS", 0), Flags: 0x60, Members: make([]Member, 1)})
	}
	enc, err := Append(nil, &m)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(enc)))
	b.ReportAllocs()
	for b.Loop() {
		Decode(&m, enc)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range decodeTests {
		f.Add(unhex(f, c.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		Decode(&m, b)
		if len(m.Owners)*ownerSize+len(m.Records)*minRecordSize > len(b)+8 {
			t.Fatalf("%d owners and %d records out of %d bytes", len(m.Owners), len(m.Records), len(b))
		}
		if m.Fault != nil {
			if m.Fault.Offset > len(b) {
				t.Fatalf("fault at byte %d of %d", m.Fault.Offset, len(b))
			}
			return
		}
		enc, err := Append(nil, &m)
		if err != nil {
			t.Fatalf("a message without fault does not encode: %v", err)
		}
		var again Message
		Decode(&again, enc)
		m.Trailing = 0
		if again.Fault != nil || !equal(&again, &m) {
			t.Fatalf("decoded again\n%+v (%v)\nwant\n%+v", again, again.Fault, m)
		}
	})
}
