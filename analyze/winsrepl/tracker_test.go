package winsrepl

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func port(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func request(owner string, low, high uint64) *Message {
	return &Message{Type: Replication, Command: NameRecordsRequest,
		Owners: []Owner{{Address: netip.MustParseAddr(owner).As4(), MinVersion: low, MaxVersion: high}}}
}

var (
	hostA, hostB = port("10.0.0.1:1024"), port("10.0.0.2:42")
	answer       = &Message{Type: Replication, Command: NameRecordsResponse, Records: []Record{
		{Flags: 0x80, Members: addrs("\x0a\x00\x00\x63")},
		{Flags: 0x83, Members: []Member{{Owner: [4]byte{10, 0, 0, 7}}, {Owner: [4]byte{10, 0, 0, 7}}}},
		{Flags: 0x03, Members: []Member{{Owner: [4]byte{10, 0, 0, 7}}, {Owner: [4]byte{10, 0, 0, 8}}}},
		{Flags: 0x0B}}}
	start = &Message{Type: StartRequest}
	stop  = &Message{Type: Stop}
)

// step feeds a message and expects the text of the transfer, "" for none.
type step struct {
	src, dst netip.AddrPort
	m        *Message // nil: a gap
	want     string
}

func text(tr Transfer, ok bool) string {
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %v to %v, %d-%d", tr.Owner, tr.Sender, tr.Puller, tr.MinVersion, tr.MaxVersion)
	for i := range tr.Records {
		fmt.Fprintf(&b, " %v", tr.RecordOwner(&tr.Records[i]))
	}
	return b.String()
}

func TestTracker(t *testing.T) {
	const unknown = "invalid IP: 10.0.0.2 to 10.0.0.1, 0-0 invalid IP 10.0.0.7 invalid IP invalid IP"
	const nine = "10.0.0.9: 10.0.0.2 to 10.0.0.1, 1-5 10.0.0.9 10.0.0.9 10.0.0.9 10.0.0.9"
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"pull", []step{{hostA, hostB, start, ""}, {hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, answer, nine}}},
		{"request not captured", []step{{hostB, hostA, answer, unknown}}},
		{"one request answers once", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, answer, nine}, {hostB, hostA, answer, unknown}}},
		{"requests ahead of responses", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostA, hostB, request("10.0.0.8", 2, 3), ""},
			{hostB, hostA, answer, nine}, {hostB, hostA, answer, "10.0.0.8: 10.0.0.2 to 10.0.0.1, 2-3 10.0.0.8 10.0.0.8 10.0.0.8 10.0.0.8"}}},
		{"reverse pull after a push", []step{{hostA, hostB, start, ""}, {hostA, hostB, &Message{Type: Replication, Command: Update}, ""},
			{hostB, hostA, request("10.0.0.9", 1, 5), ""},
			{hostA, hostB, answer, "10.0.0.9: 10.0.0.1 to 10.0.0.2, 1-5 10.0.0.9 10.0.0.9 10.0.0.9 10.0.0.9"}}},
		{"a request does not answer its own direction", []step{{hostB, hostA, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, answer, unknown}}},
		{"ports used again", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostA, hostB, start, ""}, {hostB, hostA, answer, unknown}}},
		{"stopped", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, stop, ""}, {hostB, hostA, answer, unknown}}},
		{"other connection of the same hosts", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {port("10.0.0.2:42"), port("10.0.0.1:1025"), answer, unknown}}},
		{"gap, then a request", []step{{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, nil, ""}, {hostA, hostB, request("10.0.0.8", 1, 5), ""}, {hostB, hostA, answer, unknown}}},
		{"gap, then a new association", []step{{hostB, hostA, nil, ""}, {hostA, hostB, start, ""}, {hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, answer, nine}}},
		{"request without owner", []step{{hostA, hostB, &Message{Type: Replication, Command: NameRecordsRequest}, ""},
			{hostA, hostB, request("10.0.0.9", 1, 5), ""}, {hostB, hostA, answer, unknown}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := NewTracker(0)
			for i, s := range c.steps {
				if s.m == nil {
					tr.Gap(s.src, s.dst)
					continue
				}
				got, ok := tr.Feed(s.m, s.src, s.dst, int64(i))
				if text(got, ok) != s.want {
					t.Errorf("step %d: %q, want %q", i, text(got, ok), s.want)
				}
				if ok && got.Time != int64(i) {
					t.Errorf("step %d: time %d", i, got.Time)
				}
			}
		})
	}
}

// Connections that nobody uses make room; requests that nobody answers do not
// pile up, and their owners are not guessed.
func TestTrackerBounds(t *testing.T) {
	tr := NewTracker(3)
	for i := range 5 {
		tr.Feed(request("10.0.0.9", 1, 5), netip.AddrPortFrom(hostA.Addr(), uint16(1000+i)), hostB, 0)
		tr.Feed(request("10.0.0.9", 1, 5), netip.AddrPortFrom(hostA.Addr(), 1000), hostB, 0)
	}
	if tr.Evicted() != 2 || len(tr.byEnds) != 3 || tr.recent.Len() != 3 {
		t.Errorf("%d evicted, %d and %d kept", tr.Evicted(), len(tr.byEnds), tr.recent.Len())
	}
	for i, want := range []bool{true, false, false, true, true} {
		got, _ := tr.Feed(answer, hostB, netip.AddrPortFrom(hostA.Addr(), uint16(1000+i)), 0)
		if got.Owner.IsValid() != want {
			t.Errorf("connection %d: owner %v", i, got.Owner)
		}
	}

	tr = NewTracker(0)
	for range maxPending + 1 {
		tr.Feed(request("10.0.0.9", 1, 5), hostA, hostB, 0)
	}
	if got, _ := tr.Feed(answer, hostB, hostA, 0); got.Owner.IsValid() {
		t.Errorf("owner %v after too many requests", got.Owner)
	}
}

// In the lab captures every response has its request, every record's version
// lies in the range asked for, and each capture's records come from the
// servers that are known to own them.
func TestTrackerOnLabCaptures(t *testing.T) {
	for file, want := range map[string]string{
		"04a.messages": "10.20.9.11 from 10.20.9.11 to 10.20.9.12: 12; 10.20.9.12 from 10.20.9.12 to 10.20.9.11: 3",
		"04d.messages": "10.20.9.11 from 10.20.9.11 to 10.20.9.12: 12; 10.20.9.12 from 10.20.9.12 to 10.20.9.11: 3",
		"04e.messages": "10.20.9.11 from 10.20.9.11 to 10.20.9.12: 5; 10.20.9.12 from 10.20.9.12 to 10.20.9.11: 1",
		"04f.messages": "10.20.9.12 from 10.20.9.12 to 10.20.9.11: 1",
	} {
		if got := transfers(t, "testdata/lab/"+file); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
		}
	}
	got := transfers(t, "testdata/lab/04c.messages.gz")
	if strings.Contains(got, "invalid") || !strings.Contains(got, "from 10.20.9.71 to 10.20.9.11: ") {
		t.Errorf("04c: %s", got)
	}
}

func transfers(t *testing.T, file string) string {
	tr := NewTracker(0)
	var m Message
	var order []string
	count := map[string]int{}
	for _, c := range readMessages(t, file) {
		Decode(&m, c.payload)
		x, ok := tr.Feed(&m, c.src, c.dst, 0)
		if !ok {
			continue
		}
		for i := range x.Records {
			r := &x.Records[i]
			if r.Version < x.MinVersion || x.MaxVersion != 0 && r.Version > x.MaxVersion {
				t.Errorf("%s, frame %d: version %d, asked for %d to %d", file, c.frame, r.Version, x.MinVersion, x.MaxVersion)
			}
			key := fmt.Sprintf("%v from %v to %v", x.RecordOwner(r), x.Sender, x.Puller)
			if count[key]++; count[key] == 1 {
				order = append(order, key)
			}
		}
	}
	for i, key := range order {
		order[i] = fmt.Sprintf("%s: %d", key, count[key])
	}
	return strings.Join(order, "; ")
}
