// Command bench compares nbtrace with tcpdump, tshark and the decompressors on
// generated captures and writes the table of docs/benchmarks.md.
//
// Every comparison runs the two commands in turn on the same file, so that a
// busy machine slows both; what counts is the ratio of each pair.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	nbtrace, capgen, dir string
	runs, slowRuns       int
	out                  strings.Builder
}

func main() {
	b := bench{}
	flag.StringVar(&b.nbtrace, "nbtrace", "bin/nbtrace", "the program")
	flag.StringVar(&b.capgen, "capgen", "bin/capgen", "the generator of captures")
	flag.StringVar(&b.dir, "dir", filepath.Join(os.TempDir(), "nbtrace-bench"), "folder for captures, some 20 GB; kept for the next run")
	flag.IntVar(&b.runs, "runs", 7, "paired runs of each comparison")
	flag.IntVar(&b.slowRuns, "slow-runs", 3, "paired runs of each comparison with tshark")
	out := flag.String("o", "docs/benchmarks.md", "file to write")
	flag.Parse()
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if err := os.WriteFile(*out, []byte(b.out.String()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run() error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(&b.out, "# Benchmarks\n\nWritten by `make bench` on %s; do not edit.\n\n", time.Now().UTC().Format("2006-01-02"))
	b.machine()

	sparse, err := b.generate("sparse-2g.pcap", "-kind", "sparse", "-size", "2G")
	if err != nil {
		return err
	}
	sparseNG, err := b.generate("sparse-2g.pcapng", "-kind", "sparse", "-size", "2G", "-format", "pcapng")
	if err != nil {
		return err
	}
	dense, err := b.generate("dense-5m.pcap", "-kind", "dense", "-messages", "5000000", "-names", "200000", "-hosts", "5000")
	if err != nil {
		return err
	}
	cut, err := b.generate("dense-500k.pcap", "-kind", "dense", "-messages", "500000", "-names", "200000", "-hosts", "5000")
	if err != nil {
		return err
	}

	b.line("## Against other programs\n\nWall time of the whole process, hot page cache. The ratio is nbtrace's time divided by the other's, for each pair of runs; below 1 nbtrace is faster.\n")
	b.line("| work | against | runs | nbtrace, median | other, median | ratio: min | median | max | goal | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	analyze := func(f string) []string { return []string{b.nbtrace, "analyze", f} }
	type pair struct {
		work, against string
		ours, theirs  []string
		needs         string
		runs          int
		goal          float64
		goalText      string
	}
	gz, zst := sparse+".gz", sparse+".zst"
	pairs := []pair{
		{"`analyze`, 2 GB with 0.1 % NBNS", "`tcpdump -r F 'udp port 137' -w /dev/null`", analyze(sparse), []string{"tcpdump", "-r", sparse, "-w", "/dev/null", "udp port 137"}, "tcpdump", b.runs, 0.4, "0.4"},
		{"the same", "`cat F`", analyze(sparse), []string{"cat", sparse}, "cat", b.runs, 1.6, "1.6"},
		{"the same as pcapng", "the same as pcap", analyze(sparseNG), analyze(sparse), "cat", b.runs, 1.2, "1.2"},
		{"the same, .gz", "`gzip -dc F`", analyze(gz), []string{"gzip", "-dc", gz}, "gzip", b.slowRuns, 0.8, "0.8"},
		{"the same, .zst", "`zstd -dc F`", analyze(zst), []string{"zstd", "-dc", zst}, "zstd", b.runs, 1.1, "1.1"},
		{"`analyze`, 500,000 NBNS messages", "`tshark -Y nbns -T fields -e nbns.name`", analyze(cut), []string{"tshark", "-r", cut, "-Y", "nbns", "-T", "fields", "-e", "nbns.name"}, "tshark", b.slowRuns, 1.0 / 60, "1/60"},
		{"`export messages --format ndjson` of it", "`tshark -T ek`", []string{b.nbtrace, "export", "messages", "--format", "ndjson", cut}, []string{"tshark", "-r", cut, "-T", "ek"}, "tshark", b.slowRuns, 1.0 / 40, "1/40"},
	}
	for _, p := range pairs {
		if _, err := exec.LookPath(p.needs); err != nil {
			b.line(fmt.Sprintf("| %s | %s | | | | | | | %s | skipped: no %s |", p.work, p.against, p.goalText, p.needs))
			continue
		}
		if strings.HasSuffix(p.ours[2], ".gz") || strings.HasSuffix(p.ours[2], ".zst") {
			if err := compress(p.needs, p.ours[2]); err != nil {
				return err
			}
		}
		if err := b.compare(p.work, p.against, p.ours, p.theirs, p.runs, p.goal, p.goalText); err != nil {
			return err
		}
	}

	b.line("\n## Rates and memory\n\n| work | runs | median | goal | |\n| --- | --- | --- | --- | --- |")
	var wall, user []time.Duration
	var mem int64
	for range b.runs {
		m, err := measure(analyze(dense)...)
		if err != nil {
			return err
		}
		wall, user, mem = append(wall, m.wall), append(user, m.cpu), max(mem, m.rss)
	}
	perSecond := 5e6 / median(wall).Seconds()
	b.line(fmt.Sprintf("| `analyze`, 5 M NBNS messages, 200,000 names, 5,000 hosts: messages a second | %d | %.2f M | 2 M | %s |", b.runs, perSecond/1e6, verdict(perSecond >= 2e6)))
	perCPU := 5e6 / median(user).Seconds()
	b.line(fmt.Sprintf("| the same, a second of processor time | %d | %.2f M | 2 M | %s |", b.runs, perCPU/1e6, verdict(perCPU >= 2e6)))
	b.line(fmt.Sprintf("| the same: peak resident memory | %d | %d MiB | 256 MiB | %s |", b.runs, mem>>20, verdict(mem < 256<<20)))
	small, err := measure(analyze(sparse)...)
	if err != nil {
		return err
	}
	b.line(fmt.Sprintf("| sparse 2 GB: peak resident memory | 1 | %d MiB | 64 MiB | %s |", small.rss>>20, verdict(small.rss < 64<<20)))
	big, err := b.piped("-kind", "sparse", "-size", "20G")
	if err != nil {
		return err
	}
	b.line(fmt.Sprintf("| sparse 20 GB through a pipe: peak resident memory | 1 | %d MiB | 64 MiB | %s |", big.rss>>20, verdict(big.rss < 64<<20)))

	b.line("\n## Twice the work\n\nMedian of " + fmt.Sprint(b.slowRuns) + " runs; the goal is 2 within 10 %.\n\n| work | time | times the one before | |\n| --- | --- | --- | --- |")
	for _, series := range []struct {
		kind, arg, unit string
		extra           []string
	}{
		{"sparse", "-size", "G", nil},
		{"dense", "-messages", "000000", []string{"-names", "200000", "-hosts", "5000"}},
	} {
		var before time.Duration
		for _, n := range []string{"1", "2", "4", "8"} {
			args := append([]string{"-kind", series.kind, series.arg, n + series.unit}, series.extra...)
			f, err := b.generate(fmt.Sprintf("twice-%s-%s.pcap", series.kind, n), args...)
			if err != nil {
				return err
			}
			var ts []time.Duration
			for range b.slowRuns {
				m, err := measure(analyze(f)...)
				if err != nil {
					return err
				}
				ts = append(ts, m.wall)
			}
			t := median(ts)
			what := n + " GB sparse"
			if series.kind == "dense" {
				what = n + " M messages"
			}
			ratio, ok := "", ""
			if before != 0 {
				r := t.Seconds() / before.Seconds()
				ratio, ok = fmt.Sprintf("%.2f", r), verdict(r <= 2.2)
			}
			b.line(fmt.Sprintf("| %s | %.2f s | %s | %s |", what, t.Seconds(), ratio, ok))
			before = t
			os.Remove(f)
		}
	}
	return nil
}

func (b *bench) line(s string) {
	fmt.Fprintln(&b.out, s)
	fmt.Fprintln(os.Stderr, s)
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}

func (b *bench) machine() {
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(info)) {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b.out, "%s, %d cores, %s/%s, %s; load at the start: %s\n\n", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.Join(strings.Fields(string(load))[:min(1, len(strings.Fields(string(load))))], ""))
	for _, v := range [][]string{{b.nbtrace, "version"}, {"tshark", "--version"}, {"tcpdump", "--version"}, {"gzip", "--version"}, {"zstd", "--version"}} {
		o, err := exec.Command(v[0], v[1:]...).CombinedOutput()
		if err != nil {
			fmt.Fprintf(&b.out, "* %s: not there\n", filepath.Base(v[0]))
			continue
		}
		for l := range strings.Lines(string(o)) {
			// Programs warn before they say who they are.
			if strings.ContainsAny(l, "0123456789") && strings.Contains(strings.ToLower(l), strings.ToLower(filepath.Base(v[0]))[:3]) {
				fmt.Fprintf(&b.out, "* %s\n", strings.Trim(l, "* \n"))
				break
			}
		}
	}
	fmt.Fprintln(&b.out)
}

// generate makes a capture unless an earlier run left it.
func (b *bench) generate(name string, args ...string) (string, error) {
	path := filepath.Join(b.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, warm(path)
	}
	fmt.Fprintln(os.Stderr, "generating", name)
	cmd := exec.Command(b.capgen, append(args, "-o", path+".part")...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return path, os.Rename(path+".part", path)
}

// warm reads a file into the page cache.
func warm(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}

func compress(program, path string) error {
	if _, err := os.Stat(path); err == nil {
		return warm(path)
	}
	out, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(program, "-c", strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst"))
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return os.Rename(path+".part", path)
}

type measurement struct {
	wall, cpu time.Duration
	rss       int64 // bytes, peak
}

// measure runs a command with its output thrown away. nbtrace's exit status 1
// says that it found something.
func measure(args ...string) (measurement, error) {
	cmd := exec.Command(args[0], args[1:]...)
	return timed(cmd)
}

func timed(cmd *exec.Cmd) (measurement, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1) {
		return measurement{}, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	m := measurement{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rss = u.Maxrss << 10 // Linux counts in KiB
	}
	return m, nil
}

// piped measures nbtrace on what the generator writes to a pipe.
func (b *bench) piped(args ...string) (measurement, error) {
	gen := exec.Command(b.capgen, args...)
	pipe, err := gen.StdoutPipe()
	if err != nil {
		return measurement{}, err
	}
	if err := gen.Start(); err != nil {
		return measurement{}, err
	}
	cmd := exec.Command(b.nbtrace, "analyze", "-")
	cmd.Stdin = pipe
	m, err := timed(cmd)
	if werr := gen.Wait(); err == nil && werr != nil {
		err = fmt.Errorf("capgen: %w", werr)
	}
	return m, err
}

func (b *bench) compare(work, against string, ours, theirs []string, runs int, goal float64, goalText string) error {
	var a, o []time.Duration
	var ratios []float64
	for range runs {
		m, err := measure(ours...)
		if err != nil {
			return err
		}
		t, err := measure(theirs...)
		if err != nil {
			return err
		}
		a, o = append(a, m.wall), append(o, t.wall)
		ratios = append(ratios, m.wall.Seconds()/t.wall.Seconds())
	}
	slices.Sort(ratios)
	mid := ratios[len(ratios)/2]
	b.line(fmt.Sprintf("| %s | %s | %d | %.2f s | %.2f s | %s | %s | %s | %s | %s |", work, against, runs, median(a).Seconds(), median(o).Seconds(),
		ratio(ratios[0]), ratio(mid), ratio(ratios[len(ratios)-1]), goalText, verdict(mid <= goal)))
	return nil
}

// ratio prints small ratios as a fraction.
func ratio(r float64) string {
	if r < 0.1 {
		return fmt.Sprintf("1/%.0f", 1/r)
	}
	return fmt.Sprintf("%.2f", r)
}

func median(ts []time.Duration) time.Duration {
	s := slices.Clone(ts)
	slices.Sort(s)
	return s[len(s)/2]
}
