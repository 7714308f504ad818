package report

import (
	"bytes"
	"io"
)

// delimitedWriter writes CSV as RFC 4180 has it, but with a bare newline as
// encoding/csv does, and TSV with the same quoting. Null is the empty cell;
// the empty text is too.
type delimitedWriter struct {
	w       io.Writer
	columns []Column
	delim   byte
	special string // what a cell must be quoted for
	started bool
	buf     []byte
	cell    []byte
	guarded []byte
}

func newDelimitedWriter(w io.Writer, columns []Column, delim byte) *delimitedWriter {
	special := "\"\n\r\t"
	if delim == ',' {
		// Where a comma is the decimal mark, spreadsheets part at semicolons.
		special += ",;"
	}
	return &delimitedWriter{w: w, columns: columns, delim: delim, special: special}
}

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
		d.guarded = appendGuarded(d.guarded[:0], d.cell)
		d.buf = d.appendQuoted(d.buf, d.guarded)
	}
	d.buf = append(d.buf, '\n')
	return flushFull(d.w, &d.buf)
}

func (d *delimitedWriter) appendQuoted(dst, cell []byte) []byte {
	if len(cell) == 0 {
		return dst
	}
	if cell[0] != ' ' && !bytes.ContainsAny(cell, d.special) {
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
