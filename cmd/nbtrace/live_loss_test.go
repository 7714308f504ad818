//go:build live && linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nbtrace/captures"
	"nbtrace/captures/bpf"
	"nbtrace/captures/capgen"
	"nbtrace/captures/live"
)

const (
	lossRate  = 200_000 // packets a second
	lossLoops = 30      // of a second each
)

// mixed writes a second of traffic, one frame in ten NBNS, and says how many
// frames the wide filter passes.
func mixed(t *testing.T, path string) (passes int64) {
	t.Helper()
	frames := func(c capgen.Config, n int) (out [][]byte) {
		var b bytes.Buffer
		if _, err := capgen.Generate(&b, c); err != nil {
			t.Fatal(err)
		}
		r, err := captures.NewReader("generated", &b)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var f captures.Frame
		for len(out) < n {
			if err := r.Next(&f); errors.Is(err, io.EOF) {
				t.Fatalf("only %d frames of %d were generated", len(out), n)
			} else if err != nil {
				t.Fatal(err)
			}
			out = append(out, bytes.Clone(f.Data))
		}
		return out
	}
	nbns := frames(capgen.Config{Kind: capgen.KindDense, Messages: lossRate/10 + 1000, Seed: 1}, lossRate/10)
	other := frames(capgen.Config{Kind: capgen.KindSparse, Bytes: 200 << 20, Seed: 2}, lossRate-lossRate/10)
	filter, err := bpf.New(live.Wide(captures.LinkEthernet))
	if err != nil {
		t.Fatal(err)
	}
	out := capgen.PcapHeader(captures.LinkEthernet)
	for i := range lossRate {
		data := nbns[i/10]
		if i%10 != 0 {
			data = other[i-i/10-1]
		}
		ok, err := filter.Match(&captures.Frame{Link: captures.LinkEthernet, Data: data, Length: len(data)})
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			passes++
		}
		out = capgen.AppendPcap(out, 1_700_000_000_000_000_000+int64(i)*5000, data, len(data))
	}
	if err := os.WriteFile(path, out, 0o644); err != nil {
		t.Fatal(err)
	}
	return passes
}

// measure is what a tool did while the traffic ran.
type measure struct {
	tool           string
	captured, lost int64
	cpu            time.Duration
}

// number finds the number before or behind some words.
func number(t *testing.T, text, pattern string) int64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %q in\n%s", pattern, text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// under runs a tool while the traffic is sent, ends it by Ctrl-C, and returns
// what it printed and how many packets tcpreplay sent.
func (l *lab) under(ready, capture string, args ...string) (text string, cpu time.Duration, sent int64) {
	l.t.Helper()
	out := &guarded{}
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.prefix + "sw"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = l.dir, out, out
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	l.t.Cleanup(func() { cmd.Process.Kill() })
	until(l.t, args[0], 30*time.Second, func() bool { return strings.Contains(out.String(), ready) })
	replay := l.in("sw", "tcpreplay", "-q", "--preload-pcap", "--pps="+strconv.Itoa(lossRate), "--loop="+strconv.Itoa(lossLoops), "-i", "lvout", capture)
	l.t.Logf("%s: %s", args[0], strings.Join(strings.Fields(regexp.MustCompile(`Rated: .*`).FindString(replay)), " "))
	cmd.Process.Signal(os.Interrupt)
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		l.t.Fatalf("%s does not end:\n%s", args[0], out)
	}
	return out.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), number(l.t, replay, `Successful packets: +(\d+)`)
}

func (l *lab) nbtrace(capture string, extra ...string) (m measure, received, sent int64) {
	l.t.Helper()
	text, cpu, sent := l.under("Ctrl-C ends it", capture, append([]string{l.binary, "sniff", "-i", "lvin", "--format", "json", "-o", "live.json"}, extra...)...)
	received = number(l.t, text, `(\d+) received by filter`)
	m = measure{"nbtrace sniff", number(l.t, text, `lvin: (\d+) captured`), number(l.t, text, `(\d+) dropped by kernel`), cpu}
	if len(extra) > 0 {
		m.tool += " " + strings.Join(extra, " ")
	}
	return m, received, sent
}

// No packet that the filter passes is lost at 200,000 packets a second, one in
// ten of them NBNS, or the loss is counted to the packet.
func TestLiveLossIsNoneOrCounted(t *testing.T) {
	l := pipeLab(t)
	capture := filepath.Join(l.dir, "mixed.pcap")
	passes := mixed(t, capture) * lossLoops
	m, received, sent := l.nbtrace(capture)
	t.Logf("%d sent, of which %d pass; %d received, %d captured, %d dropped; %s of CPU", sent, passes, received, m.captured, m.lost, m.cpu)
	if sent != lossRate*lossLoops {
		t.Fatalf("tcpreplay sent %d packets", sent)
	}
	if received != passes {
		t.Errorf("%d packets should have passed the filter, %d did", passes, received)
	}
	if m.captured+m.lost != received {
		t.Errorf("captured %d and dropped %d are not the %d received", m.captured, m.lost, received)
	}
	var doc struct {
		Summary struct{ Packets, Messages int64 }
	}
	b, err := os.ReadFile(filepath.Join(l.dir, "live.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if m.lost == 0 && doc.Summary.Messages < lossRate/10*lossLoops {
		t.Errorf("%d messages of %d were judged", doc.Summary.Messages, lossRate/10*lossLoops)
	}
}

// TestLiveBenchmark compares with tcpdump and dumpcap, and writes the table to
// the file that NBTRACE_BENCHMARK names.
func TestLiveBenchmark(t *testing.T) {
	report := os.Getenv("NBTRACE_BENCHMARK")
	if report == "" {
		t.Skip("NBTRACE_BENCHMARK names no file")
	}
	l := pipeLab(t)
	capture := filepath.Join(l.dir, "mixed.pcap")
	passes := mixed(t, capture) * lossLoops
	filter := live.Wide(captures.LinkEthernet)
	const rounds = 3
	var all [][]measure
	for range rounds {
		var round []measure
		m, _, _ := l.nbtrace(capture)
		round = append(round, m)
		m, _, _ = l.nbtrace(capture, "--write", "w.pcapng")
		round = append(round, m)
		text, cpu, _ := l.under("listening on", capture, "tcpdump", "-n", "-i", "lvin", "-B", "32768", "-w", filepath.Join(l.dir, "t.pcap"), "-Z", "root", filter)
		round = append(round, measure{"tcpdump -B 32768 -w FILE", number(t, text, `(\d+) packets captured`), number(t, text, `(\d+) packets dropped by kernel`), cpu})
		text, cpu, _ = l.under("File: ", capture, "dumpcap", "-q", "-i", "lvin", "-B", "32", "-w", filepath.Join(l.dir, "d.pcapng"), "-f", filter)
		round = append(round, measure{"dumpcap -B 32 -w FILE", number(t, text, `Packets captured: (\d+)`), number(t, text, `dropped on interface '[^']*': \d+/(\d+)`), cpu})
		all = append(all, round)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Live capture: loss and cost\n\n"+
		"Written by `make bench-live`. tcpreplay sends %d packets/s for %d s, one in ten of them NBNS, over a veth pair in a network namespace;\n"+
		"sender and receiver share %d cores. Each tool has a buffer of 32 MiB and the same filter, which passes %d of the %d packets. Median of %d rounds, tools in\n"+
		"turn. nbtrace decodes and judges meanwhile; the others only store. Compare the ratios: seconds depend on the machine.\n\n"+
		"| tool | captured | lost | CPU s | CPU, tcpdump = 1 |\n| --- | ---: | ---: | ---: | ---: |\n",
		lossRate, lossLoops, runtime.NumCPU(), passes, int64(lossRate*lossLoops), rounds)
	median := func(values []int64) int64 { slices.Sort(values); return values[len(values)/2] }
	row := func(tool int) (captured, lost, cpu int64) {
		var c, d, e []int64
		for _, r := range all {
			c, d, e = append(c, r[tool].captured), append(d, r[tool].lost), append(e, int64(r[tool].cpu))
		}
		return median(c), median(d), median(e)
	}
	_, _, base := row(2)
	for i, m := range all[0] {
		captured, lost, cpu := row(i)
		fmt.Fprintf(&b, "| `%s` | %d | %d | %.2f | %.1f |\n", m.tool, captured, lost, time.Duration(cpu).Seconds(), float64(cpu)/float64(base))
	}
	b.WriteString("\ntcpdump leaves what is still in its buffer at Ctrl-C uncounted; nbtrace and dumpcap read it.\n")
	if err := os.WriteFile(report, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log(b.String())
}
