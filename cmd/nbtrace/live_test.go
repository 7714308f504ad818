//go:build live && linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nbtrace/captures/corpus"
)

// These tests run the real command in network namespaces of their own, on the
// traffic of real Samba servers. They need root and the packages that
// scripts/live-setup.sh installs.

// lab is a set of namespaces joined by a bridge in the namespace "sw". It is
// removed, with every process in it, when the test ends.
type lab struct {
	t      *testing.T
	prefix string
	dir    string // that everyone may write to
	binary string
}

var (
	labs     atomic.Int32
	buildBin = sync.OnceValues(func() (string, error) {
		dir := filepath.Join(os.TempDir(), "nbtrace-live-test") // one, used again by each run
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		path := filepath.Join(dir, "nbtrace")
		if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return path, os.Chmod(dir, 0o755)
	})
)

func newLab(t *testing.T, hosts ...string) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the live tests need root, for network namespaces")
	}
	binary, err := buildBin()
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, prefix: fmt.Sprintf("lv-%d-%d-", os.Getpid(), labs.Add(1)), binary: binary}
	if l.dir, err = os.MkdirTemp("", "nbtrace-lab-"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(l.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(l.dir) })
	for _, h := range append([]string{"sw"}, hosts...) {
		l.must("ip", "netns", "add", l.prefix+h)
		t.Cleanup(func() { l.remove(h) })
		l.ip(h, "link", "set", "lo", "up")
		l.in(h, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
			"net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
	}
	l.ip("sw", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
	l.ip("sw", "link", "set", "br0", "up")
	return l
}

// remove ends the processes in a namespace and removes it.
func (l *lab) remove(host string) {
	ns := l.prefix + host
	for range 50 {
		out, err := exec.Command("ip", "netns", "pids", ns).Output()
		pids := strings.Fields(string(out))
		if err != nil || len(pids) == 0 {
			break
		}
		for _, p := range pids {
			if n, err := strconv.Atoi(p); err == nil {
				syscall.Kill(n, syscall.SIGKILL)
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
		l.t.Errorf("removing %s: %v %s", ns, err, out)
	}
}

func (l *lab) must(name string, args ...string) string {
	l.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (l *lab) ip(host string, args ...string) {
	l.t.Helper()
	l.must("ip", append([]string{"-n", l.prefix + host}, args...)...)
}

// in runs a command in a host's namespace to its end.
func (l *lab) in(host string, args ...string) string {
	l.t.Helper()
	return l.must("ip", append([]string{"netns", "exec", l.prefix + host}, args...)...)
}

// plug gives a host a device that is joined to the bridge by a port.
func (l *lab) plug(host, device, port string, addresses ...string) {
	l.t.Helper()
	l.ip("sw", "link", "add", port, "type", "veth", "peer", "name", device, "netns", l.prefix+host)
	l.ip("sw", "link", "set", port, "master", "br0", "up")
	l.ip(host, "link", "set", device, "up")
	// Else packets on the wire have checksums that are still to be computed.
	l.in(host, "ethtool", "-K", device, "tx", "off")
	for _, a := range addresses {
		l.ip(host, "addr", "add", a, "brd", "+", "dev", device)
	}
}

// start runs a command in a host's namespace until the test ends, or until
// stop.
func (l *lab) start(host string, args ...string) (stop func()) {
	l.t.Helper()
	log, err := os.CreateTemp(l.dir, "log-*")
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.prefix + host}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	stop = func() { cmd.Process.Kill(); <-done }
	l.t.Cleanup(func() {
		stop()
		log.Close()
		if b, err := os.ReadFile(log.Name()); l.t.Failed() && err == nil {
			l.t.Logf("%s:\n%s", args[0], b)
		}
	})
	return stop
}

// until waits for something to become true.
func until(t *testing.T, what string, patience time.Duration, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// sniffer is `nbtrace sniff` in the switch's namespace.
type sniffer struct {
	lab            *lab
	cmd            *exec.Cmd
	stdout, stderr *guarded
	done           chan error
}

// guarded is a buffer that is read while it is written.
type guarded struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.Write(p)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.String()
}

func (l *lab) sniff(args ...string) *sniffer {
	l.t.Helper()
	s := &sniffer{lab: l, stdout: &guarded{}, stderr: &guarded{}, done: make(chan error, 1)}
	s.cmd = exec.Command("ip", append([]string{"netns", "exec", l.prefix + "sw", l.binary, "sniff"}, args...)...)
	s.cmd.Dir = l.dir
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	if err := s.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	l.t.Cleanup(func() { s.cmd.Process.Kill() })
	until(l.t, "capturing", 20*time.Second, func() bool {
		select {
		case err := <-s.done:
			l.t.Fatalf("sniff ended: %v\n%s", err, s.stderr)
		default:
		}
		return strings.Contains(s.stderr.String(), "Ctrl-C ends it")
	})
	return s
}

// end is Ctrl-C, and returns the exit code. `ip netns exec` becomes the
// command, so the process is nbtrace itself.
func (s *sniffer) end() int {
	s.lab.t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.lab.t.Fatalf("sniff does not end:\n%s", s.stderr)
	}
	return s.cmd.ProcessState.ExitCode()
}

type liveFinding struct {
	Type, Rule, Severity, Verdict, Name, Server string
	Suffix                                      int
	Host                                        struct{ Addresses []string }
}

func (s *sniffer) findings() (all []liveFinding) {
	for l := range strings.Lines(s.stdout.String()) {
		var f liveFinding
		if strings.HasSuffix(l, "\n") && json.Unmarshal([]byte(l), &f) == nil && f.Type == "finding" {
			all = append(all, f)
		}
	}
	return all
}

// nmbd writes a configuration for nmbd and returns the folder of its state.
func (l *lab) nmbd(host, name, extra string) (state string) {
	l.t.Helper()
	dir := filepath.Join(l.dir, host)
	conf := "[global]\nnetbios name = " + name + "\nworkgroup = LVGROUP\nserver role = standalone server\nbind interfaces only = yes\n" +
		"local master = no\npreferred master = no\ndomain master = no\nos level = 0\ndns proxy = no\nload printers = no\nlog level = 1\n"
	for _, d := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory"} {
		sub := filepath.Join(dir, strings.Fields(d)[0])
		if err := os.MkdirAll(sub, 0o755); err != nil {
			l.t.Fatal(err)
		}
		conf += d + " = " + sub + "\n"
	}
	conf += "log file = " + filepath.Join(dir, "log.%m") + "\n" + extra
	if err := os.WriteFile(filepath.Join(dir, "smb.conf"), []byte(conf), 0o644); err != nil {
		l.t.Fatal(err)
	}
	return filepath.Join(dir, "state")
}

func (l *lab) startNmbd(host string) {
	l.t.Helper()
	l.start(host, "nmbd", "-F", "--no-process-group", "-s", filepath.Join(l.dir, host, "smb.conf"))
	pid := filepath.Join(l.dir, host, "pid", "nmbd.pid")
	until(l.t, "nmbd of "+host, 20*time.Second, func() bool { _, err := os.Stat(pid); return err == nil })
}

// permanent makes what nmbd holds of a name a permanent entry, which it
// refuses to everyone at once. Such an entry comes about in a running nmbd
// only; in a file it is replaceable.
const permanent = `
import sys, tdb
t = tdb.open(sys.argv[1])
n = 0
for k in t:
    if k.startswith(sys.argv[2].encode() + b"\0"):
        v = bytearray(t[k])
        v[2] = 5 # PERMANENT_NAME
        t.store(k, bytes(v))
        n += 1
sys.exit(0 if n else 1)
`

// clashLab is a WINS server and a host with two adapters that registers
// LVSERVER there, each with two adapters' ports watched.
func clashLab(t *testing.T, static bool) (*lab, *sniffer) {
	l := newLab(t, "wins", "host")
	l.plug("wins", "eth0", "pwins", "10.20.9.5/16")
	for i, port := range []string{"phost0", "phost1"} {
		device, address, table := fmt.Sprintf("eth%d", i), fmt.Sprintf("10.20.%d.53", i+1), strconv.Itoa(i+1)
		l.plug("host", device, port, address+"/24")
		l.ip("host", "route", "add", "10.20.0.0/16", "dev", device, "src", address, "table", table)
		l.ip("host", "rule", "add", "from", address, "lookup", table)
	}
	l.ip("host", "route", "add", "10.20.9.0/24", "dev", "eth0", "src", "10.20.1.53")
	state := l.nmbd("wins", "WINSSRV", "interfaces = 10.20.9.5/16\nwins support = yes\n")
	l.nmbd("host", "LVSERVER", "interfaces = 10.20.1.53/24 10.20.2.53/24\nwins server = 10.20.9.5\n")
	if static {
		if err := os.WriteFile(filepath.Join(state, "wins.dat"), []byte("VERSION 1 0\n\"LVSERVER#20\" 0 10.20.9.77 64R\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.startNmbd("wins")
	if static {
		db := filepath.Join(state, "wins.tdb")
		script := filepath.Join(l.dir, "permanent.py")
		if err := os.WriteFile(script, []byte(permanent), 0o644); err != nil {
			t.Fatal(err)
		}
		until(t, "the static entry", 20*time.Second, func() bool { return exec.Command("/usr/bin/python3", script, db, "LVSERVER").Run() == nil })
	}
	s := l.sniff("-i", "phost0", "-i", "phost1", "-i", "pwins", "--format", "ndjson", "--write", "w.pcapng", "-w", "e.pcapng")
	l.startNmbd("host")
	return l, s
}

// ask resolves the name at the server, as any client would.
func (l *lab) ask() string {
	out, _ := exec.Command("ip", "netns", "exec", l.prefix+"host", "nmblookup", "-s", filepath.Join(l.dir, "host", "smb.conf"),
		"--recursion", "-U", "10.20.9.5", "LVSERVER#20").CombinedOutput()
	return string(out)
}

func TestLiveClashIsNamedWhileItHappens(t *testing.T) {
	l, s := clashLab(t, true)
	until(t, "an answer for the name", 30*time.Second, func() bool { return strings.Contains(l.ask(), "10.20.9.77") })
	begun := time.Now()
	clash := func() bool {
		return slices.ContainsFunc(s.findings(), func(f liveFinding) bool {
			return f.Rule == "static-multihomed-refusal" && f.Name == "LVSERVER" && f.Suffix == 0x20 && f.Server == "10.20.9.5" && slices.Contains(f.Host.Addresses, "10.20.1.53")
		})
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s\n%s", s.stdout, s.stderr)
		}
	}()
	until(t, "the finding", 150*time.Second, clash)
	t.Logf("named %s after the clash: %+v", time.Since(begun).Round(100*time.Millisecond), s.findings())
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, f := range s.findings() {
		if !strings.HasPrefix(f.Rule, "static-") {
			t.Errorf("also found: %+v", f)
		}
	}
	for _, want := range []string{"phost0: ", "received by filter, 0 dropped by kernel"} {
		if !strings.Contains(s.stderr.String(), want) {
			t.Errorf("no %q in the summary:\n%s", want, s.stderr)
		}
	}
	for _, file := range []string{"w.pcapng", "e.pcapng"} {
		if out := l.must(l.binary, "analyze", "--format", "ndjson", filepath.Join(l.dir, file)); !strings.Contains(out, `"rule":"static-multihomed-refusal"`) {
			t.Errorf("%s does not give the finding again:\n%s", file, out)
		}
	}
}

func TestLiveSilentWithoutStaticEntry(t *testing.T) {
	l, s := clashLab(t, false)
	until(t, "registration", 40*time.Second, func() bool { return strings.Contains(l.ask(), "10.20.2.53") })
	// Long enough for every exchange to settle and for the rules to look at it.
	for settled := time.Now().Add(20 * time.Second); time.Now().Before(settled); {
		l.ask()
		<-time.After(time.Second)
	}
	s.end()
	if f := s.findings(); len(f) > 0 {
		t.Errorf("found %+v\n%s", f, s.stdout)
	}
	if !strings.Contains(s.stdout.String(), `"type":"summary"`) || strings.Contains(s.stderr.String(), " 0 messages") {
		t.Errorf("%s\n%s", s.stdout, s.stderr)
	}
}

// demanded are the names that smbtorture's nbt.winsreplication.owned loses to
// a dynamic record of another type, or to one that another machine shares.
var demanded = []string{"_MA_GA_DI_R", "_MA_GA_SI_R", "_MA_SA_DI_R", "_MA_SA_SI_R", "_UA_GA_DI_R", "_UA_GA_SI_R", "_UA_SA_DI_R", "_UA_SA_SI_R"}

func TestLiveReplication(t *testing.T) {
	l := newLab(t, "wins", "host")
	l.plug("wins", "eth0", "pwins", "10.30.0.5/24")
	l.plug("host", "eth0", "phost0", "10.30.0.11/24", "10.30.0.12/24", "10.30.0.13/24")
	dir := filepath.Join(l.dir, "rep")
	l.in("wins", "samba-tool", "domain", "provision", "--realm=LV.TEST", "--domain=LVDOM", "--server-role=dc", "--adminpass=Passw0rd.lv", "--dns-backend=NONE",
		"--targetdir="+dir, "--host-name=winsrep", "--host-ip=10.30.0.5", "--option=interfaces=10.30.0.5/24", "--option=bind interfaces only=yes")
	conf := filepath.Join(l.dir, "rep.conf")
	sections := map[string]string{"private dir": "private", "state directory": "state", "lock directory": "lock", "cache directory": "cache", "pid directory": "pid", "ncalrpc dir": "ncalrpc"}
	write := func(path, head string, dirs string) {
		text := "[global]\n" + head
		for k, v := range sections {
			d := filepath.Join(dirs, v)
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			text += k + " = " + d + "\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(conf, "netbios name = WINSREP\nworkgroup = LVDOM\nrealm = LV.TEST\nserver role = active directory domain controller\nserver services = nbt, wrepl\n"+
		"wins support = yes\ninterfaces = 10.30.0.5/24\nbind interfaces only = yes\nlog level = 1\nwreplsrv:periodic_interval = 2\nlog file = "+filepath.Join(l.dir, "rep.log")+"\n", dir)
	listening := func() bool { return strings.TrimSpace(l.in("wins", "ss", "-Hltn", "sport", "=", ":42")) != "" }
	stop := l.start("wins", "samba", "-F", "-M", "single", "-s", conf)
	db := filepath.Join(dir, "private", "wins_config.ldb")
	until(t, "the WINS server", 30*time.Second, func() bool { _, err := os.Stat(db); return err == nil && listening() })
	stop()
	var ldif strings.Builder
	for n := 11; n <= 13; n++ {
		fmt.Fprintf(&ldif, "dn: CN=T%d,CN=PARTNERS\nobjectClass: wreplPartner\nname: T%d\naddress: 10.30.0.%d\npullInterval: 0\npushChangeCount: 0\ntype: 3\n\n", n, n, n)
	}
	partners := filepath.Join(l.dir, "partners.ldif")
	if err := os.WriteFile(partners, []byte(ldif.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "the partners", 20*time.Second, func() bool { return exec.Command("ldbadd", "-H", db, partners).Run() == nil })
	l.start("wins", "samba", "-F", "-M", "single", "-s", conf)
	until(t, "the WINS server with partners", 30*time.Second, listening)
	tester := filepath.Join(l.dir, "torture.conf")
	write(tester, "netbios name = TORTURE\nworkgroup = LVDOM\ninterfaces = 10.30.0.11/24 10.30.0.12/24 10.30.0.13/24\n", filepath.Join(l.dir, "torture"))

	s := l.sniff("-i", "pwins", "--format", "ndjson", "--write", "w.pcapng")
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ip", "netns", "exec", l.prefix+"host", "smbtorture", "//10.30.0.5/x", "nbt.winsreplication.owned", "-s", tester, "-U%").CombinedOutput()
	if err != nil {
		t.Fatalf("smbtorture: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	live := len(s.findings())
	s.end()
	var names []string
	for _, f := range s.findings() {
		if f.Rule != "release-by-dynamic-replica" || !strings.HasPrefix(f.Name, "_") {
			t.Errorf("found %+v, which is not so: no record of the test is static", f)
		}
		if slices.Contains(demanded, f.Name) {
			names = append(names, f.Name)
			if f.Verdict != "proved" {
				t.Errorf("%s is %s: its record was replicated before", f.Name, f.Verdict)
			}
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, demanded) {
		t.Errorf("found the demands for %q, not for %q", names, demanded)
	}
	if live == 0 {
		t.Error("nothing was found before the end")
	}
	table := l.must(l.binary, "export", "mappings", "--format", "ndjson", filepath.Join(l.dir, "w.pcapng"))
	if n := strings.Count(table, `"source":"replication"`); n < 100 {
		t.Errorf("%d records are known by replication:\n%s", n, table[:min(len(table), 1000)])
	}
	t.Logf("%d findings while it ran, %d in all; %d replicated records", live, len(s.findings()), strings.Count(table, `"source":"replication"`))
	if again := strings.Count(l.must(l.binary, "analyze", "--format", "ndjson", filepath.Join(l.dir, "w.pcapng")), `"type":"finding"`); again != len(s.findings()) {
		t.Errorf("the written file gives %d findings, live there were %d", again, len(s.findings()))
	}
}

// pipeLab is a lab with one veth pair in the switch's namespace: what is sent
// on "lvout" is seen on "lvin".
func pipeLab(t *testing.T) *lab {
	l := newLab(t)
	l.ip("sw", "link", "add", "lvout", "type", "veth", "peer", "name", "lvin")
	l.ip("sw", "link", "set", "lvin", "up")
	l.ip("sw", "link", "set", "lvout", "up")
	return l
}

// A capture replayed at its own speed gives, live, what the file gives.
func TestLiveReplayGivesTheFilesFindings(t *testing.T) {
	for _, file := range []string{"lab/02c-multihomed-race-third-nic-refused.pcap", "lab/05-duplicate-owner-alive.pcap", "lab/w1-windows-static-refuses-every-nic.pcap", "lab/12-spoofing-responder-and-forged-demand.pcap"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := corpus.FS.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l := pipeLab(t)
			path := filepath.Join(l.dir, filepath.Base(file))
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			want := l.must(l.binary, "analyze", "--format", "json", path)
			s := l.sniff("-i", "lvin", "--format", "json", "-o", "live.json", "--write", "w.pcapng")
			l.in("sw", "tcpreplay", "-q", "-i", "lvout", path)
			s.end()
			live, err := os.ReadFile(filepath.Join(l.dir, "live.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				what string
				out  []byte
			}{{"live", live}, {"what was written gives", []byte(l.must(l.binary, "analyze", "--format", "json", filepath.Join(l.dir, "w.pcapng")))}} {
				if w, g := keys(t, []byte(want)), keys(t, c.out); len(w) == 0 || !slices.Equal(w, g) {
					t.Errorf("%s:\n%s\nthe file gives:\n%s\n%s", c.what, strings.Join(g, "\n"), strings.Join(w, "\n"), s.stderr)
				}
			}
		})
	}
}

// keys are the findings of a JSON report without their times and frames.
func keys(t *testing.T, report []byte) (keys []string) {
	t.Helper()
	var doc struct{ Findings []liveFinding }
	if err := json.Unmarshal(report, &doc); err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Findings {
		keys = append(keys, fmt.Sprintf("%s %s %s<%02x> %s %v", f.Rule, f.Verdict, f.Name, f.Suffix, f.Server, f.Host.Addresses))
	}
	slices.Sort(keys)
	return keys
}

// Signals, files that are moved, a device that goes and comes back, counters,
// and kill -9, with the rights of nobody.
func TestLiveOperations(t *testing.T) {
	l := pipeLab(t)
	data, err := corpus.FS.ReadFile("lab/w3-windows-replicated-static-demands-to-all-nics.pcap")
	if err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(l.dir, "w3.pcap")
	if err := os.WriteFile(capture, data, 0o644); err != nil {
		t.Fatal(err)
	}
	replay := func() { l.in("sw", "tcpreplay", "-q", "--topspeed", "-i", "lvout", capture) }
	s := l.sniff("-v", "-i", "lvin", "--write", "w.pcapng", "-o", "o.txt", "--metrics", "9137", "--stats-interval", "1s")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(status), "\t65534\t65534\t65534") || !strings.Contains(string(status), "NoNewPrivs:\t1") {
		t.Errorf("the process has rights:\n%s", status)
	}
	replay()
	s.cmd.Process.Signal(syscall.SIGUSR1)
	until(t, "the counters", 10*time.Second, func() bool { return strings.Contains(s.stderr.String(), "lvin: 103 captured") })
	until(t, "the metrics", 10*time.Second, func() bool {
		return strings.Contains(l.in("sw", "curl", "-s", "http://127.0.0.1:9137/metrics"), `nbtrace_captured_packets_total{device="lvin"} 103`)
	})
	if out := l.in("sw", "curl", "-s", "http://127.0.0.1:9137/healthz"); out != "ok\n" {
		t.Errorf("health: %q", out)
	}
	if err := os.Rename(filepath.Join(l.dir, "w.pcapng"), filepath.Join(l.dir, "old.pcapng")); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGHUP)
	until(t, "a new file", 10*time.Second, func() bool { _, err := os.Stat(filepath.Join(l.dir, "w.pcapng")); return err == nil })

	l.ip("sw", "link", "del", "lvin")
	until(t, "the note that the device is gone", 10*time.Second, func() bool { return strings.Contains(s.stderr.String(), "waiting for it to come back") })
	l.ip("sw", "link", "add", "lvout", "type", "veth", "peer", "name", "lvin")
	l.ip("sw", "link", "set", "lvin", "up")
	l.ip("sw", "link", "set", "lvout", "up")
	until(t, "the note that it is back", 20*time.Second, func() bool { return strings.Contains(s.stderr.String(), "there again") })
	replay()
	until(t, "the second replay", 10*time.Second, func() bool { return strings.Contains(s.stderr.String(), "lvin: 206 captured") })
	until(t, "the file on disk", 10*time.Second, func() bool {
		st, err := os.Stat(filepath.Join(l.dir, "w.pcapng"))
		return err == nil && st.Size() > 10_000
	})
	s.cmd.Process.Signal(syscall.SIGKILL)
	if err := <-s.done; err == nil {
		t.Error("it was not killed")
	}
	for _, f := range []string{"old.pcapng", "w.pcapng"} {
		if out := l.must("capinfos", "-M", "-c", filepath.Join(l.dir, f)); !strings.Contains(out, "103") {
			t.Errorf("%s: %s", f, out)
		}
	}
}

// The first Ctrl-C waits for whoever reads the findings; the second does not.
func TestLiveSecondInterruptLeavesAtOnce(t *testing.T) {
	l := pipeLab(t)
	data, err := corpus.FS.ReadFile("lab/w3-windows-replicated-static-demands-to-all-nics.pcap")
	if err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(l.dir, "w3.pcap")
	if err := os.WriteFile(capture, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // that nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	var stderr guarded
	cmd := exec.Command("ip", "netns", "exec", l.prefix+"sw", l.binary, "sniff", "-i", "lvin")
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	defer cmd.Process.Kill()
	until(t, "capturing", 20*time.Second, func() bool { return strings.Contains(stderr.String(), "Ctrl-C ends it") })
	l.in("sw", "tcpreplay", "-q", "--topspeed", "-i", "lvout", capture)
	cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-done:
		t.Fatalf("it ended by the first Ctrl-C, though its output is not taken: %v\n%s", err, stderr.String())
	case <-time.After(2 * time.Second):
	}
	cmd.Process.Signal(os.Interrupt)
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the second Ctrl-C does not end it")
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !ws.Signaled() || ws.Signal() != syscall.SIGINT {
		t.Errorf("it ended by %v", cmd.ProcessState)
	}
}

func TestLiveWithoutRights(t *testing.T) {
	l := pipeLab(t)
	cmd := exec.Command("ip", "netns", "exec", l.prefix+"sw", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", l.binary, "sniff", "-i", "lvin")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"sudo setcap cap_net_raw,cap_net_admin=eip " + l.binary, "--cap-add=NET_RAW"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// Nothing is sent and no port is bound, whatever is heard.
func TestLiveIsSilent(t *testing.T) {
	l := pipeLab(t)
	s := l.sniff("-i", "lvin", "-i", "lo", "--format", "ndjson")
	if out := l.in("sw", "ss", "-Hlun"); strings.TrimSpace(out) != "" {
		t.Errorf("bound: %s", out)
	}
	before := l.in("sw", "cat", "/sys/class/net/lvin/statistics/tx_packets")
	data, err := corpus.FS.ReadFile("lab/w3-windows-replicated-static-demands-to-all-nics.pcap")
	if err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(l.dir, "w3.pcap")
	if err := os.WriteFile(capture, data, 0o644); err != nil {
		t.Fatal(err)
	}
	l.in("sw", "tcpreplay", "-q", "--topspeed", "-i", "lvout", capture)
	s.end()
	if after := l.in("sw", "cat", "/sys/class/net/lvin/statistics/tx_packets"); after != before {
		t.Errorf("sent %s packets, then %s", before, after)
	}
}
