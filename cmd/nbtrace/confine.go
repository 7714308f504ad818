package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// confinement is what a process gives up once its devices are open.
type confinement struct {
	user *account // nil: stay who we are
	dirs []string // the only folders in which files may be made and changed
}

// account is the user to become.
type account struct {
	name     string
	uid, gid int
	groups   []int
}

// accountFor finds the user to become: the one named, else the one who called
// sudo, else nobody. It is nil if the process has no rights to drop.
func accountFor(named, sudoUser string, euid int) (*account, error) {
	if euid != 0 {
		if named != "" {
			return nil, errors.New("-Z needs root: there are no rights to drop")
		}
		return nil, nil
	}
	name := named
	if name == "" {
		name = sudoUser
	}
	if name == "" {
		name = "nobody"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("cannot become user %q: %w", name, err)
	}
	a := &account{name: u.Username}
	if a.uid, err = strconv.Atoi(u.Uid); err == nil {
		a.gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot become user %q: %w", name, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("cannot become user %q: %w", name, err)
	}
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			a.groups = append(a.groups, n)
		}
	}
	return a, nil
}

// binaryPath is the path that setcap must name, which may not be a link.
func binaryPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
