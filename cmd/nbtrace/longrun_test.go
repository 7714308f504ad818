package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
	"nbtrace/rules"
)

// plant is the traffic of a network of many hosts, event by event: each host
// registers three names at a WINS server and refreshes them, asks for names of
// others, some by broadcast and in vain, and moves between two places with an
// address each; now and then one of a few machines claims a name that another
// one holds.
type plant struct {
	rng   *rand.Rand
	feed  func(t int64, frame []byte)
	ids   []uint16
	addr  []uint32 // of each host
	buf   []byte
	frame int64
}

var plantServer = capgen.Station{MAC: capgen.MAC{2, 1, 0, 0, 0, 1}, Addr: netip.MustParseAddrPort("10.0.0.5:137")}

func (p *plant) station(host int) capgen.Station {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 10<<24|p.addr[host])
	return capgen.Station{MAC: capgen.MAC{2, 0, 0, 0, byte(host >> 8), byte(host)}, Addr: netip.AddrPortFrom(netip.AddrFrom4(a), 137)}
}

var plantEveryone = capgen.Station{MAC: capgen.Broadcast, Addr: netip.MustParseAddrPort("10.255.255.255:137")}

func plantName(host, service int) (n nbns.Name) {
	copy(n[:], fmt.Sprintf("PLANT%06d    ", host))
	n[15] = [3]byte{0x00, 0x03, 0x20}[service]
	return n
}

func (p *plant) send(t int64, from, to capgen.Station, id, flags uint16, n nbns.Name, records int, kind uint16, ttl uint32, a netip.Addr) {
	b := p.buf[:0]
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	questions, answers, additional := 1, 0, records
	if flags&0x8000 != 0 {
		questions, answers, additional = 0, records, 0
	}
	for _, c := range []int{questions, answers, 0, additional} {
		b = binary.BigEndian.AppendUint16(b, uint16(c))
	}
	name := func() {
		b = append(b, 32)
		for _, c := range n {
			b = append(b, 'A'+c>>4, 'A'+c&15)
		}
		b = append(b, 0)
	}
	if questions == 1 {
		name()
		b = binary.BigEndian.AppendUint16(b, kind)
		b = append(b, 0, 1)
	}
	if records == 1 {
		if questions == 1 {
			b = append(b, 0xC0, 12)
		} else {
			name()
		}
		b = binary.BigEndian.AppendUint16(b, kind)
		b = append(b, 0, 1)
		b = binary.BigEndian.AppendUint32(b, ttl)
		b = append(b, 0, 6, 0x60, 0)
		four := a.As4()
		b = append(b, four[:]...)
	}
	p.buf = b
	p.feed(t, capgen.Datagram(from, to, b))
}

func (p *plant) id(host int) uint16 { p.ids[host]++; return p.ids[host] }

const (
	millisecond = int64(time.Millisecond)
	plantTTL    = 518400
)

// claim is a registration (0x7900) or a refresh (0x4000) and its answer.
func (p *plant) claim(t int64, host, service int, flags uint16) {
	s, n, id := p.station(host), plantName(host, service), p.id(host)
	p.send(t, s, plantServer, id, flags, n, 1, 0x20, 300000, s.Addr.Addr())
	p.send(t+millisecond, plantServer, s, id, 0xAD80, n, 1, 0x20, plantTTL, s.Addr.Addr())
}

// act is one event of a host at t.
func (p *plant) act(t int64, host, hosts int) {
	s := p.station(host)
	other := p.rng.IntN(hosts)
	n := plantName(other, p.rng.IntN(3))
	switch x := p.rng.IntN(1000); {
	case x < 250:
		p.claim(t, host, p.rng.IntN(3), 0x4000)
	case x < 700:
		id := p.id(host)
		p.send(t, s, plantServer, id, 0x0100, n, 0, 0x20, 0, s.Addr.Addr())
		p.send(t+millisecond, plantServer, s, id, 0x8580, n, 1, 0x20, 0, p.station(other).Addr.Addr())
	case x < 900:
		id := p.id(host)
		p.send(t, s, plantEveryone, id, 0x0110, n, 0, 0x20, 0, s.Addr.Addr())
		p.send(t+millisecond, p.station(other), s, id, 0x8500, n, 1, 0x20, 300000, p.station(other).Addr.Addr())
	case x < 985:
		missing := nbns.Name{'G', 'O', 'N', 'E', byte('A' + p.rng.IntN(26)), ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', 0x20}
		id := p.id(host)
		for i := range int64(3) {
			p.send(t+i*250*millisecond, s, plantEveryone, id, 0x0110, missing, 0, 0x20, 0, s.Addr.Addr())
		}
	case x < 990: // the other of its two places, where it has another address
		for service := range 3 {
			id := p.id(host)
			p.send(t, s, plantServer, id, 0x3000, plantName(host, service), 1, 0x20, 0, s.Addr.Addr())
			p.send(t+millisecond, plantServer, s, id, 0xB400, plantName(host, service), 1, 0x20, 0, s.Addr.Addr())
		}
		p.addr[host] ^= 1 << 12
		for service := range 3 {
			p.claim(t+2*millisecond, host, service, 0x7900)
		}
	default: // one of a few machines claims the name that another one holds: challenged and refused
		host = p.rng.IntN(20)
		other, s = host+20, p.station(host)
		n = plantName(other, 2)
		id := p.id(host)
		p.send(t, s, plantServer, id, 0x7900, n, 1, 0x20, 300000, s.Addr.Addr())
		p.send(t+millisecond, plantServer, s, id, 0xBC00, n, 1, 0x20, 9, s.Addr.Addr())
		asked := p.id(len(p.ids) - 1)
		p.send(t+2*millisecond, plantServer, p.station(other), asked, 0x0100, n, 0, 0x20, 0, s.Addr.Addr())
		p.send(t+3*millisecond, p.station(other), plantServer, asked, 0x8580, n, 1, 0x20, 300000, p.station(other).Addr.Addr())
		p.send(t+4*millisecond, plantServer, s, id, 0xAD86, n, 1, 0x20, 300000, s.Addr.Addr())
	}
}

// TestLongRunKeepsTheHeapFlat sends a day of a plant of 2,000 hosts, and what
// a device's heartbeats promise, through the engine. Once every name has met
// the bounds of its history the heap grows no more.
func TestLongRunKeepsTheHeapFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("a day takes a while")
	}
	const (
		hosts = 2000
		hours = 24
		every = int64(40 * time.Millisecond) // an event of some host: 25 a second, about 54 messages
	)
	found := 0
	// The default of 100,000 kept exchanges would take weeks to be reached.
	limits := analyze.Limits{Kept: 2000}
	e := analyze.New(analyze.Options{Rules: rules.All(), Limits: limits}, analyze.Sink{Finding: func(*analyze.Finding) { found++ }})
	var f captures.Frame
	p := &plant{rng: rand.New(rand.NewPCG(1, 2)), ids: make([]uint16, hosts+1), addr: make([]uint32, hosts)}
	p.feed = func(at int64, frame []byte) {
		p.frame++
		f = captures.Frame{Number: p.frame, Time: at, Link: captures.LinkEthernet, Length: len(frame), Data: frame}
		e.Feed(&f)
	}
	for h := range p.addr {
		p.addr[h] = 1<<16 + uint32(h)
		p.ids[h] = uint16(p.rng.Uint32())
	}
	start := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC).UnixNano()
	at := start
	for h := range hosts {
		for service := range 3 {
			p.claim(at, h, service, 0x7900)
			at += 20 * millisecond
		}
	}
	var heap [hours + 1]uint64
	began := time.Now()
	measure := func(hour int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap[hour] = m.HeapAlloc
		c := e.Counts()
		t.Logf("hour %2d: heap %6.1f MiB, %8d messages, %7d exchanges, %5d names, %5d hosts, %3d findings, %d evicted, %s",
			hour, float64(m.HeapAlloc)/(1<<20), c.Messages, c.Exchanges, c.Names, c.Hosts, found, c.Evicted, time.Since(began).Round(time.Millisecond))
	}
	for hour := range hours + 1 {
		measure(hour)
		for end := start + int64(hour+1)*int64(time.Hour); at < end && hour < hours; at += every {
			p.act(at, p.rng.IntN(hosts), hosts)
			if at/every%10 == 0 {
				e.Heartbeat(at + every - millisecond)
			}
		}
	}
	if c := e.Counts(); c.Messages < 1_000_000 || found == 0 {
		t.Errorf("only %d messages, %d findings", c.Messages, found)
	}
	// What still grows in the last hours is histories that are not full yet.
	if early, late := heap[18], heap[24]; late > early+early*15/100 {
		t.Errorf("the heap grew from %d to %d bytes in the last quarter of the day", early, late)
	}
	if most := uint64(64 << 20); heap[24] > most {
		t.Errorf("the heap is %d bytes", heap[24])
	}
}
