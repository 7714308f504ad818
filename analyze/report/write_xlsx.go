package report

import (
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// xlsxMaxRows is how many rows a sheet holds, the header with them.
const xlsxMaxRows = excelize.TotalRows

// maxExactInt is the largest integer that a spreadsheet, which calculates in
// float64, shows exactly; larger ones are written as text.
const maxExactInt = 1 << 53

// xlsxWriter writes a workbook through excelize's stream writer, which spills
// to a temporary file. A full sheet is followed by a further one, "messages
// 2". The header is frozen and has filters.
//
// Times are text: the contract keeps nanoseconds, and a spreadsheet's date
// ends at milliseconds. All have the same width, so they sort as they should.
// A cell holds 32,767 characters; a longer text is cut and ends in "…".
type xlsxWriter struct {
	w       io.Writer
	name    string
	columns []Column
	maxRows int
	file    *excelize.File
	sheet   *excelize.StreamWriter
	sheets  int
	head    int // style
	row     int // last row written on this sheet
	cells   []any
	cell    []byte
	guarded []byte
}

func newXLSXWriter(w io.Writer, name string, columns []Column, maxRows int) (*xlsxWriter, error) {
	x := &xlsxWriter{w: w, name: name, columns: columns, maxRows: maxRows, file: excelize.NewFile(),
		cells: make([]any, len(columns))}
	var err error
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
	name := x.name
	if x.sheets > 0 {
		name += " " + strconv.Itoa(x.sheets+1)
		if _, err := x.file.NewSheet(name); err != nil {
			return fmt.Errorf("xlsx: %w", err)
		}
	} else if err := x.file.SetSheetName("Sheet1", name); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	sheet, err := x.file.NewStreamWriter(name)
	if err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	x.sheet, x.row = sheet, 0
	x.sheets++
	if err := sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	// The stream writer puts each column before the earlier ones.
	for i := len(x.columns) - 1; i >= 0; i-- {
		if err := sheet.SetColWidth(i+1, i+1, xlsxColumnWidth(&x.columns[i])); err != nil {
			return fmt.Errorf("xlsx: %w", err)
		}
	}
	for i := range x.columns {
		x.cells[i] = excelize.Cell{StyleID: x.head, Value: x.columns[i].Name}
	}
	return x.setRow()
}

func xlsxColumnWidth(c *Column) float64 {
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

func (x *xlsxWriter) setRow() error {
	x.row++
	ref, err := excelize.CoordinatesToCellName(1, x.row)
	if err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	if err := x.sheet.SetRow(ref, x.cells); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

func (x *xlsxWriter) WriteRow(row []Value) error {
	if x.row >= x.maxRows {
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	for i := range row {
		x.cells[i] = x.value(&row[i])
	}
	return x.setRow()
}

func (x *xlsxWriter) value(v *Value) any {
	if v.null {
		return nil
	}
	switch v.typ {
	case Int:
		if v.num <= maxExactInt && v.num >= -maxExactInt {
			return v.num
		}
	case Uint:
		if uint64(v.num) <= maxExactInt {
			return uint64(v.num)
		}
	case Float:
		return v.float
	case Bool:
		return v.num != 0
	}
	x.cell = v.appendFlat(x.cell[:0], ";")
	if len(x.cell) == 0 {
		return nil
	}
	if !v.isText() {
		return string(x.cell)
	}
	x.guarded = appendGuarded(x.guarded[:0], x.cell)
	return string(cutCell(x.guarded))
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
	last, err := excelize.CoordinatesToCellName(len(x.columns), x.row)
	if err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	if err := x.file.AutoFilter(x.sheet.Sheet, "A1:"+last, nil); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	if err := x.sheet.Flush(); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}

func (x *xlsxWriter) Close() (err error) {
	defer func() {
		if cerr := x.file.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("xlsx: %w", cerr)
		}
	}()
	if err := x.endSheet(); err != nil {
		return err
	}
	if _, err := x.file.WriteTo(x.w); err != nil {
		return fmt.Errorf("xlsx: %w", err)
	}
	return nil
}
