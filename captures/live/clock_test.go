//go:build cgo || windows

package live

import (
	"errors"
	"testing"
	"time"

	"nbtrace/captures"
)

const (
	second = int64(time.Second)
	hour   = int64(time.Hour)
	epoch  = 1_700_000_000 * second // when the clocks of these tests begin
)

// setClock is a clock that tests move and set, ns.
type setClock struct {
	clock
	since, set int64
}

func newSetClock() *setClock {
	c := &setClock{}
	c.start = epoch
	c.read = func() (int64, int64) { return epoch + c.since + c.set, c.since }
	return c
}

func TestClockLine(t *testing.T) {
	for _, c := range []struct {
		name   string
		steps  []int64 // of the system's clock, in seconds
		ahead  int64
		before int64
	}{
		{"not set", []int64{0, 0}, 0, 0},
		{"slewed", []int64{0, -1, 0}, 0, 0},
		{"set back", []int64{-3600}, 3600, 0},
		{"set back by little", []int64{-2}, 2, 0},
		{"set back twice", []int64{-3600, -60}, 3660, 3600},
		{"set forward", []int64{3600}, 0, 0},
		{"set back, and forward again", []int64{-3600, 3600}, 0, 3600},
		{"set back, and forward by more", []int64{-3600, 86400}, 0, 3600},
		{"set forward, and back again", []int64{3600, -3600}, 3600, 0},
	} {
		k := newSetClock()
		last := k.now()
		for _, s := range c.steps {
			k.since += second / 4
			k.set += s * second
			k.look()
			if now := k.now(); now < last-second {
				t.Errorf("%s: the line goes back from %d to %d", c.name, last, now)
			} else {
				last = now
			}
		}
		if k.line.ahead != c.ahead*second || k.line.before != c.before*second {
			t.Errorf("%s: %+v", c.name, k.line)
		}
	}
}

// A device has frames from before a step back and from after it, mixed, however
// long it was quiet. Each is put where it belongs.
func TestFramesAroundAStepBack(t *testing.T) {
	k := newSetClock()
	d := &device{capture: &Capture{clock: &k.clock}}
	for i, f := range []struct{ since, set, want int64 }{ // in ms: when it came, by which clock it was stamped
		{0, 0, 0},
		{10, 0, 10},
		{600_000, 0, 600_000},
		{600_010, -hour, 600_010},
		{600_011, 0, 600_011}, // of another processor, which was a little late
		{600_012, -hour, 600_012},
		{3_000_000, -hour, 3_000_000},
		{9_000_000, -hour, 9_000_000},
		{9_000_001, -2 * hour, 9_000_001},
		{9_000_002, -hour, 9_000_002},
		{9_900_000, -2 * hour, 9_900_000},
	} {
		const ms = second / 1000
		k.since, k.set = f.since*ms, min(k.set, f.set)
		if got := d.steady(epoch + k.since + f.set); got != epoch+f.want*ms {
			t.Errorf("frame %d is put at %s, not %d ms", i, time.Duration(got-epoch), f.want)
		}
	}
}

// Stamps may come from a clock that nobody sets.
func TestStampsThatDoNotFollowTheClock(t *testing.T) {
	k := newSetClock()
	d := &device{capture: &Capture{clock: &k.clock}}
	for _, set := range []int64{0, -hour, -3 * hour} {
		k.set = set
		for range 5 {
			k.since += 100 * second
			d.quietUntil()
			if got := d.steady(epoch + k.since); got != epoch+k.since {
				t.Errorf("clock set by %s: put at %s, not %s", time.Duration(set), time.Duration(got-epoch), time.Duration(k.since))
			}
		}
	}
}

// A frame from before a step back does not keep the others waiting until its
// time comes again.
func TestStepBackDoesNotHoldDevicesUp(t *testing.T) {
	k := newSetClock()
	c := &Capture{clock: &k.clock, in: make(chan *batch, 16)}
	for i := range 2 {
		c.devices = append(c.devices, &device{capture: c, number: i, free: make(chan *batch, batchesKept)})
	}
	c.left = len(c.devices)
	send := func(device int, stamp int64) {
		d := c.devices[device]
		b := d.batch()
		at := d.steady(stamp)
		b.add(&captures.Frame{Interface: device, Time: stamp}, at)
		d.send(b, at)
	}
	quiet := func(device int) {
		d := c.devices[device]
		d.send(d.batch(), d.quietUntil())
	}
	k.since = 10 * second
	send(0, epoch+10*second)
	k.set = -hour
	k.since = 11 * second
	send(1, epoch+11*second-hour)
	k.since = 12 * second
	send(0, epoch+12*second-hour)
	quiet(1)
	k.since = 13 * second
	quiet(0)
	quiet(1)
	var f captures.Frame
	for i, want := range []int64{10 * second, 11 * second, 12 * second} {
		err := c.Next(&f)
		for errors.Is(err, ErrIdle) && len(c.in) > 0 {
			err = c.Next(&f)
		}
		if err != nil || c.Steady() != epoch+want {
			t.Fatalf("frame %d is at %s, %v", i, time.Duration(c.Steady()-epoch), err)
		}
		if back := i > 0; back != (f.Time == c.Steady()-hour) {
			t.Errorf("frame %d has lost its own time: %d", i, f.Time)
		}
	}
	quiet(0)
	quiet(1)
	for len(c.in) > 0 {
		if err := c.Next(&f); !errors.Is(err, ErrIdle) {
			t.Fatal(err)
		}
	}
	if got := c.Promise(); got != epoch+13*second-int64(slack) {
		t.Errorf("the promise is %s", time.Duration(got-epoch))
	}
}
