package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

const confinedIn = "NBTRACE_TEST_CONFINED_IN"

// The helper process confines itself as sniff does and tells what it can
// still do.
func init() {
	dir := os.Getenv(confinedIn)
	if dir == "" {
		return
	}
	c := confinement{dirs: []string{dir}}
	var err error
	if c.user, err = accountFor("", "", os.Geteuid()); err == nil {
		_, err = c.apply()
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	try := func(what string, f func() error) {
		// On a thread of its own, and on the first one.
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			done <- f()
		}()
		first, second := f(), <-done
		fmt.Printf("%s: %s, %s\n", what, outcome(first), outcome(second))
	}
	open := func(path string) func() error {
		return func() error {
			f, err := os.Open(path)
			if err == nil {
				f.Close()
			}
			return err
		}
	}
	try("shadow", open("/etc/shadow"))
	try("passwd", open("/etc/passwd"))
	try("write inside", func() error {
		f, err := os.CreateTemp(dir, "x")
		if err != nil {
			return err
		}
		f.Close()
		return os.Rename(f.Name(), f.Name()+".new")
	})
	try("write outside", func() error { return os.WriteFile(filepath.Join(filepath.Dir(dir), "outside", "x"), nil, 0o600) })
	try("become root", func() error { return syscall.Setuid(0) })
	try("bind 137", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 137})
	})
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println("status:", err)
	}
	for l := range strings.Lines(string(status)) {
		if strings.HasPrefix(l, "NoNewPrivs") || strings.HasPrefix(l, "CapPrm") || strings.HasPrefix(l, "CapInh") {
			fmt.Print(l)
		}
	}
	os.Exit(0)
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "yes"
	case errors.Is(err, fs.ErrPermission):
		return "denied"
	}
	return err.Error()
}

func TestConfinedProcess(t *testing.T) {
	base, err := os.MkdirTemp("", "nbtrace-confined-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	if err := os.Chmod(base, 0o755); err != nil { // another user walks through it
		t.Fatal(err)
	}
	for _, d := range []string{"inside", "outside"} {
		if err := os.Mkdir(filepath.Join(base, d), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(base, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	abi, err := landlocksys.LandlockGetABIVersion()
	locked := err == nil && abi > 0
	root := os.Geteuid() == 0
	if !locked && !root {
		t.Skip("neither Landlock nor root: there is nothing to give up")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), confinedIn+"="+filepath.Join(base, "inside"))
	b, err := cmd.CombinedOutput()
	out := string(b)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("Landlock %v, root %v:\n%s", locked, root, out)
	want := []string{"shadow: denied, denied", "write inside: yes, yes", "become root: denied, denied", "NoNewPrivs:\t1", "CapInh:\t0000000000000000"}
	if locked {
		want = append(want, "passwd: denied, denied", "write outside: denied, denied")
	}
	if from, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil && strings.TrimSpace(string(from)) == "1024" {
		want = append(want, "bind 137: denied, denied")
	}
	if root {
		want = append(want, "CapPrm:\t0000000000002000") // CAP_NET_RAW
	} else {
		want = append(want, "CapPrm:\t0000000000000000")
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

func TestAccountFor(t *testing.T) {
	for _, c := range []struct {
		named, sudo string
		euid        int
		want        string
		fails       bool
	}{
		{"", "", 1000, "", false}, {"nobody", "", 1000, "", true}, {"", "", 0, "nobody", false}, {"", "root", 0, "root", false},
		{"root", "nobody", 0, "root", false}, {"no such user", "", 0, "", true},
	} {
		a, err := accountFor(c.named, c.sudo, c.euid)
		got := ""
		if a != nil {
			got = a.name
		}
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}
