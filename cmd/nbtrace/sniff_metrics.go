package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/captures/live"
)

// snapshot is the state of a session as metrics show it, published once a
// second.
type snapshot struct {
	mu       sync.Mutex
	at       time.Time
	counts   analyze.Summary
	kinds    [exchange.WaitAcknowledgement + 1]int64
	outcomes map[outcomeKey]int64
	findings map[ruleKey]int64
	devices  []live.Stats
	lag      time.Duration
	steps    int64
}

func (s *session) publish(now time.Time, c analyze.Summary, devices []live.Stats) {
	if s.server == nil {
		return
	}
	p := s.snapshot
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.counts, p.kinds, p.devices, p.lag, p.steps = now, c, s.kinds, devices, s.lag, s.steps
	p.outcomes, p.findings = maps.Clone(s.outcomes), maps.Clone(s.byRule)
}

// staleAfter is how long a session may be silent before it counts as stuck.
const staleAfter = 10 * time.Second

// health says what is wrong, "" if nothing is.
func (p *snapshot) health(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.at) > staleAfter {
		return fmt.Sprintf("nothing was done for %s", now.Sub(p.at).Round(time.Second))
	}
	for _, d := range p.devices {
		if !d.Present {
			return d.Device + " is away"
		}
	}
	return ""
}

// metric is a description of one family of metrics.
func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("nbtrace_"+name, help, labels, nil)
}

var (
	metricMessages   = metric("messages_total", "NBNS messages by kind.", "kind")
	metricMalformed  = metric("malformed_messages_total", "NBNS messages that could not be decoded to their end.")
	metricDuplicates = metric("duplicate_messages_total", "NBNS messages that another device had shown already.")
	metricExchanges  = metric("exchanges_total", "Settled exchanges by kind and outcome.", "kind", "outcome")
	metricFindings   = metric("findings_total", "Findings by rule and severity.", "rule", "severity")
	metricCaptured   = metric("captured_packets_total", "Packets read from a device.", "device")
	metricKept       = metric("kept_packets_total", "Packets of a device that nbtrace could use.", "device")
	metricReceived   = metric("received_packets_total", "Packets of a device that the filter took.", "device")
	metricDropped    = metric("dropped_packets_total", "Packets of a device that the kernel dropped for want of buffer.", "device")
	metricPresent    = metric("device_up", "Whether a device is open.", "device")
	metricEvicted    = metric("evictions_total", "Entries given up because a table was full.")
	metricTable      = metric("table_entries", "Entries of a table.", "table")
	metricLag        = metric("lag_seconds", "How far the engine's clock is behind the system's.")
	metricSteps      = metric("clock_steps_total", "How often the system's clock was set.")
)

// Describe names the metrics.
func (p *snapshot) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{metricMessages, metricMalformed, metricDuplicates, metricExchanges, metricFindings, metricCaptured, metricKept,
		metricReceived, metricDropped, metricPresent, metricEvicted, metricTable, metricLag, metricSteps} {
		ch <- d
	}
}

// Collect hands over the metrics.
func (p *snapshot) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for kind, n := range p.kinds {
		counter(metricMessages, n, exchange.MessageKind(kind).String())
	}
	for k, n := range p.outcomes {
		counter(metricExchanges, n, k.kind.String(), k.outcome.String())
	}
	for k, n := range p.findings {
		counter(metricFindings, n, k.rule, k.severity.String())
	}
	for _, d := range p.devices {
		counter(metricCaptured, d.Captured, d.Device)
		counter(metricKept, d.Kept, d.Device)
		counter(metricReceived, d.Received, d.Device)
		counter(metricDropped, d.Dropped, d.Device)
		present := 0.0
		if d.Present {
			present = 1
		}
		gauge(metricPresent, present, d.Device)
	}
	counter(metricMalformed, p.counts.Malformed)
	counter(metricDuplicates, p.counts.Duplicates)
	counter(metricEvicted, p.counts.Evicted)
	counter(metricSteps, p.steps)
	gauge(metricTable, float64(p.counts.Names), "names")
	gauge(metricTable, float64(p.counts.Hosts), "hosts")
	gauge(metricLag, p.lag.Seconds())
}

// metricsServer serves /metrics and /healthz.
type metricsServer struct {
	http *http.Server
	done chan error
}

// serve begins to listen. It must come before the process confines itself.
func (s *session) serve(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return usagef("--metrics: %w", err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s.snapshot, collectors.NewGoCollector())
	s.snapshot.at = time.Now()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if wrong := s.snapshot.health(time.Now()); wrong != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, wrong)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	s.server = &metricsServer{done: make(chan error, 1), http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}}
	go func() { s.server.done <- s.server.http.Serve(l) }()
	s.app.notef("metrics at http://%s/metrics", l.Addr())
	return nil
}

func (s *session) endServing() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.server.http.Shutdown(ctx); err != nil {
		s.server.http.Close()
	}
	if err := <-s.server.done; !errors.Is(err, http.ErrServerClosed) {
		s.app.warnf("--metrics: %s", err)
	}
}
