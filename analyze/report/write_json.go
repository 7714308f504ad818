package report

import "io"

// flushAt is how many bytes the streaming writers gather before they write.
const flushAt = 64 << 10

// jsonWriter writes one array, or one object a line. It appends by hand and
// does not allocate once its buffer has grown.
type jsonWriter struct {
	w     io.Writer
	keys  [][]byte // `{"file":`, `,"frame":`, …
	lines bool
	rows  int64
	buf   []byte
}

func newJSONWriter(w io.Writer, columns []Column, lines bool) *jsonWriter {
	return &jsonWriter{w: w, keys: jsonKeys(columns, '{'), lines: lines}
}

func jsonKeys(columns []Column, first byte) [][]byte {
	keys := make([][]byte, len(columns))
	for i := range columns {
		open := byte(',')
		if i == 0 {
			open = first
		}
		key := appendJSONString([]byte{open}, columns[i].Name)
		keys[i] = append(key, ':')
	}
	return keys
}

func appendJSONRow(b []byte, keys [][]byte, row []Value) []byte {
	for i := range row {
		b = append(b, keys[i]...)
		b = row[i].appendJSON(b)
	}
	return append(b, '}')
}

func (j *jsonWriter) WriteRow(row []Value) error {
	switch {
	case j.lines:
	case j.rows == 0:
		j.buf = append(j.buf, "[\n"...)
	default:
		j.buf = append(j.buf, ",\n"...)
	}
	j.rows++
	j.buf = appendJSONRow(j.buf, j.keys, row)
	if j.lines {
		j.buf = append(j.buf, '\n')
	}
	return flushFull(j.w, &j.buf)
}

func (j *jsonWriter) Close() error {
	switch {
	case j.lines:
	case j.rows == 0:
		j.buf = append(j.buf, "[]\n"...)
	default:
		j.buf = append(j.buf, "\n]\n"...)
	}
	return flush(j.w, &j.buf)
}

// flushFull writes the buffer when it is full.
func flushFull(w io.Writer, buf *[]byte) error {
	if len(*buf) < flushAt {
		return nil
	}
	return flush(w, buf)
}

func flush(w io.Writer, buf *[]byte) error {
	if len(*buf) == 0 {
		return nil
	}
	_, err := w.Write(*buf)
	*buf = (*buf)[:0]
	return err
}
