package capgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"nbtrace/captures"
)

func generate(t testing.TB, c Config) ([]byte, Stats) {
	t.Helper()
	var out bytes.Buffer
	st, err := Generate(&out, c)
	if err != nil {
		t.Fatal(err)
	}
	if st.Bytes != int64(out.Len()) {
		t.Errorf("%v: %d bytes counted, %d written", c.Kind, st.Bytes, out.Len())
	}
	return out.Bytes(), st
}

// each calls f for every frame of a capture.
func each(t testing.TB, b []byte, do func(f *captures.Frame)) captures.Info {
	t.Helper()
	r, err := captures.NewReader("generated", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var f captures.Frame
	for err = r.Next(&f); err == nil; err = r.Next(&f) {
		do(&f)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return r.Info()
}

func TestSameSeedSameBytes(t *testing.T) {
	seen := make(map[string]Kind)
	for _, kind := range Kinds {
		for _, ng := range []bool{false, true} {
			c := Config{Kind: kind, Messages: 300, Seed: 7, NG: ng}
			a, st := generate(t, c)
			b, _ := generate(t, c)
			if !bytes.Equal(a, b) {
				t.Errorf("%s: two runs differ", kind)
			}
			c.Seed++
			if other, _ := generate(t, c); bytes.Equal(a, other) {
				t.Errorf("%s: two seeds agree", kind)
			}
			if st.Messages != 300 {
				t.Errorf("%s: %d messages", kind, st.Messages)
			}
			info := each(t, a, func(*captures.Frame) {})
			if info.Packets != st.Frames || info.Format != map[bool]string{false: "pcap", true: "pcapng"}[ng] {
				t.Errorf("%s: %+v, %+v", kind, info, st)
			}
			sum := fmt.Sprintf("%x", sha256.Sum256(a))
			if k, ok := seen[sum]; ok {
				t.Errorf("%s and %s are the same", k, kind)
			}
			seen[sum] = kind
		}
	}
}

// innermost skips VLAN tags and returns the IPv4 packet, or nil.
func innermost(frame []byte) (packet []byte, tags int) {
	at := 12
	for {
		switch binary.BigEndian.Uint16(frame[at:]) {
		case TypeVLAN, TypeQinQ:
			at += 4
			tags++
		case TypeIPv4, TypeIPv6:
			return frame[at+2:], tags
		default:
			return nil, tags
		}
	}
}

// verify checks the checksums and lengths of an IPv4 or IPv6 packet and gives
// its UDP ports, 0 for others.
func verify(t *testing.T, p []byte) (src, dst uint16) {
	t.Helper()
	var (
		sum      uint64
		body     []byte
		protocol byte
	)
	if p[0]>>4 == 4 {
		if Checksum(p[:ipv4Header]) != 0 || int(binary.BigEndian.Uint16(p[2:])) != len(p) {
			t.Fatalf("IPv4 header: %x", p[:ipv4Header])
		}
		if binary.BigEndian.Uint16(p[6:])&0x3FFF != 0 {
			return 0, 0
		}
		protocol, body = p[9], p[ipv4Header:]
		sum = sumOf(0, p[12:20])
	} else {
		if int(binary.BigEndian.Uint16(p[4:])) != len(p)-ipv6Header {
			t.Fatalf("IPv6 header: %x", p[:ipv6Header])
		}
		protocol, body = p[6], p[ipv6Header:]
		sum = sumOf(0, p[8:40])
	}
	if fold(sumOf(sum+uint64(protocol)+uint64(len(body)), body)) != 0 {
		t.Fatalf("checksum of protocol %d: %x", protocol, body)
	}
	if protocol != ProtocolUDP {
		return 0, 0
	}
	if int(binary.BigEndian.Uint16(body[4:])) != len(body) {
		t.Fatalf("UDP length: %x", body[:8])
	}
	return binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])
}

func TestSparse(t *testing.T) {
	b, st := generate(t, Config{Kind: KindSparse, Bytes: 20e6})
	var frames, nbns, tagged, arp, total int
	var last int64
	each(t, b, func(f *captures.Frame) {
		frames++
		total += len(f.Data)
		if f.Time < last {
			t.Fatalf("frame %d is out of order", f.Number)
		}
		last = f.Time
		p, tags := innermost(f.Data)
		if tags > 0 {
			tagged++
		}
		if p == nil {
			arp++
			return
		}
		if len(f.Data) < 60 || len(f.Data) > 1518 {
			t.Fatalf("frame %d has %d bytes", f.Number, len(f.Data))
		}
		if src, dst := verify(t, p); src == portNBNS || dst == portNBNS {
			nbns++
		}
	})
	if int64(len(b)) < 20e6 || len(b) > 20e6+2000 || int64(nbns) > st.Messages || int64(nbns) < st.Messages-1 {
		t.Errorf("%d bytes, %d NBNS, %+v", len(b), nbns, st)
	}
	for _, share := range []struct {
		what           string
		got, low, high float64
	}{
		{"mean length", float64(total) / float64(frames), 640, 680},
		{"NBNS per thousand", 1000 * float64(nbns) / float64(frames), 0.5, 1.5},
		{"tagged per cent", 100 * float64(tagged) / float64(frames), 1.5, 2.5},
		{"ARP per cent", 100 * float64(arp) / float64(frames), 2, 4},
	} {
		if share.got < share.low || share.got > share.high {
			t.Errorf("%s: %.2f", share.what, share.got)
		}
	}
}

// TestDense checks that what the messages say is consistent: every answer has
// its request before it, and all kinds of messages occur.
func TestDense(t *testing.T) {
	b, _ := generate(t, Config{Kind: KindDense, Messages: 30_000, Names: 600, Hosts: 50, Servers: 2})
	type key struct {
		a  netip.Addr
		id uint16
	}
	asked := make(map[key]bool)
	kinds := make(map[uint16]int)
	servers := make(map[netip.Addr]bool)
	var last int64
	each(t, b, func(f *captures.Frame) {
		if f.Time < last {
			t.Fatalf("frame %d is out of order", f.Number)
		}
		last = f.Time
		p, _ := innermost(f.Data)
		if src, dst := verify(t, p); src != portNBNS || dst != portNBNS {
			t.Fatalf("frame %d has the ports %d, %d", f.Number, src, dst)
		}
		src, _ := netip.AddrFromSlice(p[12:16])
		dst, _ := netip.AddrFromSlice(p[16:20])
		m := p[ipv4Header+udpHeader:]
		id, flags := binary.BigEndian.Uint16(m), binary.BigEndian.Uint16(m[2:])
		kinds[flags]++
		if flags&0x8000 == 0 {
			asked[key{src, id}] = true
		} else if !asked[key{dst, id}] {
			t.Fatalf("frame %d answers what was not asked", f.Number)
		}
		if flags == flagsRegistered {
			servers[src] = true
		}
	})
	for _, flags := range []uint16{flagsRegister, flagsMultihomed, flagsRefresh, flagsRelease, flagsQuery, flagsBroadcast,
		flagsChallenge, flagsRegistered, flagsActive, flagsWait, flagsReleased, flagsFound, flagsNotFound, flagsOwner, flagsStatusReply} {
		if kinds[flags] == 0 {
			t.Errorf("no message with the flags %04x", flags)
		}
	}
	if len(servers) != 2 {
		t.Errorf("%d servers answered", len(servers))
	}
}

func TestNamesAreDistinct(t *testing.T) {
	b, st := generate(t, Config{Kind: KindNames, Messages: 20_000})
	names := make(map[string]bool)
	each(t, b, func(f *captures.Frame) {
		if m := f.Data[messageAt:]; m[2]&0x80 == 0 {
			names[string(m[12:46])] = true
		}
	})
	if len(names) < 9500 || st.Frames != 20_000 {
		t.Errorf("%d names, %+v", len(names), st)
	}
	seen := make(map[name]bool)
	for i := range 200_000 {
		seen[*nameOf(i)] = true
	}
	if len(seen) != 200_000 {
		t.Errorf("%d distinct names of 200000", len(seen))
	}
}

func TestHosts(t *testing.T) {
	b, _ := generate(t, Config{Kind: KindHosts, Messages: 20_000})
	hosts := make(map[string]bool)
	each(t, b, func(f *captures.Frame) { hosts[string(f.Data[6:12])] = true })
	if len(hosts) < 8000 {
		t.Errorf("%d hosts", len(hosts))
	}
}

func TestVLAN(t *testing.T) {
	b, _ := generate(t, Config{Kind: KindVLAN, Messages: 2000})
	var tagged [3]int
	each(t, b, func(f *captures.Frame) {
		p, tags := innermost(f.Data)
		verify(t, p)
		tagged[tags]++
	})
	for n, c := range tagged {
		if c < 200 {
			t.Errorf("%d frames with %d tags", c, n)
		}
	}
}

// TestFragmented puts the fragments together again.
func TestFragmented(t *testing.T) {
	b, st := generate(t, Config{Kind: KindFragmented, Messages: 2000})
	type datagram struct {
		data [2000]byte
		have int
		want int
	}
	parts := make(map[uint16]*datagram)
	each(t, b, func(f *captures.Frame) {
		p, _ := innermost(f.Data)
		if Checksum(p[:ipv4Header]) != 0 || int(binary.BigEndian.Uint16(p[2:])) != len(p) {
			t.Fatalf("frame %d: bad header", f.Number)
		}
		id, word := binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(p[6:])
		d := parts[id]
		if d == nil {
			d = new(datagram)
			parts[id] = d
		}
		at := int(word&0x1FFF) * 8
		copy(d.data[at:], p[ipv4Header:])
		d.have += len(p) - ipv4Header
		if word&0x2000 == 0 {
			d.want = at + len(p) - ipv4Header
		}
	})
	whole := 0
	for _, d := range parts {
		if d.have == d.want && int(binary.BigEndian.Uint16(d.data[4:])) == d.want {
			whole++
		}
	}
	if st.Frames < 3500 || whole < 1850 || whole == 2000 {
		t.Errorf("%d frames, %d whole datagrams", st.Frames, whole)
	}
}

func TestHostile(t *testing.T) {
	b, _ := generate(t, Config{Kind: KindHostile, Messages: 5000})
	var cut, same int
	each(t, b, func(f *captures.Frame) {
		if len(f.Data) < f.Length {
			cut++
		}
		if len(f.Data) > messageAt && Checksum(f.Data[ethernetHeader:messageAt-udpHeader]) == 0 {
			same++
		}
	})
	if cut < 100 || same < 2000 || same == 5000 {
		t.Errorf("%d cut, %d with a right IP checksum", cut, same)
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []Config{{Kind: "odd"}, {Names: -1}, {Names: maxNames + 1}, {Hosts: 1}, {Hosts: maxHosts + 1}, {Servers: 3}, {Bytes: -1}} {
		if _, err := Generate(io.Discard, c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteError(t *testing.T) {
	for _, ng := range []bool{false, true} {
		if _, err := Generate(refusing{}, Config{Kind: KindDense, Messages: 100_000, NG: ng}); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	}
}

func TestBuilders(t *testing.T) {
	four := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:137"), netip.MustParseAddrPort("10.0.0.2:1025")}
	six := [2]netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:137"), netip.MustParseAddrPort("[2001:db8::2]:1025")}
	for _, ends := range [][2]netip.AddrPort{four, six} {
		for n := range 40 {
			payload := bytes.Repeat([]byte{0xFE}, n)
			frame := Datagram(Station{MAC{2}, ends[0]}, Station{Broadcast, ends[1]}, payload)
			if p, tags := innermost(VLAN(VLAN(frame, TypeVLAN, 5), TypeQinQ, 6)); tags != 2 || !bytes.HasSuffix(p, payload) {
				t.Fatalf("%x", p)
			} else if src, dst := verify(t, p); src != 137 || dst != 1025 {
				t.Fatal(src, dst)
			}
			tcp := TCP(ends[0], ends[1], 1, 2, SYN|ACK, payload)
			if ends == four {
				verify(t, IPv4(ends[0].Addr(), ends[1].Addr(), ProtocolTCP, 9, tcp))
			} else {
				verify(t, IPv6(ends[0].Addr(), ends[1].Addr(), ProtocolTCP, tcp))
			}
		}
	}
	// RFC 1071 section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
	if sum := Checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); sum != ^uint16(0xddf2) {
		t.Errorf("checksum %04x", sum)
	}
	if got := Ethernet(Broadcast, MAC{1, 2, 3, 4, 5, 6}, TypeARP, []byte{9}); !bytes.Equal(got, []byte("\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06\x08\x06\x09")) {
		t.Errorf("%x", got)
	}
}

func BenchmarkSparse(b *testing.B) { benchmark(b, Config{Kind: KindSparse, Bytes: 32 << 20}) }
func BenchmarkDense(b *testing.B)  { benchmark(b, Config{Kind: KindDense, Bytes: 32 << 20}) }

func benchmark(b *testing.B, c Config) {
	b.SetBytes(c.Bytes)
	for b.Loop() {
		if _, err := Generate(io.Discard, c); err != nil {
			b.Fatal(err)
		}
	}
}
