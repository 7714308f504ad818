package main

import (
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressFrom is how large the inputs must be, in bytes, for a progress bar:
// less is read before a bar could be looked at.
const progressFrom = 64 << 20

// progress shows a bar on standard error while the inputs are read, if that is
// a terminal and the inputs are large. The returned function ends it.
func (a *app) progress(total int64, read func() int64) (end func()) {
	if a.quiet || total < progressFrom || !isTerminal(a.stderr) {
		return func() {}
	}
	p := mpb.New(mpb.WithOutput(a.stderr), mpb.WithWidth(60))
	bar := p.AddBar(total, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.Percentage(), decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				bar.SetCurrent(min(read(), total-1))
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		bar.Abort(true)
		p.Wait()
	}
}
