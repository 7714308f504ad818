package nbdgm

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"nbtrace/analyze/nbns"
)

// oracle is a captured datagram and tshark's reading of it.
type oracle struct {
	where   string
	payload []byte
	tshark  string
}

func readOracle(t testing.TB, base string) []oracle {
	t.Helper()
	read := func(path string) []string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	}
	datagrams, lines := read(base+".datagrams"), read(base+".tshark")
	if len(datagrams) != len(lines) || len(lines) < 100 {
		t.Fatalf("%s: %d datagrams, %d readings", base, len(datagrams), len(lines))
	}
	var all []oracle
	for i, d := range datagrams {
		where, text, _ := strings.Cut(d, " ")
		payload, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, oracle{where, payload, lines[i]})
	}
	return all
}

// spell writes a name as tshark does.
func spell(n nbns.Name) string {
	var b strings.Builder
	for _, c := range []byte(strings.TrimRight(string(n[:15]), " ")) {
		if c < ' ' || c > '~' {
			fmt.Fprintf(&b, "<%02x>", c)
		} else {
			b.WriteByte(c)
		}
	}
	return fmt.Sprintf("%s<%02x>", b.String(), n[15])
}

// describe writes a datagram as the .tshark files have it.
func describe(where string, m *Datagram) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s type=%d flags=%#02x id=%#04x ip=%v port=%d", where, m.Type, uint8(m.Flags), m.ID,
		netip.AddrFrom4(m.SourceIP), m.SourcePort)
	if !m.HasSource {
		b.WriteString(" len=- off=- src=- dst=-")
		return b.String()
	}
	fmt.Fprintf(&b, " len=%d off=%d src=%s dst=%s", m.Length, m.PacketOffset, spell(m.Source), spell(m.Destination))
	if name, _, ok := m.Mailslot(); ok {
		fmt.Fprintf(&b, " mailslot=%s", name)
	}
	f, ok := m.Browse()
	if !ok {
		return b.String()
	}
	fmt.Fprintf(&b, " browser command=%#02x", uint8(f.Opcode))
	switch f.Opcode {
	case HostAnnouncement, LocalMasterAnnouncement, DomainAnnouncement:
		fmt.Fprintf(&b, " update_count=%d period=%d server=%s os_major=%d os_minor=%d server_type=%#08x", f.UpdateCount,
			f.Periodicity, f.Name, f.OSMajor, f.OSMinor, uint32(f.ServerType))
		if f.Opcode == DomainAnnouncement {
			fmt.Fprintf(&b, " mb_server=%s", f.Master)
		} else {
			fmt.Fprintf(&b, " comment=%s", f.Comment)
		}
	case AnnouncementRequest:
		fmt.Fprintf(&b, " response_computer_name=%s", f.Name)
	case RequestElection:
		fmt.Fprintf(&b, " election.version=%d election.criteria=%#08x uptime=%d server=%s", f.ElectionVersion, f.Criteria, f.Uptime, f.Name)
	case GetBackupListRequest:
		fmt.Fprintf(&b, " backup.count=%d backup.token=%d", f.Count, f.Token)
	case GetBackupListResponse:
		fmt.Fprintf(&b, " backup.count=%d backup.token=%d", f.Count, f.Token)
		for _, s := range f.Servers {
			fmt.Fprintf(&b, " backup.server=%s", s)
		}
	case BecomeBackup:
		fmt.Fprintf(&b, " browser_to_promote=%s", f.Name)
	case MasterAnnouncement:
		fmt.Fprintf(&b, " mb_server=%s", f.Name)
	}
	return b.String()
}

// What Decode and Browse read is what tshark reads in the same datagrams.
func TestAgreesWithTshark(t *testing.T) {
	for _, base := range []string{"testdata/lab", "testdata/public"} {
		var m Datagram
		for _, o := range readOracle(t, base) {
			Decode(&m, o.payload)
			if got := describe(o.where, &m); got != o.tshark {
				t.Errorf("got\n%s\nwant\n%s", got, o.tshark)
			}
		}
	}
}
