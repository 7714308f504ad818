//go:build unix

package main

import "syscall"

// The signals that a running capture answers without ending.
var (
	signalCounters = syscall.SIGUSR1
	signalReopen   = syscall.SIGHUP
)
