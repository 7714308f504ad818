package captures

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
)

var le, be = binary.LittleEndian, binary.BigEndian

// TestFramesAsTshark compares with what tshark wrote down beside the captures.
func TestFramesAsTshark(t *testing.T) {
	for path, b := range testFiles(t) {
		golden, err := os.ReadFile(path + ".frames")
		if err != nil {
			t.Fatal(err)
		}
		frames, info, err := readBytes(t, b)
		if err != nil || !info.Complete {
			t.Errorf("%s: %v, complete %v", path, err, info.Complete)
		}
		got := make(map[int64]string)
		for _, f := range frames {
			got[f.Number] = fmt.Sprintf("%d\t%d.%09d\t%d\t%d", f.Number, f.Time/1e9, f.Time%1e9, f.Length, len(f.Data))
		}
		for line := range strings.Lines(string(golden)) {
			line = strings.TrimSuffix(line, "\n")
			var n int64
			fmt.Sscan(line, &n)
			g, ok := got[n]
			delete(got, n)
			if number, rest, timeless := strings.Cut(line, "\t\t"); timeless {
				// A simple packet block has no time, a custom block is no frame.
				if line = number + "\t0.000000000\t" + rest; !ok {
					continue
				}
			}
			if g != line {
				t.Errorf("%s: got %q, want %q", path, g, line)
			}
		}
		if len(got) > 0 {
			t.Errorf("%s: frames that tshark does not have: %v", path, got)
		}
	}
}

func TestPcap(t *testing.T) {
	const at = 1700000000
	plain := []record{{sec: at, frac: 7, data: "abc"}, {sec: at + 1, frac: 8, data: "defg", orig: 60}}
	patched := []record{
		{sec: at, frac: 7, data: "abc", extra: "\x02\x00\x00\x00\x08\x00\x00\x00"},
		{sec: at + 1, frac: 8, data: "defg", orig: 60, extra: "\x02\x00\x00\x00\x08\x00\x04\x00"},
	}
	nokia := []record{
		{sec: at, frac: 7, data: "abc", extra: "\x61\xb6\xbf\x9f"},
		{sec: at + 1, frac: 8, data: "defg", orig: 60, extra: "\x92\xd9\xbf\xbf"},
	}
	suse := []record{
		{sec: at, frac: 7, data: "abc", extra: "\x02\x00\x00\x00\x08\x06\x00\xff\xff\xff\xff\xff"},
		{sec: at + 1, frac: 8, data: "defg", orig: 60, extra: "\x02\x00\x00\x00\x08\x00\x04\xff\xff\xff\xff\xff"},
	}
	swapped := []record{{sec: at, frac: 7, data: "abc"}, {sec: at + 1, frac: 8, data: "defg", incl: 60, orig: 4}}
	tests := []struct {
		name string
		file []byte
		unit int64
		link LinkType
	}{
		{"little, micro", pcapFile(le, magicMicro, 1, 4, plain...), 1000, 1},
		{"big, micro", pcapFile(be, magicMicro, 1, 4, plain...), 1000, 1},
		{"little, nano", pcapFile(le, magicNano, 1, 4, plain...), 1, 1},
		{"big, nano", pcapFile(be, magicNano, 276, 4, plain...), 1, 276},
		{"FCS length in the link type", pcapFile(le, magicMicro, 0x24000001, 4, plain...), 1000, 1},
		{"reserved bits in the link type", pcapFile(le, magicMicro, 0x0224000c, 4, plain...), 1000, 12},
		{"patched libpcap under the standard magic", pcapFile(le, magicMicro, 1, 4, patched...), 1000, 1},
		{"patched libpcap", pcapFile(le, magicPatched, 1, 4, patched...), 1000, 1},
		{"SuSE", pcapFile(le, magicPatched, 1, 4, suse...), 1000, 1},
		{"Nokia", pcapFile(le, magicMicro, 1, 4, nokia...), 1000, 1},
		{"Ixia", pcapFile(le, magicIxia, 1, 4, plain...), 1000, 1},
		{"Ixia, nano", pcapFile(be, magicIxiaNano, 1, 4, plain...), 1, 1},
		{"AIX Ethernet", pcapFile(be, magicMicro, 6, 2, record{sec: at, frac: 7, data: "abc"},
			record{sec: at + 1, frac: 8, data: "defg", incl: 60, orig: 4}), 1, 1},
		{"version 2.2, lengths swapped", pcapFile(le, magicMicro, 1, 2, swapped...), 1000, 1},
		{"version 2.3, lengths swapped", pcapFile(le, magicMicro, 1, 3, swapped...), 1000, 1},
		{"version 2.3, lengths in order", pcapFile(le, magicMicro, 1, 3, plain...), 1000, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, info, err := readBytes(t, tt.file)
			if err != nil || !info.Complete || info.Err != nil {
				t.Fatal(err, info)
			}
			first, second := int64(at*1e9+7*tt.unit), int64((at+1)*1e9+8*tt.unit)
			sameFrames(t, frames, []Frame{
				{Number: 1, Time: first, Link: tt.link, Length: 3, Data: []byte("abc")},
				{Number: 2, Time: second, Link: tt.link, Length: 60, Data: []byte("defg")},
			})
			want := Info{Name: "x", Format: "pcap", LinkTypes: []LinkType{tt.link}, Packets: 2, Bytes: int64(len(tt.file)),
				First: first, Last: second, Complete: true}
			if fmt.Sprint(info) != fmt.Sprint(want) {
				t.Errorf("info %+v\nwant %+v", info, want)
			}
		})
	}
}

func TestPcapNG(t *testing.T) {
	const at = 1700000000_000000
	frame := func(n int64, time int64, iface int, link LinkType, length int, data string) Frame {
		return Frame{Number: n, Time: time, Interface: iface, Link: link, Length: length, Data: []byte(data)}
	}
	unaligned := epb(le, 0, at, "abcdef", 6)
	le.PutUint32(unaligned[4:], uint32(len(unaligned)-2))
	le.PutUint32(unaligned[len(unaligned)-4:], uint32(len(unaligned)-2))
	tests := []struct {
		name   string
		file   []byte
		frames []Frame
		damage string
	}{
		{"the four packet blocks", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "enh", 90), spb(le, "simple", 6),
			opb(le, 0, at+1, "old")), []Frame{frame(1, at*1000, 0, 1, 90, "enh"), frame(2, 0, 0, 1, 6, "simple"),
			frame(3, (at+1)*1000, 0, 1, 3, "old")}, ""},
		{"big-endian section after a little-endian one", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "a", 1), shb(be),
			idb(be, 276, 0), epb(be, 0, at, "b", 1)), []Frame{frame(1, at*1000, 0, 1, 1, "a"), frame(2, at*1000, 1, 276, 1, "b")}, ""},
		{"interfaces of several link types", join(shb(le), idb(le, 1, 0), idb(le, 101, 0), epb(le, 1, at, "b", 1),
			epb(le, 0, at, "a", 1)), []Frame{frame(1, at*1000, 1, 101, 1, "b"), frame(2, at*1000, 0, 1, 1, "a")}, ""},
		{"resolution and offset", join(shb(le),
			idb(le, 1, 0, ngOption(le, 2, []byte("eth0")), ngOption(le, optionResolution, []byte{9}),
				ngOption(le, optionOffset, le.AppendUint64(nil, 1000)), ngOption(le, optionEnd, nil)),
			epb(le, 0, 1700000000_123456789, "a", 1)), []Frame{frame(1, 1700001000_123456789, 0, 1, 1, "a")}, ""},
		{"unknown blocks are skipped", join(shb(le), idb(le, 1, 0), block(le, 0x80000123, []byte("whatever")),
			block(le, 5, make([]byte, 12)), block(le, 10, make([]byte, 8)), epb(le, 0, at, "a", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "a")}, ""},
		{"custom, journal and event blocks have frame numbers", join(shb(le), idb(le, 1, 0), block(le, blockCustom, []byte("pen.")),
			block(le, blockJournal, []byte("A=b\n\n")), block(le, blockEvent, make([]byte, 24)), epb(le, 0, at, "a", 1)),
			[]Frame{frame(4, at*1000, 0, 1, 1, "a")}, ""},
		{"packet options are skipped", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "a", 1, ngOption(le, 1, []byte("comment"))),
			epb(le, 0, at, "b", 1)), []Frame{frame(1, at*1000, 0, 1, 1, "a"), frame(2, at*1000, 0, 1, 1, "b")}, ""},
		{"two megabytes of packet options", join(shb(le), idb(le, 1, 0),
			epb(le, 0, at, "a", 1, bytes.Repeat(ngOption(le, 1, make([]byte, 65532)), 32)), epb(le, 0, at, "b", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "a"), frame(2, at*1000, 0, 1, 1, "b")}, ""},
		{"an unknown block of 20 MB", join(shb(le), idb(le, 1, 0), block(le, 0x77, make([]byte, 20<<20)), epb(le, 0, at, "a", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "a")}, ""},
		{"simple packet cut by the snap length", join(shb(le), idb(le, 1, 4), spb(le, "abcdefgh", 60)),
			[]Frame{frame(1, 0, 0, 1, 60, "abcd")}, ""},
		{"length that is no multiple of four", join(shb(le), idb(le, 1, 0), unaligned, epb(le, 0, at, "b", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 6, "abcdef"), frame(2, at*1000, 0, 1, 1, "b")}, ""},
		{"captured more than there was", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "abc", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "abc")}, ""},
		{"interface that is not described", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "a", 1), epb(le, 1, at, "b", 1)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "a")}, "names interface 1 of 1"},
		{"interfaces end with their section", join(shb(le), idb(le, 1, 0), shb(le), epb(le, 0, at, "a", 1)), nil, "names interface 0 of 0"},
		{"data beyond the block", join(shb(le), idb(le, 1, 0), patch(epb(le, 0, at, "abcd", 4), 20, 100)), nil, "claims 100 bytes of data"},
		{"data beyond the limit", join(shb(le), idb(le, 1, 0), patch(epb(le, 0, at, "abcd", 4), 20, 300000)), nil, "more than the limit of 262144"},
		{"trailer that differs", join(shb(le), idb(le, 1, 0), patch(epb(le, 0, at, "abcd", 4), 32, 8)), nil, "36 at its start and 8 at its end"},
		{"trailer of a skipped block that differs", join(shb(le), patch(block(le, 5, nil), 8, 8)), nil, "12 at its start and 8 at its end"},
		{"block of no length", join(shb(le), idb(le, 1, 0), patch(block(le, 0x99, nil), 4, 0)), nil, "claims 0 bytes"},
		{"packet block above its limit", join(shb(le), idb(le, 1, 0), patch(epb(le, 0, at, "abcd", 4), 4, 17<<20)), nil, "claims 17825792 bytes"},
		{"later section of unknown byte order", join(shb(le), idb(le, 1, 0), epb(le, 0, at, "a", 1), patch(shb(le), 8, 0x1a2b3c4e)),
			[]Frame{frame(1, at*1000, 0, 1, 1, "a")}, "byte-order magic 0x1a2b3c4e"},
		{"version 2", patch(shb(le), 12, 2), nil, "version 2.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, info, err := readBytes(t, tt.file)
			sameFrames(t, frames, tt.frames)
			if tt.damage == "" {
				if err != nil || !info.Complete || info.Bytes != int64(len(tt.file)) {
					t.Errorf("%v, %+v", err, info)
				}
				return
			}
			var d *DamageError
			if !errors.As(err, &d) || !strings.Contains(d.Reason, tt.damage) || d.Frame != int64(len(frames)) {
				t.Errorf("got %v, want damage %q", err, tt.damage)
			}
		})
	}
}

func patch(b []byte, at int, v uint32) []byte {
	le.PutUint32(b[at:], v)
	return b
}

// TestTime compares with exact arithmetic for every resolution.
func TestTime(t *testing.T) {
	if got := pow10(19); got != 10_000_000_000_000_000_000 {
		t.Fatal(got)
	}
	times := []uint64{0, 1, 999, 1e6, 1700000000, 1700000000_123456, 1700000000_123456789, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64}
	for _, binary := range []bool{false, true} {
		for exp := range uint8(128) {
			for _, offset := range []int64{0, 1000 * second, -1000 * second, math.MaxInt64 / second * second, math.MinInt64 / second * second} {
				i := iface{exp: exp, binary: binary, offset: offset}
				i.prepare()
				for _, u := range times {
					want := new(big.Int).Mul(new(big.Int).SetUint64(u), big.NewInt(second))
					base := big.NewInt(10)
					if binary {
						base.SetInt64(2)
					}
					want.Div(want, base.Exp(base, big.NewInt(int64(exp)), nil))
					if want.Cmp(big.NewInt(math.MaxInt64)) > 0 {
						want.SetInt64(math.MaxInt64)
					}
					want.Add(want, big.NewInt(offset))
					clamped := want.Int64()
					if !want.IsInt64() {
						clamped = math.MaxInt64
						if want.Sign() < 0 {
							clamped = math.MinInt64
						}
					}
					if got := i.time(u); got != clamped {
						t.Fatalf("time %d, exponent %d, binary %v, offset %d: got %d, want %d", u, exp, binary, offset, got, clamped)
					}
				}
			}
		}
	}
}

// TestEveryCut cuts each sample after every byte: all whole frames, then the
// damage, and the same in reads of one byte.
func TestEveryCut(t *testing.T) {
	for name, b := range sampleFiles(t) {
		whole, _, err := readBytes(t, b)
		if err != nil {
			t.Fatal(name, err)
		}
		step := 1 + len(b)/2000
		for n := 0; n <= len(b); n += step {
			frames, info, err := readBytes(t, b[:n])
			sameFrames(t, frames, whole[:len(frames)])
			var (
				damage *DamageError
				format *FormatError
			)
			switch {
			case err == nil:
				if !info.Complete || info.Bytes != int64(n) {
					t.Fatalf("%s cut at %d: no error, %+v", name, n, info)
				}
			case errors.As(err, &damage):
				if damage.Frame < int64(len(frames)) || damage.Offset > int64(n) || !errors.Is(err, io.ErrUnexpectedEOF) || info.Complete {
					t.Fatalf("%s cut at %d: %v %+v", name, n, err, info)
				}
			case !errors.As(err, &format) || n >= 28:
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
			if n == len(b) && err != nil {
				t.Fatal(name, err)
			}
		}
		r, err := NewReader("x", iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatal(name, err)
		}
		frames, err := readAll(r)
		if err != nil {
			t.Fatal(name, err)
		}
		sameFrames(t, frames, whole)
	}
}

func TestCompressed(t *testing.T) {
	defer goleak.VerifyNone(t)
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "skip"...)
	for name, b := range sampleFiles(t) {
		whole, plain, err := readBytes(t, b)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, c := range []struct {
			kind   string
			packed []byte
			suffix string
		}{
			{"gzip", gz(t, b), "+gzip"},
			{"gzip of several members", join(gz(t, b[:10]), gz(t, nil), gz(t, b[10:])), "+gzip"},
			{"zstd", zst(t, b), "+zstd"},
			{"zstd after a skippable frame", join(skippable, zst(t, b[:9]), zst(t, b[9:])), "+zstd"},
		} {
			r, err := NewReader("x", bytes.NewReader(c.packed))
			if err != nil {
				t.Fatal(name, c.kind, err)
			}
			frames, err := readAll(r)
			if err != nil {
				t.Fatal(name, c.kind, err)
			}
			sameFrames(t, frames, whole)
			if i := r.Info(); i.Format != plain.Format+c.suffix || i.Bytes != int64(len(b)) || !i.Complete {
				t.Errorf("%s, %s: %+v", name, c.kind, i)
			}
			if r.BytesRead() != int64(len(c.packed)) {
				t.Errorf("%s, %s: %d bytes read of %d", name, c.kind, r.BytesRead(), len(c.packed))
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestCompressedAndCut cuts and spoils compressed captures.
func TestCompressedAndCut(t *testing.T) {
	defer goleak.VerifyNone(t)
	var records []record
	for i := range 4000 {
		records = append(records, record{sec: uint32(i), data: fmt.Sprintf("frame %d, %x", i, i*i*i*7919)})
	}
	b := pcapFile(le, magicMicro, 1, 4, records...)
	whole, _, err := readBytes(t, b)
	if err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{"gzip": gz(t, b), "zstd": zst(t, b)} {
		for n := 1; n < len(packed); n += 997 {
			frames, info, err := readBytes(t, packed[:n])
			sameFrames(t, frames, whole[:len(frames)])
			if err == nil || info.Complete {
				t.Fatalf("%s cut at %d of %d: no error", name, n, len(packed))
			}
			if n > 20 {
				var d *DamageError
				if !errors.As(err, &d) || !d.Packed || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("%s cut at %d: %v", name, n, err)
				}
			}
		}
		spoilt := bytes.Clone(packed)
		spoilt[len(spoilt)-6] ^= 0xFF // in the checksum of either
		if frames, _, err := readBytes(t, spoilt); err == nil || len(frames) > len(whole) {
			t.Errorf("%s with a wrong checksum: %d frames, %v", name, len(frames), err)
		}
	}
	if got, _, _ := readBytes(t, gz(t, b)[:len(gz(t, b))/2]); len(got) < 1000 {
		t.Errorf("half of a gzip gave %d frames", len(got))
	}
}

// TestCloseStopsDecompression closes a reader that has far more to give.
func TestCloseStopsDecompression(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := pcapFile(le, magicMicro, 1, 4, record{data: "a"})
	packed := gz(t, append(b, make([]byte, 50<<20)...))
	for range 3 {
		r, err := NewReader("x", bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Next(&f); !errors.Is(err, os.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestLargeRecords(t *testing.T) {
	atLimit := pcapFile(le, magicMicro, 1, 4, record{data: "a"}, record{data: strings.Repeat("x", maxData)}, record{data: "b"})
	frames, _, err := readBytes(t, atLimit)
	if err != nil || len(frames) != 3 || len(frames[1].Data) != maxData || string(frames[2].Data) != "b" {
		t.Errorf("at the limit: %d frames, %v", len(frames), err)
	}
	small, err := NewReader("x", bytes.NewReader(atLimit), WithBuffer(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(small)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, got, frames)

	var d *DamageError
	above := pcapFile(le, magicMicro, 1, 4, record{data: "a"}, record{data: strings.Repeat("x", maxData+1)})
	frames, _, err = readBytes(t, above)
	if len(frames) != 1 || !errors.As(err, &d) || d.Frame != 1 || d.Offset != 24+17 {
		t.Errorf("above the limit: %d frames, %v", len(frames), err)
	}

	// USB frames may be larger: they are counted, and Data is cut.
	usb := strings.Repeat("u", 5<<20)
	for name, b := range map[string][]byte{
		"pcap":   pcapFile(le, magicMicro, 249, 4, record{data: usb}, record{data: "b"}),
		"pcapng": join(shb(le), idb(le, 249, 0), epb(le, 0, 1, usb, len(usb)), epb(le, 0, 2, "b", 1)),
	} {
		frames, _, err = readBytes(t, b)
		if err != nil || len(frames) != 2 || len(frames[0].Data) != maxData || frames[0].Length != len(usb) || string(frames[1].Data) != "b" {
			t.Errorf("large USB in %s: %d frames, %v", name, len(frames), err)
		}
	}
}

// TestFixedMemory: a hostile length must not make the reader allocate.
func TestFixedMemory(t *testing.T) {
	for name, b := range map[string][]byte{
		"pcap":           pcapFile(le, magicMicro, 1, 4, record{data: "a", incl: 0xFFFFFFFF}),
		"pcap USB":       pcapFile(le, magicMicro, 249, 4, record{data: "a", incl: maxLarge}),
		"packet block":   join(shb(le), idb(le, 1, 0), patch(epb(le, 0, 1, "a", 1), 4, 0xFFFFFFFC)),
		"unknown block":  join(shb(le), patch(block(le, 99, nil), 4, 0xFFFFFFFF)),
		"interface":      join(shb(le), patch(idb(le, 1, 0), 4, 0xFFFFFFFF)),
		"section header": patch(shb(le), 4, 0xFFFFFFFF),
	} {
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := readAll(r); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(r.buf) > defaultBuffer || cap(r.held) > maxData {
			t.Errorf("%s: buffers of %d and %d", name, len(r.buf), cap(r.held))
		}
	}
}

func TestTooManyInterfaces(t *testing.T) {
	b := join(shb(le), bytes.Repeat(idb(le, 1, 0), maxInterfaces), epb(le, maxInterfaces-1, 0, "a", 1), idb(le, 1, 0))
	frames, info, err := readBytes(t, b)
	if len(frames) != 1 || frames[0].Interface != maxInterfaces-1 || err == nil || len(info.LinkTypes) != 1 {
		t.Errorf("%d frames, %v", len(frames), err)
	}
}

// failing gives b and then err.
func failing(b []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(err))
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	b := pcapFile(le, magicMicro, 1, 4, record{data: "a"}, record{data: "b"})
	for _, n := range []int{len(b), len(b) - 1} {
		r, err := NewReader("x", failing(b[:n], broken))
		if err != nil {
			t.Fatal(err)
		}
		frames, err := readAll(r)
		if !errors.Is(err, broken) || len(frames) != 2-(len(b)-n) {
			t.Errorf("%d frames, %v", len(frames), err)
		}
		if again := r.Next(new(Frame)); again != err {
			t.Errorf("second error %v, first %v", again, err)
		}
		if i := r.Info(); i.Complete || !errors.Is(i.Err, broken) {
			t.Errorf("%+v", i)
		}
	}
	if _, err := NewReader("x", failing(nil, broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := NewReader("x", failing(gz(t, b)[:12], broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := NewReader("x", struct{ io.Reader }{idle{}}); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

// idle never gives a byte and never ends.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// TestNoAllocation is the budget of the hot path: nothing per frame.
func TestNoAllocation(t *testing.T) {
	var records []record
	var ng [][]byte
	for i := range 3000 {
		records = append(records, record{sec: uint32(i), data: strings.Repeat("d", i%1500)})
		ng = append(ng, epb(be, 0, uint64(i), strings.Repeat("d", i%1500), 1500))
	}
	files := [][]byte{
		pcapFile(le, magicMicro, 1, 4, records...),
		join(shb(be), idb(be, 1, 0), join(ng...)),
	}
	for _, b := range files {
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		if n := testing.AllocsPerRun(2500, func() {
			if err := r.Next(&f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per frame", r.Info().Format, n)
		}
	}
	var rs []*Reader
	for _, b := range files {
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	m := NewMerge(rs)
	var f Frame
	if n := testing.AllocsPerRun(5000, func() {
		if err := m.Next(&f); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("merge: %v allocations per frame", n)
	}
}

func TestDataCannotGrowIntoTheNextFrame(t *testing.T) {
	for _, b := range [][]byte{
		pcapFile(le, magicMicro, 1, 4, record{data: "abc"}, record{data: "def"}),
		join(shb(le), idb(le, 1, 0), epb(le, 0, 1, "abc", 3), epb(le, 0, 2, "def", 3)),
	} {
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		_ = append(f.Data, bytes.Repeat([]byte{0xFF}, 64)...)
		if err := r.Next(&f); err != nil || string(f.Data) != "def" {
			t.Errorf("%q, %v", f.Data, err)
		}
	}
}
