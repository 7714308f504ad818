package nbns

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// encodings are the two ways to encode a message.
var encodings = map[string]func([]byte, *Message) ([]byte, error){
	"Append": Append, "AppendUncompressed": AppendUncompressed,
}

// canonical removes what an encoding is free to change: a record behind
// counts of 0 gets counted, and trailing bytes are left out.
func canonical(m Message) Message {
	if m.ANCount == 0 && len(m.Records) > 0 && m.Records[0].Section == Answer {
		m.ANCount = 1
	}
	m.Trailing = 0
	return m
}

// checkRoundTrip encodes m, which Decode made without fault, and decodes it.
func checkRoundTrip(t testing.TB, m *Message) {
	t.Helper()
	for name, encode := range encodings {
		b, err := encode(nil, m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var again Message
		Decode(&again, b)
		if diff := cmp.Diff(canonical(*m), again, sameMessage); diff != "" {
			t.Fatalf("%s: decoded again (-want +got):\n%s", name, diff)
		}
	}
}

func TestAppendPackets(t *testing.T) {
	for _, p := range packets {
		t.Run(p.name, func(t *testing.T) {
			b := octets(t, p.hex)
			var m Message
			Decode(&m, b)
			checkRoundTrip(t, &m)

			// The packets are written as the RFC wants them, but for these.
			exact := map[string]string{
				"4.2.2 registration request, group by broadcast, name in full": "AppendUncompressed",
				"4.2.14 negative query response, record behind counts of 0":    "",
				"4.2.15 redirect": "",
				"two questions and two answers, scope compressed": "",
			}
			how, listed := exact[p.name]
			if !listed {
				how = "Append"
			}
			for name, encode := range encodings {
				if name != how {
					continue
				}
				got, err := encode([]byte("kept"), &m)
				if err != nil || !bytes.Equal(got, append([]byte("kept"), b...)) {
					t.Errorf("%s: got % x, %v\nwant % x", name, got, err, b)
				}
			}
		})
	}
}

// Without Data, RDATA is made of what was decoded of it.
func TestAppendMakesData(t *testing.T) {
	for _, p := range packets {
		b := octets(t, p.hex)
		var m Message
		Decode(&m, b)
		if len(m.Records) != 1 || m.Flags.Opcode() == OpWACK {
			continue
		}
		want, err := Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		m.Records[0].Data = nil
		got, err := Append(nil, &m)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got % x, %v\nwant % x", p.name, got, err, want)
		}
	}
}

func TestAppendErrors(t *testing.T) {
	query := func(scope string) Message {
		return Message{Questions: []Question{{Name: filesrv20, Scope: scope, Type: TypeNB, Class: ClassIN}}}
	}
	record := func(r Record) Message { return Message{Records: []Record{r}} }
	tests := []struct {
		name string
		m    Message
		want string
	}{
		{"empty label", query("a..b"), "label of 0 bytes"},
		{"dot at the end", query("a."), "label of 0 bytes"},
		{"label of 64", query(strings.Repeat("a", 64)), "label of 64 bytes"},
		{"scope of 257", query(strings.Repeat(strings.Repeat("a", 63)+".", 4) + "a"), "257 bytes"},
		{"eleven labels", query(strings.Repeat("a.", 10) + "a"), "more than 10 labels"},
		{"scope of a record", record(Record{Name: filesrv20, Scope: "."}), "record 0: scope"},
		{"section", record(Record{Section: 3}), "no such section"},
		{"RDATA", record(Record{Data: make([]byte, 65536)}), "more than 65535 bytes"},
		{"addresses", record(Record{Type: TypeNB, Addrs: make([]AddrEntry, 10923)}), "more than 65535 bytes"},
		{"status names", Message{Records: []Record{{Type: TypeNBSTAT}}, Status: make([]StatusEntry, 256)}, "256 names"},
		{"questions", Message{Questions: make([]Question, 65536)}, "65536 entries"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Append([]byte("kept"), &tt.m)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if string(got) != "kept" {
				t.Errorf("dst became %q", got)
			}
		})
	}
}

func TestAppendOrdersSections(t *testing.T) {
	m := Message{Flags: 0x8500, Records: []Record{
		{Section: Additional, Name: filesrv20, Type: TypeNULL, Class: ClassIN},
		{Section: Answer, Name: workgroup0, Type: TypeNULL, Class: ClassIN},
	}}
	b, err := Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	Decode(&got, b)
	if got.Fault != nil || got.ANCount != 1 || got.ARCount != 1 || got.Records[0].Name != workgroup0 || got.Records[1].Name != filesrv20 {
		t.Errorf("decoded %+v, fault %v", got, got.Fault)
	}
}

// A pointer to the question stands for its name and its scope.
func TestAppendCompresses(t *testing.T) {
	for scope, pointer := range map[string]bool{"a": true, "": false, "b": false, "a.b": false} {
		m := Message{Questions: []Question{{filesrv20, "a", TypeNB, ClassIN}}, Flags: 0x2900,
			Records: []Record{{Section: Additional, Name: filesrv20, Scope: scope, Type: TypeNB, Class: ClassIN, Addrs: []AddrEntry{{0, ip51}}}}}
		b, err := Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(b, []byte{0xC0, 0x0C}); got != pointer {
			t.Errorf("scope %q: pointer %v", scope, got)
		}
		var got Message
		Decode(&got, b)
		if got.Fault != nil || got.Records[0].Scope != scope {
			t.Errorf("scope %q: decoded %q, fault %v", scope, got.Records[0].Scope, got.Fault)
		}
	}
}

// anyMessage makes messages that can be encoded and have no fault.
func anyMessage() *rapid.Generator[Message] {
	return rapid.Custom(func(t *rapid.T) Message {
		m := Message{
			TrnID: rapid.Uint16().Draw(t, "TrnID"),
			Flags: Flags(rapid.Uint16().Draw(t, "flags")),
		}
		types := rapid.SampledFrom([]Type{TypeNB, TypeNB, TypeNULL, TypeNBSTAT, TypeA, TypeNS, 0xABCD})
		questions := rapid.IntRange(0, 3)
		if !m.Flags.Response() {
			questions = rapid.IntRange(1, 3)
		}
		for range questions.Draw(t, "questions") {
			m.Questions = append(m.Questions, Question{anyName().Draw(t, "name"), anyScope().Draw(t, "scope"),
				types.Draw(t, "type"), rapid.Uint16().Draw(t, "class")})
		}
		status := false
		count := func(s Section, least int) uint16 {
			n := rapid.IntRange(least, 3).Draw(t, "records")
			for range n {
				r := Record{Section: s, Type: types.Draw(t, "type"), Class: rapid.Uint16().Draw(t, "class"), TTL: rapid.Uint32().Draw(t, "TTL"), Data: []byte{}}
				r.Name, r.Scope = anyName().Draw(t, "name"), anyScope().Draw(t, "scope")
				if len(m.Questions) > 0 && rapid.Bool().Draw(t, "named like the question") {
					r.Name, r.Scope = m.Questions[0].Name, m.Questions[0].Scope
				}
				switch {
				case r.Type == TypeNB && m.Flags.Opcode() != OpWACK:
					r.Data = rapid.SliceOfN(rapid.Byte(), 6, 30).Draw(t, "RDATA")
					r.Data = r.Data[:len(r.Data)/6*6]
					for b := r.Data; len(b) > 0; b = b[6:] {
						r.Addrs = append(r.Addrs, AddrEntry{NBFlags(b[0])<<8 | NBFlags(b[1]), [4]byte(b[2:6])})
					}
				case r.Type == TypeNBSTAT:
					names := rapid.IntRange(0, 4).Draw(t, "NUM_NAMES")
					rest := rapid.SampledFrom([]int{0, 5, 6, 46}).Draw(t, "statistics")
					r.Data = rapid.SliceOfN(rapid.Byte(), 1+18*names+rest, 1+18*names+rest).Draw(t, "RDATA")
					r.Data[0] = byte(names)
					if status {
						break
					}
					status = true
					for b := r.Data[1 : 1+18*names]; len(b) > 0; b = b[18:] {
						m.Status = append(m.Status, StatusEntry{Name(b[:16]), StatusFlags(b[16])<<8 | StatusFlags(b[17])})
					}
					if rest >= 6 {
						m.HasUnitID, m.UnitID = true, [6]byte(r.Data[1+18*names:])
					}
				default:
					r.Data = append(r.Data, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "RDATA")...)
				}
				m.Records = append(m.Records, r)
			}
			return uint16(n)
		}
		least := 0
		if m.Flags.Response() && m.Flags.RCode() == RCodeOK {
			least = 1
		}
		m.QDCount = uint16(len(m.Questions))
		m.ANCount = count(Answer, least)
		m.NSCount = count(Authority, 0)
		m.ARCount = count(Additional, 1)
		return m
	})
}

func TestAppendDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage().Draw(t, "message")
		for name, encode := range encodings {
			b, err := encode(nil, &m)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var got Message
			Decode(&got, b)
			if diff := cmp.Diff(m, got, sameMessage); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, p := range packets {
		f.Add(octets(f, p.hex))
	}
	var reused Message
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		Decode(&m, b)
		Decode(&reused, b)
		if diff := cmp.Diff(m, reused, sameMessage); diff != "" {
			t.Fatalf("a reused Message differs (-fresh +reused):\n%s", diff)
		}
		m.Form()
		if n, ok := m.Name(); ok {
			n.Display(m.Scope())
		}
		if f := m.Fault; f != nil {
			if f.Offset < 0 || f.Offset > len(b) || f.Field == "" || f.Reason == "" {
				t.Fatalf("fault %+v in %d bytes", *f, len(b))
			}
			return
		}
		if m.Trailing < 0 || m.Trailing > len(b)-headerLen {
			t.Fatalf("%d trailing bytes of %d", m.Trailing, len(b))
		}
		checkRoundTrip(t, &m)
	})
}
