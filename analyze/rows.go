package analyze

import (
	"net/netip"

	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire"
)

// FrameRef names a frame of an input; Role says what it is to the row or the
// piece of evidence that cites it.
type FrameRef = exchange.FrameRef

// Message is a row of the messages table: one NBNS message. Packet and NBNS
// belong to the engine and are valid during the sink's call only.
type Message struct {
	Packet *wire.Packet
	NBNS   *nbns.Message
	Kind   exchange.MessageKind
}

// Name is a row of the names table: one holder of one name for one period.
type Name struct {
	Name      nbns.Name
	Scope     string
	Type      string // unique, group, special-group, multihomed
	Holder    int    // host id, 0 if unknown
	Addresses []netip.Addr
	Server    netip.Addr // zero: none (broadcast)
	State     string     // active, released, conflict, refused
	From      int64      // ns
	Until     int64      // ns; 0: to the end of the capture
	Frames    []FrameRef
}

// At is the row as it was at the time t, ns; ok is false if the period does not
// include t. What ended a period later had not happened then.
func (n *Name) At(t int64) (was Name, ok bool) {
	if t < n.From || n.Until != 0 && t >= n.Until {
		return Name{}, false
	}
	was = *n
	if n.Until != 0 && n.State != "refused" {
		was.State = "active"
	}
	return was, true
}

// Reason is a sentence with the frames that it cites by number.
type Reason struct {
	Text   string
	Frames []FrameRef
}

// Host is a row of the hosts table.
type Host struct {
	ID             int // from 1
	Addresses      []netip.Addr
	MACs           [][6]byte
	Names          []string // displayed names, FILESRV<20>
	Roles          []string // wins-server, end-node, wins-proxy, dns-server, wins-partner
	NodeType       string   // B, P, M, H or ""
	Multihomed     bool
	MultihomedWhy  []Reason
	Implementation string // samba-nmbd, samba4, windows or ""
}

// Mapping is a row of the mappings table: what a WINS server is known to hold.
type Mapping struct {
	Name      nbns.Name
	Scope     string
	Type      string // unique, group, special-group, multihomed
	Static    *bool  // nil: unknown
	Addresses []netip.Addr
	Owner     netip.Addr // zero: unknown
	Server    netip.Addr // zero: unknown
	Source    string     // replication, import:FILE, inferred
	State     string     // active, released, tombstone
	VersionID uint64     // 0: unknown
	Time      int64      // ns; 0: unknown
	Frames    []FrameRef
}

// Summary counts what a run met.
type Summary struct {
	Packets    int64 `json:"packets"`
	Messages   int64 `json:"messages"`
	Exchanges  int64 `json:"exchanges"`
	Names      int64 `json:"names"`
	Hosts      int64 `json:"hosts"`
	Malformed  int64 `json:"malformed"`
	Duplicates int64 `json:"duplicates"`
	Evicted    int64 `json:"evicted"`
}

// Sink receives the rows of a run while it goes on. What it is handed is
// valid during the call only. A nil function is not called, and spares the
// engine the work.
type Sink struct {
	Message  func(*Message)
	Exchange func(*exchange.Exchange)
	Finding  func(*Finding) // each once, when it becomes decidable
	// Stronger is told of a finding that was handed over before and whose
	// verdict has risen from was: twice at most, since there are three verdicts.
	// The severity is the rule's and does not change.
	Stronger func(f *Finding, was Verdict)
}
