package enginetest

import (
	"reflect"
	"testing"

	"nbtrace/analyze"
	"nbtrace/captures/capgen"
	"nbtrace/rules"
)

// TestBatches: applying a capture in batches, with memory asked for ahead,
// yields what feeding it frame by frame does, also while histories, machines
// and exchanges are given up that were asked for.
func TestBatches(t *testing.T) {
	all := frames(t, capgen.Config{Kind: capgen.KindDense, Messages: 60_000, Names: 9000, Hosts: 1500})
	for name, limits := range map[string]analyze.Limits{
		"room for all": {},
		"few names":    {Names: 4200},
		"few of all":   {Names: 4100, Addresses: 600, Open: 500, Kept: 300},
	} {
		t.Run(name, func(t *testing.T) {
			o := analyze.Options{Rules: rules.All(), Limits: limits}
			single := analyze.New(o, analyze.Sink{})
			for i := range all {
				single.Feed(&all[i])
			}
			batched := analyze.New(o, analyze.Sink{})
			var b analyze.Batch
			for i := range all {
				batched.Decoder().Decode(&b, &all[i])
				if b.Full() || i == len(all)-1 {
					batched.Apply(&b)
					b.Reset()
				}
			}
			want := single.Finish()
			if limits.Names > 0 && want.Summary.Evicted == 0 {
				t.Fatal("nothing was given up")
			}
			got := batched.Finish()
			same(t, full(want, 0, plain), full(got, 0, plain))
			if !reflect.DeepEqual(want.Names, got.Names) || !reflect.DeepEqual(want.Hosts, got.Hosts) || want.Summary != got.Summary {
				t.Error("names, hosts or counts differ")
			}
		})
	}
}
