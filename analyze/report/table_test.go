package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nbtrace/analyze/nbns"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update and look at the difference):\n%s", name, got)
	}
}

// The contract fixes the columns of every table and their order.
func TestColumnsAreThoseOfTheContract(t *testing.T) {
	want := map[string]string{
		"messages": "file frame time transport src src_port dst dst_port src_mac dst_mac vlan trn_id response opcode rcode flags kind name suffix scope name_hex " +
			"group node_type addresses ttl malformed",
		"exchanges": "id kind name suffix scope initiator responder via trn_id start end requests wack challenges outcome rcode requested granted ttl rtt_seconds frames",
		"names":     "name suffix scope type holder addresses server state from until frames",
		"hosts":     "id addresses macs names roles node_type multihomed multihomed_evidence implementation",
		"mappings":  "name suffix scope type static addresses owner server source state version_id time frames",
		"findings": "rule severity verdict title name suffix scope host server events event_data first last count evidence alternatives remedy references " +
			"display_filter",
	}
	for _, table := range Tables() {
		var names []string
		for _, c := range table.Columns {
			names = append(names, c.Name)
			if c.Doc == "" {
				t.Errorf("%s.%s has no documentation", table.Name, c.Name)
			}
		}
		if got := strings.Join(names, " "); got != want[table.Name] {
			t.Errorf("%s:\n got %s\nwant %s", table.Name, got, want[table.Name])
		}
	}
	if len(Tables()) != len(want) {
		t.Errorf("%d tables, want %d", len(Tables()), len(want))
	}
}

// A getter sets a value of its column's type, and null only where the column
// says so.
func TestGettersKeepTheirTypes(t *testing.T) {
	for _, table := range Tables() {
		values := make([]Value, len(table.Columns))
		Fill(table.Columns, aRow(table), values)
		for i := range values {
			c := &table.Columns[i]
			if values[i].null {
				if !c.Null {
					t.Errorf("%s.%s is null", table.Name, c.Name)
				}
				continue
			}
			if values[i].typ != c.Type {
				t.Errorf("%s.%s has type %d, want %d", table.Name, c.Name, values[i].typ, c.Type)
			}
		}
	}
}

func TestRows(t *testing.T) {
	for _, table := range Tables() {
		values := make([]Value, len(table.Columns))
		Fill(table.Columns, aRow(table), values)
		golden(t, table.Name+".ndjson", export(t, FormatNDJSON, table.Name, table.Columns, [][]Value{values}, WriterOptions{}))
		golden(t, table.Name+".csv", export(t, FormatCSV, table.Name, table.Columns, [][]Value{values}, WriterOptions{}))
	}
}

func TestRowOfAMessageWithoutAName(t *testing.T) {
	m := aMessage()
	m.Packet.HasSrcMAC = false
	m.NBNS = &nbns.Message{Flags: 0x2900 | 5, Fault: &nbns.Fault{Offset: 12, Field: "QUESTION_NAME", Reason: "cut"}}
	values := make([]Value, len(messagesTable.Columns))
	Fill(messagesTable.Columns, &Row{Files: []string{"a"}, Message: m}, values)
	var got map[string]any
	if err := json.Unmarshal(export(t, FormatNDJSON, "messages", messagesTable.Columns, [][]Value{values}, WriterOptions{}), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "suffix", "scope", "name_hex", "group", "node_type", "ttl", "src_mac", "dst_mac"} {
		if v, ok := got[name]; !ok || v != nil {
			t.Errorf("%s = %v, want null", name, v)
		}
	}
	if got["rcode"] != 5.0 {
		t.Errorf("rcode = %v, want the bits as they stand, 5", got["rcode"])
	}
	if got["malformed"] != "byte 12: QUESTION_NAME: cut" {
		t.Errorf("malformed = %v", got["malformed"])
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	for _, table := range Tables() {
		values := make([]Value, len(table.Columns))
		Fill(table.Columns, aRow(table), values)
		rows := [][]Value{values, values}
		for _, width := range []int{60, 80, 120, 200} {
			out := export(t, FormatTable, table.Name, table.Columns, rows, WriterOptions{Width: width})
			for line := range strings.Lines(string(out)) {
				if w := textWidth(strings.TrimSuffix(line, "\n")); w > width {
					t.Errorf("%s at %d: a line of %d: %q", table.Name, width, w, line)
				}
			}
			if width == 120 {
				golden(t, table.Name+".table", out)
			}
		}
		all := string(export(t, FormatTable, table.Name, table.Columns, rows, WriterOptions{}))
		header, _, _ := strings.Cut(all, "\n")
		var names []string
		for i := range table.Columns {
			names = append(names, table.Columns[i].Name)
		}
		if got := strings.Fields(header); !slices.Equal(got, names) {
			t.Errorf("%s without a width: columns %q, want all", table.Name, got)
		}
	}
}

func TestTableSaysWhatItLeftOut(t *testing.T) {
	values := make([]Value, len(messagesTable.Columns))
	Fill(messagesTable.Columns, aRow(&messagesTable), values)
	w := newTableWriter(io.Discard, messagesTable.Columns, WriterOptions{Width: 80})
	if err := w.WriteRow(values); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(w.Omitted(), "name_hex") || slices.Contains(w.Omitted(), "kind") {
		t.Errorf("left out %q", w.Omitted())
	}
}

func TestTableRefusesTooManyRows(t *testing.T) {
	columns := []Column{{Name: "n", Type: Int}}
	w := newTableWriter(io.Discard, columns, WriterOptions{MaxRows: 2})
	row := make([]Value, 1)
	var err error
	for i := range 3 {
		row[0].SetInt(int64(i))
		err = w.WriteRow(row)
	}
	if !errors.Is(err, ErrTooManyRows) {
		t.Errorf("got %v, want ErrTooManyRows", err)
	}
}

type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// Every format reports that its writer failed; tablewriter does not.
func TestWriteErrorsAreReported(t *testing.T) {
	values := make([]Value, len(messagesTable.Columns))
	Fill(messagesTable.Columns, aRow(&messagesTable), values)
	for _, f := range Formats() {
		for _, room := range []int{0, 100} {
			w, err := NewWriter(&failing{room}, f, "messages", messagesTable.Columns, WriterOptions{})
			for i := 0; i < 1000 && err == nil; i++ {
				err = w.WriteRow(values)
			}
			if err == nil {
				err = w.Close()
			}
			if !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d bytes: %v", f, room, err)
			}
		}
	}
}

func TestCriteria(t *testing.T) {
	at := func(ns int64) *int64 { return &ns }
	for _, c := range []struct {
		table string
		crit  Criteria
		want  bool
	}{
		{"messages", Criteria{}, true},
		{"messages", Criteria{Name: "filesrv"}, true},
		{"messages", Criteria{Name: "FILESRV<20>"}, true},
		{"messages", Criteria{Name: "FILESRV<20>.lab.test"}, true},
		{"messages", Criteria{Name: "FILESRV<20>.lab"}, false},
		{"messages", Criteria{Name: "FILESRV<00>"}, false},
		{"messages", Criteria{Name: "FILE*"}, true},
		{"messages", Criteria{Name: "F?LESRV<2?>"}, true},
		{"messages", Criteria{Name: "*.lab.*"}, true},
		{"messages", Criteria{Name: "FILE"}, false},
		{"messages", Criteria{Host: netip.MustParsePrefix("10.20.9.11/32")}, true},
		{"messages", Criteria{Host: netip.MustParsePrefix("10.20.2.53/32")}, true},
		{"messages", Criteria{Host: netip.MustParsePrefix("10.20.2.0/24")}, true},
		{"messages", Criteria{Host: netip.MustParsePrefix("10.20.3.0/24")}, false},
		{"messages", Criteria{Since: at(t0)}, true},
		{"messages", Criteria{Since: at(t0 + 1)}, false},
		{"messages", Criteria{Until: at(t0)}, true},
		{"messages", Criteria{Until: at(t0 - 1)}, false},
		{"exchanges", Criteria{Since: at(t0 + 1)}, true},
		{"exchanges", Criteria{Since: at(t0 + 1_500_001)}, false},
		{"exchanges", Criteria{Name: "x*"}, false},
		{"hosts", Criteria{Name: "MY PC*"}, true},
		{"hosts", Criteria{Name: "OTHER"}, false},
		{"hosts", Criteria{Since: at(t0 + 1e18)}, true},
		{"names", Criteria{Until: at(t0 - 1)}, false},
		{"mappings", Criteria{Host: netip.MustParsePrefix("10.20.9.11/32")}, true},
		{"findings", Criteria{Host: netip.MustParsePrefix("10.20.2.53/32"), Name: "filesrv"}, true},
	} {
		table := LookupTable(c.table)
		if got := c.crit.Match(table, aRow(table)); got != c.want {
			t.Errorf("%s, %+v: %v, want %v", c.table, c.crit, got, c.want)
		}
	}
}

func TestGlobDoesNotBacktrackForEver(t *testing.T) {
	if glob(strings.Repeat("*a", 2000)+"b", strings.Repeat("a", 4000)) {
		t.Error("matched")
	}
}

func TestSort(t *testing.T) {
	columns := []Column{{Name: "addr", Type: String, Addr: true, Null: true}, {Name: "n", Type: Int}}
	for _, c := range []struct {
		keys []SortKey
		want string
	}{
		{[]SortKey{{Column: columns[0]}}, "9.9.9.9/2 10.0.0.1/1 10.0.0.1/3 null/4"},
		{[]SortKey{{Column: columns[0], Descending: true}}, "10.0.0.1/1 10.0.0.1/3 9.9.9.9/2 null/4"},
		{[]SortKey{{Column: columns[0]}, {Column: columns[1], Descending: true}}, "9.9.9.9/2 10.0.0.1/3 10.0.0.1/1 null/4"},
		{[]SortKey{{Column: columns[1], Descending: true}}, "null/4 10.0.0.1/3 9.9.9.9/2 10.0.0.1/1"},
	} {
		var got collector
		s := newSorter(&got, c.keys, 2)
		row := make([]Value, 2)
		for i, a := range []string{"10.0.0.1", "9.9.9.9", "10.0.0.1", ""} {
			if a == "" {
				row[0].SetNull()
			} else {
				row[0].SetText(a)
			}
			row[1].SetInt(int64(i + 1))
			keys := make([]Value, len(c.keys))
			for k := range c.keys {
				keys[k] = row[slices.IndexFunc(columns, func(col Column) bool { return col.Name == c.keys[k].Column.Name })]
			}
			s.add(row, keys)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if g := strings.Join(got.rows, " "); g != c.want {
			t.Errorf("got %s, want %s", g, c.want)
		}
	}
}

type collector struct{ rows []string }

func (c *collector) WriteRow(row []Value) error {
	s := "null"
	if !row[0].null {
		s = flatText(&row[0])
	}
	c.rows = append(c.rows, s+"/"+flatText(&row[1]))
	return nil
}

func (c *collector) Close() error { return nil }

// Sorting must give back what went in, of every type.
func TestSortKeepsRows(t *testing.T) {
	for _, table := range Tables() {
		row := make([]Value, len(table.Columns))
		Fill(table.Columns, aRow(table), row)
		back := make([]Value, len(row))
		unpackRow(packRow(nil, row), back)
		want := export(t, FormatNDJSON, table.Name, table.Columns, [][]Value{row}, WriterOptions{})
		got := export(t, FormatNDJSON, table.Name, table.Columns, [][]Value{back}, WriterOptions{})
		if !bytes.Equal(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestExporterSelectsSortsAndFilters(t *testing.T) {
	var b bytes.Buffer
	cols := messagesTable.Columns
	e, err := NewExporter(&b, FormatCSV, &messagesTable, ExportOptions{
		Columns:  []Column{cols[1]},
		Criteria: Criteria{Name: "filesrv"},
		Sort:     []SortKey{{Column: cols[2], Descending: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		m := aMessage()
		m.Packet.Frame = int64(i + 1)
		m.Packet.Time += int64(i)
		if i == 1 {
			m.NBNS.Records[0].Name = nbns.MakeName("OTHER", 0)
		}
		if err := e.Add(&Row{Files: []string{"a"}, Message: m}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "frame\n3\n1\n" {
		t.Errorf("rows:\n%s", got)
	}
}

// The messages table is written without allocating: a capture can hold ten
// million of them.
func TestNDJSONDoesNotAllocate(t *testing.T) {
	row := aRow(&messagesTable)
	for _, f := range []Format{FormatNDJSON, FormatCSV, FormatTSV, FormatMarkdown} {
		e, err := NewExporter(io.Discard, f, &messagesTable, ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		add := func() {
			for range 500 { // more than a buffer's worth
				if err := e.Add(row); err != nil {
					t.Fatal(err)
				}
			}
		}
		add()
		if n := testing.AllocsPerRun(3, add); n > 0 {
			t.Errorf("%s: %v allocations in 500 rows", f, n)
		}
	}
}

func BenchmarkExportMessages(b *testing.B) {
	row := aRow(&messagesTable)
	for _, f := range []Format{FormatNDJSON, FormatCSV, FormatParquet, FormatXLSX, FormatMarkdown, FormatHTML} {
		b.Run(string(f), func(b *testing.B) {
			e, err := NewExporter(io.Discard, f, &messagesTable, ExportOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := e.Add(row); err != nil {
					b.Fatal(err)
				}
			}
			if err := e.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func ExampleDisplayFilter() {
	fmt.Println(DisplayFilter([]string{"a.pcap", "b.pcap"}, aFinding(0)))
	// Output: a.pcap: frame.number in {13, 18, 68}; b.pcap: frame.number in {5}
}
