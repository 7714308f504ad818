package report

import "io"

// markdownWriter writes a GitHub-flavoured Markdown table as a stream.
type markdownWriter struct {
	w       io.Writer
	columns []Column
	started bool
	buf     []byte
	cell    []byte
}

func newMarkdownWriter(w io.Writer, columns []Column) *markdownWriter {
	return &markdownWriter{w: w, columns: columns}
}

func (m *markdownWriter) header() {
	m.started = true
	for i := range m.columns {
		m.buf = append(m.buf, "| "...)
		m.buf = appendMarkdown(m.buf, m.columns[i].Name)
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	for i := range m.columns {
		if numeric(m.columns[i].Type) {
			m.buf = append(m.buf, "| ---: "...)
		} else {
			m.buf = append(m.buf, "| --- "...)
		}
	}
	m.buf = append(m.buf, "|\n"...)
}

func numeric(t Type) bool { return t == Int || t == Uint || t == Float }

func (m *markdownWriter) WriteRow(row []Value) error {
	if !m.started {
		m.header()
	}
	for i := range row {
		m.cell = row[i].appendFlat(m.cell[:0], "; ")
		m.buf = append(m.buf, "| "...)
		m.buf = appendMarkdown(m.buf, m.cell)
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	return flushFull(m.w, &m.buf)
}

func (m *markdownWriter) Close() error {
	if !m.started {
		m.header()
	}
	return flush(m.w, &m.buf)
}
