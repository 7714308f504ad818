package report

import "io"

// ExportOptions say which part of a table is written, and how.
type ExportOptions struct {
	Columns  []Column // nil: all
	Criteria Criteria
	Sort     []SortKey // holds all rows in memory, about 300 bytes each
	Writer   WriterOptions
}

// Exporter writes the chosen rows of one table in one format.
type Exporter struct {
	table   *Table
	columns []Column
	crit    Criteria
	w       RowWriter
	values  []Value
	sorter  *sorter
	keys    []Column
	keyed   []Value
}

// NewExporter makes an exporter of table t to w in format f.
func NewExporter(w io.Writer, f Format, t *Table, o ExportOptions) (*Exporter, error) {
	cols := o.Columns
	if cols == nil {
		cols = t.Columns
	}
	rw, err := NewWriter(w, f, t.Name, cols, o.Writer)
	if err != nil {
		return nil, err
	}
	e := &Exporter{table: t, columns: cols, crit: o.Criteria, w: rw, values: make([]Value, len(cols))}
	if len(o.Sort) > 0 {
		e.sorter = newSorter(rw, o.Sort, len(cols))
		for _, k := range o.Sort {
			e.keys = append(e.keys, k.Column)
		}
		e.keyed = make([]Value, len(e.keys))
	}
	return e, nil
}

// Add writes a row if the criteria take it. r may change after the call.
func (e *Exporter) Add(r *Row) error {
	if !e.crit.Match(e.table, r) {
		return nil
	}
	Fill(e.columns, r, e.values)
	if e.sorter == nil {
		return e.w.WriteRow(e.values)
	}
	Fill(e.keys, r, e.keyed)
	e.sorter.add(e.values, e.keyed)
	return nil
}

// Omitted names the columns that a table left out to fit the terminal, once
// the exporter is closed.
func (e *Exporter) Omitted() []string {
	if t, ok := e.w.(interface{ Omitted() []string }); ok {
		return t.Omitted()
	}
	return nil
}

// Close writes what is pending.
func (e *Exporter) Close() error {
	if e.sorter != nil {
		return e.sorter.Close()
	}
	return e.w.Close()
}
