//go:build unix && !linux

package main

import (
	"fmt"
	"syscall"
)

// apply takes the identity of the user to become; there is no Landlock here.
func (c *confinement) apply() (string, error) {
	if u := c.user; u != nil {
		if err := syscall.Setgroups(u.groups); err != nil {
			return "", fmt.Errorf("cannot take the groups of %s: %w", u.name, err)
		}
		if err := syscall.Setgid(u.gid); err != nil {
			return "", fmt.Errorf("cannot take the group of %s: %w", u.name, err)
		}
		if err := syscall.Setuid(u.uid); err != nil {
			return "", fmt.Errorf("cannot become %s: %w", u.name, err)
		}
	}
	return "files are protected by the user's rights alone", nil
}

// setcapLine is empty where there are no capabilities.
func setcapLine() string { return "" }
