// Package capgen writes captures for tests and benchmarks: seeded traffic of a
// LAN with WINS, as pcap or pcapng, and the builders of its frames. The same
// Config gives the same bytes.
package capgen

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// Kind is what a generated capture holds.
type Kind string

// The kinds of captures.
const (
	KindSparse     Kind = "sparse"     // general traffic of 60 to 1,514 bytes a frame, one NBNS message in a thousand frames, 2 % with a VLAN tag
	KindDense      Kind = "dense"      // NBNS alone: consistent exchanges
	KindNames      Kind = "names"      // registrations alone, each of a name of its own
	KindHosts      Kind = "hosts"      // as dense, from a great many hosts
	KindVLAN       Kind = "vlan"       // as dense, most frames with one or two VLAN tags
	KindFragmented Kind = "fragmented" // as dense, in IPv4 fragments, some out of order, doubled or lost
	KindHostile    Kind = "hostile"    // NBNS messages and headers with lies in them
)

// Kinds lists all of them.
var Kinds = []Kind{KindSparse, KindDense, KindNames, KindHosts, KindVLAN, KindFragmented, KindHostile}

// Config says what to generate. Zero fields take the defaults of Fill.
type Config struct {
	Kind     Kind
	Bytes    int64 // stop when the file has this many bytes, or
	Messages int64 // after this many NBNS messages, whichever comes first
	Names    int   // distinct NetBIOS names, at most 16,777,216
	Hosts    int   // end nodes, at most 4,194,304
	Servers  int   // WINS servers, 1 or 2
	Seed     uint64
	NG       bool  // pcapng in place of nanosecond pcap
	Start    int64 // time of the first frame, ns since 1970
}

// Stats says what was generated.
type Stats struct {
	Frames   int64
	Messages int64 // NBNS messages, each counted once however many fragments it has
	Bytes    int64 // of the file
}

// Fill sets defaults and checks the bounds.
func (c *Config) Fill() error {
	if c.Kind == "" {
		c.Kind = KindSparse
	}
	if c.Bytes == 0 && c.Messages == 0 {
		c.Messages = 10_000
	}
	names, hosts := 3000, 1000
	switch c.Kind {
	case KindNames:
		if names = int(min(c.Messages/2+1, maxNames)); c.Messages == 0 {
			names = 1_000_000
		}
	case KindHosts:
		names, hosts = 300_000, 100_000
	}
	if c.Names == 0 {
		c.Names = names
	}
	if c.Hosts == 0 {
		c.Hosts = hosts
	}
	if c.Servers == 0 {
		c.Servers = 1
	}
	if c.Start == 0 {
		c.Start = 1_700_000_000 * second
	}
	for _, b := range []struct {
		what    string
		n, most int
	}{{"names", c.Names, maxNames}, {"hosts", c.Hosts, maxHosts}, {"servers", c.Servers, maxServers}} {
		if b.n < 1 || b.n > b.most {
			return fmt.Errorf("%s: %d is not between 1 and %d", b.what, b.n, b.most)
		}
	}
	if c.Hosts < 2 {
		return fmt.Errorf("hosts: %d is too few: one asks another, so at least 2", c.Hosts)
	}
	if c.Bytes < 0 || c.Messages < 0 {
		return fmt.Errorf("bytes %d, messages %d: neither can be negative", c.Bytes, c.Messages)
	}
	return nil
}

// Generate writes a capture to w.
func Generate(w io.Writer, c Config) (Stats, error) {
	if err := c.Fill(); err != nil {
		return Stats{}, err
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0x6e627472616365))
	out := newOutput(w, c.NG)
	gap := int64(millisecond)
	if c.Kind == KindSparse {
		gap = sparseExchangeGap
	}
	s := newSim(rng, c, c.Start, gap)
	var shape func(t int64, frame []byte)
	switch c.Kind {
	case KindSparse:
		shape = newBackground(rng, s, out, c).until
	case KindDense, KindNames, KindHosts:
		shape = out.frame
	case KindVLAN:
		shape = tagger{rng, out}.frame
	case KindFragmented:
		shape = fragmenter{rng, out}.frame
	case KindHostile:
		shape = newLiar(rng, out).frame
	default:
		return Stats{}, fmt.Errorf("unknown kind %q: known are %v", c.Kind, Kinds)
	}
	var messages int64
	for out.err == nil && (c.Messages == 0 || messages < c.Messages) && (c.Bytes == 0 || out.bytes < c.Bytes) {
		shape(s.take())
		messages++
	}
	err := out.flush()
	return Stats{Frames: out.frames, Messages: messages, Bytes: out.bytes}, err
}
