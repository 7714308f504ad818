package winsrepl

import (
	"container/list"
	"net/netip"
)

// DefaultAssociations is how many connections a Tracker follows at once
// unless told otherwise.
const DefaultAssociations = 4096

// maxPending is how many unanswered name records requests of one direction of
// a connection are remembered. Partners send one at a time.
const maxPending = 64

// Transfer says whose records a name records response carried, and from where
// to where. The roles follow from the request, so they hold for a plain pull
// and for the reverse pull that an update notification starts, on the same
// connection or on a new one.
type Transfer struct {
	// Owner is the WINS server whose records these are; zero if the request
	// was not captured. RecordOwner goes further for a single record.
	Owner  netip.Addr
	Sender netip.Addr // the server that answered; it need not be the owner
	Puller netip.Addr // the server that asked
	Time   int64      // of the response, ns
	// MinVersion and MaxVersion are the version range asked for; Samba asks
	// with a maximum of 0 for all from the minimum on.
	MinVersion, MaxVersion uint64
	Records                []Record // m.Records of the message fed
}

// RecordOwner is the owner of record r of the transfer. Where the request is
// unknown it is the one that all members of r name, else zero.
func (t *Transfer) RecordOwner(r *Record) netip.Addr {
	if t.Owner.IsValid() || !r.Flags.Listed() || len(r.Members) == 0 {
		return t.Owner
	}
	for _, m := range r.Members[1:] {
		if m.Owner != r.Members[0].Owner {
			return netip.Addr{}
		}
	}
	return netip.AddrFrom4(r.Members[0].Owner)
}

// ends is the unordered pair of a connection's ends.
type ends struct{ low, high netip.AddrPort }

// association is what a Tracker knows of a connection: the name records
// requests of either end that wait for their response, oldest first.
type association struct {
	ends ends
	// pending[0] are requests of the lower end. The responses of a TCP
	// stream come in the order of the requests.
	pending [2][]Owner
	// lost[i] is set when a request of end i may be missing from pending.
	// Until a new association starts no response to it can be attributed.
	lost [2]bool
}

// Tracker attributes name records to their owners. It follows one message
// after another, in the order of the stream, and holds a bounded number of
// connections; the one unused for longest makes room for a new one.
type Tracker struct {
	limit   int
	byEnds  map[ends]*list.Element // of *association
	recent  list.List              // front: last used
	evicted int64
}

// NewTracker makes a Tracker for at most limit connections, or for
// DefaultAssociations if limit is not positive.
func NewTracker(limit int) *Tracker {
	if limit <= 0 {
		limit = DefaultAssociations
	}
	return &Tracker{limit: limit, byEnds: make(map[ends]*list.Element)}
}

// Evicted counts the connections that were forgotten to make room.
func (t *Tracker) Evicted() int64 { return t.evicted }

// Feed applies a message from src to dst at the given time (ns). For a name
// records response it returns the transfer and true.
func (t *Tracker) Feed(m *Message, src, dst netip.AddrPort, time int64) (Transfer, bool) {
	key, from := orient(src, dst)
	switch {
	case m.Type == StartRequest, m.Type == Stop:
		// The ports may be those of an earlier connection.
		t.forget(key)
	case m.Type != Replication:
	case m.Command == NameRecordsRequest:
		a := t.use(key)
		switch {
		case len(m.Owners) != 1, len(a.pending[from]) == maxPending:
			a.pending[from], a.lost[from] = nil, true
		case !a.lost[from]:
			a.pending[from] = append(a.pending[from], m.Owners[0])
		}
	case m.Command == NameRecordsResponse:
		tr := Transfer{Sender: src.Addr(), Puller: dst.Addr(), Time: time, Records: m.Records}
		if o, ok := t.answer(key, 1-from); ok {
			tr.Owner = netip.AddrFrom4(o.Address)
			tr.MinVersion, tr.MaxVersion = o.MinVersion, o.MaxVersion
		}
		return tr, true
	}
	return Transfer{}, false
}

// Gap tells that part of the stream from src to dst was not captured: a
// request or a response may have been in it, so that what is pending can no
// longer be matched with what comes.
func (t *Tracker) Gap(src, dst netip.AddrPort) {
	key, from := orient(src, dst)
	a := t.use(key)
	for _, i := range [...]int{from, 1 - from} {
		a.pending[i], a.lost[i] = nil, true
	}
}

// answer takes the oldest pending request of end i.
func (t *Tracker) answer(key ends, i int) (Owner, bool) {
	e := t.byEnds[key]
	if e == nil {
		return Owner{}, false
	}
	t.recent.MoveToFront(e)
	a := e.Value.(*association)
	if len(a.pending[i]) == 0 {
		return Owner{}, false
	}
	o := a.pending[i][0]
	a.pending[i] = append(a.pending[i][:0], a.pending[i][1:]...)
	return o, true
}

func (t *Tracker) use(key ends) *association {
	if e := t.byEnds[key]; e != nil {
		t.recent.MoveToFront(e)
		return e.Value.(*association)
	}
	if t.recent.Len() >= t.limit {
		t.forget(t.recent.Back().Value.(*association).ends)
		t.evicted++
	}
	a := &association{ends: key}
	t.byEnds[key] = t.recent.PushFront(a)
	return a
}

func (t *Tracker) forget(key ends) {
	if e := t.byEnds[key]; e != nil {
		t.recent.Remove(e)
		delete(t.byEnds, key)
	}
}

// orient orders the ends of a connection and says which of them src is.
func orient(src, dst netip.AddrPort) (ends, int) {
	if src.Compare(dst) <= 0 {
		return ends{src, dst}, 0
	}
	return ends{dst, src}, 1
}
