package captures

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotACapture(t *testing.T) {
	etl := make([]byte, 1024)
	binary.LittleEndian.PutUint32(etl, 65536)
	copy(etl[72:], "\x02\x00\x02\xc0")
	tar := make([]byte, 1024)
	copy(tar, "a.pcap")
	copy(tar[257:], "ustar")
	tests := []struct {
		name  string
		head  string
		looks string
		hint  string
	}{
		{"NetMon 1", "RTSS\x01\x01", "Network Monitor 1", "editcap -F pcapng"},
		{"NetMon 2", "GMBU\x00\x02", "Network Monitor 2", "editcap -F pcapng"},
		{"snoop", "snoop\x00\x00\x00\x00\x00\x00\x02", "snoop", "editcap -F pcapng"},
		{"iptrace 1", "iptrace 1.0", "iptrace 1.0", "editcap -F pcapng"},
		{"iptrace 2", "iptrace 2.0", "iptrace 2.0", "editcap -F pcapng"},
		{"Sniffer", "TRSNIFF data    \x1a", "Sniffer", "editcap -F pcapng"},
		{"NetXRay", "XCP\x00002.002", "NetXRay", "editcap -F pcapng"},
		{"Omnipeek", "\x7fver\x00\x00\x00\x00", "Omnipeek", "editcap -F pcapng"},
		{"ETL", string(etl), "ETL", "etl2pcapng"},
		{"cabinet", "MSCF\x00\x00\x00\x00", "cabinet", "etl2pcapng"},
		{"EVTX", "ElfFile\x00", "EVTX", "no packets"},
		{"EVT", "0\x00\x00\x00LfLe", "EVT", "no packets"},
		{"ZIP", "PK\x03\x04\x14\x00", "ZIP", "unpack"},
		{"7z", "7z\xbc\xaf\x27\x1c\x00\x04", "7z", "unpack"},
		{"tar", string(tar), "tar", "unpack"},
		{"bzip2", "BZh91AY&SY", "bzip2", "bzip2 -d"},
		{"xz", "\xfd7zXZ\x00\x00", "xz", "xz -d"},
		{"lz4", "\x04\x22\x4d\x18@@", "lz4", "lz4 -d"},
		{"PDF", "%PDF-1.7\n", "PDF", ""},
		{"HTML", "\n<!DOCTYPE HTML>\n<html>", "HTML", "error page"},
		{"XML", "<?xml version=\"1.0\"?>\n<pdml>", "XML", "made from"},
		{"JSON", "[\n  {\n    \"_index\": \"packets\"", "JSON", "made from"},
		{"text", "12:00:00.000001 IP 10.0.0.1.137 > 10.0.0.255.137: NBT UDP PACKET(137)\n", "plain text", "made from"},
		{"UTF-16 text", "\xff\xfeN\x00o\x00.\x00", "plain text", "made from"},
		{"text cut within a character", strings.Repeat("a", headLength-1) + "ä", "plain text", "made from"},
		{"empty", "", "an empty file", "nothing was captured"},
		{"short", "\x01\x02", "too short", "copy it again"},
		{"zeros", strings.Repeat("\x00", 4000), "zero bytes", "copy it again"},
		{"noise", strings.Repeat("\x8f\x01\x00\xfe", 300), "unknown kind", "editcap"},
		{"pcap header cut", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "pcap file that ends within its header", "copy"},
		{"pcap version 1", "\xd4\xc3\xb2\xa1\x01\x00\x04\x00" + strings.Repeat("\x00", 16), "version before 2.0", "header may be damaged"},
		{"pcapng header cut", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "pcapng file that ends within its header", "copy"},
		{"pcapng in text mode", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1b" + strings.Repeat("\x00", 30), "section header is damaged", "binary mode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, packed := range []bool{false, true} {
				b := []byte(tt.head)
				if packed {
					b = gz(t, b)
				}
				_, err := NewReader("x.cap", bytes.NewReader(b))
				var f *FormatError
				if !errors.As(err, &f) || f.Name != "x.cap" || !strings.Contains(f.Looks, tt.looks) || !strings.Contains(f.Hint, tt.hint) {
					t.Errorf("compressed %v: %v", packed, err)
				}
			}
		})
	}
	_, err := NewReader("x", bytes.NewReader(gz(t, gz(t, []byte("text")))))
	if err == nil || !strings.Contains(err.Error(), "gzip-compressed data compressed with gzip") {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "deep.pcapng.gz")
	b := pcapFile(le, magicMicro, 1, 4, record{data: "abc"})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := readAll(r)
	if err != nil || len(frames) != 1 {
		t.Error(frames, err)
	}
	if i := r.Info(); i.Name != "deep.pcapng.gz" || i.Format != "pcap" {
		t.Errorf("%+v", i)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.closer.(*os.File).Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("file still open: %v", err)
	}

	if _, err := Open(filepath.Join(dir, "none.pcap")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none.pcap") {
		t.Error(err)
	}
	var f *FormatError
	if _, err := Open(dir); !errors.As(err, &f) || f.Looks != "a directory" {
		t.Error(err)
	}
}

func TestOpenStandardInput(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(f *os.File) { os.Stdin = f }(os.Stdin)
	os.Stdin = in
	if _, err := out.Write(pcapFile(le, magicMicro, 1, 4, record{data: "abc"})); err != nil {
		t.Fatal(err)
	}
	out.Close()
	r, err := Open("-")
	if err != nil {
		t.Fatal(err)
	}
	frames, err := readAll(r)
	if err != nil || len(frames) != 1 || r.Info().Name != "-" {
		t.Error(frames, err, r.Info().Name)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Errorf("standard input was closed: %v", err)
	}
}

// TestPipeIsReadAsItComes: a frame must come out before the next one is in.
func TestPipeIsReadAsItComes(t *testing.T) {
	files := map[string][][]byte{
		"pcap": {pcapFile(le, magicMicro, 1, 4), pcapFile(le, magicMicro, 1, 4, record{data: "a"})[24:],
			pcapFile(le, magicMicro, 1, 4, record{data: "bc"})[24:]},
		"pcapng": {join(shb(le), idb(le, 1, 0)), epb(le, 0, 1, "a", 1), epb(le, 0, 1, "bc", 2)},
	}
	for name, parts := range files {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(parts[0]); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(name, in)
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		for i, part := range parts[1:] {
			if _, err := out.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := r.Next(&f); err != nil || len(f.Data) != i+1 {
				t.Fatalf("%s, frame %d: %q %v", name, i, f.Data, err)
			}
		}
		out.Close()
		if err := r.Next(&f); err == nil || !r.Info().Complete {
			t.Errorf("%s: %v", name, err)
		}
		in.Close()
	}
}

func TestMessages(t *testing.T) {
	d := &DamageError{Name: "a.pcap", Frame: 12, Offset: 4711, Packed: true, Reason: "it broke", Hint: "mend it", Err: fs.ErrInvalid}
	want := "a.pcap: damaged after frame 12, at byte 4711 of the decompressed data: it broke: invalid argument; mend it"
	if d.Error() != want || !errors.Is(d, fs.ErrInvalid) {
		t.Errorf("%v", d)
	}
	f := &FormatError{Name: "a.cap", Looks: "a ZIP archive", Hint: "unpack it"}
	if f.Error() != "a.cap: not a pcap or pcapng capture: it looks like a ZIP archive; unpack it" {
		t.Errorf("%v", f)
	}
}

func TestBufferFor(t *testing.T) {
	for _, n := range []int{0, 1, 10, 64, 100, 1000, 100_000} {
		b := BufferFor(n)
		if b < minBuffer || b > defaultBuffer || n <= 1000 && b*n > manyBuffers {
			t.Errorf("%d inputs: %d bytes each", n, b)
		}
	}
}
