// Package report writes what a run of the engine found: the tables of the
// contract in each of its formats, and the documents that tell the findings.
// It is the only package that imports tablewriter, excelize and parquet-go.
//
// A table is described once, by its columns: name, type, and a getter that
// fills a Value from a Row. Every format renders Values, so all formats have
// the same rows and columns. Text that may come from a packet is escaped when
// it enters a Value (escape.go); each format then adds its own quoting.
//
// Lists in formats that have none (csv, tsv, xlsx, table, markdown, html) are
// joined by ";", frames are written as file:frame:role, objects as JSON. Times
// are text in RFC 3339 UTC with nine decimals everywhere but in parquet, which
// has a type for them: a spreadsheet's date holds milliseconds only.
package report

import (
	"fmt"
	"io"
)

// Format is a way to write a table.
type Format string

// The formats of tables.
const (
	FormatTable    Format = "table"
	FormatCSV      Format = "csv"
	FormatTSV      Format = "tsv"
	FormatJSON     Format = "json"
	FormatNDJSON   Format = "ndjson"
	FormatMarkdown Format = "markdown"
	FormatHTML     Format = "html"
	FormatXLSX     Format = "xlsx"
	FormatParquet  Format = "parquet"
)

// Formats lists the formats of tables in the order in which help shows them.
func Formats() []Format {
	return []Format{FormatTable, FormatCSV, FormatTSV, FormatJSON, FormatNDJSON, FormatMarkdown, FormatHTML,
		FormatXLSX, FormatParquet}
}

// Binary reports whether the format is unfit for a terminal.
func (f Format) Binary() bool { return f == FormatXLSX || f == FormatParquet }

// Extension is the usual suffix of a file in the format, with the dot.
func (f Format) Extension() string {
	switch f {
	case FormatTable:
		return ".txt"
	case FormatMarkdown:
		return ".md"
	default:
		return "." + string(f)
	}
}

// RowWriter renders the rows of one table. WriteRow's values belong to the
// caller and may change after the call. Close writes what is pending and the
// end of the document; it does not close the underlying writer.
type RowWriter interface {
	WriteRow(row []Value) error
	Close() error
}

// WriterOptions change how a table is written. The zero value is a stream of
// all columns at any width.
type WriterOptions struct {
	// Width is the number of columns of the terminal; FormatTable leaves out
	// the least important columns until the table fits. 0: no limit.
	Width int
	// MaxRows is how many rows FormatTable takes before it refuses with
	// ErrTooManyRows. 0: any number.
	MaxRows int
	// Color lets FormatTable set off its header.
	Color bool
}

// NewWriter makes a writer of the given columns. name is the table's name.
func NewWriter(w io.Writer, f Format, name string, columns []Column, o WriterOptions) (RowWriter, error) {
	switch f {
	case FormatTable:
		return newTableWriter(w, columns, o), nil
	case FormatCSV:
		return newDelimitedWriter(w, columns, ','), nil
	case FormatTSV:
		return newDelimitedWriter(w, columns, '\t'), nil
	case FormatJSON:
		return newJSONWriter(w, columns, false), nil
	case FormatNDJSON:
		return newJSONWriter(w, columns, true), nil
	case FormatMarkdown:
		return newMarkdownWriter(w, columns), nil
	case FormatHTML:
		return newHTMLWriter(w, name, columns), nil
	case FormatXLSX:
		return newXLSXWriter(w, name, columns, xlsxMaxRows)
	case FormatParquet:
		return newParquetWriter(w, name, columns), nil
	default:
		return nil, fmt.Errorf("unknown format %q", string(f))
	}
}
