package enginetest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
	"nbtrace/captures"
	"nbtrace/captures/capgen"
)

const million = 1_000_000

// heap is the memory in use after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// flood feeds n frames, each made of its number, and says how much more
// memory the engine holds at its worst.
func flood(t *testing.T, e *analyze.Engine, n int, every int64, make func(i int) []byte) int64 {
	t.Helper()
	before := heap()
	worst := int64(0)
	f := captures.Frame{Link: captures.LinkEthernet, Time: 1_700_000_000e9}
	for i := range n {
		f.Number, f.Time, f.Data = int64(i+1), f.Time+every, make(i)
		f.Length = len(f.Data)
		e.Feed(&f)
		if i%(n/4) == n/4-1 {
			worst = max(worst, heap()-before)
		}
	}
	runtime.KeepAlive(e)
	return worst
}

func station(a netip.Addr, port uint16) capgen.Station {
	b := a.As4()
	return capgen.Station{MAC: capgen.MAC{2, 0, b[0], b[1], b[2], b[3]}, Addr: netip.AddrPortFrom(a, port)}
}

func number(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

var wins = station(netip.AddrFrom4([4]byte{192, 168, 0, 5}), 137)

// request is a message about a name with the number i.
func request(t *testing.T, i int, flags nbns.Flags, addr netip.Addr) []byte {
	t.Helper()
	name := nbns.MakeName(fmt.Sprintf("N%d", i), 0x20)
	m := nbns.Message{TrnID: uint16(i), Flags: flags, Questions: []nbns.Question{{Name: name, Type: nbns.TypeNB, Class: nbns.ClassIN}}}
	if flags.Opcode() != nbns.OpQuery {
		m.Records = []nbns.Record{{Section: nbns.Additional, Name: name, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: 300000,
			Addrs: []nbns.AddrEntry{{Flags: 0x6000, Addr: addr.As4()}}}}
	}
	b, err := nbns.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the engine holds at most. The figures are for 64-bit machines.
const (
	limitNames      = 1200 << 20 // a million names with their histories
	limitUnanswered = 900 << 20  // 250,000 open exchanges and 100,000 kept ones
	limitStreams    = 96 << 20   // of TCP 42
	limitSmall      = 48 << 20   // with small tables
)

func TestMillionNames(t *testing.T) {
	if testing.Short() {
		t.Skip("feeds a million frames")
	}
	e := engine(analyze.Sink{})
	got := flood(t, e, million, 1e6, func(i int) []byte {
		return capgen.Datagram(station(number(i%20000), 137), wins, request(t, i, 0x2900, number(i%20000)))
	})
	r := e.Finish()
	t.Logf("%d MiB for %d names, %d findings", got>>20, r.Summary.Names, len(r.Findings))
	if got > limitNames {
		t.Errorf("%d MiB, the limit is %d", got>>20, limitNames>>20)
	}
	if r.Summary.Names != million && r.Summary.Evicted == 0 {
		t.Errorf("%d names and nothing evicted", r.Summary.Names)
	}
}

func TestMillionUnansweredRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("feeds a million frames")
	}
	e := engine(analyze.Sink{})
	// All within one second: none may settle before the next comes.
	got := flood(t, e, million, 1e3, func(i int) []byte {
		return capgen.Datagram(station(number(i), 137), wins, request(t, i%1000, 0x2900, number(i)))
	})
	r := e.Finish()
	t.Logf("%d MiB, %d evicted, %d findings", got>>20, r.Summary.Evicted, len(r.Findings))
	if got > limitUnanswered {
		t.Errorf("%d MiB, the limit is %d", got>>20, limitUnanswered>>20)
	}
	if r.Summary.Evicted == 0 {
		t.Error("nothing was evicted")
	}
}

// Segments of replication that never become a message: each stream lacks its
// first byte.
func TestEndlessOutOfOrderReplication(t *testing.T) {
	if testing.Short() {
		t.Skip("feeds many frames")
	}
	for name, flows := range map[string]int{"one stream": 1, "many streams": 50_000} {
		t.Run(name, func(t *testing.T) {
			data := make([]byte, 1400)
			binary.BigEndian.PutUint32(data, 1<<20)
			e := engine(analyze.Sink{})
			sent := make(map[int]uint32)
			got := flood(t, e, 300_000, 1e5, func(i int) []byte {
				flow := i % flows
				src := station(number(flow), 40000)
				dst := station(wins.Addr.Addr(), 42)
				var tcp []byte
				if n := sent[flow]; n == 0 {
					tcp = capgen.TCP(src.Addr, dst.Addr, 999, 0, capgen.SYN, nil)
				} else { // a hole before each
					tcp = capgen.TCP(src.Addr, dst.Addr, 1000+n*uint32(len(data)+1), 1, capgen.ACK, data)
				}
				sent[flow]++
				return capgen.Ethernet(dst.MAC, src.MAC, capgen.TypeIPv4, capgen.IPv4(src.Addr.Addr(), dst.Addr.Addr(), capgen.ProtocolTCP, uint16(i), tcp))
			})
			t.Logf("%d KiB", got>>10)
			if got > limitStreams {
				t.Errorf("%d MiB, the limit is %d", got>>20, limitStreams>>20)
			}
			e.Finish()
		})
	}
}

// With small tables memory stays small whatever comes, and what was given up
// is counted.
func TestSmallTables(t *testing.T) {
	for name, make := range map[string]func(i int) []byte{
		"names": func(i int) []byte {
			return capgen.Datagram(station(number(i%100), 137), wins, request(t, i, 0x2900, number(i%100)))
		},
		"addresses": func(i int) []byte {
			return capgen.Datagram(station(number(i), 137), wins, request(t, i%50, 0x2900, number(i)))
		},
		"queries": func(i int) []byte {
			return capgen.Datagram(station(number(i%100), 137), wins, request(t, i, 0x0100, netip.Addr{}))
		},
		"releases to holders": func(i int) []byte {
			to := number(i % 7000)
			return capgen.Datagram(wins, station(to, 137), request(t, i%3500, 0x3000, to))
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := analyze.New(analyze.Options{Rules: nil, Limits: analyze.Limits{Names: 1000, Addresses: 1000, Open: 1000, Kept: 1000}}, analyze.Sink{})
			got := flood(t, e, 100_000, 1e6, make)
			r := e.Finish()
			t.Logf("%d KiB, %d evicted", got>>10, r.Summary.Evicted)
			if got > limitSmall {
				t.Errorf("%d MiB, the limit is %d", got>>20, limitSmall>>20)
			}
			if r.Summary.Names > 1000 || len(r.Hosts) > 1000 {
				t.Errorf("%d names, %d hosts, the limit is 1000", r.Summary.Names, len(r.Hosts))
			}
			if r.Summary.Evicted == 0 {
				t.Error("nothing was evicted")
			}
		})
	}
}
