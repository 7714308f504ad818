package report

import (
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

const (
	parquetRowGroup = 100_000
	parquetBatch    = 1024
)

// parquetWriter writes typed columns, compressed with zstd, in row groups of
// bounded size. Times are TIMESTAMP in UTC with nanoseconds, lists are LIST,
// frames a list of structs, objects JSON. DuckDB 1.5 has no type for such a
// time and shows microseconds; the file has all nine digits.
type parquetWriter struct {
	columns []Column
	w       *parquet.GenericWriter[any]
	rows    []parquet.Row
	n       int
	texts   []byte // what the values of rows refer to, until they are written
}

type parquetFrame struct {
	File  string `parquet:"file,dict"`
	Frame int64  `parquet:"frame"`
	Role  string `parquet:"role,dict"`
}

func newParquetWriter(w io.Writer, name string, columns []Column) *parquetWriter {
	schema := parquet.NewSchema(name, parquet.SchemaOf(reflect.New(parquetStruct(columns)).Interface()))
	return &parquetWriter{
		columns: columns,
		w: parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(parquetRowGroup),
			parquet.CreatedBy("nbtrace", "", "")),
		rows: make([]parquet.Row, parquetBatch),
	}
}

// parquetStruct makes the struct type whose fields are the columns. A struct
// keeps their order; a parquet.Group would sort them.
func parquetStruct(columns []Column) reflect.Type {
	fields := make([]reflect.StructField, len(columns))
	for i := range columns {
		c := &columns[i]
		var t reflect.Type
		tag := c.Name
		switch c.Type {
		case Int:
			t = reflect.TypeFor[int64]()
		case Uint:
			t = reflect.TypeFor[uint64]()
		case Float:
			t = reflect.TypeFor[float64]()
		case Bool:
			t = reflect.TypeFor[bool]()
		case Time:
			t = reflect.TypeFor[int64]()
			tag += ",timestamp(nanosecond)"
		case Strings:
			t = reflect.TypeFor[[]string]()
			tag += ",list"
		case Ints:
			t = reflect.TypeFor[[]int64]()
			tag += ",list"
		case Frames:
			t = reflect.TypeFor[[]parquetFrame]()
			tag += ",list"
		case Object:
			t = reflect.TypeFor[string]()
			tag += ",json"
		default:
			t = reflect.TypeFor[string]()
			tag += ",dict"
		}
		if c.Null {
			tag += ",optional"
		}
		fields[i] = reflect.StructField{Name: "F" + c.Name, Type: t, Tag: reflect.StructTag(`parquet:"` + tag + `"`)}
	}
	return reflect.StructOf(fields)
}

func (p *parquetWriter) WriteRow(row []Value) error {
	p.rows[p.n] = p.appendRow(p.rows[p.n][:0], row)
	p.n++
	if p.n < len(p.rows) {
		return nil
	}
	return p.flush()
}

// appendRow appends the values of a row in the order of the leaf columns, with
// their repetition and definition levels: a column that may be null has one
// level of definition, a list one for its elements.
func (p *parquetWriter) appendRow(dst parquet.Row, row []Value) parquet.Row {
	leaf := 0
	for i := range row {
		v := &row[i]
		c := &p.columns[i]
		level := 0
		if c.Null {
			level = 1
		}
		switch c.Type {
		case Strings:
			dst = appendList(dst, len(v.ends), leaf, func(k int) parquet.Value { return keep(p, v.element(k)) })
			leaf++
		case Ints:
			dst = appendList(dst, len(v.ints), leaf, func(k int) parquet.Value { return parquet.Int64Value(v.ints[k]) })
			leaf++
		case Frames:
			n := len(v.frames)
			dst = appendList(dst, n, leaf, func(k int) parquet.Value { return keep(p, v.frames[k].file) })
			dst = appendList(dst, n, leaf+1, func(k int) parquet.Value { return parquet.Int64Value(v.frames[k].frame) })
			dst = appendList(dst, n, leaf+2, func(k int) parquet.Value { return keep(p, v.frames[k].role) })
			leaf += 3
		default:
			if v.null {
				dst = append(dst, parquet.NullValue().Level(0, 0, leaf))
			} else {
				dst = append(dst, p.scalar(v).Level(0, level, leaf))
			}
			leaf++
		}
	}
	return dst
}

// keep copies a text to where it stays until the rows are written.
func keep[T string | []byte](p *parquetWriter, s T) parquet.Value {
	start := len(p.texts)
	p.texts = append(p.texts, s...)
	return parquet.ByteArrayValue(p.texts[start:len(p.texts):len(p.texts)])
}

func (p *parquetWriter) scalar(v *Value) parquet.Value {
	switch v.typ {
	case Int, Uint, Time:
		return parquet.Int64Value(v.num)
	case Float:
		return parquet.DoubleValue(v.float)
	case Bool:
		return parquet.BooleanValue(v.num != 0)
	default:
		return keep(p, v.text)
	}
}

func appendList(dst parquet.Row, n, leaf int, value func(int) parquet.Value) parquet.Row {
	if n == 0 {
		return append(dst, parquet.NullValue().Level(0, 0, leaf))
	}
	for k := range n {
		repetition := 0
		if k > 0 {
			repetition = 1
		}
		dst = append(dst, value(k).Level(repetition, 1, leaf))
	}
	return dst
}

func (p *parquetWriter) flush() error {
	_, err := p.w.WriteRows(p.rows[:p.n])
	p.n, p.texts = 0, p.texts[:0]
	return err
}

func (p *parquetWriter) Close() error {
	if p.n > 0 {
		if err := p.flush(); err != nil {
			return err
		}
	}
	return p.w.Close()
}
