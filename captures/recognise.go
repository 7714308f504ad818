package captures

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

const (
	hintEditcap = "convert it: editcap -F pcapng IN OUT"
	hintExtract = "unpack it first and give the captures in it"
)

// signature is how a kind of file begins, and what to tell its owner.
type signature struct {
	at    int
	magic string
	looks string
	hint  string
}

var signatures = []signature{
	{0, "RTSS", "a Microsoft Network Monitor 1 capture", hintEditcap},
	{0, "GMBU", "a Microsoft Network Monitor 2 capture", hintEditcap},
	{0, "snoop\x00\x00\x00", "a Sun snoop capture", hintEditcap},
	{0, "iptrace 1.0", "an AIX iptrace 1.0 capture", hintEditcap},
	{0, "iptrace 2.0", "an AIX iptrace 2.0 capture", hintEditcap},
	{0, "TRSNIFF data    \x1a", "a DOS Sniffer capture", hintEditcap},
	{0, "XCP\x00", "a NetXRay or Windows Sniffer capture", hintEditcap},
	{0, "VL\x00\x00", "a NetXRay 1.0 capture", hintEditcap},
	{0, "\x7fver", "a WildPackets/Savvius Omnipeek capture", hintEditcap},
	{0, "btsnoop\x00", "a Bluetooth HCI log", "it holds no IP traffic"},
	{0, "ElfFile\x00", "a Windows event log (EVTX)", "it holds events, no packets: capture with pktmon or Wireshark"},
	{4, "LfLe", "a Windows event log (EVT)", "it holds events, no packets: capture with pktmon or Wireshark"},
	{0, "PK\x03\x04", "a ZIP archive", hintExtract},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", hintExtract},
	{0, "Rar!\x1a\x07", "a RAR archive", hintExtract},
	{257, "ustar", "a tar archive", hintExtract},
	{0, "MSCF", "a Windows cabinet archive", "unpack it first; what netsh trace puts into it is an ETL file: convert that with etl2pcapng IN OUT"},
	{0, "\x1f\x8b", "gzip-compressed data", "decompress it first: gzip -d"},
	{0, "\x28\xb5\x2f\xfd", "zstd-compressed data", "decompress it first: zstd -d"},
	{0, "BZh", "a bzip2-compressed file", "decompress it first: bzip2 -d"},
	{0, "\xfd7zXZ\x00", "an xz-compressed file", "decompress it first: xz -d"},
	{0, "\x04\x22\x4d\x18", "an lz4-compressed file", "decompress it first: lz4 -d IN OUT"},
	{0, "\x1f\x9d", "a compress(1)-compressed file", "decompress it first: gzip -d"},
	{0, "LZIP", "an lzip-compressed file", "decompress it first: lzip -d"},
	{0, "%PDF", "a PDF document", ""},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office or other compound document", ""},
	{0, "SQLite format 3\x00", "an SQLite database", ""},
	{0, "\x7fELF", "a program", ""},
	{0, "MZ", "a Windows program", ""},
}

// recognise says what a file that is no capture seems to be, and what can be
// done. head is its beginning; fewer than headLength bytes are the whole file.
func recognise(head []byte) (looks, hint string) {
	for _, s := range signatures {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], []byte(s.magic)) {
			return s.looks, s.hint
		}
	}
	switch {
	case len(head) == 0:
		return "an empty file", "nothing was captured into it, or it was not copied"
	case isETL(head):
		return "a Windows event trace (ETL), as netsh trace and pktmon write it",
			"convert it: pktmon etl2pcap IN --out OUT, or etl2pcapng IN OUT for netsh trace"
	case isText(head):
		return text(head)
	case len(bytes.Trim(head, "\x00")) == 0:
		return "a file of zero bytes", "its content was never written: copy it again"
	case len(head) < 24:
		return "a file too short for a capture", "copy it again"
	}
	return "data of unknown kind", "if Wireshark opens it, convert it: editcap -F pcapng IN OUT"
}

// isETL looks for a trace buffer's header and, behind it, the system header
// that opens each log: version 2, for 32 or 64 bits, with the flags 0xC0.
func isETL(b []byte) bool {
	if len(b) < 76 {
		return false
	}
	size := binary.LittleEndian.Uint32(b)
	return size >= 1024 && size <= 64<<20 && size%1024 == 0 &&
		b[72] == 2 && b[73] == 0 && (b[74] == 1 || b[74] == 2) && b[75] == 0xC0
}

// isText reports whether b is text: UTF-8 (perhaps cut within a character) or
// UTF-16 with its mark, without control bytes.
func isText(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		switch {
		case c == utf8.RuneError && n == 1:
			return !utf8.FullRune(b)
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b:
			return false
		}
		b = b[n:]
	}
	return true
}

func text(b []byte) (looks, hint string) {
	b = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n"))
	const original = "give the capture that it was made from"
	switch {
	case bytes.HasPrefix(b, []byte("<!doctype html")), bytes.HasPrefix(b, []byte("<html")):
		return "an HTML page", "perhaps an error page was saved in place of the download"
	case bytes.HasPrefix(b, []byte("<")):
		return "an XML document (tshark -T pdml?)", original
	case bytes.HasPrefix(b, []byte("{")), bytes.HasPrefix(b, []byte("[")):
		return "JSON text (tshark -T json, or logs?)", original
	}
	return "plain text (output of tcpdump or tshark?)", original + "; a hex dump can be converted: text2pcap IN OUT"
}
