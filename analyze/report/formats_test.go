package report

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// reader turns a format's bytes back into the flat form of the cells, header
// first.
type reader struct {
	format Format
	read   func(t *rapid.T, columns []Column, data []byte) [][]string
	flat   func(v *Value) string // what the format makes of a cell
}

func flatText(v *Value) string { return string(v.appendFlat(nil, ";")) }

func guardedText(v *Value) string {
	if !v.isText() {
		return flatText(v)
	}
	return string(appendGuarded(nil, []byte(flatText(v))))
}

func spacedText(v *Value) string { return string(v.appendFlat(nil, "; ")) }

var readers = []reader{
	{FormatCSV, readDelimited(','), guardedText},
	{FormatTSV, readDelimited('\t'), guardedText},
	{FormatJSON, readJSON, flatText},
	{FormatNDJSON, readNDJSON, flatText},
	{FormatMarkdown, readMarkdown, spacedText},
	{FormatHTML, readHTML, spacedText},
	{FormatXLSX, readXLSX, guardedText},
	{FormatParquet, readParquet, flatText},
}

// Rows and columns are the same in every format that can be read back.
func TestFormatsReadBackTheSameRows(t *testing.T) {
	for _, table := range Tables() {
		for _, r := range readers {
			t.Run(table.Name+"/"+string(r.format), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					rows := make([][]Value, rapid.IntRange(0, 3).Draw(rt, "rows"))
					var want [][]string
					names := make([]string, len(table.Columns))
					for i := range table.Columns {
						names[i] = table.Columns[i].Name
					}
					want = append(want, names)
					for i := range rows {
						rows[i] = drawRow(rt, table.Columns)
						cells := make([]string, len(names))
						for k := range rows[i] {
							cells[k] = r.flat(&rows[i][k])
						}
						want = append(want, cells)
					}
					got := r.read(rt, table.Columns, export(t, r.format, table.Name, table.Columns, rows, WriterOptions{}))
					if len(rows) == 0 && (r.format == FormatJSON || r.format == FormatNDJSON) {
						want = want[:0]
					}
					if len(got) != len(want) {
						rt.Fatalf("%d rows, want %d", len(got), len(want))
					}
					for i := range want {
						for k := range want[i] {
							if got[i][k] != want[i][k] {
								rt.Fatalf("row %d, %s: got %q, want %q", i, names[k], got[i][k], want[i][k])
							}
						}
					}
				})
			})
		}
	}
}

func readDelimited(comma rune) func(*rapid.T, []Column, []byte) [][]string {
	return func(t *rapid.T, _ []Column, data []byte) [][]string {
		r := csv.NewReader(bytes.NewReader(data))
		r.Comma = comma
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		return rows
	}
}

func readJSON(t *rapid.T, columns []Column, data []byte) [][]string {
	var rows []json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return readObjects(t, columns, rows)
}

func readNDJSON(t *rapid.T, columns []Column, data []byte) [][]string {
	var rows []json.RawMessage
	for line := range bytes.Lines(data) {
		rows = append(rows, line)
	}
	return readObjects(t, columns, rows)
}

func readObjects(t *rapid.T, columns []Column, objects []json.RawMessage) [][]string {
	var rows [][]string
	for i, o := range objects {
		d := json.NewDecoder(bytes.NewReader(o))
		d.UseNumber()
		if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
			t.Fatalf("%v, %v in\n%s", tok, err, o)
		}
		var names, cells []string
		for d.More() {
			key, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				t.Fatal(err)
			}
			cells = append(cells, flattenJSON(t, &columns[len(names)], raw))
			names = append(names, key.(string))
		}
		if i == 0 {
			rows = append(rows, names)
		}
		rows = append(rows, cells)
	}
	return rows
}

func flattenJSON(t *rapid.T, c *Column, raw json.RawMessage) string {
	if c.Type == Object && string(raw) != "null" {
		return string(raw)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	switch v := v.(type) {
	case nil:
		if !c.Null {
			t.Fatalf("%s is null", c.Name)
		}
		return ""
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			if m, ok := e.(map[string]any); ok {
				parts[i] = element(m["file"].(string)) + ":" + m["frame"].(json.Number).String() + ":" + element(m["role"].(string))
			} else {
				parts[i] = element(fmt.Sprint(e))
			}
		}
		return strings.Join(parts, ";")
	default:
		return fmt.Sprint(v)
	}
}

func element(s string) string { return strings.ReplaceAll(s, ";", `\x3b`) }

var markdownEntity = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#64;", "@", "&#46;", ".", "&#47;", "/")

func readMarkdown(t *rapid.T, _ []Column, data []byte) [][]string {
	var rows [][]string
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if n == 2 {
			continue
		}
		var cells []string
		var cell strings.Builder
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || !strings.HasSuffix(line, " |") {
			t.Fatalf("line %q", line)
		}
		for i := 1; i < len(line); i++ {
			switch line[i] {
			case '\\':
				i++
				cell.WriteByte(line[i])
			case '|':
				s := cell.String()
				cells = append(cells, markdownEntity.Replace(s[1:len(s)-1]))
				cell.Reset()
			default:
				cell.WriteByte(line[i])
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

func readHTML(t *rapid.T, _ []Column, data []byte) [][]string {
	z := html.NewTokenizer(bytes.NewReader(data))
	var rows [][]string
	in := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			return rows
		case html.StartTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "tr":
				rows = append(rows, nil)
			case "td", "th":
				in = true
				rows[len(rows)-1] = append(rows[len(rows)-1], "")
			}
		case html.EndTagToken:
			in = false
		case html.TextToken:
			if in {
				last := rows[len(rows)-1]
				last[len(last)-1] += string(z.Text())
			}
		}
	}
}

func readXLSX(t *rapid.T, columns []Column, data []byte) [][]string {
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]string
	for _, sheet := range f.GetSheetList() {
		got, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for n, row := range got {
			for len(row) < len(columns) {
				row = append(row, "")
			}
			if n > 0 {
				for i := range row {
					if columns[i].Type == Bool {
						row[i] = strings.ToLower(strings.NewReplacer("1", "true", "0", "false").Replace(row[i]))
					}
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func readParquet(t *rapid.T, columns []Column, data []byte) [][]string {
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	fields := f.Schema().Fields()
	var rows [][]string
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name()
	}
	rows = append(rows, names)
	r := parquet.NewGenericReader[any](f, parquet.NewSchema("x", parquet.SchemaOf(reflect.New(parquetStruct(columns)).Interface())))
	defer r.Close()
	buf := make([]parquet.Row, 4)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			rows = append(rows, flattenParquet(columns, row))
		}
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func flattenParquet(columns []Column, row parquet.Row) []string {
	byLeaf := map[int][]parquet.Value{}
	for _, v := range row {
		byLeaf[v.Column()] = append(byLeaf[v.Column()], v)
	}
	var cells []string
	leaf := 0
	for i := range columns {
		values := byLeaf[leaf]
		switch columns[i].Type {
		case Strings, Ints:
			var parts []string
			for _, v := range values {
				if !v.IsNull() {
					parts = append(parts, element(v.String()))
				}
			}
			cells = append(cells, strings.Join(parts, ";"))
			leaf++
		case Frames:
			var parts []string
			for k, v := range values {
				if !v.IsNull() {
					parts = append(parts, element(v.String())+":"+byLeaf[leaf+1][k].String()+":"+element(byLeaf[leaf+2][k].String()))
				}
			}
			cells = append(cells, strings.Join(parts, ";"))
			leaf += 3
		default:
			cell := ""
			if v := values[0]; !v.IsNull() {
				cell = v.String()
				switch columns[i].Type {
				case Time:
					cell = string(appendTime(nil, v.Int64()))
				case Uint:
					cell = fmt.Sprint(v.Uint64())
				case Float:
					var x Value
					x.SetFloat(v.Double())
					cell = flatText(&x)
				}
			}
			cells = append(cells, cell)
			leaf++
		}
	}
	return cells
}

func TestGuardKeepsFormulasOutOfCells(t *testing.T) {
	columns := []Column{{Name: "text", Type: String}, {Name: "other", Type: String}}
	formula := regexp.MustCompile(`^[ "']*[=+\-@]`)
	rapid.Check(t, func(rt *rapid.T) {
		row := make([]Value, 2)
		row[0].SetText(hostile().Draw(rt, "a"))
		row[1].SetText(hostile().Draw(rt, "b"))
		for _, f := range []Format{FormatCSV, FormatTSV, FormatXLSX} {
			data := export(t, f, "x", columns, [][]Value{row}, WriterOptions{})
			var rows [][]string
			switch f {
			case FormatCSV:
				rows = readDelimited(',')(rt, columns, data)
			case FormatTSV:
				rows = readDelimited('\t')(rt, columns, data)
			default:
				rows = readXLSX(rt, columns, data)
			}
			for _, cell := range rows[len(rows)-1] {
				for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
					if part != "-" && formula.MatchString(part) && !strings.Contains(part, "'") {
						rt.Fatalf("%s: %q begins a formula in %q", f, part, cell)
					}
				}
			}
		}
	})
}

func TestJSONOfAnEmptyTable(t *testing.T) {
	if got := string(export(t, FormatJSON, "messages", messagesTable.Columns, nil, WriterOptions{})); got != "[]\n" {
		t.Errorf("json: %q", got)
	}
	if got := string(export(t, FormatNDJSON, "messages", messagesTable.Columns, nil, WriterOptions{})); got != "" {
		t.Errorf("ndjson: %q", got)
	}
}

func TestXLSXContinuesOnAFurtherSheet(t *testing.T) {
	columns := []Column{{Name: "n", Type: Int}, {Name: "name", Type: String}}
	var b bytes.Buffer
	w, err := newXLSXWriter(&b, "messages", columns, 3)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]Value, 2)
	for i := range 5 {
		row[0].SetInt(int64(i))
		row[1].SetText("_x0041_ =1")
		if err := w.WriteRow(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, want := f.GetSheetList(), []string{"messages", "messages 2", "messages 3"}; !slices.Equal(got, want) {
		t.Fatalf("sheets %q, want %q", got, want)
	}
	var seen []string
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows[0], []string{"n", "name"}) {
			t.Errorf("%s: header %q", sheet, rows[0])
		}
		for _, r := range rows[1:] {
			seen = append(seen, r[0])
			if r[1] != "_x0041_ =1" {
				t.Errorf("text came back as %q", r[1])
			}
		}
		panes, err := f.GetPanes(sheet)
		if err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: panes %+v, %v: the header must be frozen", sheet, panes, err)
		}
		if kind, err := f.GetCellType(sheet, "A2"); err != nil || kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString {
			t.Errorf("%s: a number is of type %v, %v", sheet, kind, err)
		}
	}
	if !slices.Equal(seen, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("rows %q", seen)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	xml, err := io.ReadAll(sheet)
	if err != nil || !strings.Contains(string(xml), `<autoFilter ref="A1:B3"`) {
		t.Errorf("no filter on the header, %v:\n%s", err, xml)
	}
	if !regexp.MustCompile(`<cols><col min="1".*<col min="2"`).Match(xml) {
		t.Errorf("columns out of order:\n%s", xml)
	}
}

func TestXLSXCutsWhatACellCannotHold(t *testing.T) {
	for _, c := range []struct {
		in    string
		units int
	}{
		{strings.Repeat("a", excelize.TotalCellChars), excelize.TotalCellChars},
		{strings.Repeat("a", excelize.TotalCellChars+1), excelize.TotalCellChars},
		{strings.Repeat("é", excelize.TotalCellChars), excelize.TotalCellChars},
		{strings.Repeat("😀", excelize.TotalCellChars), excelize.TotalCellChars},
	} {
		got := cutCell([]byte(c.in))
		units := 0
		for _, r := range string(got) {
			units++
			if r > 0xFFFF {
				units++
			}
		}
		if units > c.units || units < c.units-1 {
			t.Errorf("%d bytes become %d units, want %d", len(c.in), units, c.units)
		}
		if len(got) < len(c.in) && !bytes.HasSuffix(got, []byte("…")) {
			t.Errorf("a cut is not marked")
		}
	}
}

func TestParquetSchema(t *testing.T) {
	data := export(t, FormatParquet, "messages", messagesTable.Columns, nil, WriterOptions{})
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	schema := f.Schema().String()
	for _, want := range []string{
		"message messages {",
		"required int64 time (TIMESTAMP(isAdjustedToUTC=true,unit=NANOS));",
		"required int64 frame (INT(64,true));",
		"optional binary src_mac (STRING);",
		"required boolean response;",
		"optional boolean group;",
		"required group addresses (LIST) {",
	} {
		if !strings.Contains(schema, want) {
			t.Errorf("schema lacks %q:\n%s", want, schema)
		}
	}
}

func TestParquetBoundsRowGroups(t *testing.T) {
	columns := []Column{{Name: "n", Type: Int}}
	var b bytes.Buffer
	w := newParquetWriter(&b, "x", columns)
	row := make([]Value, 1)
	for i := range 2*parquetRowGroup + 10 {
		row[0].SetInt(int64(i))
		if err := w.WriteRow(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != 2*parquetRowGroup+10 {
		t.Errorf("%d rows", f.NumRows())
	}
	for i, g := range f.RowGroups() {
		if g.NumRows() > parquetRowGroup {
			t.Errorf("row group %d has %d rows", i, g.NumRows())
		}
	}
	if codec := f.Metadata().RowGroups[0].Columns[0].MetaData.Codec.String(); codec != "ZSTD" {
		t.Errorf("codec %s", codec)
	}
}

// A workbook of several sheets has the same bytes every time.
func TestXLSXSameBytes(t *testing.T) {
	columns := []Column{{Name: "n", Type: Int}}
	var first []byte
	for range 8 {
		var b bytes.Buffer
		w, err := newXLSXWriter(&b, "messages", columns, 2)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]Value, 1)
		for i := range 9 {
			row[0].SetInt(int64(i))
			if err := w.WriteRow(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(b.Bytes(), first) {
			t.Fatal("the same rows gave other bytes")
		}
	}
}

func TestXLSXEndsASheetBeforeExcelTakesItForDamaged(t *testing.T) {
	columns := []Column{{Name: "text", Type: String}}
	var b bytes.Buffer
	w, err := newXLSXWriter(&b, "messages", columns, xlsxMaxRows)
	if err != nil {
		t.Fatal(err)
	}
	w.maxBytes = 1 << 20
	row := make([]Value, 1)
	row[0].SetText(strings.Repeat("x", 30_000))
	const rows = 100
	for range rows {
		if err := w.WriteRow(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	sheets, seen := 0, 0
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, xlsxSheets) {
			continue
		}
		sheets++
		if part.UncompressedSize64 > 1<<20+2*flushAt {
			t.Errorf("%s has %d bytes", part.Name, part.UncompressedSize64)
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		xml, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		seen += bytes.Count(xml, []byte("<row ")) - 1
	}
	if sheets != 3 || seen != rows {
		t.Errorf("%d rows on %d sheets, want %d on 3", seen, sheets, rows)
	}
}
