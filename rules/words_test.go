package rules

import (
	"net/netip"
	"testing"

	"nbtrace/analyze"
	"nbtrace/analyze/names"
)

func TestWords(t *testing.T) {
	a, b, c := netip.MustParseAddr("10.1.1.1"), netip.MustParseAddr("10.1.1.2"), netip.MustParseAddr("10.1.1.3")
	many := make([]analyze.AnsweredName, 7)
	for i := range many {
		copy(many[i].Name[:], "HOST            ")
		many[i].Name[15] = byte(i)
	}
	for _, w := range []struct{ got, want string }{
		{addrList(nil), "no address"},
		{addrList([]netip.Addr{a}), "10.1.1.1"},
		{addrList([]netip.Addr{a, b}), "10.1.1.1 and 10.1.1.2"},
		{addrList([]netip.Addr{a, b, c}), "10.1.1.1, 10.1.1.2 and 10.1.1.3"},
		{times(1), "once"},
		{times(2), "2 times"},
		{flagText(true), "group"},
		{flagText(false), "unique"},
		{duration(999_999), "1.0 ms"},
		{duration(1_500), "0.0 ms"},
		{duration(1_000_000), "1 ms"},
		{duration(999_999_999), "999 ms"},
		{duration(1_000_000_000), "1.0 s"},
		{owned(&names.Record{}), ""},
		{owned(&names.Record{Owner: a}), ", owned by 10.1.1.1"},
		{ownerText(netip.Addr{}), "an unknown server"},
		{ownerText(a), "10.1.1.1"},
		{nameList(many[:2]), "HOST<00> and HOST<01>"},
		{nameList(many[:6]), "HOST<00>, HOST<01>, HOST<02>, HOST<03>, HOST<04> and HOST<05>"},
		{nameList(many), "7 names"},
	} {
		if w.got != w.want {
			t.Errorf("%q, want %q", w.got, w.want)
		}
	}
}

func TestSelect(t *testing.T) {
	n := len(All())
	for _, c := range []struct {
		list string
		want int // rules, -1: an error
	}{
		{"", n}, {" ", n}, {"noisy-name", 1}, {"noisy-name, live-duplicate-name", 2}, {"-noisy-name", n - 1},
		{"-noisy-name,-live-duplicate-name", n - 2}, {"noisy-name,-noisy-name", 0}, {"no-such-rule", -1}, {"noisy-name,", -1},
	} {
		rs, err := Select(c.list)
		if got := len(rs); (err != nil) != (c.want < 0) || err == nil && got != c.want {
			t.Errorf("%q: %d rules, %v", c.list, got, err)
		}
	}
	if r := ByName("noisy-name"); r == nil || r.Slug != "noisy-name" {
		t.Errorf("noisy-name is %v", r)
	}
	if r := ByName("no-such-rule"); r != nil {
		t.Errorf("there is %s", r.Slug)
	}
}
