package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/report"
	"nbtrace/captures"
	"nbtrace/captures/live"
)

func effectiveUser() int { return os.Geteuid() }

// frames is what a session reads: a live.Capture.
type frames interface {
	Next(*captures.Frame) error
	Steady() int64
	Now() int64
	Promise() int64
	Stats() []live.Stats
	Stop()
	Close()
}

// session is one run of sniff. All of it belongs to the goroutine of run but
// the flags that the goroutine of signals sets, and the snapshot that metrics
// are served from.
type session struct {
	app     *app
	plan    *plan
	capture frames
	engine  *analyze.Engine
	doc     *report.Document // of the findings that have not been printed yet
	rises   []report.Rise    // of those that have been, not printed yet either
	live    *report.Live
	out     *stream
	whole   *output // of the formats that are written at the end
	store   *store
	proof   *evidence
	infos   []captures.Info // of the devices
	stamps  stamps

	kinds     [exchange.WaitAcknowledgement + 1]int64
	outcomes  map[outcomeKey]int64
	byRule    map[ruleKey]int64
	all       []*analyze.Finding // reported so far, updated by the engine
	counts    []int              // their Count when evidence was taken last
	bulk      bool               // the frame at hand holds nothing but queries and answers
	status    *statusLine
	snapshot  *snapshot
	server    *metricsServer
	started   time.Time
	startWall int64 // ns, wall clock at started
	step      int64 // ns, that the wall clock has run away from the monotonic one
	steps     int64
	lag       time.Duration
	ticked    time.Time
	statsAt   time.Time
	evidAt    time.Time
	rateAt    time.Time
	rateFrom  int64
	rate      float64
	stopping  bool
	dropped   int64
	away      map[string]bool // devices that were not there at the end

	stop, showCounters, reopen atomic.Bool
	signals                    chan os.Signal
	signalsDone                chan struct{}
}

type outcomeKey struct {
	kind    exchange.Kind
	outcome exchange.Outcome
}

type ruleKey struct {
	rule     string
	severity analyze.Severity
}

const (
	tickFrames    = 512 // frames between two looks at the clock under load
	flushEvery    = time.Second
	evidenceEvery = 5 * time.Second
	stepNoticed   = time.Second // a jump of the wall clock that is told
)

func newSession(a *app, p *plan) (*session, error) {
	s := &session{app: a, plan: p, outcomes: map[outcomeKey]int64{}, byRule: map[ruleKey]int64{}, snapshot: &snapshot{}, away: map[string]bool{}}
	for _, d := range p.devices {
		s.infos = append(s.infos, captures.Info{Name: d, Format: "live"})
	}
	if p.store != nil {
		p.store.device = s.device
		s.store = newStore(*p.store)
	}
	if p.flags.evidence != "" {
		s.proof = newEvidence(p.flags.evidence, p.flags.snapLen, p.flags.memory<<20, s.device)
	}
	return s, nil
}

func (s *session) device(i int) string {
	if i < 0 || i >= len(s.plan.devices) {
		return ""
	}
	return s.plan.devices[i]
}

// note is told what happens to devices.
func (s *session) note(device, text string) {
	s.status.clear()
	s.app.warnf("%s: %s", device, text)
}

// begin opens the outputs and makes the engine.
func (s *session) begin() error {
	a, p := s.app, s.plan
	text, err := a.textOptions(p.flags.color, p.flags.output, p.flags.ladder)
	if err != nil {
		return err
	}
	s.doc = &report.Document{Version: versionNumber(), Files: p.devices, Rules: rulesBySlug(), Result: &analyze.Result{}}
	now := time.Now()
	if s.store != nil {
		if err := s.store.begin(now.UnixNano()); err != nil {
			return err
		}
	}
	if s.proof != nil {
		if err := s.proof.begin(); err != nil {
			return err
		}
	}
	s.live = report.NewLive(s.doc, text)
	switch p.format {
	case "text", "ndjson":
		if s.out, err = newStream(a.stdout, p.flags.output); err != nil {
			return err
		}
	default:
		if s.whole, err = a.openOutput(p.flags.output, nil); err != nil {
			return err
		}
	}
	if p.flags.output == "-" && isTerminal(a.stdout) && isTerminal(a.stderr) && !a.quiet {
		s.status = &statusLine{w: a.stderr}
	}
	s.engine = analyze.New(analyze.Options{Rules: p.rules, Mappings: p.mappings, Limits: p.flags.limits}, analyze.Sink{
		Message: s.message, Exchange: s.exchange, Finding: s.finding, Stronger: s.stronger})
	s.started, s.startWall = now, now.UnixNano()
	s.ticked, s.statsAt, s.evidAt, s.rateAt = now, now, now, now
	s.publish(now, s.engine.Counts(), s.capture.Stats())
	s.watchSignals()
	return nil
}

func (s *session) abort() {
	s.endSignals()
	if s.whole != nil {
		s.whole.abort()
	}
}

func (s *session) message(m *analyze.Message) {
	s.kinds[m.Kind]++
	switch m.Kind {
	case exchange.QueryRequest, exchange.QueryResponsePositive, exchange.QueryResponseNegative, exchange.StatusRequest, exchange.StatusResponse:
	default:
		s.bulk = false
	}
}

func (s *session) exchange(x *exchange.Exchange) { s.outcomes[outcomeKey{x.Kind, x.Outcome}]++ }

// finding keeps what the engine found. The engine goes on to update it: its
// count and evidence at the end are those of all occurrences.
func (s *session) finding(f *analyze.Finding) {
	s.byRule[ruleKey{f.Rule, f.Severity}]++
	if len(s.plan.reported([]*analyze.Finding{f})) == 0 {
		return
	}
	s.all = append(s.all, f)
	s.counts = append(s.counts, -1)
	s.doc.Findings = append(s.doc.Findings, f)
}

// stronger keeps a finding whose verdict has risen. One that has not been
// printed yet will be as it is then. It may have risen twice since; what counts
// is what was printed. Only a finding that is reported is looked for again: its
// machine may have gained an address since, by which the baseline knows it.
func (s *session) stronger(f *analyze.Finding, was analyze.Verdict) {
	if slices.Contains(s.doc.Findings, f) || !slices.Contains(s.all, f) ||
		slices.ContainsFunc(s.rises, func(r report.Rise) bool { return r.Finding == f }) {
		return
	}
	s.rises = append(s.rises, report.Rise{Finding: f, Was: was})
}

// run feeds the engine until the capture has ended.
func (s *session) run() error {
	var f captures.Frame
	for n := 1; ; n++ {
		err := s.capture.Next(&f)
		switch {
		case err == nil:
			if err := s.frame(&f); err != nil {
				return err
			}
			if n%tickFrames != 0 {
				continue
			}
		case errors.Is(err, live.ErrIdle):
			s.engine.Heartbeat(s.capture.Promise())
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
		if err := s.tick(); err != nil {
			return err
		}
	}
}

// frame keeps a frame and judges it. What is kept has the time that the frame
// carries. The engine, whose clock stands still while times are older, gets one
// that goes on when the system's clock is set back.
func (s *session) frame(f *captures.Frame) error {
	at := s.capture.Steady()
	s.stamps.note(at, f.Time)
	info := &s.infos[f.Interface]
	if info.Packets == 0 || f.Time < info.First {
		info.First = f.Time
	}
	info.Last = max(info.Last, f.Time)
	info.Packets++
	info.Bytes += int64(len(f.Data))
	if !slices.Contains(info.LinkTypes, f.Link) {
		info.LinkTypes = append(info.LinkTypes, f.Link)
	}
	if s.store != nil {
		begun := len(s.store.files)
		if err := s.store.add(f, at); err != nil {
			return err
		}
		if len(s.store.files) != begun || len(s.doc.Files) != begun {
			s.doc.Files = s.store.names()
		}
	}
	before := s.engine.Counts().Messages
	s.bulk = true
	stamp := f.Time
	f.Time = at
	s.engine.Feed(f)
	f.Time = stamp
	if s.proof != nil {
		messages := s.engine.Counts().Messages
		s.proof.recent.add(f, at, s.bulk && messages > before)
	}
	if c := s.plan.flags.messages; c > 0 && s.engine.Counts().Messages >= c {
		s.halt()
	}
	if n := s.plan.stopFiles; n > 0 && len(s.store.files) > n {
		s.halt()
	}
	return s.print()
}

// halt ends the capture with what has arrived so far.
func (s *session) halt() {
	if s.stopping {
		return
	}
	s.stopping = true
	for _, d := range s.capture.Stats() {
		if !d.Present {
			s.away[d.Device] = true
		}
	}
	s.capture.Stop()
}

// print prints the findings that have come up since the last time, and again
// those that have become stronger.
func (s *session) print() error {
	if len(s.doc.Findings) == 0 && len(s.rises) == 0 {
		return nil
	}
	if s.proof != nil {
		changed := slices.Clone(s.doc.Findings)
		for _, r := range s.rises {
			changed = append(changed, r.Finding)
		}
		if err := s.proof.take(changed); err != nil {
			return err
		}
	}
	if s.out != nil {
		s.status.clear()
		s.order()
		s.doc.Findings = s.stamps.findings(s.doc.Findings)
		for i := range s.rises {
			r := &s.rises[i]
			r.Finding = s.stamps.finding(r.Finding)
		}
		findings, rises := s.live.WriteText, s.live.WriteTextRises
		if s.plan.format == "ndjson" {
			findings, rises = s.live.WriteLines, s.live.WriteLineRises
		}
		if err := findings(s.out); err != nil {
			return err
		}
		if err := rises(s.out, s.rises); err != nil {
			return err
		}
	}
	s.doc.Findings, s.rises = nil, nil
	return nil
}

// order puts findings that came at once in the order of a report.
func (s *session) order() {
	slices.SortStableFunc(s.doc.Findings, func(a, b *analyze.Finding) int { return int(b.Severity) - int(a.Severity) })
}

// tick does what is due by the clock: it is called when nothing is to be read,
// and now and then under load.
func (s *session) tick() error {
	now := time.Now()
	if s.stop.Load() {
		s.halt()
	}
	if s.plan.stopAfter > 0 && now.Sub(s.started) >= s.plan.stopAfter {
		s.halt()
	}
	if err := s.print(); err != nil {
		return err
	}
	s.watchClock(now)
	if clock := s.engine.Clock(); clock != 0 {
		s.lag = max(0, time.Duration(s.capture.Now()-clock))
	}
	if s.showCounters.Swap(false) {
		s.status.clear()
		s.tellCounters()
	}
	if s.reopen.Swap(false) {
		if err := s.reopenOutputs(now.UnixNano()); err != nil {
			return err
		}
	}
	if now.Sub(s.ticked) >= flushEvery {
		s.ticked = now
		if err := s.everySecond(now); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) everySecond(now time.Time) error {
	if s.store != nil {
		if err := s.store.flush(); err != nil {
			return err
		}
	}
	if s.proof != nil && now.Sub(s.evidAt) >= evidenceEvery {
		s.evidAt = now
		var changed []*analyze.Finding
		for i, f := range s.all {
			if f.Count != s.counts[i] {
				s.counts[i] = f.Count
				changed = append(changed, f)
			}
		}
		if err := s.proof.take(changed); err != nil {
			return err
		}
	}
	c := s.engine.Counts()
	s.rate = float64(c.Messages-s.rateFrom) / max(now.Sub(s.rateAt).Seconds(), 0.001)
	s.rateAt, s.rateFrom = now, c.Messages
	stats := s.capture.Stats()
	dropped := s.drops(stats)
	if dropped > s.dropped {
		s.status.clear()
		s.app.warnf("the kernel dropped %d packets; a larger buffer (-B) or a narrower filter (-f) may help", dropped-s.dropped)
		s.dropped = dropped
	}
	if s.plan.flags.stats > 0 && now.Sub(s.statsAt) >= s.plan.flags.stats {
		s.statsAt = now
		s.status.clear()
		s.tellCounters()
	}
	s.publish(now, c, stats)
	s.status.show(fmt.Sprintf("%d messages, %d names, %d findings, %d dropped, %.0f messages/s", c.Messages, c.Names, len(s.all), dropped, s.rate))
	return nil
}

// drops is how many packets the kernel has dropped. The engine is told if there
// are more than were known.
func (s *session) drops(stats []live.Stats) int64 {
	var dropped int64
	for _, d := range stats {
		dropped += d.Dropped
	}
	if dropped > s.dropped {
		s.engine.Missed()
	}
	return dropped
}

// watchClock notices that the system's clock was set.
func (s *session) watchClock(now time.Time) {
	step := now.UnixNano() - s.startWall - int64(now.Sub(s.started))
	if d := time.Duration(step - s.step); d > stepNoticed || d < -stepNoticed {
		s.steps++
		s.status.clear()
		text := fmt.Sprintf("the system's clock was set by %s; times before and after do not compare", d.Round(time.Millisecond))
		if d < 0 {
			text += ", findings do not wait"
			if s.store != nil {
				text += "; in the file, analyze will take packets for late until their times have caught up"
			}
		}
		s.app.warnf("%s", text)
		s.step = step
	}
}

// tellCounters prints the counters on standard error.
func (s *session) tellCounters() {
	c := s.engine.Counts()
	s.app.errorf("%d messages (%d malformed, %d seen twice), %d exchanges, %d names, %d hosts, %d findings, %d entries evicted",
		c.Messages, c.Malformed, c.Duplicates, c.Exchanges, c.Names, c.Hosts, len(s.all), c.Evicted)
	for _, d := range s.capture.Stats() {
		s.app.errorf("%s", d)
	}
}

// reopenOutputs opens the files anew that were moved away.
func (s *session) reopenOutputs(now int64) error {
	s.status.clear()
	s.app.notef("opening the output files anew")
	if s.out != nil {
		if err := s.out.reopen(); err != nil {
			return err
		}
	}
	if s.store != nil {
		if err := s.store.reopen(now); err != nil {
			return err
		}
	}
	if s.proof != nil {
		return s.proof.reopen()
	}
	return nil
}

// end judges what is open, prints the rest, and writes the summary.
func (s *session) end() error {
	a, p := s.app, s.plan
	stats := s.capture.Stats()
	s.drops(stats)
	result := s.engine.Finish()
	s.status.clear()
	s.status = nil
	if err := s.print(); err != nil {
		return err
	}
	s.stamps.result(result)
	for i, d := range stats {
		info := &s.infos[i]
		switch {
		case s.away[d.Device]:
			info.Err = fmt.Errorf("%s was away when the capture ended", d.Device)
			a.errorf("%s", info.Err)
			a.fail(exitRead)
		case d.Dropped > 0:
			info.Err = fmt.Errorf("the kernel dropped %d packets", d.Dropped)
		default:
			info.Complete = true
		}
	}
	reported := p.reported(result.Findings)
	all := *s.doc
	all.Inputs, all.Result, all.Findings = s.infos, result, reported
	var err error
	switch p.format {
	case "text":
		err = s.live.WriteSummary(s.out, &all)
	case "ndjson":
		none := all
		none.Findings = nil
		err = none.WriteNDJSON(s.out)
	default:
		err = writeDocument(s.whole, &all, p.format)
	}
	if err == nil && s.out != nil {
		err = s.out.close()
	}
	if err == nil && s.whole != nil {
		err = s.whole.commit()
	}
	if err != nil {
		return err
	}
	if err := s.keepPackets(reported); err != nil {
		return err
	}
	s.tellEnd(result, stats)
	return a.judge(p.settings, nil, result.Findings)
}

// keepPackets ends the files with packets.
func (s *session) keepPackets(findings []*analyze.Finding) error {
	if s.store != nil {
		if err := s.store.end(); err != nil {
			return err
		}
		if err := s.store.comment(roles(findings)); err != nil {
			s.app.warnf("%s", err)
		}
	}
	if s.proof != nil {
		if err := s.proof.close(findings); err != nil {
			return err
		}
		if n := len(s.proof.missing); n > 0 {
			s.app.warnf("%d packets of evidence were too old to be in memory; see --evidence-memory", n)
		}
	}
	return nil
}

func (s *session) tellEnd(result *analyze.Result, stats []live.Stats) {
	c := &result.Summary
	s.app.warnf("%d messages, %d exchanges, %d names, %d hosts, %d findings, %d entries evicted", c.Messages, c.Exchanges, c.Names, c.Hosts, len(result.Findings), c.Evicted)
	for _, d := range stats {
		s.app.warnf("%s", d)
	}
	s.app.tellUnread(&result.Wire)
}

// watchSignals ends the capture at the first Ctrl-C and leaves the second to
// the system, which ends the process at once.
func (s *session) watchSignals() {
	s.signals, s.signalsDone = make(chan os.Signal, 8), make(chan struct{})
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM, signalCounters, signalReopen)
	go func() {
		defer close(s.signalsDone)
		for sig := range s.signals {
			switch sig {
			case signalCounters:
				s.showCounters.Store(true)
			case signalReopen:
				s.reopen.Store(true)
			default:
				signal.Reset(os.Interrupt, syscall.SIGTERM)
				s.stop.Store(true)
			}
		}
	}()
}

func (s *session) endSignals() {
	if s.signals == nil {
		return
	}
	signal.Stop(s.signals)
	close(s.signals)
	<-s.signalsDone
	s.signals = nil
}

// stream is where findings are written as they come: each write goes out at
// once.
type stream struct {
	w    io.Writer
	path string // "-": standard output
	f    *os.File
}

func newStream(stdout io.Writer, path string) (*stream, error) {
	if path == "-" {
		return &stream{w: stdout, path: path}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("cannot write output: %w", err)
	}
	return &stream{w: f, path: path, f: f}, nil
}

func (o *stream) Write(p []byte) (int, error) { return o.w.Write(p) }

// reopen goes on at the end of the file that has the name now.
func (o *stream) reopen() error {
	if o.f == nil {
		return nil
	}
	f, err := os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("cannot write output: %w", err)
	}
	if err := o.f.Close(); err != nil {
		f.Close()
		return fmt.Errorf("cannot write output: %w", err)
	}
	o.w, o.f = f, f
	return nil
}

func (o *stream) close() error {
	if o.f == nil {
		return nil
	}
	if err := o.f.Close(); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(o.path), err)
	}
	return nil
}

// statusLine is the last line of a terminal, written over and over. The nil
// status line shows nothing.
type statusLine struct {
	w     io.Writer
	shown bool
	buf   bytes.Buffer
}

func (l *statusLine) show(text string) {
	if l == nil {
		return
	}
	l.buf.Reset()
	if width := terminalWidth(l.w); width > 0 && len(text) >= width {
		text = text[:width-1]
	}
	fmt.Fprintf(&l.buf, "\r%s\x1b[K", text)
	l.w.Write(l.buf.Bytes())
	l.shown = true
}

func (l *statusLine) clear() {
	if l == nil || !l.shown {
		return
	}
	io.WriteString(l.w, "\r\x1b[K")
	l.shown = false
}
