//go:build cgo || windows

package live

import (
	"io"
	"math"
	"sync"
	"sync/atomic"

	"nbtrace/captures"
)

// Available reports whether this build can capture.
const Available = true

// Capture reads one or several devices. Next and Close belong to one
// goroutine; the other methods may be called from any.
type Capture struct {
	cfg     Config
	devices []*device
	in      chan *batch
	clock   *clock
	stopAt  atomic.Int64 // ns, on the clock's line; 0: not asked to stop
	stopped chan struct{}
	once    sync.Once
	left    int // devices that have not ended
	given   *batch
	steady  int64 // of the frame given last
}

// Open opens all devices. One that is not up is waited for like one that
// vanished; any other failure is fatal.
func Open(cfg Config) (*Capture, error) {
	if cfg.SnapLen <= 0 {
		cfg.SnapLen = DefaultSnapLen
	}
	if cfg.Buffer <= 0 {
		cfg.Buffer = DefaultBuffer
	}
	c := &Capture{cfg: cfg, in: make(chan *batch, 2*len(cfg.Devices)), clock: newClock(), stopped: make(chan struct{}), left: len(cfg.Devices)}
	for i, name := range cfg.Devices {
		d := &device{capture: c, number: i, name: name, free: make(chan *batch, batchesKept)}
		if err := d.open(); err != nil && !isDown(err) {
			for _, o := range c.devices {
				o.close()
			}
			return nil, err
		}
		c.devices = append(c.devices, d)
	}
	for _, d := range c.devices {
		go d.run()
	}
	return c, nil
}

// Next fills f with the next frame of all devices in order of Steady; f.Interface
// is the device's place in Config.Devices, f.Number counts the frames kept of
// that device and f.Input is its place too. f.Data is valid until the next
// call. It returns ErrIdle, at the latest a quarter of a second after the last
// return, if no frame is ready, and io.EOF once all devices have ended after
// Stop.
func (c *Capture) Next(f *captures.Frame) error {
	if c.given != nil {
		c.release(c.given)
		c.given = nil
	}
	for {
		if d := c.first(); d != nil {
			b := d.queue[0]
			*f, c.steady = b.frames[b.next], b.steady[b.next]
			b.next++
			if b.next == len(b.frames) {
				d.queue[0] = nil
				d.queue = d.queue[1:]
				c.given = b
			}
			return nil
		}
		if c.left == 0 {
			return io.EOF
		}
		b := <-c.in
		c.take(b)
		if len(b.frames) == 0 {
			c.release(b)
			if c.first() == nil {
				return ErrIdle
			}
		}
	}
}

// first is the device whose frame is next, nil if none is ready: a device
// that shows nothing must have promised to have nothing older.
func (c *Capture) first() *device {
	var best *device
	for _, d := range c.devices {
		if len(d.queue) > 0 && (best == nil || d.head() < best.head()) {
			best = d
		}
	}
	if best == nil {
		return nil
	}
	for _, d := range c.devices {
		if len(d.queue) == 0 && !d.ended && d.until < best.head() {
			return nil
		}
	}
	return best
}

// take sorts a batch in with its device.
func (c *Capture) take(b *batch) {
	d := c.devices[b.device]
	if b.note != "" && c.cfg.Note != nil {
		c.cfg.Note(d.name, b.note)
	}
	d.until = b.until
	if b.last {
		d.ended = true
		c.left--
	}
	if len(b.frames) > 0 {
		d.queue = append(d.queue, b)
	}
}

// release gives an empty batch back to its device.
func (c *Capture) release(b *batch) {
	b.reset()
	select {
	case c.devices[b.device].free <- b:
	default:
	}
}

// Steady is the time, ns, of the frame that Next gave last, on a line that goes
// on when the system's clock is set back. Until that happens it is the frame's
// Time. It belongs to the goroutine that calls Next.
func (c *Capture) Steady() int64 { return c.steady }

// Now is the present, ns, on the line of Steady.
func (c *Capture) Now() int64 { return c.clock.now() }

// Promise is the time, ns, on the line of Steady up to which all frames have
// been given out, as far as can be told: nothing at or before it is to come. It
// belongs to the goroutine that calls Next.
func (c *Capture) Promise() int64 {
	const never = math.MaxInt64
	t := int64(never)
	for _, d := range c.devices {
		switch {
		case len(d.queue) > 0:
			t = min(t, d.head()-1)
		case !d.ended:
			t = min(t, d.until)
		}
	}
	if t == never {
		return 0
	}
	return t
}

// Stats are the counters of the devices, at most a second old; after Next has
// returned io.EOF they are final.
func (c *Capture) Stats() []Stats {
	s := make([]Stats, len(c.devices))
	for i, d := range c.devices {
		s[i] = d.counters.stats(d.name)
	}
	return s
}

// Stop ends the capture with this moment: frames that arrived before it are
// still given out, then Next returns io.EOF.
func (c *Capture) Stop() {
	c.once.Do(func() {
		c.stopAt.Store(c.clock.now())
		close(c.stopped)
	})
}

// Close stops the capture, drops what has not been given out, and returns when
// all devices are closed.
func (c *Capture) Close() {
	c.Stop()
	var f captures.Frame
	for c.Next(&f) != io.EOF {
	}
}

// batch is a run of frames of one device, or a word from it.
type batch struct {
	device int
	frames []captures.Frame
	steady []int64 // times of the frames on the clock's line
	next   int
	buf    []byte
	until  int64 // on the line; the device promises: nothing at or before this is to come
	note   string
	last   bool // the device has ended
}

const (
	batchBytes  = 256 << 10
	batchFrames = 1024
	batchesKept = 4
)

func (b *batch) reset() {
	*b = batch{device: b.device, frames: b.frames[:0], steady: b.steady[:0], buf: b.buf[:0]}
}

// add copies a frame, whose time on the clock's line is given; false if it does
// not fit.
func (b *batch) add(f *captures.Frame, steady int64) bool {
	if len(b.frames) > 0 && (len(b.frames) == batchFrames || len(b.buf)+len(f.Data) > cap(b.buf)) {
		return false
	}
	if len(f.Data) > cap(b.buf) {
		b.buf = make([]byte, 0, max(len(f.Data), batchBytes))
	}
	at := len(b.buf)
	b.buf = append(b.buf, f.Data...)
	g := *f
	g.Data = b.buf[at:len(b.buf):len(b.buf)]
	b.frames = append(b.frames, g)
	b.steady = append(b.steady, steady)
	return true
}

// counters are read while the device's goroutine counts.
type counters struct {
	captured, kept               atomic.Int64
	received, dropped, ifdropped atomic.Int64
	present                      atomic.Bool
}

func (c *counters) stats(name string) Stats {
	return Stats{Device: name, Captured: c.captured.Load(), Kept: c.kept.Load(), Received: c.received.Load(),
		Dropped: c.dropped.Load(), InterfaceDropped: c.ifdropped.Load(), Present: c.present.Load()}
}
