package main

import (
	"os"
	"os/signal"
	"sync/atomic"
)

// onInterrupt sets stop at the first Ctrl-C, so that what was read is still
// reported and no temporary file stays behind. A second one acts as usual. The
// returned function ends the watch and reports whether there was one.
func onInterrupt(stop *atomic.Bool) (end func() bool) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	var interrupted atomic.Bool
	signal.Notify(signals, os.Interrupt)
	go func() {
		defer close(done)
		if _, ok := <-signals; ok {
			interrupted.Store(true)
			signal.Stop(signals)
			stop.Store(true)
		}
	}()
	return func() bool {
		signal.Stop(signals)
		close(signals)
		<-done
		return interrupted.Load()
	}
}
