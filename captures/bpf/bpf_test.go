//go:build cgo || windows

package bpf

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"nbtrace/captures"
)

// An IPv4 packet, UDP 137 to 137, from 10.20.1.53 to 10.20.9.11.
const ipPacket = "4500002000010000401100000a1401350a14090b" + "0089008900" + "0c0000" + "00000000"

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMatch(t *testing.T) {
	links := map[captures.LinkType]string{
		captures.LinkEthernet: "00155d95090b" + "00155d8d0135" + "0800" + ipPacket,
		captures.LinkSLL:      "0000" + "0001" + "0006" + "00155d8d01350000" + "0800" + ipPacket,
		captures.LinkSLL2:     "0800" + "0000" + "00000002" + "0001" + "00" + "06" + "00155d8d01350000" + ipPacket,
		captures.LinkRaw:      ipPacket,
		captures.LinkIPv4:     ipPacket,
		captures.LinkNull:     "02000000" + ipPacket,
	}
	for _, c := range []struct {
		expr string
		want bool
	}{
		{"", true},
		{"udp port 137", true},
		{"udp port 138", false},
		{"host 10.20.9.11 and not tcp", true},
		{"src net 10.20.2.0/24", false},
		{"greater 2000", false},
		{"greater 32", true},
	} {
		for link, frame := range links {
			f, err := New(c.expr)
			if err != nil {
				t.Fatal(err)
			}
			data := unhex(t, frame)
			got, err := f.Match(&captures.Frame{Link: link, Data: data, Length: len(data)})
			if err != nil || got != c.want {
				t.Errorf("%q on %s: %v, %v, want %v", c.expr, link, got, err, c.want)
			}
		}
	}
}

func TestShortFramesDoNotMatch(t *testing.T) {
	f, err := New("udp port 137")
	if err != nil {
		t.Fatal(err)
	}
	whole := unhex(t, "0800"+"0000"+"00000002"+"0001"+"00"+"06"+"00155d8d01350000"+ipPacket)
	for n := range 42 {
		for _, link := range []captures.LinkType{captures.LinkEthernet, captures.LinkSLL2} {
			if got, err := f.Match(&captures.Frame{Link: link, Data: whole[:n]}); err != nil || got {
				t.Errorf("%d bytes of %s: %v, %v", n, link, got, err)
			}
		}
	}
}

func TestBadFilters(t *testing.T) {
	if _, err := New("udp prot 137"); err == nil || !strings.Contains(err.Error(), "udp prot 137") {
		t.Errorf("got %v", err)
	}
	f, err := New("ether host 00:15:5d:95:09:0b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Match(&captures.Frame{Link: captures.LinkRaw}); err == nil || !strings.Contains(err.Error(), "RAW") {
		t.Errorf("a filter on Ethernet addresses for raw IP: %v", err)
	}
	if _, err := f.Match(&captures.Frame{Link: 289}); err == nil || !strings.Contains(err.Error(), "LINKTYPE_289") {
		t.Errorf("an unknown link type: %v", err)
	}
}

type frames []captures.Frame

func (s *frames) Next(f *captures.Frame) error {
	if len(*s) == 0 {
		return io.EOF
	}
	*f = (*s)[0]
	*s = (*s)[1:]
	return nil
}

func TestSourceKeepsNumbers(t *testing.T) {
	yes, no := unhex(t, ipPacket), unhex(t, strings.Replace(ipPacket, "00890089", "008a008a", 1))
	filter, err := New("udp port 137")
	if err != nil {
		t.Fatal(err)
	}
	src := &Source{Source: &frames{
		{Number: 1, Link: captures.LinkRaw, Data: no}, {Number: 2, Link: captures.LinkRaw, Data: yes}, {Number: 3, Link: captures.LinkRaw, Data: yes},
		{Number: 4, Link: 289, Data: yes},
	}, Filter: filter}
	var f captures.Frame
	for _, want := range []int64{2, 3} {
		if err := src.Next(&f); err != nil || f.Number != want {
			t.Fatalf("frame %d, %v, want %d", f.Number, err, want)
		}
	}
	var ferr *Error
	if err := src.Next(&f); !errors.As(err, &ferr) {
		t.Errorf("got %v, want a filter's error", err)
	}
}

func BenchmarkMatch(b *testing.B) {
	filter, err := New("udp port 137")
	if err != nil {
		b.Fatal(err)
	}
	data, err := hex.DecodeString("00155d95090b" + "00155d8d0135" + "0800" + ipPacket)
	if err != nil {
		b.Fatal(err)
	}
	f := captures.Frame{Link: captures.LinkEthernet, Data: data}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := filter.Match(&f); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}
