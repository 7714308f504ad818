package exchange_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/captures"
	"nbtrace/captures/corpus/scenario"
)

// stage is who is there in the scenarios below. Everything is seen by one tap.
const stage = `title: exchanges
synthetic: yes
why: a test of the tracker
source: RFC 1002
silent: noisy-name

segment net 10.1.0.0/16
wins w windows 10.1.0.5
wins n nmbd 10.1.0.6
wins s samba4 10.1.0.7
host pc windows 10.1.0.33
host old windows 10.1.0.31
host srv windows 10.1.0.20 10.1.0.21
host nm nmbd 10.1.0.40
host s4 samba4 10.1.0.50
`

// observe runs a scenario and returns the exchanges in order of begin, and
// the kinds of the messages.
func observe(t *testing.T, text string) (xs []string, kinds []string) {
	t.Helper()
	s, err := scenario.Compile("case", stage+text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := captures.NewReader("case", bytes.NewReader(s.Files[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		id   uint64
		text string
	}
	var rows []row
	e := analyze.New(analyze.Options{}, analyze.Sink{
		Exchange: func(x *exchange.Exchange) { rows = append(rows, row{x.ID, describe(x)}) },
		Message:  func(m *analyze.Message) { kinds = append(kinds, m.Kind.String()) },
	})
	var f captures.Frame
	for err = r.Next(&f); err == nil; err = r.Next(&f) {
		e.Feed(&f)
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	e.Finish()
	slices.SortFunc(rows, func(a, b row) int { return int(a.id) - int(b.id) })
	for _, r := range rows {
		xs = append(xs, r.text)
	}
	return xs, kinds
}

// describe is an exchange in one line: kind, name, who to whom, how it ended,
// and what else is not as usual.
func describe(x *exchange.Exchange) string {
	var b strings.Builder
	last := func(a fmt.Stringer) string { s := a.String(); return s[strings.LastIndexByte(s, '.'):] }
	fmt.Fprintf(&b, "%s %s %s>%s %s", x.Kind, x.Name, last(x.Initiator), last(x.Asked), x.Outcome)
	if x.RCode != 0 {
		fmt.Fprintf(&b, " %s", x.RCode)
	}
	if x.Requests != 1 {
		fmt.Fprintf(&b, " requests %d", x.Requests)
	}
	if x.WACK {
		b.WriteString(" wack")
	}
	if len(x.Challenges) > 0 {
		fmt.Fprintf(&b, " challenges %v", x.Challenges)
	}
	if x.Cause != 0 {
		fmt.Fprintf(&b, " cause %d", x.Cause)
	}
	if len(x.Answers) > 1 {
		fmt.Fprintf(&b, " answers %d", len(x.Answers))
	}
	if x.Responder.IsValid() && x.Responder != x.Asked {
		fmt.Fprintf(&b, " by %s", last(x.Responder))
	}
	return b.String()
}

func TestExchanges(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want []string
	}{
		// Retransmissions fold.
		{"retransmitted registration", "register A<20> from pc times 3\nreply ok\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.5 accepted requests 3", "query Z<20> .31>.255 unfinished"}},
		{"retransmitted by broadcast, with the overwrite demand", "register A<20> from pc to bcast\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.255 accepted requests 4", "query Z<20> .31>.255 unfinished"}},
		{"Samba 4 demands with RD set", "register A<20> from s4 to bcast\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .50>.255 accepted requests 4", "query Z<20> .31>.255 unfinished"}},
		{"nmbd retransmits after five seconds", "register A<20> from nm to n times 3\nreply ok\n+20 query Z<20> from old to bcast",
			[]string{"multihomed-registration A<20> .40>.6 accepted requests 3", "query Z<20> .31>.255 unfinished"}},
		{"a retransmission after the answer crossed it", "register A<20> from pc\nreply ok\n+0.001 retransmit\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.5 accepted requests 2", "query Z<20> .31>.255 unfinished"}},
		{"the same id ten minutes later is another exchange", "register A<20> from pc trn 77\nreply ok\n+600 register A<20> from pc trn 77\nreply act",
			[]string{"registration A<20> .33>.5 accepted", "registration A<20> .33>.5 refused ACT_ERR"}},
		{"the same id soon after the answer is another exchange too", "register A<20> from pc trn 77\nreply ok\n+1.5 register A<20> from pc trn 77\nreply act",
			[]string{"registration A<20> .33>.5 accepted", "registration A<20> .33>.5 refused ACT_ERR"}},
		{"smbtorture repeats after the WACK", "register A<20> from pc\nwack\nretransmit\n+1 reply ok",
			[]string{"registration A<20> .33>.5 accepted requests 2 wack"}},

		// WACK and challenge.
		{"challenge answered", "register A<20> from old\nreply ok\nregister A<20> from pc\nwack\nchallenge old\nanswer\nreply act",
			[]string{"registration A<20> .31>.5 accepted", "registration A<20> .33>.5 refused ACT_ERR wack challenges [3]", "challenge A<20> .5>.31 answered cause 2"}},
		{"challenge without a WACK", "register A<20> from old\nreply ok\nregister A<20> from pc\nchallenge old\nanswer\nreply act",
			[]string{"registration A<20> .31>.5 accepted", "registration A<20> .33>.5 refused ACT_ERR challenges [3]", "challenge A<20> .5>.31 answered cause 2"}},
		{"challenge in vain, nmbd's times", "register A<20> from pc to n\nwack\nchallenge old from n times 4\n+5 reply rfs\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.6 refused RFS_ERR wack challenges [2]", "challenge A<20> .6>.31 unanswered requests 4 cause 1", "query Z<20> .31>.255 unfinished"}},
		{"two addresses are challenged in turn", "register A<20> from pc to s\nwack\nchallenge srv.1 from s times 3\n+1 challenge srv.2 from s\nanswer\nreply act\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.7 refused ACT_ERR wack challenges [2 3]", "challenge A<20> .7>.20 unanswered requests 3 cause 1", "challenge A<20> .7>.21 answered cause 1", "query Z<20> .31>.255 unfinished"}},
		{"two registrations of different names wait at once",
			"register A<20> from pc as a\nregister B<20> from srv.1 as b\nwack of a\nwack of b\nquery B<20> from w to old as qb\nquery A<20> from w to s4 as qa\nanswer of qa\nanswer of qb\nreply act of a\nreply ok of b",
			[]string{"registration A<20> .33>.5 refused ACT_ERR wack challenges [4]", "multihomed-registration B<20> .20>.5 accepted wack challenges [3]",
				"challenge B<20> .5>.31 answered cause 2", "challenge A<20> .5>.50 answered cause 1"}},
		{"two registrations of one name wait at once",
			"register A<20> from srv.1 as a\nregister A<20> from srv.2 as b\nwack of a\nwack of b\nquery A<20> from w to old as qa\nquery A<20> from w to s4 as qb\nanswer of qa\nanswer of qb\nreply act of a\nreply ok of b",
			[]string{"multihomed-registration A<20> .20>.5 refused ACT_ERR wack challenges [3]", "multihomed-registration A<20> .21>.5 accepted wack challenges [4]",
				"challenge A<20> .5>.31 answered cause 1", "challenge A<20> .5>.50 answered cause 2"}},
		{"the registration that was told to wait is the one asked about",
			"register A<20> from srv.1 as a\nregister A<20> from srv.2 as b\nwack of b\nquery A<20> from w to old as q\nanswer of q\nreply act of b\nreply ok of a",
			[]string{"multihomed-registration A<20> .20>.5 accepted", "multihomed-registration A<20> .21>.5 refused ACT_ERR wack challenges [3]", "challenge A<20> .5>.31 answered cause 2"}},
		{"an ordinary query of the waiting host is none", "register A<20> from pc\nwack\nquery A<20> from pc to old\nanswer\nreply act",
			[]string{"registration A<20> .33>.5 refused ACT_ERR wack", "query A<20> .33>.31 answered"}},
		{"a query of another server is none", "register A<20> from pc to w as r\nwack\nquery A<20> from n to s4\nanswer\nreply act of r\n",
			[]string{"registration A<20> .33>.5 refused ACT_ERR wack", "query A<20> .6>.50 answered"}},
		{"patience after a WACK", "register A<20> from pc\nwack 60\n+100 reply ok",
			[]string{"registration A<20> .33>.5 accepted wack"}},
		{"no more patience", "register A<20> from pc\nwack 60\n+200 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.5 unanswered wack", "query Z<20> .31>.255 unfinished"}},

		// Answers.
		{"duplicate answer", "register A<20> from pc\nreply act\nduplicate\nduplicate",
			[]string{"registration A<20> .33>.5 refused ACT_ERR"}},
		{"two answers of one query", "query A<20> from pc to bcast\nanswer from old\nanswer from s4",
			[]string{"query A<20> .33>.255 answered answers 2 by .31"}},
		{"an answer from an address that was not asked", "query A<20> from pc to srv.1\nanswer from srv.2",
			[]string{"query A<20> .33>.20 answered by .21"}},
		{"the one that was asked counts", "query A<20> from pc to srv.1\nanswer from srv.2\ndeny from srv.1",
			[]string{"query A<20> .33>.20 answered NAM_ERR answers 2"}},
		{"an answer to port 137 whatever the request's port", "query A<20> from pc to w port 50123\nanswer 10.1.0.31 dst-port 137",
			[]string{"query A<20> .33>.5 answered"}},
		{"refresh answered with opcode 5", "refresh A<20> from pc\nreply ok", []string{"refresh A<20> .33>.5 accepted"}},
		{"refresh answered with opcode 8", "refresh A<20> from pc\nreply ok opcode 8", []string{"refresh A<20> .33>.5 accepted"}},
		{"refresh with opcode 9", "refresh A<20> from pc opcode 9\nreply act", []string{"refresh A<20> .33>.5 refused ACT_ERR"}},
		{"defended by broadcast", "register A<20> from pc to bcast times 1\nreply act from old",
			[]string{"registration A<20> .33>.255 defended ACT_ERR by .31"}},
		{"silence is consent by broadcast only", "register A<20> from pc to bcast times 1\nregister B<20> from pc\n+30 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.255 accepted", "registration B<20> .33>.5 unanswered", "query Z<20> .31>.255 unfinished"}},
		{"a late answer belongs to nobody", "register A<20> from pc\n+60 reply act\n",
			[]string{"registration A<20> .33>.5 unanswered"}},
		{"unfinished, not unanswered", "register A<20> from pc\n+3 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.5 unfinished", "query Z<20> .31>.255 unfinished"}},

		// Ids.
		{"two hosts use one id for one name", "register A<20> from nm to s trn 0x5d4e as a\nregister A<20> from s4 to s trn 0x5d4e as b\nreply ok of a\nreply act of b",
			[]string{"multihomed-registration A<20> .40>.7 accepted", "multihomed-registration A<20> .50>.7 refused ACT_ERR"}},
		{"one host uses one id for two names", "query A<20> from pc to w trn 7 as a\nquery B<20> from pc to w trn 7 as b\ndeny of b\nanswer 10.1.0.31 of a",
			[]string{"query A<20> .33>.5 answered", "query B<20> .33>.5 answered NAM_ERR"}},
		{"one id at two servers", "query A<20> from pc to w trn 7 as a\nquery A<20> from pc to n trn 7 as b\ndeny of b\nanswer 10.1.0.31 of a",
			[]string{"query A<20> .33>.5 answered", "query A<20> .33>.6 answered NAM_ERR"}},
		{"query and registration of one name with one id", "query A<20> from pc to w trn 7\nregister A<20> from pc to w trn 7\nreply act\nanswer 10.1.0.31",
			[]string{"query A<20> .33>.5 answered", "registration A<20> .33>.5 refused ACT_ERR"}},
		{"scopes part names", "query A<20> from pc to w trn 7 scope x as a\nquery A<20> from pc to w trn 7 as b\ndeny of b\nanswer 10.1.0.31 of a",
			[]string{"query A<20> .33>.5 answered", "query A<20> .33>.5 answered NAM_ERR"}},

		// Look-alikes.
		{"release of one's own name", "release A<20> from pc\nreply ok", []string{"release A<20> .33>.5 accepted"}},
		{"release for another adapter", "release A<20> from srv.1 address 10.1.0.21\nreply ok", []string{"release A<20> .20>.5 accepted"}},
		{"a server's own release, to a machine that has the name too", "register A<20> from pc\nreply ok\nrelease A<20> from w to pc\nreply ok",
			[]string{"registration A<20> .33>.5 accepted", "release A<20> .5>.33 accepted"}},
		{"release by broadcast", "release A<20> from pc to bcast\n+20 query Z<20> from old to bcast",
			[]string{"release A<20> .33>.255 accepted", "query Z<20> .31>.255 unfinished"}},
		{"release demand", "register A<20> from pc\nreply ok\ndemand A<20> from w to pc\nreply ok",
			[]string{"registration A<20> .33>.5 accepted", "release-demand A<20> .5>.33 accepted"}},
		{"release demand with another address inside", "register A<20> from pc\nreply ok\ndemand A<20> from w to pc address 10.1.0.99\nreply fmt",
			[]string{"registration A<20> .33>.5 accepted", "release-demand A<20> .5>.33 refused FMT_ERR"}},
		{"release demand in three tries", "register A<20> from pc\nreply ok\ndemand A<20> from s to pc times 3 every 1\n+20 query Z<20> from old to bcast",
			[]string{"registration A<20> .33>.5 accepted", "release-demand A<20> .7>.33 unanswered requests 3", "query Z<20> .31>.255 unfinished"}},
		{"conflict demand", "conflict A<20> from old to pc\n+20 query Z<20> from old to bcast", []string{"conflict-demand A<20> .31>.33 unanswered CFT_ERR", "query Z<20> .31>.255 unfinished"}},
		{"conflict demand in repetition", "conflict A<20> from old to pc times 3 every 0.5\n+20 query Z<20> from old to bcast", []string{"conflict-demand A<20> .31>.33 unanswered CFT_ERR requests 3", "query Z<20> .31>.255 unfinished"}},
		{"a negative response with the same code", "register A<20> from pc to bcast times 1\nreply cft from old",
			[]string{"registration A<20> .33>.255 defended CFT_ERR by .31"}},
		{"node status", "status from pc to old\nnames OLD<00>", []string{"node-status *<00> .33>.31 answered"}},
		{"node status refused by nobody", "status from pc to old times 2\n+20 query Z<20> from old to bcast",
			[]string{"node-status *<00> .33>.31 unanswered requests 2", "query Z<20> .31>.255 unfinished"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := observe(t, c.text)
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}

func TestMessageKinds(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{"register A<20> from pc\nwack\nchallenge old\nanswer\nreply act",
			"registration-request wait-acknowledgement query-request query-response-positive registration-response-negative"},
		{"register A<20> from srv.2\nreply ok", "multihomed-registration-request registration-response-positive"},
		{"register A<20> from pc to bcast", "registration-request registration-request registration-request overwrite-demand"},
		{"register A<20> from s4 to bcast", "registration-request registration-request registration-request registration-request"},
		{"register A<20> from s4 to s\nreply ok", "multihomed-registration-request registration-response-positive"},
		{"register A<00> from s4 to s group\nreply ok", "registration-request registration-response-positive"},
		{"register A<20> from pc\nreply ok no-ra", "registration-request end-node-challenge"},
		{"refresh A<20> from pc\nreply ok", "refresh-request registration-response-positive"},
		{"release A<20> from pc\nreply ok", "release-request release-response-positive"},
		{"register A<20> from pc\nreply ok\ndemand A<20> from w to pc\nreply fmt",
			"registration-request registration-response-positive release-demand release-response-negative"},
		{"conflict A<20> from old to pc", "conflict-demand"},
		{"register A<20> from pc\nreply cft", "registration-request registration-response-negative"},
		{"query A<20> from pc\ndeny", "query-request query-response-negative"},
		{"status from pc to old\nnames OLD<00>", "status-request status-response"},
	} {
		_, kinds := observe(t, c.text)
		if got := strings.Join(kinds, " "); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}
