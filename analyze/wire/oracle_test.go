package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nbtrace/captures"
)

func readCapture(t *testing.T, path string) []captures.Frame {
	t.Helper()
	r, err := captures.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var frames []captures.Frame
	for {
		var f captures.Frame
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Data = append([]byte(nil), f.Data...)
		frames = append(frames, f)
	}
}

// wantLine is a packet as the .want files have it.
func wantLine(p *Packet) string {
	names := map[Protocol]string{NBNS: "nbns", NBDGM: "nbdgm", WINSRepl: "winsrepl", WINSGap: "gap"}
	vlan, mac := "-", "-"
	if len(p.VLAN) > 0 {
		vlan = strings.Trim(strings.ReplaceAll(fmt.Sprint(p.VLAN), " ", ","), "[]")
	}
	if p.HasSrcMAC {
		mac = net.HardwareAddr(p.SrcMAC[:]).String()
	}
	return fmt.Sprintf("%d %s %v %v %s %s", p.Frame, names[p.Protocol], p.Src, p.Dst, vlan, mac)
}

// The packets of real captures are those that tshark shows.
func TestOracle(t *testing.T) {
	paths, err := filepath.Glob("testdata/captures/*.want")
	if err != nil || len(paths) != 6 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			frames := readCapture(t, strings.TrimSuffix(path, ".want")+".pcap")
			d := NewDecoder(Options{})
			var out []Packet
			var got strings.Builder
			for i := range frames {
				agree(t, frames[i].Link, frames[i].Data, frames[i].Length)
				out = d.Decode(&frames[i], out[:0])
				for j := range out {
					fmt.Fprintln(&got, wantLine(&out[j]))
				}
			}
			if out = d.Flush(out[:0]); len(out) != 0 {
				t.Errorf("%d packets at the end", len(out))
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
			if s := d.Stats(); s.Frames != int64(len(frames)) || s.Gaps+s.StreamsLost+s.BadHeader != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// Frames doubled, as two taps give them, give each replication message once.
func TestOracleDoubled(t *testing.T) {
	frames := readCapture(t, "testdata/captures/lab-replicated-static.pcap")
	messages := func(frames []captures.Frame) (lines []string) {
		d := NewDecoder(Options{})
		for i := range frames {
			for _, p := range d.Decode(&frames[i], nil) {
				if p.Protocol == WINSRepl {
					lines = append(lines, fmt.Sprintf("%v %v %x", p.Src, p.Dst, p.Payload))
				}
			}
		}
		return lines
	}
	want := messages(frames)
	if len(want) < 10 {
		t.Fatalf("%d messages", len(want))
	}
	var doubled []captures.Frame
	for _, f := range frames {
		doubled = append(doubled, f, f)
	}
	if got := messages(doubled); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("doubled: %d messages, want %d", len(got), len(want))
	}
}
