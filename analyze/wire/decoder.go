package wire

import (
	"maps"
	"net/netip"
	"time"

	"nbtrace/captures"
)

// Limits that no option moves.
const (
	maxLayers  = 16 // encapsulations in one frame, without tags and labels
	maxTags    = 16 // VLAN tags in one frame
	maxLabels  = 16 // MPLS labels in one stack
	maxOptions = 16 // IPv6 extension headers, GTP-U extensions, radiotap words
)

// Options bounds the memory and the patience of a Decoder. A zero or negative
// field stands for its default.
type Options struct {
	MaxDatagrams    int           // incomplete IPv4 datagrams, default 1024
	MaxFragments    int           // bytes held for them, default 8 MiB
	FragmentTimeout time.Duration // frame time until one is given up, default 30 s

	MaxStreams     int           // TCP directions remembered, default 4096
	MaxMessage     int           // bytes of one message over TCP, default 4 MiB
	MaxStreamBytes int           // bytes held for all of them, default 64 MiB
	HoleWait       time.Duration // frame time until a hole in a stream is taken for lost, at the next frame of use; default 5 s
}

func (o Options) withDefaults() Options {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&o.MaxDatagrams, 1024)
	set(&o.MaxFragments, 8<<20)
	set(&o.MaxStreams, 4096)
	set(&o.MaxMessage, 4<<20)
	set(&o.MaxStreamBytes, 64<<20)
	if o.FragmentTimeout <= 0 {
		o.FragmentTimeout = 30 * time.Second
	}
	if o.HoleWait <= 0 {
		o.HoleWait = 5 * time.Second
	}
	return o
}

// Decoder turns frames into packets. It is not for concurrent use.
type Decoder struct {
	opts  Options
	stats Stats

	frags   fragments
	streams streams

	// Of the frame at hand.
	out    []Packet
	p      Packet // what its packets have in common; addresses without ports
	src    netip.Addr
	dst    netip.Addr
	now    int64
	lack   int // bytes of it that the snap length cut off
	layers int
	tags   [maxTags]uint16
	nTags  int
	epoch  uint64 // counts calls, tells whose slices are still in use
	hit    bool   // a UDP or TCP header with one of our ports was reached
}

// NewDecoder returns a Decoder with the given limits.
func NewDecoder(o Options) *Decoder {
	d := &Decoder{opts: o.withDefaults()}
	d.stats.Unknown = make(map[captures.LinkType]int64)
	d.frags.init()
	d.streams.init()
	return d
}

// Decode appends to out the messages that f completes and returns it: usually
// none or one, several where a TCP segment ends several. What it appends is
// valid until the next call. Frames are expected in the order of time; a
// late one is decoded all the same. Frames for which Quick says No are counted
// and nothing else, not even as a sign that time goes on: they may be left out,
// and every other count and all packets stay what they are.
//
// A message belongs to the frame that completes it. There is one exception:
// what waited behind a hole in a TCP stream that was then given up carries the
// number and the time of its own, earlier, frame.
func (d *Decoder) Decode(f *captures.Frame, out []Packet) []Packet {
	d.stats.Frames++
	if Quick(f.Link, f.Data) == No {
		return out
	}
	return d.general(f, out)
}

// general is Decode without the fast path.
func (d *Decoder) general(f *captures.Frame, out []Packet) []Packet {
	d.begin(f, out)
	d.giveUpHoles(f.Time)
	d.link(f.Link, f.Data)
	return d.end()
}

// Flush ends the input: it appends what still waits behind holes in TCP
// streams and counts the datagrams that were never completed. The same rules
// of validity as for Decode apply.
func (d *Decoder) Flush(out []Packet) []Packet {
	d.epoch++
	d.out = out
	d.giveUpAllHoles()
	d.dropAllDatagrams()
	return d.end()
}

// Stats returns the counts so far.
func (d *Decoder) Stats() Stats {
	s := d.stats
	s.Unknown = maps.Clone(s.Unknown)
	return s
}

func (d *Decoder) begin(f *captures.Frame, out []Packet) {
	d.epoch++
	d.out = out
	d.p = Packet{Input: f.Input, Frame: f.Number, Time: f.Time, Interface: f.Interface}
	d.src, d.dst = netip.Addr{}, netip.Addr{}
	d.now = f.Time
	d.lack = max(f.Length-len(f.Data), 0)
	d.layers = 0
	d.nTags = 0
	d.hit = false
}

func (d *Decoder) end() []Packet {
	out := d.out
	d.out = nil
	return out
}

// emit hands over a copy of p, which the caller may still change.
func (d *Decoder) emit(p *Packet) *Packet {
	d.stats.Packets++
	d.out = append(d.out, *p)
	return &d.out[len(d.out)-1]
}

// short counts a header that reaches beyond the captured bytes.
func (d *Decoder) short() {
	if d.lack > 0 {
		d.stats.Cut++
	} else {
		d.stats.BadHeader++
	}
}

// bad counts a header that contradicts itself.
func (d *Decoder) bad() { d.stats.BadHeader++ }

// deeper counts one more encapsulation and reports whether it is allowed.
func (d *Decoder) deeper() bool {
	d.layers++
	if d.layers > maxLayers {
		d.bad()
		return false
	}
	return true
}
