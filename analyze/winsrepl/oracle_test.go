package winsrepl

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// captured is a line of a .messages file.
type captured struct {
	frame    int
	src, dst netip.AddrPort
	payload  []byte
}

func readTestdata(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(b)
}

func readMessages(t testing.TB, path string) []captured {
	t.Helper()
	var all []captured
	for line := range strings.Lines(readTestdata(t, path)) {
		f := strings.Fields(line)
		frame, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		payload, err := hex.DecodeString(f[3])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, captured{frame, netip.MustParseAddrPort(f[1]), netip.MustParseAddrPort(f[2]), payload})
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no messages", path)
	}
	return all
}

func ip(a [4]byte) string { return netip.AddrFrom4(a).String() }

// describe writes a message the way the .tshark files have it.
func describe(w io.Writer, frame int, size int, m *Message) {
	fmt.Fprintf(w, "message frame=%d size=%d type=%d assoc=%08x", frame, size, m.Type, m.Assoc)
	switch m.Type {
	case StartRequest, StartResponse:
		fmt.Fprintf(w, " sender=%08x versions=%d,%d", m.Sender, m.Major, m.Minor)
	case Stop:
		fmt.Fprintf(w, " reason=%d", m.Reason)
	case Replication:
		fmt.Fprintf(w, " command=%d", m.Command)
		if m.Command == OwnerMapResponse || m.Command.UpdateNotification() {
			fmt.Fprintf(w, " owners=%d initiator=%s", m.Count, ip(m.Initiator))
		}
		if m.Command == NameRecordsResponse {
			fmt.Fprintf(w, " records=%d", m.Count)
		}
	}
	fmt.Fprintln(w)
	for _, o := range m.Owners {
		fmt.Fprintf(w, "owner %s max=%d min=%d type=%d\n", ip(o.Address), o.MaxVersion, o.MinVersion, o.Reserved)
	}
	for _, r := range m.Records {
		name := r.Name
		if name[15] == 0x1B { // tshark does not undo the swap
			name[0], name[15] = name[15], name[0]
		}
		fmt.Fprintf(w, "record %x flags=%02x group=%d version=%d", name[:], uint32(r.Flags), r.Group, r.Version)
		for _, a := range r.Members {
			if r.Flags&2 != 0 {
				fmt.Fprintf(w, " %s/%s", ip(a.Owner), ip(a.Addr))
			} else {
				fmt.Fprintf(w, " %s", ip(a.Addr))
			}
		}
		fmt.Fprintln(w)
	}
}

// What Decode reads in the lab captures is what tshark reads in them, and
// Samba's messages encode to the bytes they came from.
func TestDecodeAgreesWithTshark(t *testing.T) {
	files, err := filepath.Glob("testdata/lab/*.messages*")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d captures, %v; want 5", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var got strings.Builder
			var m Message
			for _, c := range readMessages(t, file) {
				Decode(&m, c.payload)
				if m.Fault != nil || m.Trailing != 0 {
					t.Errorf("frame %d: fault %v, %d trailing bytes", c.frame, m.Fault, m.Trailing)
				}
				describe(&got, c.frame, len(c.payload), &m)
				if enc, err := Append(nil, &m); err != nil || m.Type != Stop && !bytes.Equal(enc, c.payload) {
					t.Errorf("frame %d: encoded\n%x, %v\nwant\n%x", c.frame, enc, err, c.payload)
				}
			}
			want := readTestdata(t, strings.Replace(file, ".messages", ".tshark", 1))
			if got.String() == want {
				return
			}
			w := bufio.NewScanner(strings.NewReader(want))
			for line := range strings.Lines(got.String()) {
				if !w.Scan() || w.Text()+"\n" != line {
					t.Fatalf("got\n%swant\n%s", line, w.Text())
				}
			}
			t.Fatal("tshark reads more")
		})
	}
}
