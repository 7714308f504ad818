//go:build cgo || windows

package live

import (
	"sync"
	"time"
)

// clock makes a time line that is never set back out of the system's clock,
// which is. Frames carry the system's time; in its order, those from before a
// step back would wait for the time to come again, and so would whoever judges
// by their time.
//
// A step forward is a step of the line too, since a machine that slept cannot be
// told from one whose clock was set: what it undoes of steps back apart.
type clock struct {
	read func() (wall, since int64) // the system's clock, and its monotonic one, ns

	mu    sync.Mutex
	start int64 // wall, when since was 0
	step  int64 // how far wall has run away from since
	line  line
}

// stepped is how far a clock must have run away to have been set.
const stepped = int64(time.Second)

func newClock() *clock {
	begun := time.Now()
	return &clock{start: begun.UnixNano(), read: func() (wall, since int64) {
		now := time.Now()
		return now.UnixNano(), int64(now.Sub(begun))
	}}
}

// look says what time it is, and how the line runs now.
func (c *clock) look() (line, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, since := c.read()
	step := wall - c.start - since
	if d := step - c.step; d > stepped || d < -stepped {
		c.step = step
		c.line = line{max(0, c.line.ahead-d), c.line.ahead}
	}
	return c.line, wall
}

// now is the present on the line.
func (c *clock) now() int64 {
	l, wall := c.look()
	return wall + l.ahead
}

// line says how far the time line is ahead of the system's clock, and was
// before that clock was set last, ns.
type line struct{ ahead, before int64 }

// steady is the time of a frame on the line. Its stamp is of after or before the
// last step, or of a clock that nobody sets, as Npcap's is; it is taken for that
// by which it comes nearest to the present.
func (l line) steady(stamp, wall int64) int64 {
	present := wall + l.ahead
	best := stamp + l.ahead
	for _, t := range [...]int64{stamp + l.before, stamp} {
		if away(t, present) < away(best, present) {
			best = t
		}
	}
	return best
}

func away(a, b int64) int64 { return max(a-b, b-a) }
