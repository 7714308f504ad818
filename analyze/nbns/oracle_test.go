package nbns

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestOracle compares Decode with tshark on messages off real networks.
func TestOracle(t *testing.T) {
	for _, file := range []string{"testdata/lab.tsv", "testdata/public.tsv"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		columns := strings.Split(lines[0], "\t")
		if len(lines) < 50 {
			t.Fatalf("%s: %d lines only", file, len(lines))
		}
		for i, line := range lines[1:] {
			values := strings.Split(line, "\t")
			if len(values) != len(columns) {
				t.Fatalf("%s:%d: %d columns, want %d", file, i+2, len(values), len(columns))
			}
			row := map[string]string{}
			for i, c := range columns {
				row[c] = values[i]
			}
			t.Run(row["capture"]+"/"+row["frame"], func(t *testing.T) { compareTshark(t, row) })
		}
	}
}

func compareTshark(t *testing.T, row map[string]string) {
	payload, err := hex.DecodeString(row["payload"])
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	Decode(&m, payload)

	// tshark calls a name that it cannot read illegal, not malformed; for us
	// that is a fault. It also calls names illegal whose scope is longer than
	// the 255 bytes that RFC 1002 allows, which WINS servers take.
	illegal := strings.Contains(row["name"], "Illegal NetBIOS name")
	longScope := illegal && len(m.Scope()) >= 237
	wantFault := row["malformed"] != "" || illegal && !longScope || row["capture"] == snappedCapture
	if got := m.Fault != nil; got != wantFault {
		t.Errorf("fault %v, want one: %v", m.Fault, wantFault)
	}

	got := map[string]string{
		"id": fmt.Sprintf("0x%04x", m.TrnID), "flags": fmt.Sprintf("0x%04x", uint16(m.Flags)),
		"qdcount": strconv.Itoa(int(m.QDCount)), "ancount": strconv.Itoa(int(m.ANCount)),
		"nscount": strconv.Itoa(int(m.NSCount)), "arcount": strconv.Itoa(int(m.ARCount)),
	}
	if m.Fault == nil {
		addRest(got, &m)
	}
	// tshark reads RDATA of a WACK of type NB as a second flags word.
	row["flags"], _, _ = strings.Cut(row["flags"], ";")
	for column, got := range got {
		if want := row[column]; got != want && !(column == "name" && longScope) {
			t.Errorf("%s: got %s, tshark has %s", column, got, want)
		}
	}
}

// The only capture here with a frame that the snap length cut.
const snappedCapture = "the-tcpdump-group-tcpdump__nbns-valgrind.pcap"

// addRest adds the columns that follow the header, as tshark writes them.
func addRest(got map[string]string, m *Message) {
	var names, types, classes, ttls, lengths, flags, addrs, statusNames, statusFlags []string
	entry := func(n Name, scope string, ty Type, class uint16) {
		name := fmt.Sprintf("%s<%02x>", tsharkText(n), n[15])
		if scope != "" {
			name += "." + scope
		}
		names = append(names, name)
		types = append(types, strconv.Itoa(int(ty)))
		classes = append(classes, strconv.Itoa(int(class)))
	}
	for _, q := range m.Questions {
		entry(q.Name, q.Scope, q.Type, q.Class)
	}
	for _, r := range m.Records {
		entry(r.Name, r.Scope, r.Type, r.Class)
		ttls = append(ttls, strconv.Itoa(int(r.TTL)))
		lengths = append(lengths, strconv.Itoa(len(r.Data)))
		for _, a := range r.Addrs {
			flags = append(flags, fmt.Sprintf("0x%04x", uint16(a.Flags)))
			addrs = append(addrs, a.IP().String())
		}
	}
	for _, s := range m.Status {
		statusNames = append(statusNames, tsharkText(s.Name))
		statusFlags = append(statusFlags, fmt.Sprintf("0x%04x", uint16(s.Flags)))
	}
	for column, v := range map[string][]string{
		"name": names, "type": types, "class": classes, "ttl": ttls, "rdlength": lengths,
		"nb_flags": flags, "addr": addrs, "status_name": statusNames, "name_flags": statusFlags,
	} {
		got[column] = strings.Join(v, ";")
	}
	got["unit_id"] = ""
	if u := m.UnitID; m.HasUnitID {
		got["unit_id"] = fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", u[0], u[1], u[2], u[3], u[4], u[5])
	}
}

// tsharkText writes a name as tshark does: no blanks at the end, and bytes
// that do not print as <xx>; the NULs behind a * stay.
func tsharkText(n Name) string {
	var sb strings.Builder
	for _, c := range strings.TrimRight(string(n[:15]), " ") {
		if c < ' ' || c > '~' {
			fmt.Fprintf(&sb, "<%02x>", c)
			continue
		}
		sb.WriteRune(c)
	}
	return sb.String()
}
