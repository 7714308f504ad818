//go:build live && linux

package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nbtrace/analyze/wire"
	"nbtrace/captures"
	"nbtrace/captures/live"
)

const inside = "NBTRACE_LIVE_NAMESPACE"

func init() { isolate = runIsolated }

// runIsolated runs this program again inside a network namespace of its own,
// which is removed whatever happens.
func runIsolated() (code int, done bool) {
	if os.Getenv(inside) != "" {
		return 0, false
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the live tests need root, for network namespaces")
		return 1, true
	}
	ns := fmt.Sprintf("lv-%d-capture", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "ip netns add: %v %s\n", err, out)
		return 1, true
	}
	defer exec.Command("ip", "netns", "del", ns).Run()
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns}, os.Args...)...)
	cmd.Env = append(os.Environ(), inside+"="+ns)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1, true
	}
	return 0, true
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v %s", strings.Join(args, " "), err, out)
	}
}

var pairs atomic.Int64

// veth makes a pair of devices that are up and have no addresses, and returns
// a function that puts frames on the wire of the second.
func veth(t *testing.T) (watched string, send func(frames ...[]byte)) {
	n := pairs.Add(1)
	watched, far := fmt.Sprintf("lvw%d", n), fmt.Sprintf("lvs%d", n)
	pair(t, watched, far)
	t.Cleanup(func() { exec.Command("ip", "link", "del", watched).Run() })
	return watched, func(frames ...[]byte) { transmit(t, far, frames...) }
}

func pair(t *testing.T, watched, far string) {
	t.Helper()
	for _, name := range []string{"all", "default"} { // no router solicitations between the frames
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	ip(t, "link", "add", watched, "type", "veth", "peer", "name", far)
	ip(t, "link", "set", watched, "up")
	ip(t, "link", "set", far, "up")
}

func index(t *testing.T, device string) int {
	t.Helper()
	b, err := os.ReadFile("/sys/class/net/" + device + "/ifindex")
	if err != nil {
		// sysfs may be another namespace's.
		out, err := exec.Command("ip", "-o", "link", "show", device).Output()
		if err != nil {
			t.Fatal(err)
		}
		b = out
	}
	var n int
	if _, err := fmt.Sscanf(string(b), "%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func transmit(t *testing.T, device string, frames ...[]byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := unix.SockaddrLinklayer{Ifindex: index(t, device), Halen: 6}
	for _, f := range frames {
		if len(f) < 60 {
			f = append(append([]byte(nil), f...), make([]byte, 60-len(f))...)
		}
		if err := unix.Sendto(fd, f, 0, &to); err != nil {
			t.Fatalf("sending %d bytes on %s: %v", len(f), device, err)
		}
	}
}

func open(t *testing.T, cfg live.Config) *live.Capture {
	t.Helper()
	c, err := live.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const patience = 10 * time.Second

// collect reads until n frames have come, or for as long as patience lasts.
func collect(t *testing.T, c *live.Capture, n int) []captures.Frame {
	t.Helper()
	var frames []captures.Frame
	for end := time.Now().Add(patience); len(frames) < n && time.Now().Before(end); {
		var f captures.Frame
		switch err := c.Next(&f); err {
		case nil:
			f.Data = bytes.Clone(f.Data)
			frames = append(frames, f)
		case live.ErrIdle:
		default:
			t.Fatal(err)
		}
	}
	return frames
}

// rest stops the capture and reads what is left.
func rest(t *testing.T, c *live.Capture) []captures.Frame {
	t.Helper()
	c.Stop()
	var frames []captures.Frame
	for {
		var f captures.Frame
		switch err := c.Next(&f); err {
		case nil:
			f.Data = bytes.Clone(f.Data)
			frames = append(frames, f)
		case live.ErrIdle:
		case io.EOF:
			return frames
		default:
			t.Fatal(err)
		}
	}
}

func keep(f *captures.Frame) bool { return wire.Quick(f.Link, f.Data) != wire.No }

func TestDeviceShowsEveryKind(t *testing.T) {
	device, send := veth(t)
	c := open(t, live.Config{Devices: []string{device}, Keep: keep})
	var want []string
	for _, k := range kinds() {
		send(k.frames...)
		if k.use {
			for range k.frames {
				want = append(want, k.name)
			}
		}
	}
	got := append(collect(t, c, len(want)), rest(t, c)...)
	if len(got) != len(want) {
		t.Fatalf("%d frames were seen, not %d", len(got), len(want))
	}
	at := 0
	for _, k := range kinds() {
		if !k.use {
			continue
		}
		for _, f := range k.frames {
			if g := got[at]; !bytes.HasPrefix(g.Data, f) {
				t.Errorf("%s: frame %d is another one:\n% x\nnot\n% x", k.name, at+1, g.Data, f)
			} else if g.Number != int64(at+1) || g.Link != captures.LinkEthernet || g.Length != max(len(f), 60) || g.Time == 0 {
				t.Errorf("%s: %+v", k.name, g)
			}
			at++
		}
	}
	s := c.Stats()[0]
	if s.Captured != int64(len(want)) || s.Received != s.Captured || s.Dropped != 0 || s.Kept != s.Captured {
		t.Errorf("%+v", s)
	}
}

func TestTheUsersFilterReplacesTheWideOne(t *testing.T) {
	device, send := veth(t)
	c := open(t, live.Config{Devices: []string{device}, Filter: "udp port 138"})
	for _, k := range kinds() {
		send(k.frames...)
	}
	got := append(collect(t, c, 1), rest(t, c)...)
	if len(got) != 2 { // the kernel keeps a single tag out of the filter's sight
		t.Errorf("%d frames", len(got))
	}
	_, err := live.Open(live.Config{Devices: []string{device}, Filter: "udp prot 138"})
	var bad *live.FilterError
	if !errors.As(err, &bad) {
		t.Errorf("a wrong filter: %v", err)
	}
}

func TestDevicesAreMergedByTime(t *testing.T) {
	one, sendOne := veth(t)
	two, sendTwo := veth(t)
	c := open(t, live.Config{Devices: []string{one, two}, Keep: keep})
	frame := kinds()[0].frames[0]
	const n = 200
	for i := range n {
		send := sendOne
		if i*7%5 < 2 {
			send = sendTwo
		}
		f := append([]byte(nil), frame...)
		f[len(f)-1] = byte(i)
		send(f)
	}
	got := append(collect(t, c, n), rest(t, c)...)
	if len(got) != n {
		t.Fatalf("%d frames, not %d", len(got), n)
	}
	from := [2]int64{}
	for i, f := range got {
		if f.Data[len(frame)-1] != byte(i) {
			t.Fatalf("frame %d is the one sent as number %d", i, f.Data[len(frame)-1])
		}
		from[f.Interface]++
		if f.Number != from[f.Interface] || f.Input != f.Interface {
			t.Fatalf("frame %d: %+v", i, f)
		}
	}
	if from[0] == 0 || from[1] == 0 {
		t.Errorf("from the devices: %v", from)
	}
}

func TestPromiseHolds(t *testing.T) {
	one, send := veth(t)
	silent, _ := veth(t)
	c := open(t, live.Config{Devices: []string{one, silent}, Keep: keep})
	var promised int64
	frame := kinds()[0].frames[0]
	seen := 0
	var f captures.Frame
	for end := time.Now().Add(patience); seen < 50 && time.Now().Before(end); {
		send(frame)
		switch err := c.Next(&f); err {
		case nil:
			seen++
			if f.Time <= promised {
				t.Fatalf("a frame of %d after the promise of %d", f.Time, promised)
			}
		case live.ErrIdle:
			promised = c.Promise()
		default:
			t.Fatal(err)
		}
	}
	if seen < 50 || promised == 0 {
		t.Fatalf("%d frames, promised %d", seen, promised)
	}
	sent := time.Now().UnixNano()
	for end := time.Now().Add(patience); c.Promise() < sent && time.Now().Before(end); {
		if err := c.Next(&f); err != nil && err != live.ErrIdle {
			t.Fatal(err)
		}
	}
	if c.Promise() < sent {
		t.Error("the promise does not move on while nothing is sent")
	}
}

func TestDeviceThatVanishesIsPickedUpAgain(t *testing.T) {
	pair(t, "lvgone", "lvgonefar")
	var notes []string
	c := open(t, live.Config{Devices: []string{"lvgone"}, Keep: keep, Note: func(d, s string) { notes = append(notes, d+": "+s) }})
	frame := kinds()[0].frames[0]
	transmit(t, "lvgonefar", frame)
	if got := collect(t, c, 1); len(got) != 1 {
		t.Fatal("nothing was seen")
	}
	ip(t, "link", "del", "lvgone")
	wait := func(want string) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			var f captures.Frame
			if err := c.Next(&f); err != nil && err != live.ErrIdle {
				t.Fatal(err)
			}
			if len(notes) > 0 && strings.Contains(notes[len(notes)-1], want) {
				return
			}
		}
		t.Fatalf("no note %q in %q", want, notes)
	}
	wait("waiting for it to come back")
	if c.Stats()[0].Present {
		t.Error("it still counts as present")
	}
	pair(t, "lvgone", "lvgonefar")
	t.Cleanup(func() { exec.Command("ip", "link", "del", "lvgone").Run() })
	wait("there again")
	transmit(t, "lvgonefar", frame, frame)
	got := append(collect(t, c, 2), rest(t, c)...)
	if len(got) != 2 || got[1].Number != 3 {
		t.Fatalf("after its return: %+v", got)
	}
	if s := c.Stats()[0]; s.Captured != 3 || s.Received < 2 {
		t.Errorf("%+v", s)
	}
}

func TestDownDeviceIsWaitedFor(t *testing.T) {
	device, send := veth(t)
	ip(t, "link", "set", device, "down")
	noted := ""
	c := open(t, live.Config{Devices: []string{device}, Note: func(_, s string) { noted += s + "\n" }})
	var f captures.Frame
	for end := time.Now().Add(patience); noted == "" && time.Now().Before(end); {
		if err := c.Next(&f); err != live.ErrIdle {
			t.Fatal(err)
		}
	}
	if !strings.Contains(noted, "not up") {
		t.Fatalf("noted %q", noted)
	}
	ip(t, "link", "set", device, "up")
	for end := time.Now().Add(patience); !strings.Contains(noted, "again") && time.Now().Before(end); {
		if err := c.Next(&f); err != live.ErrIdle {
			t.Fatal(err)
		}
	}
	send(kinds()[0].frames[0])
	if got := collect(t, c, 1); len(got) != 1 {
		t.Error("nothing was seen once it was up")
	}
}

func TestAnyDevice(t *testing.T) {
	_, send := veth(t)
	c := open(t, live.Config{Devices: []string{"any"}, Keep: keep})
	send(kinds()[0].frames[0])
	got := collect(t, c, 1)
	if len(got) != 1 || got[0].Link != captures.LinkSLL {
		t.Errorf("%+v", got)
	}
}

func TestInterfacesAreListed(t *testing.T) {
	device, _ := veth(t)
	ip(t, "addr", "add", "192.0.2.1/24", "dev", device)
	list, err := live.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for i, x := range list {
		if x.Number != i+1 {
			t.Errorf("%+v is number %d", x, i+1)
		}
		if x.Name == device {
			found = len(x.Addresses) == 1 && x.Addresses[0].String() == "192.0.2.1/24" && x.Up
		}
	}
	if !found {
		t.Errorf("%s, up with one address, is not in %+v", device, list)
	}
	if _, err := live.Open(live.Config{Devices: []string{"lvnone"}}); err == nil {
		t.Error("a device that does not exist was opened")
	}
}
