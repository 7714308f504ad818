package report

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	// xlsxMaxRows is how many rows a sheet holds, the header with them.
	xlsxMaxRows = excelize.TotalRows
	// xlsxMaxBytes is where a sheet of unusually long rows ends earlier: Excel
	// takes a streamed part of 4 GiB and more for a damaged file.
	xlsxMaxBytes = 4<<30 - 64<<20
	// xlsxSheets is where a workbook keeps its sheets.
	xlsxSheets = "xl/worksheets/sheet"
)

// maxExactInt is the largest integer that a spreadsheet, which calculates in
// float64, shows exactly; larger ones are written as text.
const maxExactInt = 1 << 53

// xlsxWriter writes a workbook as a stream: the rows go straight into the
// zipped sheet, and excelize makes the small rest around them. Its own stream
// writer keeps the sheets in a temporary file of many times the size, then
// the whole archive in memory, and puts sheets into it in random order.
//
// A full sheet is followed by a further one, "messages 2". The header is
// frozen and has filters.
//
// Times are text: the contract keeps nanoseconds, and a spreadsheet's date
// ends at milliseconds. All have the same width, so they sort as they should.
// A cell holds 32,767 characters; a longer text is cut and ends in "…".
type xlsxWriter struct {
	zip      *zip.Writer
	name     string
	columns  []Column
	letters  []string // of the columns
	maxRows  int
	maxBytes int64
	file     *excelize.File // all but the rows
	head     int            // style
	title    string         // of this sheet
	sheet    io.Writer
	sheets   int
	row      int   // last row written on this sheet
	size     int64 // of this sheet, unzipped
	buf      []byte
	cell     []byte
	guarded  []byte
}

func newXLSXWriter(w io.Writer, name string, columns []Column, maxRows int) (*xlsxWriter, error) {
	x := &xlsxWriter{zip: zip.NewWriter(w), name: name, columns: columns, letters: make([]string, len(columns)), maxRows: maxRows,
		maxBytes: xlsxMaxBytes, file: excelize.NewFile()}
	var err error
	for i := range columns {
		if x.letters[i], err = excelize.ColumnNumberToName(i + 1); err != nil {
			return nil, fmt.Errorf("xlsx: %w", err)
		}
	}
	if x.head, err = x.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return nil, fmt.Errorf("xlsx: %w", err)
	}
	if err := x.nextSheet(); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *xlsxWriter) nextSheet() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	x.title = x.name
	if x.sheets > 0 {
		x.title += " " + strconv.Itoa(x.sheets+1)
		if _, err := x.file.NewSheet(x.title); err != nil {
			return fmt.Errorf("xlsx: %w", err)
		}
	} else if err := x.file.SetSheetName("Sheet1", x.title); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	x.sheets++
	x.row, x.size = 0, 0
	sheet, err := x.zip.Create(xlsxSheets + strconv.Itoa(x.sheets) + ".xml")
	if err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	x.sheet = sheet
	x.header()
	return nil
}

// header opens a sheet: ECMA-376 part 1, 18.3.1.99.
func (x *xlsxWriter) header() {
	b := append(x.buf, xlsxSheetHead...)
	if x.sheets == 1 {
		b = append(b, ` tabSelected="1"`...)
	}
	b = append(b, xlsxPane...)
	for i := range x.columns {
		n := strconv.Itoa(i + 1)
		b = append(b, `<col min="`+n+`" max="`+n+`" width="`...)
		b = strconv.AppendInt(b, int64(xlsxColumnWidth(&x.columns[i])), 10)
		b = append(b, `" customWidth="1"/>`...)
	}
	x.buf = append(b, `</cols><sheetData>`...)
	x.openRow()
	for i := range x.columns {
		x.openCell(i)
		x.buf = append(x.buf, ` s="`...)
		x.buf = strconv.AppendInt(x.buf, int64(x.head), 10)
		x.buf = append(x.buf, '"')
		x.appendText([]byte(x.columns[i].Name))
	}
	x.buf = append(x.buf, "</row>"...)
}

const (
	xlsxSheetHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView`
	xlsxPane = ` workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>` +
		`<selection pane="bottomLeft"/></sheetView></sheetViews><cols>`
)

func xlsxColumnWidth(c *Column) int {
	switch c.Type {
	case Time:
		return 32
	case Int, Uint, Bool, Float:
		return 10
	case Frames, Object:
		return 40
	default:
		return 20
	}
}

func (x *xlsxWriter) WriteRow(row []Value) error {
	if x.row >= x.maxRows || x.size >= x.maxBytes {
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	x.openRow()
	for i := range row {
		x.appendCell(i, &row[i])
	}
	x.buf = append(x.buf, "</row>"...)
	if len(x.buf) < flushAt {
		return nil
	}
	return x.flush()
}

func (x *xlsxWriter) flush() error {
	x.size += int64(len(x.buf))
	if err := flush(x.sheet, &x.buf); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

func (x *xlsxWriter) openRow() {
	x.row++
	x.buf = append(x.buf, `<row r="`...)
	x.buf = strconv.AppendInt(x.buf, int64(x.row), 10)
	x.buf = append(x.buf, `">`...)
}

// openCell begins the start tag of a cell.
func (x *xlsxWriter) openCell(column int) {
	x.buf = append(x.buf, `<c r="`...)
	x.buf = append(x.buf, x.letters[column]...)
	x.buf = strconv.AppendInt(x.buf, int64(x.row), 10)
	x.buf = append(x.buf, '"')
}

// appendCell appends a cell; one that is empty is left out.
func (x *xlsxWriter) appendCell(column int, v *Value) {
	if v.null {
		return
	}
	x.cell = v.appendFlat(x.cell[:0], ";")
	if len(x.cell) == 0 {
		return
	}
	x.openCell(column)
	switch {
	case v.typ == Bool:
		x.buf = append(x.buf, ` t="b"><v>`...)
		x.buf = strconv.AppendInt(x.buf, v.num, 10)
		x.buf = append(x.buf, "</v></c>"...)
	case v.typ == Float, v.typ == Int && v.num <= maxExactInt && v.num >= -maxExactInt, v.typ == Uint && uint64(v.num) <= maxExactInt:
		x.buf = append(x.buf, "><v>"...)
		x.buf = append(x.buf, x.cell...)
		x.buf = append(x.buf, "</v></c>"...)
	case v.isText():
		x.guarded = appendGuarded(x.guarded[:0], x.cell)
		x.appendText(cutCell(x.guarded))
	default:
		x.appendText(x.cell)
	}
}

// appendText ends the start tag of a cell that holds text s, not empty, and
// the cell.
func (x *xlsxWriter) appendText(s []byte) {
	x.buf = append(x.buf, ` t="inlineStr"><is><t`...)
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		x.buf = append(x.buf, ` xml:space="preserve"`...)
	}
	x.buf = append(x.buf, '>')
	x.buf = appendXLSXText(x.buf, s)
	x.buf = append(x.buf, "</t></is></c>"...)
}

// appendXLSXText appends s, which is escaped already, as the text of an
// element. _xHHHH_ would stand for a character, ECMA-376 part 1, 22.9.2.19, so
// the underscore that begins it is written in that way itself.
func appendXLSXText(dst, s []byte) []byte {
	for i, c := range s {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '_' && standsForCharacter(s[i:]):
			dst = append(dst, "_x005F_"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func standsForCharacter(s []byte) bool {
	if len(s) < len("_xHHHH_") || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for _, c := range s[2:6] {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// cutCell cuts a text to what a cell holds. The limit counts UTF-16 units; a
// UTF-8 text has at least as many bytes.
func cutCell(b []byte) []byte {
	if len(b) <= excelize.TotalCellChars {
		return b
	}
	units := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		units++
		if r > 0xFFFF {
			units++
		}
		if units > excelize.TotalCellChars-1 {
			return append(b[:i:i], "…"...)
		}
		i += n
	}
	return b
}

func (x *xlsxWriter) endSheet() error {
	if x.sheet == nil {
		return nil
	}
	filter := "A1:" + x.letters[len(x.letters)-1] + strconv.Itoa(x.row)
	x.buf = append(x.buf, `</sheetData><autoFilter ref="`+filter+`"/></worksheet>`...)
	// Excel also wants the filter's range as a name of the workbook's.
	if err := x.file.AutoFilter(x.title, filter, nil); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return x.flush()
}

func (x *xlsxWriter) Close() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	if err := x.copyRest(); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	if err := x.zip.Close(); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

// copyRest copies what excelize makes of the workbook, without its sheets:
// they have no rows.
func (x *xlsxWriter) copyRest() error {
	b, err := x.file.WriteToBuffer()
	if err != nil {
		return err
	}
	if err := x.file.Close(); err != nil {
		return err
	}
	rest, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return err
	}
	for _, part := range rest.File {
		if strings.HasPrefix(part.Name, xlsxSheets) {
			continue
		}
		if err := x.zip.Copy(part); err != nil {
			return err
		}
	}
	return nil
}
