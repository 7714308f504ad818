package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/captures"
	"nbtrace/captures/live"
)

// sniffFlags are the flags that sniff has beyond the common ones.
type sniffFlags struct {
	commonFlags
	interfaces    []string
	list          bool
	snapLen       int
	noPromiscuous bool
	buffer        int
	messages      int64
	stops         []string
	ring          []string
	write         string
	evidence      string
	memory        int
	user          string
	metrics       string
	stats         time.Duration
	limits        analyze.Limits
	ladder        bool
}

func (a *app) sniffCommand() *cobra.Command {
	var flags sniffFlags
	cmd := &cobra.Command{
		Use:   "sniff [flags] -i IFACE [-i ...]",
		Short: "Capture from devices and diagnose while it happens",
		Long: `Capture from devices and diagnose while it happens, until Ctrl-C.

IFACE is a name or number of 'nbtrace interfaces', or any. Findings are printed
as soon as they are decidable, seconds to two minutes after what they tell of,
and again, briefly, when their verdict rises. Ctrl-C ends the capture, judges
what is open with what is there, and prints the summary; a second one leaves at
once. SIGUSR1 prints the counters, SIGHUP opens the output files anew.

Without -f a wide filter in the kernel lets pass all that nbtrace can use, with
VLAN tags, in fragments and in tunnels too. -f replaces it: name tags and
tunnels in it if there are any.

Once the devices are open, root becomes the user of -Z (else the one who called
sudo, else nobody), and on Linux the process is confined to the folders of its
output files, which must be writable for that user. Nothing is ever sent.`,
		Example: `  sudo nbtrace sniff -i eth0
  sudo nbtrace sniff -i eth0 -i eth1 --write span.pcapng -b filesize:100000 -b files:20
  sudo nbtrace sniff -i any --format ndjson | jq -r .title
  sudo nbtrace sniff -i eth0 --evidence why.pcapng -a duration:3600 --fail-on warning
  nbtrace sniff -D`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if flags.list {
				return a.listInterfaces()
			}
			return a.sniff(&flags)
		},
	}
	flags.add(a, cmd, analyzeFormats)
	f := cmd.Flags()
	f.StringArrayVarP(&flags.interfaces, "interface", "i", nil, "capture on `IFACE`, a name or number of 'nbtrace interfaces', or any; repeatable")
	f.BoolVarP(&flags.list, "list-interfaces", "D", false, "list the devices and exit")
	f.IntVarP(&flags.snapLen, "snaplen", "s", live.DefaultSnapLen, "keep `BYTES` of each frame; 0 for all")
	f.BoolVarP(&flags.noPromiscuous, "no-promiscuous", "p", false, "do not put the devices into promiscuous mode")
	f.IntVarP(&flags.buffer, "buffer", "B", live.DefaultBuffer>>20, "kernel buffer of each device in `MIB`")
	f.Int64VarP(&flags.messages, "count", "c", 0, "stop after `N` NBNS messages")
	f.StringArrayVarP(&flags.stops, "autostop", "a", nil, "stop at `LIMIT`: duration:SECONDS, or files:N of --write; repeatable")
	f.StringVar(&flags.write, "write", "", "keep the packets that nbtrace can use in `FILE`, as pcapng")
	f.StringArrayVarP(&flags.ring, "ring", "b", nil, "begin another --write file at `LIMIT`: filesize:KB (1000 bytes) or duration:SECONDS; files:N keeps the newest N; repeatable")
	f.StringVarP(&flags.evidence, "evidence", "w", "", "write the packets that findings rest on to `FILE`, as pcapng")
	f.BoolVar(&flags.ladder, "ladder", false, "draw the messages of each finding (text)")
	f.IntVar(&flags.memory, "evidence-memory", 64, "hold the last `MIB` of packets in memory for --evidence")
	f.StringVarP(&flags.user, "user", "Z", "", "become `USER` once the devices are open (default: who called sudo, else nobody)")
	f.StringVar(&flags.metrics, "metrics", "", "serve Prometheus metrics and /healthz at `ADDR`, [HOST]:PORT; without HOST on the loopback address")
	f.DurationVar(&flags.stats, "stats-interval", 0, "print the counters each `TIME` (30s, 1h)")
	f.IntVar(&flags.limits.Names, "max-names", 1_000_000, "names with a history, at most `N`")
	f.IntVar(&flags.limits.Addresses, "max-addresses", 200_000, "addresses of machines, at most `N`")
	f.IntVar(&flags.limits.Open, "max-open", 250_000, "exchanges open at one time, at most `N`")
	f.IntVar(&flags.limits.Kept, "max-kept", 50_000, "settled exchanges kept as history, at most `N`")
	f.IntVar(&flags.limits.Findings, "max-findings", 10_000, "different findings, at most `N`")
	complete(cmd, "autostop", []string{"duration:", "files:"})
	complete(cmd, "ring", []string{"filesize:", "duration:", "files:"})
	err := cmd.RegisterFlagCompletionFunc("interface", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		list, err := live.Interfaces()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, i := range list {
			names = append(names, i.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic("completion for a flag that does not exist: " + err.Error())
	}
	return cmd
}

// limit reads one value of -a or -b: WHAT:N.
func limit(flag, text string, known ...string) (what string, n int64, err error) {
	what, number, ok := strings.Cut(text, ":")
	if !ok || !slices.Contains(known, what) {
		return "", 0, usagef("%s takes %s:N, not %q", flag, strings.Join(known, ":N or "), text)
	}
	n, err = strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > 1<<40 {
		return "", 0, usagef("%s %s: %q is no number from 1 on", flag, what, number)
	}
	return what, n, nil
}

// plan is what the flags of sniff ask for, checked.
type plan struct {
	*settings
	flags     *sniffFlags
	format    string
	devices   []string
	stopAfter time.Duration // 0: no limit
	stopFiles int
	store     *storeOptions // nil: packets are not kept
	outputs   []string      // paths of all files to be written
}

func (f *sniffFlags) plan(a *app) (*plan, error) {
	set, err := f.check(a)
	if err != nil {
		return nil, err
	}
	p := &plan{settings: set, flags: f}
	if p.format, err = formatOf(f.format, f.output, "text", analyzeFormats); err != nil {
		return nil, err
	}
	if f.snapLen == 0 {
		f.snapLen = live.DefaultSnapLen
	}
	if f.snapLen < 0 || f.snapLen > live.DefaultSnapLen {
		return nil, usagef("-s: %d is not between 0 and %d", f.snapLen, live.DefaultSnapLen)
	}
	if f.buffer < 1 || f.buffer > 2047 {
		return nil, usagef("-B: %d is not between 1 and 2047 MiB", f.buffer)
	}
	if f.messages < 0 || f.memory < 1 || f.stats < 0 {
		return nil, usagef("-c, --evidence-memory and --stats-interval take positive values")
	}
	if f.write != "" {
		p.store = &storeOptions{path: f.write, snapLen: f.snapLen}
	}
	for _, text := range f.ring {
		what, n, err := limit("-b", text, "filesize", "duration", "files")
		if err != nil {
			return nil, err
		}
		if p.store == nil {
			return nil, usagef("-b needs --write")
		}
		switch what {
		case "filesize":
			p.store.size = n * 1000
		case "duration":
			p.store.duration = time.Duration(min(n, 1<<32)) * time.Second
		case "files":
			p.store.files = int(min(n, 1<<30))
		}
	}
	if p.store != nil && p.store.files > 0 && !p.store.rotates() {
		return nil, usagef("-b files:N needs -b filesize:KB or -b duration:SECONDS")
	}
	for _, text := range f.stops {
		what, n, err := limit("-a", text, "duration", "files")
		if err != nil {
			return nil, err
		}
		if what == "duration" {
			p.stopAfter = time.Duration(min(n, 1<<32)) * time.Second
		} else if p.store == nil || !p.store.rotates() {
			return nil, usagef("-a files:N needs --write with -b filesize:KB or -b duration:SECONDS")
		} else {
			p.stopFiles = int(min(n, 1<<30))
		}
	}
	for _, path := range []string{f.write, f.evidence, f.output, f.newBaseline} {
		if path == "" || path == "-" {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, usagef("%w", err)
		}
		if slices.Contains(p.outputs, abs) {
			return nil, usagef("two outputs are to go to %s", path)
		}
		p.outputs = append(p.outputs, abs)
	}
	return p, nil
}

// resolve finds the devices.
func (p *plan) resolve() error {
	if len(p.flags.interfaces) == 0 {
		return usagef("no device given: -i IFACE; 'nbtrace interfaces' lists them")
	}
	list, err := live.Interfaces()
	if errors.Is(err, live.ErrUnavailable) {
		return usagef("%w", err)
	}
	if err != nil {
		return err
	}
	for _, given := range p.flags.interfaces {
		name, err := live.Resolve(list, given)
		if err != nil {
			if name = given; len(list) > 0 || isNumber(given) {
				return usagef("%w", err)
			}
		}
		if slices.Contains(p.devices, name) {
			return usagef("-i names %s twice", name)
		}
		p.devices = append(p.devices, name)
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// metricsAddress adds the loopback address to a port alone.
func metricsAddress(given string) (string, error) {
	if isNumber(given) {
		given = ":" + given
	}
	host, port, err := net.SplitHostPort(given)
	if err != nil {
		return "", usagef("--metrics: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// permissionText says what to do about missing rights.
func permissionText(err error) string {
	text := err.Error() + "\nrun it as root, or give this binary the right to capture:\n"
	if line := setcapLine(); line != "" {
		text += "  " + line + "\n(not for AppImages and the Nix store, whose files cannot have it)\n"
	}
	return text + "in a container: --cap-add=NET_RAW --cap-add=NET_ADMIN (and --network=host to see the host's devices)"
}

// shellQuote quotes a path for a shell where it has to be.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func useful(f *captures.Frame) bool { return !useless(f.Link, f.Data) }

// sniff runs a live capture from opening the devices to the summary.
func (a *app) sniff(flags *sniffFlags) error {
	p, err := flags.plan(a)
	if err != nil {
		return err
	}
	if err := p.resolve(); err != nil {
		return err
	}
	s, err := newSession(a, p)
	if err != nil {
		return err
	}
	if flags.metrics != "" {
		address, err := metricsAddress(flags.metrics)
		if err != nil {
			return err
		}
		if err := s.serve(address); err != nil {
			return err
		}
		defer s.endServing()
	}
	sudo := a.getenv("SUDO_USER")
	c := confinement{}
	if c.user, err = accountFor(flags.user, sudo, effectiveUser()); err != nil {
		return usagef("%w", err)
	}
	for _, path := range p.outputs {
		if dir := filepath.Dir(path); !slices.Contains(c.dirs, dir) {
			c.dirs = append(c.dirs, dir)
		}
	}
	s.capture, err = live.Open(live.Config{Devices: p.devices, Filter: flags.filter, SnapLen: flags.snapLen, Buffer: flags.buffer << 20,
		NoPromiscuous: flags.noPromiscuous, Keep: useful, Note: s.note})
	if err != nil {
		return openFailure(err)
	}
	defer s.capture.Close()
	enforced, err := c.apply()
	if err != nil {
		return err
	}
	if c.user != nil {
		a.notef("running as %s", c.user.name)
	}
	if enforced != "" {
		a.notef("%s", enforced)
	}
	if err := s.begin(); err != nil {
		if c.user != nil {
			return usagef("%w\nfiles are written as user %s; choose a folder that this user can write to, or another user with -Z", err, c.user.name)
		}
		return usagef("%w", err)
	}
	defer s.abort()
	if flags.filter != "" {
		a.warnf("-f replaces the usual filter: tagged, fragmented or tunnelled traffic may be outside of it")
	}
	a.warnf("capturing on %s; Ctrl-C ends it", strings.Join(p.devices, ", "))
	if err := s.run(); err != nil {
		return err
	}
	return s.end()
}

// openFailure settles what an error of live.Open is.
func openFailure(err error) error {
	var denied *live.PermissionError
	var filter *live.FilterError
	switch {
	case errors.As(err, &denied):
		return fmt.Errorf("%s", permissionText(err))
	case errors.As(err, &filter), errors.Is(err, live.ErrUnavailable):
		return usagef("%w", err)
	}
	return err
}
