package analyze

import "testing"

func TestNameAt(t *testing.T) {
	n := Name{State: "released", From: 100, Until: 200}
	for _, c := range []struct {
		at    int64
		ok    bool
		state string
	}{{99, false, ""}, {100, true, "active"}, {199, true, "active"}, {200, false, ""}} {
		was, ok := n.At(c.at)
		if ok != c.ok || was.State != c.state {
			t.Errorf("At(%d) = %q, %v, want %q, %v", c.at, was.State, ok, c.state, c.ok)
		}
	}
	open := Name{State: "conflict", From: 100}
	if was, ok := open.At(1 << 40); !ok || was.State != "conflict" {
		t.Errorf("a period that lasts: %q, %v", was.State, ok)
	}
}
