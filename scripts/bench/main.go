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
	runs                 int
	out                  strings.Builder
}

func main() {
	b := bench{}
	flag.StringVar(&b.nbtrace, "nbtrace", "bin/nbtrace", "the program")
	flag.StringVar(&b.capgen, "capgen", "bin/capgen", "the generator of captures")
	flag.StringVar(&b.dir, "dir", filepath.Join(os.TempDir(), "nbtrace-bench"), "folder for captures, some 20 GB; kept for the next run")
	flag.IntVar(&b.runs, "runs", 7, "runs of each measurement; pairs of runs in comparisons")
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
	if b.runs < 1 {
		return fmt.Errorf("-runs %d: at least 1", b.runs)
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(&b.out, "# Benchmarks\n\nWritten by `make bench` on %s; do not edit.\n\n", time.Now().UTC().Format("2006-01-02"))
	b.machine()
	sparse, err := b.generate("sparse-2g.pcap", "-kind", "sparse", "-size", "2G")
	if err != nil {
		return err
	}
	if err := b.againstOthers(sparse); err != nil {
		return err
	}
	if err := b.ratesAndMemory(sparse); err != nil {
		return err
	}
	return b.twiceTheWork()
}

// analyze is the command that most measurements are of.
func (b *bench) analyze(file string) []string { return []string{b.nbtrace, "analyze", file} }

// comparison is a command of ours beside another one.
type comparison struct {
	work, against string
	ours, theirs  []string
	needs         string // the other program
	goal          float64
	goalText      string
}

// againstOthers compares with other programs, as far as they are there.
func (b *bench) againstOthers(sparse string) error {
	sparseNG, err := b.generate("sparse-2g.pcapng", "-kind", "sparse", "-size", "2G", "-format", "pcapng")
	if err != nil {
		return err
	}
	cut, err := b.generate("dense-500k.pcap", "-kind", "dense", "-messages", "500000", "-names", "200000", "-hosts", "5000")
	if err != nil {
		return err
	}
	b.line("## Against other programs\n\nWall time of the whole process, hot page cache. The ratio is nbtrace's time divided by the other's, for each pair of runs; below 1 nbtrace is faster.\n")
	b.line("| work | against | runs | nbtrace, median | other, median | ratio: min | median | max | goal | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	gz, zst := sparse+".gz", sparse+".zst"
	for _, c := range []comparison{
		{"`analyze`, 2 GB with 0.1 % NBNS", "`tcpdump -r F 'udp port 137' -w /dev/null`", b.analyze(sparse), []string{"tcpdump", "-r", sparse, "-w", "/dev/null", "udp port 137"}, "tcpdump", 0.4, "0.4"},
		{"the same", "`cat F`", b.analyze(sparse), []string{"cat", sparse}, "cat", 1.6, "1.6"},
		{"the same as pcapng", "the same as pcap", b.analyze(sparseNG), b.analyze(sparse), b.nbtrace, 1.2, "1.2"},
		{"the same, .gz", "`gzip -dc F`", b.analyze(gz), []string{"gzip", "-dc", gz}, "gzip", 0.8, "0.8"},
		{"the same, .zst", "`zstd -dc F`", b.analyze(zst), []string{"zstd", "-dc", zst}, "zstd", 1.1, "1.1"},
		{"`analyze`, 500,000 NBNS messages", "`tshark -Y nbns -T fields -e nbns.name`", b.analyze(cut), []string{"tshark", "-r", cut, "-Y", "nbns", "-T", "fields", "-e", "nbns.name"}, "tshark", 1.0 / 60, "1/60"},
		{"`export messages --format ndjson` of it", "`tshark -T ek`", []string{b.nbtrace, "export", "messages", "--format", "ndjson", cut}, []string{"tshark", "-r", cut, "-T", "ek"}, "tshark", 1.0 / 40, "1/40"},
	} {
		if _, err := exec.LookPath(c.needs); err != nil {
			b.line(fmt.Sprintf("| %s | %s | | | | | | | %s | skipped: no %s |", c.work, c.against, c.goalText, c.needs))
			continue
		}
		if c.needs == "gzip" || c.needs == "zstd" {
			if err := compress(c.needs, c.theirs[len(c.theirs)-1]); err != nil {
				return err
			}
		}
		if err := b.compare(&c); err != nil {
			return err
		}
	}
	return nil
}

// ratesAndMemory measures nbtrace by itself.
func (b *bench) ratesAndMemory(sparse string) error {
	dense, err := b.generate("dense-5m.pcap", "-kind", "dense", "-messages", "5000000", "-names", "200000", "-hosts", "5000")
	if err != nil {
		return err
	}
	b.line("\n## Rates and memory\n\n| work | runs | median | goal | |\n| --- | --- | --- | --- | --- |")
	var wall, cpu []time.Duration
	var mem int64
	for range b.runs {
		m, err := measure(b.analyze(dense)...)
		if err != nil {
			return err
		}
		wall, cpu, mem = append(wall, m.wall), append(cpu, m.cpu), max(mem, m.rss)
	}
	perSecond := 5e6 / median(wall).Seconds()
	b.line(fmt.Sprintf("| `analyze`, 5 M NBNS messages, 200,000 names, 5,000 hosts: messages a second | %d | %.2f M | 2 M | %s |", b.runs, perSecond/1e6, verdict(perSecond >= 2e6)))
	perCPU := 5e6 / median(cpu).Seconds()
	b.line(fmt.Sprintf("| the same, a second of processor time | %d | %.2f M | 2 M | %s |", b.runs, perCPU/1e6, verdict(perCPU >= 2e6)))
	b.line(fmt.Sprintf("| the same: peak resident memory | %d | %d MiB | 256 MiB | %s |", b.runs, mem>>20, verdict(mem < 256<<20)))
	small, err := measure(b.analyze(sparse)...)
	if err != nil {
		return err
	}
	b.line(fmt.Sprintf("| sparse 2 GB: peak resident memory | 1 | %d MiB | 64 MiB | %s |", small.rss>>20, verdict(small.rss < 64<<20)))
	big, err := b.piped("-kind", "sparse", "-size", "20G")
	if err != nil {
		return err
	}
	b.line(fmt.Sprintf("| sparse 20 GB through a pipe: peak resident memory | 1 | %d MiB | 64 MiB | %s |", big.rss>>20, verdict(big.rss < 64<<20)))
	return nil
}

// The bounds of how much longer twice the work may take.
const (
	leastTwice = 1.8
	mostTwice  = 2.2
)

// verdictTwice judges how many times longer twice the work took. Less than
// twice is no fault, but it is said: what does not grow with the work still
// counts, or one of the two figures is wrong.
func verdictTwice(times float64) string {
	if times < leastTwice {
		return "less"
	}
	return verdict(times <= mostTwice)
}

// twiceTheWork measures how time grows with the size of the capture.
func (b *bench) twiceTheWork() error {
	b.line("\n## Twice the work\n\nMedian of " + fmt.Sprint(b.runs) + " runs; the goal is 2 within 10 %. Less than that is said and not judged: starting the program, or other work on the machine, counts in the first of the two.\n\n| work | time | times the one before | |\n| --- | --- | --- | --- |")
	for _, series := range []struct {
		kind, arg, unit, what string
		extra                 []string
	}{
		{"sparse", "-size", "G", "GB sparse", nil},
		{"dense", "-messages", "000000", "M messages", []string{"-names", "200000", "-hosts", "5000"}},
	} {
		var before time.Duration
		for _, n := range []string{"1", "2", "4", "8"} {
			f, err := b.generate(fmt.Sprintf("twice-%s-%s.pcap", series.kind, n), append([]string{"-kind", series.kind, series.arg, n + series.unit}, series.extra...)...)
			if err != nil {
				return err
			}
			var wall []time.Duration
			for range b.runs {
				m, err := measure(b.analyze(f)...)
				if err != nil {
					return err
				}
				wall = append(wall, m.wall)
			}
			t := median(wall)
			growth, ok := "", ""
			if before != 0 {
				r := t.Seconds() / before.Seconds()
				growth, ok = fmt.Sprintf("%.2f", r), verdictTwice(r)
			}
			b.line(fmt.Sprintf("| %s %s | %.2f s | %s | %s |", n, series.what, t.Seconds(), growth, ok))
			before = t
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// line adds to the document and shows how far the run has come.
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

// machine says what the figures were measured on.
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
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(text), " ")
	}
	fmt.Fprintf(&b.out, "%s, %d cores, %s/%s, %s; load at the start: %s\n\n", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
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

// compress makes the packed copy of a capture unless an earlier run left it.
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
	return timed(exec.Command(args[0], args[1:]...))
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

// compare runs both commands in turn and writes a row.
func (b *bench) compare(c *comparison) error {
	var ours, theirs []time.Duration
	var ratios []float64
	for range b.runs {
		o, err := measure(c.ours...)
		if err != nil {
			return err
		}
		t, err := measure(c.theirs...)
		if err != nil {
			return err
		}
		ours, theirs = append(ours, o.wall), append(theirs, t.wall)
		ratios = append(ratios, o.wall.Seconds()/t.wall.Seconds())
	}
	slices.Sort(ratios)
	mid := ratios[len(ratios)/2]
	b.line(fmt.Sprintf("| %s | %s | %d | %.2f s | %.2f s | %s | %s | %s | %s | %s |", c.work, c.against, b.runs, median(ours).Seconds(), median(theirs).Seconds(),
		ratio(ratios[0]), ratio(mid), ratio(ratios[len(ratios)-1]), c.goalText, verdict(mid <= c.goal)))
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
