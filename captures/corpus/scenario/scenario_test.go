package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze/nbdgm"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

const (
	headerText = "title: t\nsynthetic: yes\nwhy: w\nsource: s\nsilent: noisy-name\n\n"
	netText    = headerText + "segment lan1 10.1.1.0/24\nsegment core 10.1.9.0/24\nwins w1 windows 10.1.9.5\nwins n1 nmbd 10.1.9.6\nwins s1 samba4 10.1.9.7\n" +
		"host pc windows 10.1.1.33\nhost two windows 10.1.1.20 10.1.2.20\nhost nm nmbd 10.1.1.40\nhost s4 samba4 10.1.1.50\n"
)

func compile(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Compile("case", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// packets decodes all frames of a file, and checks that none is broken.
func packets(t *testing.T, f File) (frames []captures.Frame, ps []wire.Packet) {
	t.Helper()
	r, err := captures.NewReader(f.Name, bytes.NewReader(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	d := wire.NewDecoder(wire.Options{})
	for {
		var fr captures.Frame
		err := r.Next(&fr)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fr.Data = bytes.Clone(fr.Data)
		frames = append(frames, fr)
		for _, p := range d.Decode(&fr, nil) {
			p.Payload = bytes.Clone(p.Payload)
			ps = append(ps, p)
		}
	}
	return frames, ps
}

func message(t *testing.T, p wire.Packet) nbns.Message {
	t.Helper()
	var m nbns.Message
	nbns.Decode(&m, p.Payload)
	if m.Fault != nil {
		t.Fatalf("%v", m.Fault)
	}
	return m
}

// What each flavour writes, as on-the-wire observations have it.
func TestFlavours(t *testing.T) {
	for _, c := range []struct {
		line  string
		flags nbns.Flags
		ttl   uint32
		nb    nbns.NBFlags
	}{
		{"register A<20> from pc to w1", 0x2900, 300000, 0x6000},
		{"register A<20> from two.2 to w1", 0x7900, 300000, 0x6000},
		{"register A<00> from two to w1 group", 0x2900, 300000, 0xE000},
		{"register A<20> from nm to w1", 0x7900, 259200, 0x6000},
		{"register A<20> from s4 to w1", 0x7800, 300000, 0x4000},
		{"register A<00> from s4 to w1 group", 0x2800, 300000, 0xC000},
		{"register A<20> from nm to bcast times 1", 0x2910, 0, 0x6000},
		{"register A<20> from s4 to bcast times 1", 0x2810, 300000, 0x4000},
		{"refresh A<20> from pc to w1", 0x4000, 300000, 0x6000},
		{"refresh A<20> from pc to w1 opcode 9", 0x4800, 300000, 0x6000},
		{"refresh A<20> from s4 to w1", 0x4000, 300000, 0x4400},
		{"release A<20> from pc to w1", 0x3000, 0, 0x6000},
		{"release A<20> from nm to w1", 0x3000, 259200, 0x6000},
		{"demand A<20> from s1 to pc", 0x3000, 0, 0},
		{"conflict A<20> from w1 to pc", 0xAD87, 0, 0x6000},
		{"register A<20> from pc to w1 lost\nreply ok", 0xAD80, 518400, 0x6000},
		{"register A<20> from pc to w1 lost\nreply act", 0xAD86, 0, 0x6000},
		{"register A<20> from pc to n1 lost\nreply refused", 0xAD85, 0, 0x6000},
		{"register A<20> from pc to s1 lost\nreply refused", 0xAD86, 300000, 0x6000},
		{"release A<20> from nm to n1 lost\nreply ok", 0xB400, 0, 0x6000},
		{"release A<20> from nm to s1 lost\nreply ok", 0xB400, 259200, 0x6000},
		{"query A<20> from pc to s1 lost\nanswer 10.1.1.1", 0x8580, 0, 0x6000},
		{"query A<20> from nm to bcast lost\nanswer from pc", 0x8500, 300000, 0x6000},
	} {
		t.Run(c.line, func(t *testing.T) {
			s := compile(t, netText+"tap all\n"+c.line)
			_, ps := packets(t, s.Files[0])
			m := message(t, ps[0])
			rec := m.FirstNB()
			if m.Flags != c.flags || rec == nil || rec.TTL != c.ttl || rec.Addrs[0].Flags != c.nb {
				t.Errorf("flags %#04x, record %+v, want %#04x TTL %d NB_FLAGS %#04x", uint16(m.Flags), rec, uint16(c.flags), c.ttl, uint16(c.nb))
			}
		})
	}
}

func TestWaitForms(t *testing.T) {
	for server, want := range map[string]struct {
		kind nbns.Type
		ttl  uint32
	}{"w1": {nbns.TypeNB, 5}, "n1": {nbns.TypeNULL, 60}, "s1": {nbns.TypeNB, 9}} {
		s := compile(t, netText+"register A<20> from nm to "+server+"\nwack\n")
		_, ps := packets(t, s.Files[0])
		m := message(t, ps[1])
		r := m.Records[0]
		if m.Flags != 0xBC00 || r.Type != want.kind || r.TTL != want.ttl || !bytes.Equal(r.Data, []byte{0x79, 0}) {
			t.Errorf("%s: flags %#x record %+v", server, uint16(m.Flags), r)
		}
	}
}

func TestRouting(t *testing.T) {
	s := compile(t, netText+"tap all\nregister A<20> from pc\nquery A<20> from pc to bcast\n")
	frames, ps := packets(t, s.Files[0])
	if len(ps) != 3 || s.Files[0].Name != "case.pcapng" {
		t.Fatalf("%d packets in %s", len(ps), s.Files[0].Name)
	}
	first, second := ps[0], ps[1]
	if first.TTL != 128 || second.TTL != 127 || first.SrcMAC == second.SrcMAC || first.IPID != second.IPID || frames[0].Interface == frames[1].Interface {
		t.Errorf("the routed copy is %+v after %+v", second, first)
	}
	if second.SrcMAC != macOf(&segment{index: 2}, netip.MustParseAddr("10.1.9.1")) {
		t.Errorf("the router's MAC address on the second segment is %x", second.SrcMAC)
	}
	if !ps[2].LinkBcast || ps[2].Dst.Addr().String() != "10.1.1.255" {
		t.Errorf("broadcast: %+v", ps[2])
	}
}

func TestRepetitionAndTimes(t *testing.T) {
	s := compile(t, netText+"tap lan1\nrepeat 3 every 60\n  query N{i}X{i+10}<20> from pc to bcast times 2\nend\n@500 query LAST<20> from pc\n")
	frames, ps := packets(t, s.Files[0])
	var got []string
	for i, p := range ps {
		m := message(t, p)
		got = append(got, fmt.Sprintf("%s %dms", m.Questions[0].Name, (frames[i].Time-frames[0].Time)/1e6))
	}
	want := []string{"N1X11<20> 0ms", "N1X11<20> 750ms", "N2X12<20> 60000ms", "N2X12<20> 60750ms", "N3X13<20> 120000ms", "N3X13<20> 120750ms", "LAST<20> 499999ms"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChallengeTimes(t *testing.T) {
	s := compile(t, netText+"register A<20> from pc to n1\nwack\nchallenge 10.1.1.99 times 4\n")
	frames, ps := packets(t, s.Files[0])
	if len(ps) != 6 {
		t.Fatalf("%d packets", len(ps))
	}
	for i, want := range []int64{0, 6, 11, 16} {
		if d := (frames[2+i].Time - frames[2].Time) / 1e9; d != want {
			t.Errorf("try %d after %d s, want %d", i, d, want)
		}
	}
	if ps[2].IPID == ps[3].IPID || message(t, ps[2]).TrnID != message(t, ps[3]).TrnID {
		t.Error("a retry has a new IP identification and the old transaction id")
	}
}

func TestReplication(t *testing.T) {
	text := netText + "record A<20> static unique 10.1.7.9 version 17\nrecord CORP<1B> multihomed 10.1.1.1 10.1.1.2 version 18 member-owner 10.1.9.8\n" +
		"record CORP<1C> special tombstone version 19\n"
	for _, how := range []string{"", " segment 50", " segment 7 reorder", " mid-stream"} {
		s := compile(t, text+"replicate from w1 to n1"+how)
		_, ps := packets(t, s.Files[0])
		var records []winsrepl.Record
		var types []winsrepl.MessageType
		for _, p := range ps {
			if p.Protocol != wire.WINSRepl {
				continue
			}
			var m winsrepl.Message
			winsrepl.Decode(&m, p.Payload)
			if m.Fault != nil {
				t.Fatalf("%s: %v", how, m.Fault)
			}
			types = append(types, m.Type)
			records = append(records, m.Records...)
		}
		if len(records) != 3 || !records[0].Flags.Static() || records[0].Version != 17 || records[1].Members[1].Owner != [4]byte{10, 1, 9, 8} ||
			records[2].Flags.State() != winsrepl.Tombstone || records[1].Name.String() != "CORP<1b>" {
			t.Errorf("%s: records %+v", how, records)
		}
		if how == "" && !slices.Equal(types, []winsrepl.MessageType{0, 1, 3, 3, 3, 3, 2}) {
			t.Errorf("messages of types %v", types)
		}
	}
	s := compile(t, text+"replicate from w1 to n1 refused stop")
	_, ps := packets(t, s.Files[0])
	var m winsrepl.Message
	winsrepl.Decode(&m, ps[len(ps)-1].Payload)
	if m.Type != winsrepl.Stop || m.Reason != winsrepl.StopError {
		t.Errorf("refused with %+v", m)
	}
}

func TestDatagrams(t *testing.T) {
	s := compile(t, netText+"tap lan1\ndatagram PC<00> CORP<1E> group announce master PC 0x51003 claims 10.9.9.9 from pc to bcast\ndatagram PC<00> CORP<1C> logon from pc to bcast\n")
	_, ps := packets(t, s.Files[0])
	var d nbdgm.Datagram
	nbdgm.Decode(&d, ps[0].Payload)
	b, ok := d.Browse()
	if d.Fault != nil || d.SourceIP != [4]byte{10, 9, 9, 9} || d.Type != nbdgm.DirectGroup || !ok || b.Opcode != nbdgm.LocalMasterAnnouncement || b.Name != "PC" || b.ServerType != 0x51003 || b.Cut {
		t.Errorf("datagram %+v, announcement %+v %v", d, b, ok)
	}
	nbdgm.Decode(&d, ps[1].Payload)
	if name, _, ok := d.Mailslot(); d.Fault != nil || !ok || !strings.Contains(string(name), "LOGON") {
		t.Errorf("mailslot %q, %v", name, d.Fault)
	}
}

func TestTaps(t *testing.T) {
	body := "register A<20> from two.1\nreply ok\nregister A<20> from two.2\nreply ok\nquery A<20> from pc to w1\nanswer 10.1.1.20\n"
	for _, c := range []struct {
		tap    string
		counts []int
	}{
		{"", []int{6}},
		{"tap core\n", []int{6}},
		{"tap lan1\n", []int{4}},
		{"tap two\n", []int{4}},
		{"tap two cooked\n", []int{4}},
		{"tap all\n", []int{12}},
		{"tap core lose 10.1.9.5\n", []int{3}},
		{"tap core as server\ntap two as client\n", []int{6, 4}},
		{"ring 1\n", []int{6}},
		{"window 0 0.0006\n", []int{2}},
		{"tap core snap 60\n", []int{6}},
	} {
		s := compile(t, netText+c.tap+body)
		var got []int
		for _, f := range s.Files {
			frames, _ := packets(t, f)
			got = append(got, len(frames))
		}
		if !slices.Equal(got, c.counts) {
			t.Errorf("%q: %v frames, want %v", c.tap, got, c.counts)
		}
	}
	s := compile(t, netText+"tap two cooked\n"+body)
	frames, _ := packets(t, s.Files[0])
	if frames[0].Link != captures.LinkSLL2 || frames[0].Data[10] != 4 || frames[1].Data[10] != 0 {
		t.Errorf("cooked frames: link %v, types %d and %d", frames[0].Link, frames[0].Data[10], frames[1].Data[10])
	}
	s = compile(t, netText+"ring 10\nrepeat 3 every 20\n  query A<20> from pc\nend\n")
	if len(s.Files) != 3 || s.Files[2].Name != "case.3.pcap" {
		t.Errorf("ring of %d files", len(s.Files))
	}
}

func TestClockStepAndVLAN(t *testing.T) {
	s := compile(t, headerText+"segment lan1 10.1.1.0/24 vlan 11\nhost pc windows 10.1.1.33\ntap lan1 tagged\nquery A<20> from pc\nclock -10\n+1 query A<20> from pc\n")
	frames, ps := packets(t, s.Files[0])
	if d := frames[1].Time - frames[0].Time; d != -9e9 {
		t.Errorf("after the step %d ns", d)
	}
	if len(ps[0].VLAN) != 1 || ps[0].VLAN[0] != 11 {
		t.Errorf("VLAN %v", ps[0].VLAN)
	}
}

func TestDeterminism(t *testing.T) {
	text := netText + "tap all\nregister A<20> from s4\nwack\nchallenge nm times 3\nanswer\nreply act\nreplicate from w1 to n1\n"
	a, b := compile(t, text), compile(t, text)
	if !bytes.Equal(a.Files[0].Data, b.Files[0].Data) {
		t.Error("two runs differ")
	}
}

// Errors name the line and the column.
func TestErrors(t *testing.T) {
	first := strings.Count(netText, "\n") + 1
	for _, c := range []struct {
		text         string
		line, column int
		has          string
	}{
		{"title: t\nnonsense: x\n", 2, 1, "unknown key"},
		{"title: t\nsynthetic: no\n", 2, 11, "synthetic: yes"},
		{"title: t\ntitle: u\n", 2, 1, "twice"},
		{"title\n", 1, 1, "KEY: VALUE"},
		{"title: t\nsynthetic: yes\nsource: x\nsilent: y\n\nhost", 5, 1, "lacks its why"},
		{"title: t\nsynthetic: yes\nsource: x\nwhy: y\n\nhost", 5, 1, "expectations"},
		{"title: t\nfires: rule NONAME\n", 2, 7, "no suffix"},
		{"title: t\nfires: rule A<20> surely\n", 2, 7, "verdict"},
		{netText + "bogus A<20>", first, 1, "unknown verb"},
		{netText + "register A<20> from nobody", first, 21, "no host"},
		{netText + "register A<20> from pc.2", first, 21, "no number 2"},
		{netText + "register A from pc", first, 10, "no suffix"},
		{netText + "register A<20>", first, 15, "from is missing"},
		{netText + "register A<20> from pc coloured", first, 24, "unknown option"},
		{netText + "register A<20> from pc ttl x", first, 28, "number"},
		{netText + "demand A<20> from w1", first, 21, "to is missing"},
		{netText + "reply ok", first, 7, "no request"},
		{netText + "register A<20> from pc\nreply maybe", first + 1, 7, "rcode"},
		{netText + "register A<20> from pc to bcast\nreply act", first + 1, 10, "who responds"},
		{netText + "register A<20> from pc\nreply ok of x", first + 1, 13, "no request has the label"},
		{netText + "  +x query A<20> from pc", first, 3, "time"},
		{netText + "repeat 3\nquery A<20> from pc", first, 1, "no end"},
		{netText + "end", first, 1, "end without repeat"},
		{netText + "repeat 10000\nrepeat 10000\nquery A<20> from pc\nend\nend", first + 2, 1, "executed"},
		{netText + "host pc windows 10.1.1.99", first, 6, "already a host"},
		{netText + "host x windows 10.1.1.33", first, 16, "address of pc"},
		{netText + "host x beos 10.1.1.34", first, 8, "implementation"},
		{netText + "tap nowhere", first, 5, "no segment or host"},
		{netText + "query A<20> from pc patch 500 ff", first, 31, "reaches"},
		{netText + "query A<20> from pc patch 0 f", first, 29, "pairs"},
		{netText + "query \"A B<20> from pc", first, 7, "no end"},
		{netText + "record A<20> unique 10.0.0.1 10.0.0.2", first, 38, "one address"},
		{netText + "challenge pc", first, 1, "registration before"},
		{netText, first, 1, "nothing was captured"},
	} {
		_, err := Compile("case", c.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", c.text[max(0, len(c.text)-40):], err)
			continue
		}
		if e.File != "case.txt" || e.Line != c.line || e.Column != c.column || !strings.Contains(e.Reason, c.has) {
			t.Errorf("%q: %v, want %d:%d %s", c.text[max(0, len(c.text)-40):], e, c.line, c.column, c.has)
		}
	}
}

// README.md is the language's only manual: it names all of it.
func TestManualIsComplete(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(b)
	var words []string
	for v := range verbs {
		words = append(words, v)
	}
	for s := range settings {
		words = append(words, s)
	}
	for f := range flavours {
		words = append(words, f)
	}
	words = append(words, optClaim...)
	words = append(words, optReply...)
	slices.Sort(words)
	for _, w := range slices.Compact(words) {
		if !strings.Contains(manual, "`"+w) {
			t.Errorf("the manual does not tell of %q", w)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add("register A<20> from two.2\nwack\nchallenge two.1 times 3\nanswer\nreply ok\n")
	f.Add("record A<20> static multihomed 10.1.1.1 10.1.1.2 version 3\nreplicate from w1 to n1 segment 9 reorder gap 2\n")
	f.Add("tap all tagged\nrepeat 3 every 1\nquery N{i}<20> from pc to bcast\nanswer 1.2.3.4 from 9.9.9.9 of x\nend\nunreachable\nduplicate\nretransmit")
	f.Add("status * from pc to w1\nnames A<00> group conflict\nraw 00 from pc to bcast\ndatagram A<00> B<1D> announce host X 1 from pc to bcast")
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 500 || strings.Contains(body, "repeat") && len(body) > 100 {
			return
		}
		s, err := Compile("case", netText+body)
		var e *Error
		switch {
		case err == nil && len(s.Files) == 0:
			t.Error("no file")
		case err != nil && !errors.As(err, &e):
			t.Errorf("%T: %v", err, err)
		}
	})
}
