package nbns

import (
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	for _, bm := range []struct{ name, packet string }{
		{"registration", "4.2.2 registration request, unicast"},
		{"query", "4.2.12 query request"},
		{"response", "4.2.13 positive query response, two addresses"},
		{"scoped", "4.2.12 query request with a scope"},
		{"status", "4.2.18 node status response"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			msg := octets(b, packetNamed(b, bm.packet).hex)
			var m Message
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				Decode(&m, msg)
			}
			if m.Fault != nil {
				b.Fatal(m.Fault)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	var m Message
	Decode(&m, octets(b, packetNamed(b, "4.2.2 registration request, unicast").hex))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = Append(buf[:0], &m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDisplay(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = filesrv20.AppendDisplay(buf[:0], "plant.example")
	}
	if !strings.HasPrefix(string(buf), "FILESRV<20>") {
		b.Fatal(string(buf))
	}
}

func packetNamed(t testing.TB, name string) packet {
	t.Helper()
	for _, p := range packets {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no packet %q", name)
	return packet{}
}
