package main

import (
	"fmt"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// apply gives up, on all threads and for good: the user's identity and groups
// if there is another to take, every capability but CAP_NET_RAW, the way back
// to any of them (no_new_privs), and files outside of the folders. CAP_NET_RAW
// stays so that a device that went away can be opened when it returns; it
// opens no file. The text says what the kernel enforces.
func (c *confinement) apply() (string, error) {
	if u := c.user; u != nil {
		if err := cap.SetGroups(u.gid, u.groups...); err != nil {
			return "", fmt.Errorf("cannot take the groups of %s: %w", u.name, err)
		}
		if err := cap.SetUID(u.uid); err != nil { // keeps what is permitted
			return "", fmt.Errorf("cannot become %s: %w", u.name, err)
		}
	}
	if err := keepOnly(cap.NET_RAW); err != nil {
		return "", fmt.Errorf("cannot drop capabilities: %w", err)
	}
	if err := landlocksys.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "", fmt.Errorf("cannot set no_new_privs: %w", err)
	}
	return c.landlock()
}

// landlock confines the process to its folders, for writing, and to what
// libpcap reads of a device that returns; it may neither bind nor connect.
func (c *confinement) landlock() (string, error) {
	abi, err := landlocksys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return "the kernel has no Landlock: files are protected by the user's rights alone", nil
	}
	rules := []landlock.Rule{
		landlock.RODirs("/sys/class/net", "/sys/devices", "/proc").IgnoreIfMissing(),
		landlock.RWFiles("/dev/null").IgnoreIfMissing(),
	}
	for _, d := range c.dirs {
		rules = append(rules, landlock.RWDirs(d))
	}
	if err := landlock.V11.BestEffort().Restrict(rules...); err != nil {
		return "", fmt.Errorf("cannot confine the process with Landlock: %w", err)
	}
	return fmt.Sprintf("Landlock (ABI %d) confines the process to %q", abi, c.dirs), nil
}

// keepOnly leaves the process the one capability, if it has it.
func keepOnly(v cap.Value) error {
	has, err := cap.GetProc().GetFlag(cap.Permitted, v)
	if err != nil {
		return err
	}
	kept := cap.NewSet()
	if has {
		for _, flag := range []cap.Flag{cap.Permitted, cap.Effective} {
			if err := kept.SetFlag(flag, true, v); err != nil {
				return err
			}
		}
	}
	return kept.SetProc()
}

// setcapLine is the command that lets this binary capture without root.
func setcapLine() string {
	path := binaryPath()
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return "sudo setcap cap_net_raw,cap_net_admin=eip " + shellQuote(path)
}
