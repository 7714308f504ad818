//go:build cgo || windows

package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/pcap"

	"nbtrace/captures"
)

// device is one network device. queue, until and ended belong to the goroutine
// that calls Capture.Next, the handle to that of run.
type device struct {
	capture *Capture
	number  int
	name    string
	link    atomic.Uint32
	handle  *pcap.Handle // nil while the device is away
	free    chan *batch
	count   int64 // frames kept
	line    line  // of the clock, when it was looked at last
	last    int64 // time of the last frame on the line

	kernel   pcap.Stats // of the handle, when measured
	measured time.Time
	counters

	queue []*batch
	until int64
	ended bool
}

// head is the time of the next frame of the queue on the clock's line.
func (d *device) head() int64 { b := d.queue[0]; return b.steady[b.next] }

// downError says that a device exists but is not up.
type downError struct{ device string }

func (e *downError) Error() string { return e.device + " is not up" }

func isDown(err error) bool {
	var down *downError
	return errors.As(err, &down)
}

// The texts of gopacket's activation errors, whose type and values are not
// exported.
const (
	activateNotUp        = "Interface Not Up"
	activateDenied       = "Permission Denied"
	activateNoPromisc    = "Cannot set as promisc"
	activateDeniedPromsc = "unknown activated error: -11"
)

// open opens the device and sets its filter.
func (d *device) open() error {
	cfg := &d.capture.cfg
	h, err := d.activate(!cfg.NoPromiscuous)
	if err != nil && err.Error() == activateNoPromisc {
		h, err = d.activate(false)
	}
	if err != nil {
		switch err.Error() {
		case activateNotUp:
			return &downError{d.name}
		case activateDenied, activateDeniedPromsc:
			return &PermissionError{d.name, err}
		}
		return fmt.Errorf("cannot capture on %s: %w", d.name, err)
	}
	link := linkOf(int(h.LinkType()))
	filter := cfg.Filter
	if filter == "" {
		filter = Wide(link)
	}
	if err := h.SetBPFFilter(filter); err != nil {
		h.Close()
		if cfg.Filter == "" {
			return fmt.Errorf("cannot set the capture filter on %s (link type %s): %w", d.name, link, err)
		}
		return &FilterError{d.name, filter, err}
	}
	d.handle = h
	d.link.Store(uint32(link))
	d.present.Store(true)
	return nil
}

// activate opens the device as the configuration says.
func (d *device) activate(promiscuous bool) (*pcap.Handle, error) {
	cfg := &d.capture.cfg
	in, err := pcap.NewInactiveHandle(d.name)
	if err != nil {
		return nil, err
	}
	defer in.CleanUp()
	if err := in.SetSnapLen(cfg.SnapLen); err != nil {
		return nil, err
	}
	if err := in.SetPromisc(promiscuous); err != nil {
		return nil, err
	}
	if err := in.SetTimeout(timeout); err != nil {
		return nil, err
	}
	if err := in.SetBufferSize(cfg.Buffer); err != nil {
		return nil, err
	}
	return in.Activate()
}

// close closes the handle and keeps what it has counted.
func (d *device) close() {
	if d.handle == nil {
		return
	}
	d.measure()
	d.handle.Close()
	d.handle = nil
	d.kernel = pcap.Stats{}
	d.present.Store(false)
}

// quietUntil is the time on the clock's line up to which a device that shows
// nothing now has nothing more to show.
func (d *device) quietUntil() int64 {
	var wall int64
	d.line, wall = d.capture.clock.look()
	return wall + d.line.ahead - int64(slack)
}

// steady is the time of the next frame on the clock's line. The clock is looked
// at only if the frame does not follow the last one closely.
func (d *device) steady(stamp int64) int64 {
	t := stamp + d.line.ahead
	if away(t, d.last) > stepped {
		var wall int64
		d.line, wall = d.capture.clock.look()
		t = d.line.steady(stamp, wall)
	}
	d.last = t
	return t
}

// measureAt measures if it is time to.
func (d *device) measureAt(now time.Time) {
	if now.Sub(d.measured) >= measureEvery {
		d.measure()
	}
}

// measure adds what the kernel has counted since the last time. Its counters
// have 32 bits and begin again with each handle.
func (d *device) measure() {
	d.measured = time.Now()
	s, err := d.handle.Stats()
	if err != nil {
		return // a device that has gone has no counters any more
	}
	d.received.Add(int64(uint32(s.PacketsReceived) - uint32(d.kernel.PacketsReceived)))
	d.dropped.Add(int64(uint32(s.PacketsDropped) - uint32(d.kernel.PacketsDropped)))
	d.ifdropped.Add(int64(uint32(s.PacketsIfDropped) - uint32(d.kernel.PacketsIfDropped)))
	d.kernel = *s
}

const (
	measureEvery = time.Second
	reopenEvery  = 500 * time.Millisecond
	drainLimit   = 5 * time.Second // for frames that arrived before Stop
)

// run reads the device until Stop, through its absences.
func (d *device) run() {
	if d.handle == nil {
		d.say(d.name + " is not up; waiting for it")
	}
	for {
		if d.handle == nil && !d.reopen() {
			break
		}
		reason := d.read()
		d.close()
		if reason == "" {
			break
		}
		d.say(reason + "; waiting for it to come back")
	}
	b := d.batch()
	b.last = true
	d.capture.in <- b
}

// say sends a word to the user.
func (d *device) say(text string) {
	b := d.batch()
	b.note = text
	b.until = d.quietUntil()
	d.capture.in <- b
}

// reopen waits for the device to come back; false if Stop came first.
func (d *device) reopen() bool {
	tick := time.NewTicker(reopenEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-d.capture.stopped:
			return false
		case <-tick.C:
		}
		err := d.open()
		if err == nil {
			d.say("it is there again")
			return true
		}
		var denied *PermissionError
		if errors.As(err, &denied) && told != err.Error() {
			told = err.Error()
			d.say(told)
			continue
		}
		b := d.batch()
		b.until = d.quietUntil()
		d.capture.in <- b
	}
}

// read reads frames until Stop, or until the device fails, and then says why.
//
// A batch is sent when it is full, when frames have moved on by a timeout since
// the last one, and when there is nothing to read; only then is the clock
// looked at.
func (d *device) read() (reason string) {
	c := d.capture
	f := captures.Frame{Input: d.number, Interface: d.number, Link: captures.LinkType(d.link.Load())}
	b := d.batch()
	var sent int64 // time of the frame at which a batch was sent last
	for {
		data, info, err := d.handle.ZeroCopyReadPacketData()
		if err != nil {
			b = d.send(b, d.quietUntil())
			if err != pcap.NextErrorTimeoutExpired {
				return d.failure(err)
			}
			d.measureAt(time.Now())
			if c.stopAt.Load() != 0 {
				return ""
			}
			continue
		}
		f.Time = info.Timestamp.UnixNano()
		at := d.steady(f.Time)
		stop := c.stopAt.Load()
		if stop != 0 && at > stop {
			d.send(b, at-1)
			return ""
		}
		d.captured.Add(1)
		f.Length, f.Data = info.Length, data
		if c.cfg.Keep == nil || c.cfg.Keep(&f) {
			d.count++
			f.Number = d.count
			d.kept.Add(1)
			if !b.add(&f, at) {
				b, sent = d.send(b, at-1), at
				b.add(&f, at)
			}
		}
		if at < sent || at-sent > int64(timeout) {
			b, sent = d.send(b, at-1), at
			d.measureAt(time.Now())
			if stop != 0 && c.clock.now()-stop > int64(drainLimit) {
				return ""
			}
		}
	}
}

// failure says why the handle cannot be read any more.
func (d *device) failure(err error) string {
	if text := d.handle.Error().Error(); text != "" {
		return text
	}
	return err.Error()
}

// send hands over a batch and its promise, and returns an empty one.
func (d *device) send(b *batch, until int64) *batch {
	b.until = until
	d.capture.in <- b
	return d.batch()
}

// batch is an empty batch of the device.
func (d *device) batch() *batch {
	select {
	case b := <-d.free:
		return b
	default:
		return &batch{device: d.number, buf: make([]byte, 0, batchBytes)}
	}
}

// Interfaces lists the devices in libpcap's order.
func Interfaces() ([]Interface, error) {
	devices, err := pcap.FindAllDevs()
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	const loopback, up, running = 1, 2, 4 // PCAP_IF_ flags
	list := make([]Interface, len(devices))
	for i, d := range devices {
		list[i] = Interface{Number: i + 1, Name: d.Name, Description: d.Description, Up: d.Flags&up != 0,
			Running: d.Flags&running != 0, Loopback: d.Flags&loopback != 0}
		for _, a := range d.Addresses {
			if p, ok := prefix(a.IP, a.Netmask); ok {
				list[i].Addresses = append(list[i].Addresses, p)
			}
		}
	}
	return list, nil
}

func prefix(ip net.IP, mask net.IPMask) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	bits, size := mask.Size()
	if size != a.BitLen() {
		bits = a.BitLen()
	}
	return netip.PrefixFrom(a, bits), true
}
