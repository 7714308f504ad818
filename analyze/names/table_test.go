package names

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"nbtrace/analyze/nbns"
)

func numbered(i int) nbns.Name { return nbns.MakeName(fmt.Sprintf("N%d", i), 0x20) }

// TestTableForgetsTheLongestUntouched holds the table against a plain list in
// order of touch.
func TestTableForgetsTheLongestUntouched(t *testing.T) {
	const limit, known, steps = 100, 400, 50_000
	rng := rand.New(rand.NewPCG(1, 2))
	table := NewTable(limit)
	var model []string // displayed names, the longest untouched first
	ids := map[string]uint64{}
	evicted := int64(0)
	for now := range int64(steps) {
		i := rng.IntN(known)
		if rng.IntN(2) == 0 {
			i = rng.IntN(limit / 2) // some names are busy
		}
		scope := ""
		if i%7 == 0 {
			scope = "lab"
		}
		n := numbered(i)
		key := n.Display(scope)
		if at := slices.Index(model, key); at >= 0 {
			model = slices.Delete(model, at, at+1)
		} else {
			if len(model) == limit {
				delete(ids, model[0])
				model = model[1:]
				evicted++
			}
		}
		model = append(model, key)
		s := table.Touch(n, scope, now)
		if id, ok := ids[key]; ok && id != s.ID {
			t.Fatalf("step %d: %s was forgotten, and others were touched before it", now, key)
		} else if !ok {
			ids[key] = s.ID
		}
		if s.Name != n || s.Scope != scope || s.Last != now {
			t.Fatalf("step %d: got the history of %s, last touched at %d", now, s.Name.Display(s.Scope), s.Last)
		}
	}
	if table.Len() != limit || table.Evicted != evicted || evicted < steps/10 {
		t.Fatalf("%d names and %d evicted, want %d and %d", table.Len(), table.Evicted, limit, evicted)
	}
	for i := range known {
		scope := ""
		if i%7 == 0 {
			scope = "lab"
		}
		s := table.Get(numbered(i), scope)
		if _, ok := ids[numbered(i).Display(scope)]; ok != (s != nil) {
			t.Errorf("%s: known %v, want %v", numbered(i).Display(scope), s != nil, ok)
		}
	}
	all := table.All()
	if len(all) != limit || !slices.IsSortedFunc(all, func(a, b *State) int { return int(a.First - b.First) }) {
		t.Errorf("All gives %d histories, in order of appearance or not", len(all))
	}
	var since []*State
	table.Since(steps-10, func(s *State) { since = append(since, s) })
	if len(since) == 0 || slices.ContainsFunc(since, func(s *State) bool { return s.Last < steps-10 }) {
		t.Errorf("Since gives %d histories, some too old", len(since))
	}
}

// TestIndexSurvivesRemovals fills and empties the open-addressing table in
// random order.
func TestIndexSurvivesRemovals(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := newIndex()
	there := map[int]*State{}
	for step := range 100_000 {
		i := rng.IntN(3000)
		n := numbered(i)
		h := x.hash(&n)
		if got := x.get(&n, h); got != there[i] {
			t.Fatalf("step %d: got %v, want %v", step, got, there[i])
		}
		if s := there[i]; s != nil {
			x.remove(s)
			delete(there, i)
			continue
		}
		there[i] = &State{Name: n}
		x.add(there[i], h)
	}
	if x.used != len(there) || x.used < 1000 {
		t.Fatalf("%d used, want %d", x.used, len(there))
	}
}

func BenchmarkTouch(b *testing.B) {
	for _, n := range []int{1000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := NewTable(0)
			all := make([]nbns.Name, n)
			for i := range all {
				all[i] = numbered(i)
				table.Touch(all[i], "", 0)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for b.Loop() {
				table.Touch(all[rng.IntN(n)], "", 1)
			}
		})
	}
}

func BenchmarkEvict(b *testing.B) {
	const limit = 100_000
	table := NewTable(limit)
	var n nbns.Name
	i := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		for k := range 8 {
			n[k] = byte(i >> (8 * k))
		}
		table.Touch(n, "", int64(i))
	}
}

// TestAgain: whoever holds a history across its eviction gets that of its own
// name, also when the room was given to another one.
func TestAgain(t *testing.T) {
	table := NewTable(1)
	first := table.Touch(numbered(1), "lab", 1)
	id := first.ID
	if got := table.Again(first, id, numbered(1), "lab", 2); got != first || got.Last != 2 {
		t.Fatalf("a history that is there was not given back: %+v", got)
	}
	second := table.Touch(numbered(2), "", 3)
	if second != first {
		t.Fatal("the room of an evicted history was not used again")
	}
	got := table.Again(first, id, numbered(1), "lab", 4)
	if got.Name != numbered(1) || got.Scope != "lab" || got.ID == id || table.Evicted != 2 {
		t.Errorf("got the history of %s, number %d; %d evicted", got.Name.Display(got.Scope), got.ID, table.Evicted)
	}
}

// TestGetAll: it finds what Get finds.
func TestGetAll(t *testing.T) {
	table := NewTable(0)
	var all []nbns.Name
	for i := range 1000 {
		all = append(all, numbered(i))
		if i%3 > 0 {
			table.Touch(numbered(i), "", 1)
		}
	}
	got := table.GetAll(all, nil)
	for i := range all {
		want := table.Get(all[i], "")
		if (want == nil) != (i%3 == 0) {
			t.Fatalf("name %d: got %v", i, want)
		}
		if want == nil {
			continue
		}
		if len(got) == 0 || got[0] != want {
			t.Fatalf("name %d is missing", i)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		t.Errorf("%d too many", len(got))
	}
}

// TestTouchFound: what was fetched may since have become another name's, or
// that of the same name in a scope.
func TestTouchFound(t *testing.T) {
	table := NewTable(1)
	table.Touch(numbered(1), "", 1)
	found := table.Fetch(table.Seek(new(numbered(1))))
	if found == nil || table.TouchFound(found, numbered(1), "", 2) != found {
		t.Fatalf("got %v", found)
	}
	if s := table.TouchFound(found, numbered(2), "", 3); s.Name != numbered(2) {
		t.Errorf("got the history of %v", s.Name)
	}
	table.Touch(numbered(1), "", 4)
	found = table.Fetch(table.Seek(new(numbered(1))))
	table.Touch(numbered(1), "lab", 5)
	if s := table.TouchFound(found, numbered(1), "", 6); s.Scope != "" {
		t.Errorf("got the history of the name in the scope %s", s.Scope)
	}
	if s := table.TouchFound(table.Fetch(table.Seek(new(numbered(1)))), numbered(1), "lab", 7); s.Scope != "lab" {
		t.Errorf("got the history of the name without a scope")
	}
}
