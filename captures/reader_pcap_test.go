//go:build cgo

package captures

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/pcap"
)

// These tests hold the reader against libpcap. It differs on purpose here:
//   - Record headers under the standard magic number that are not libpcap's
//     (Red Hat 6.1, Nokia) and AIX files: libpcap cannot tell them; Wireshark can.
//   - Frames longer than the snap length of the file are cut by libpcap and
//     taken whole here.
//   - A time of 2^31 seconds or more is negative in libpcap. A fraction of a
//     second or more is kept as it is there and carried over here.
//   - pcapng: libpcap refuses files of several link types, lengths that are no
//     multiple of four, frames longer than the snap length, faulty options and
//     blocks above 16 MiB; they are read here as far as they make sense.
//   - libpcap swaps the words of host order within NFLOG, USB and PKTAP frames
//     of the other byte order; here Data is what stands in the file.
//   - libpcap does not compare the two lengths of a section header.
//   - libpcap gives no frame number, so blocks that only count are not compared.
//   - libpcap maps some link types to numbers of its own.

type reference struct {
	frames []Frame
	link   int
	snap   int
	err    error
	opened bool
}

func libpcap(t *testing.T, path string) reference {
	t.Helper()
	h, err := pcap.OpenOffline(path)
	if err != nil {
		return reference{err: err}
	}
	defer h.Close()
	ref := reference{opened: true, link: int(h.LinkType()), snap: h.SnapLen()}
	for {
		data, ci, err := h.ReadPacketData()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				ref.err = err
			}
			return ref
		}
		ref.frames = append(ref.frames, Frame{Time: ci.Timestamp.UnixNano(), Length: ci.Length, Data: data})
	}
}

// compare returns how many frames were compared.
func compare(t *testing.T, name string, b []byte) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ref := libpcap(t, path)
	r, err := Open(path)
	if err != nil {
		var f *FormatError
		if ref.opened && !(errors.As(err, &f) && strings.Contains(f.Looks, "version")) {
			t.Errorf("%s: libpcap opens it, here: %v", name, err)
		}
		return 0
	}
	defer r.Close()
	classic := r.kind == "pcap"
	frames, err := readAll(r)
	if classic && r.pcap.magic == magicMicro && (r.pcap.record != recordPlain || r.pcap.unit == 1) {
		return 0
	}
	if !ref.opened {
		return 0
	}
	var d *DamageError
	if errors.As(err, &d) && strings.Contains(d.Reason, "at its end") && bytes.HasPrefix(b[d.Offset:], []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		return 0
	}
	n := min(len(frames), len(ref.frames))
	if len(frames) < len(ref.frames) {
		t.Errorf("%s: %d frames, libpcap %d; ended with %v, libpcap with %v", name, len(frames), len(ref.frames), err, ref.err)
	}
	if classic && (len(frames) != len(ref.frames) || (err == nil) != (ref.err == nil)) {
		t.Errorf("%s: %d frames, %v; libpcap %d, %v", name, len(frames), err, len(ref.frames), ref.err)
	}
	if !classic && err != nil && ref.err == nil {
		t.Errorf("%s: %v, libpcap reads it to the end", name, err)
	}
	for i := range n {
		g, w := frames[i], ref.frames[i]
		if classic {
			g.Data = g.Data[:min(len(g.Data), ref.snap)]
		}
		if r.big && slices.Contains([]LinkType{LinkNFLog, 189, 220, 258}, g.Link) {
			g.Data = w.Data
		}
		timed := g.Time >= 0 && g.Time/second < 1<<31 && (!classic || w.Time%second == g.Time%second)
		if !bytes.Equal(g.Data, w.Data) || g.Length != w.Length || timed && g.Time != w.Time {
			t.Errorf("%s, frame %d:\n  here %+v\nlibpcap %+v", name, i+1, g, w)
			return i
		}
	}
	return n
}

func TestAsLibpcap(t *testing.T) {
	compared := 0
	for name, b := range sampleFiles(t) {
		compared += compare(t, name, b)
	}
	if compared < 60 {
		t.Errorf("only %d frames were compared", compared)
	}
}

// TestMutationsAsLibpcap spoils headers and lengths.
func TestMutationsAsLibpcap(t *testing.T) {
	files := sampleFiles(t)
	names := slices.Sorted(maps.Keys(files))
	rng := rand.New(rand.NewPCG(3, 4))
	compared := 0
	for range 3000 {
		name := names[rng.IntN(len(names))]
		b := bytes.Clone(files[name])
		for range 1 + rng.IntN(3) {
			switch rng.IntN(4) {
			case 0:
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			case 1:
				b[rng.IntN(min(len(b), 120))] = byte(rng.Uint32())
			case 2:
				b = b[:1+rng.IntN(len(b))]
			case 3:
				at := rng.IntN(len(b))
				copy(b[at:], []byte{0, 0, 0, byte(rng.Uint32())}[:min(4, len(b)-at)])
			}
		}
		compared += compare(t, name, b)
		if t.Failed() {
			t.Fatalf("spoilt %s: %x", name, b[:min(len(b), 400)])
		}
	}
	if compared < 5000 {
		t.Errorf("only %d frames were compared", compared)
	}
}
