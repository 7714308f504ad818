// Package live captures frames from network devices. It is the only package
// that reads devices, and with gopacket/pcap the only one that needs cgo;
// without cgo (or Npcap's library on Windows) it compiles to a stub whose Open
// fails with ErrUnavailable.
//
// Each device has a goroutine of its own, which copies the frames that are
// kept out of libpcap's ring. Capture.Next merges them by time. Nothing is ever
// transmitted, and no socket is bound to a port.
package live

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"nbtrace/captures"
)

// Defaults of Config, measured: libpcap's own 2 MiB lose a quarter of 300,000
// packets a second to a consumer that takes 4 µs each, and immediate delivery,
// which is never used, costs seven times the CPU time and loses packets too.
const (
	DefaultSnapLen = 262144 // bytes of a frame that are kept: all
	DefaultBuffer  = 32 << 20
)

// timeout is how long libpcap may hold a frame back to fill a block of its ring.
const timeout = 100 * time.Millisecond

// slack is how far behind the present a device that shows nothing is believed
// to be: a frame lies in an open block of libpcap's ring for as long as the
// timeout, so it must be well above that.
const slack = 4 * timeout

// Config says what to capture.
type Config struct {
	Devices       []string // as Resolve gives them
	Filter        string   // in the kernel, pcap-filter syntax; "" for Wide
	SnapLen       int      // bytes, 0 for DefaultSnapLen
	Buffer        int      // bytes of each device's ring, 0 for DefaultBuffer
	NoPromiscuous bool
	// Keep is the precise check; it runs in the goroutines of the devices. A
	// frame that it does not take is counted and dropped. nil keeps all.
	Keep func(*captures.Frame) bool
	// Note is told what happens to devices, from within Next. It may be nil.
	Note func(device, text string)
}

// Stats are the counters of one device. Received and Dropped are the kernel's:
// Received counts frames that the filter took, those that were then dropped
// among them.
type Stats struct {
	Device           string
	Captured         int64 // read from the device
	Kept             int64 // of these, taken by Config.Keep
	Received         int64
	Dropped          int64 // for want of buffer
	InterfaceDropped int64 // by the device or its driver, where known
	Present          bool  // open at the moment
}

// String is the counters as tcpdump words them.
func (s Stats) String() string {
	return fmt.Sprintf("%s: %d captured, %d received by filter, %d dropped by kernel", s.Device, s.Captured, s.Received, s.Dropped)
}

// ErrIdle is what Next returns when no frame is ready. Promise then tells how
// far the capture has come.
var ErrIdle = errors.New("no frame is ready")

// ErrUnavailable is what a build without libpcap fails with.
var ErrUnavailable = errors.New("built without libpcap: no live capture, no -f")

// PermissionError says that a device exists but the process may not open it.
type PermissionError struct {
	Device string
	Err    error
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("no permission to capture on %s: %s", e.Device, e.Err)
}

// Unwrap gives the cause.
func (e *PermissionError) Unwrap() error { return e.Err }

// FilterError says that Config.Filter is wrong for a device.
type FilterError struct {
	Device, Filter string
	Err            error
}

func (e *FilterError) Error() string {
	return fmt.Sprintf("filter %q on %s: %s", e.Filter, e.Device, e.Err)
}

// Unwrap gives the cause.
func (e *FilterError) Unwrap() error { return e.Err }

// Interface is a device that can be captured on.
type Interface struct {
	Number      int // from 1, as -i takes it
	Name        string
	Description string
	Addresses   []netip.Prefix
	Up          bool
	Running     bool
	Loopback    bool
}

// Resolve finds the name of a device given by its name or number in list.
func Resolve(list []Interface, given string) (string, error) {
	for _, i := range list {
		if i.Name == given {
			return i.Name, nil
		}
	}
	if n, err := strconv.Atoi(given); err == nil {
		for _, i := range list {
			if i.Number == n {
				return i.Name, nil
			}
		}
		return "", fmt.Errorf("there is no interface %d: they are numbered from 1 to %d", n, len(list))
	}
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	return "", fmt.Errorf("there is no interface %q; there are: %s", given, strings.Join(names, ", "))
}
