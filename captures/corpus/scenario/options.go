package scenario

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"nbtrace/analyze/nbns"
	"nbtrace/captures/capgen"
)

// options are what may be said of a message beyond what its verb needs.
type options struct {
	from, to   endpoint
	hasFrom    bool
	hasTo      bool
	opcode     int // -1: the verb's
	group      bool
	ttl        int64 // -1: the implementation's
	addrs      []netip.Addr
	node       int // -1: the host's
	nbFlags    int // -1: made of group and node
	scope      string
	hasScope   bool
	rd, ra     int // 0: the implementation's, 1 set, -1 clear
	flags      int // -1: made of the rest
	trn        int // -1: the next one
	port       uint16
	dstPort    uint16
	source     netip.Addr // IP source, where it is not the sender's
	mac        *capgen.MAC
	toMAC      *capgen.MAC
	hops       int // -1: the implementation's
	ipid       int // -1: the next one
	times      int // 0: the verb's
	every      time.Duration
	overwrite  bool
	lost       bool
	compressed bool
	cut        int // -1: whole
	patches    []patch
	label      string
	of         string
}

type patch struct {
	at   int
	with []byte
}

// Groups of options that verbs take.
var (
	optSend  = []string{"from", "to", "source", "mac", "to-mac", "hops", "ip-id", "port", "dst-port", "lost", "cut", "patch"}
	optNBNS  = append(slices.Clone(optSend), "trn", "flags", "scope", "rd", "no-rd", "ra", "no-ra", "compressed")
	optAsk   = append(slices.Clone(optNBNS), "times", "every", "as", "opcode")
	optClaim = append(slices.Clone(optAsk), "group", "ttl", "address", "node", "nb-flags", "overwrite")
	optReply = append(slices.Clone(optNBNS), "of", "ttl", "address", "group", "node", "nb-flags", "opcode")
)

func (b *builder) options(w *words, allowed []string) *options {
	o := &options{opcode: -1, ttl: -1, node: -1, nbFlags: -1, flags: -1, trn: -1, hops: -1, ipid: -1, cut: -1}
	for w.more() {
		key := w.next("an option")
		if !slices.Contains(allowed, key) {
			w.wrong("unknown option %q: %s", key, strings.Join(allowed, ", "))
			return o
		}
		switch key {
		case "from":
			o.from, o.hasFrom = b.net.endpoint(w, "the sender", nil), true
		case "to":
			var from *endpoint
			if o.hasFrom {
				from = &o.from
			}
			o.to, o.hasTo = b.net.endpoint(w, "the receiver", from), true
		case "opcode":
			o.opcode = int(w.number("the opcode", 15))
		case "group":
			o.group = true
		case "ttl":
			o.ttl = int64(w.number("the TTL", 0xFFFFFFFF))
		case "address":
			for first := true; first || w.isAddress(); first = false {
				o.addrs = append(o.addrs, w.address("an address"))
				if w.fault != nil {
					return o
				}
			}
		case "node":
			o.node = int(w.node())
		case "nb-flags":
			o.nbFlags = int(w.number("NB_FLAGS", 0xFFFF))
		case "scope":
			o.scope, o.hasScope = w.next("the scope"), true
			if o.scope == "none" {
				o.scope = ""
			}
		case "rd":
			o.rd = 1
		case "no-rd":
			o.rd = -1
		case "ra":
			o.ra = 1
		case "no-ra":
			o.ra = -1
		case "flags":
			o.flags = int(w.number("the flags word", 0xFFFF))
		case "trn":
			o.trn = int(w.number("the transaction id", 0xFFFF))
		case "port":
			o.port = uint16(w.number("the port", 0xFFFF))
		case "dst-port":
			o.dstPort = uint16(w.number("the port", 0xFFFF))
		case "source":
			o.source = w.address("the IP source")
		case "mac":
			m := w.mac()
			o.mac = &m
		case "to-mac":
			m := w.mac()
			o.toMAC = &m
		case "hops":
			o.hops = int(w.number("the IP TTL", 255))
		case "ip-id":
			o.ipid = int(w.number("the IP identification", 0xFFFF))
		case "times":
			o.times = int(w.number("how often", 1000))
		case "every":
			o.every = w.duration("the interval")
		case "overwrite":
			o.overwrite = true
		case "lost":
			o.lost = true
		case "compressed":
			o.compressed = true
		case "cut":
			o.cut = int(w.number("the length", 65535))
		case "patch":
			o.patches = append(o.patches, patch{int(w.number("the offset", 65535)), w.hex("the bytes")})
		case "as":
			o.label = w.next("the label")
		case "of":
			o.of = w.next("the label")
		}
	}
	return o
}

func (w *words) node() nbns.NodeType {
	t := w.next("the node type")
	i := strings.Index("BPMH", t)
	if w.fault == nil && (len(t) != 1 || i < 0) {
		w.wrong("a node type is B, P, M or H, not %q", t)
		return 0
	}
	return nbns.NodeType(max(i, 0))
}

func (w *words) mac() capgen.MAC {
	b := w.hex("the MAC address")
	if w.fault == nil && len(b) != 6 {
		w.wrong("a MAC address has six bytes")
	}
	if w.fault != nil {
		return capgen.MAC{}
	}
	return capgen.MAC(b)
}
