package report

import (
	"io"
	"unicode/utf8"
)

// delimitedWriter writes CSV as RFC 4180 has it, but with a bare newline as
// encoding/csv does, and TSV with the same quoting. Null is the empty cell;
// the empty text is too.
type delimitedWriter struct {
	w       io.Writer
	columns []Column
	delim   byte
	classes [256]byteClass
	started bool
	buf     []byte
	cell    []byte
	guarded []byte
}

func newDelimitedWriter(w io.Writer, columns []Column, delim byte) *delimitedWriter {
	d := &delimitedWriter{w: w, columns: columns, delim: delim}
	quote := "\"\n\r\t"
	if delim == ',' {
		// Where a comma is the decimal mark, spreadsheets part at semicolons.
		quote += ",;"
	}
	for _, c := range []byte(quote) {
		d.classes[c] |= mustQuote
	}
	for _, c := range []byte("=+-@") {
		d.classes[c] |= mayStartFormula
	}
	for c := utf8.RuneSelf; c < len(d.classes); c++ {
		d.classes[c] |= mayStartFormula
	}
	return d
}

// byteClass says what a byte in a cell calls for.
type byteClass uint8

const (
	mustQuote byteClass = 1 << iota
	mayStartFormula
)

func (d *delimitedWriter) header() {
	d.started = true
	for i := range d.columns {
		if i > 0 {
			d.buf = append(d.buf, d.delim)
		}
		d.buf = append(d.buf, d.columns[i].Name...)
	}
	d.buf = append(d.buf, '\n')
}

func (d *delimitedWriter) WriteRow(row []Value) error {
	if !d.started {
		d.header()
	}
	for i := range row {
		if i > 0 {
			d.buf = append(d.buf, d.delim)
		}
		v := &row[i]
		if !v.isText() {
			d.buf = v.appendFlat(d.buf, ";")
			continue
		}
		d.cell = v.appendFlat(d.cell[:0], ";")
		d.buf = d.appendCell(d.buf, d.cell)
	}
	d.buf = append(d.buf, '\n')
	return flushFull(d.w, &d.buf)
}

func (d *delimitedWriter) appendCell(dst, cell []byte) []byte {
	if len(cell) == 0 {
		return dst
	}
	var class byteClass
	for _, c := range cell {
		class |= d.classes[c]
	}
	if class&mayStartFormula != 0 {
		d.guarded = appendGuarded(d.guarded[:0], cell)
		cell = d.guarded
	}
	if class&mustQuote == 0 && cell[0] != ' ' {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for _, c := range cell {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func (d *delimitedWriter) Close() error {
	if !d.started {
		d.header()
	}
	return flush(d.w, &d.buf)
}
