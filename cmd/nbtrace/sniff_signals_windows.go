package main

import "syscall"

// Windows has neither signal; nothing sends these numbers.
var (
	signalCounters = syscall.Signal(0x1e)
	signalReopen   = syscall.SIGHUP
)
