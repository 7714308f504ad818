package captures

import (
	"errors"
	"math"
	"sync/atomic"
)

// leaving is what a reader leaves behind, has left, and how it goes about it.
type leaving struct {
	useless func(link LinkType, data []byte) bool // nil: nothing is left behind
	stop    *atomic.Bool
	left    Left

	plan    plan
	workers int
	walked  *atomic.Int32 // inputs that workers walk, of all that are read together
	segs    *segments     // nil while the reader walks alone
	look    int64         // offset at which to look whether segments help
	mark    int64         // offset since which kept counts
	kept    int64         // what the frames yielded cost
	stretch stretch       // the window's source after that
	looks   int           // records looked at for a guess
	adopted int           // segments that workers walked
}

// cost is what a frame of use counts: its bytes, and what it takes to hold it.
func cost(f *Frame) int64 { return int64(len(f.Data)) + 32 }

// Left counts frames that a source left behind.
type Left struct {
	Frames int64
	Latest int64 // time of the latest one
}

// and is what both have left behind.
func (l Left) and(o Left) Left {
	if o.Frames > 0 {
		l.add(o.Frames, o.Latest)
	}
	return l
}

func (l *Left) add(frames, latest int64) {
	if l.Frames == 0 || latest > l.Latest {
		l.Latest = latest
	}
	l.Frames += frames
}

// errStopped ends Next before the end of the capture. It is no failure of the
// input and not kept.
var errStopped = errors.New("stopped")

// LeaveBehind makes Next yield only frames that are not useless. Those left
// behind have their numbers and stand in Info, and Left counts them. The first
// frame is yielded whatever it is. useless must depend on nothing but its
// arguments, keep none of them, and be safe for concurrent use.
//
// As Next may then be long in coming back, it gives up when stop is set.
//
// A plain file from Open may be walked by several goroutines: workers is how
// many, and fewer than two are none. What Next yields does not depend on it.
// LeaveBehind must be called before the first Next.
func (r *Reader) LeaveBehind(useless func(link LinkType, data []byte) bool, stop *atomic.Bool, workers int) {
	r.leaveBehind(useless, stop, workers, new(atomic.Int32))
}

func (r *Reader) leaveBehind(useless func(link LinkType, data []byte) bool, stop *atomic.Bool, workers int, walked *atomic.Int32) {
	r.useless, r.stop, r.workers, r.walked = useless, stop, min(workers, maxWorkers), walked
	r.look = math.MaxInt64
	if r.workers > 1 && r.file != nil {
		r.plan = usualPlan
		r.look = r.plan.first
	}
}

// Left says what has been left behind so far.
func (r *Reader) Left() Left { return r.left }

// nextKept is Next where frames are left behind.
func (r *Reader) nextKept(f *Frame) error {
	if r.packets == 0 {
		return r.next(f)
	}
	for {
		if r.offset() >= r.look {
			if yielded, err := r.nextOfSegments(f); yielded || err != nil {
				return err
			}
		}
		yielded, err := r.pass(f, r.look)
		if yielded {
			r.kept += cost(f)
			return nil
		}
		if err != nil {
			r.endSegments()
			return err
		}
	}
}

// pass leaves useless frames behind. It yields the first other one, or nothing
// if the next frame begins at limit or beyond.
func (r *Reader) pass(f *Frame, limit int64) (yielded bool, err error) {
	for r.offset() < limit {
		if r.stop.Load() {
			return false, errStopped
		}
		if err := r.next(f); err != nil {
			return false, err
		}
		if !r.useless(f.Link, f.Data) {
			return true, nil
		}
		r.left.add(1, f.Time)
	}
	return false, nil
}
