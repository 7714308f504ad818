package report

import (
	"io"
)

// htmlWriter writes one self-contained HTML page with one table, as a stream.
// It holds no script, and its policy allows none.
type htmlWriter struct {
	w       io.Writer
	name    string
	columns []Column
	started bool
	buf     []byte
	cell    []byte
}

func newHTMLWriter(w io.Writer, name string, columns []Column) *htmlWriter {
	return &htmlWriter{w: w, name: name, columns: columns}
}

const htmlHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem; border-bottom: 1px solid #8885; }
th { border-bottom-width: 2px; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
</style>
`

func (h *htmlWriter) header() {
	h.started = true
	h.buf = append(h.buf, htmlHead...)
	h.buf = append(h.buf, "<title>nbtrace: "...)
	h.buf = appendHTML(h.buf, []byte(h.name))
	h.buf = append(h.buf, "</title>\n</head>\n<body>\n<div role=\"region\" aria-label=\""...)
	h.buf = appendHTML(h.buf, []byte(h.name))
	h.buf = append(h.buf, "\" tabindex=\"0\">\n<table>\n<caption>"...)
	h.buf = appendHTML(h.buf, []byte(h.name))
	h.buf = append(h.buf, "</caption>\n<thead><tr>"...)
	for i := range h.columns {
		h.buf = append(h.buf, `<th scope="col" title="`...)
		h.buf = appendHTML(h.buf, []byte(h.columns[i].Doc))
		h.buf = append(h.buf, `">`...)
		h.buf = appendHTML(h.buf, []byte(h.columns[i].Name))
		h.buf = append(h.buf, "</th>"...)
	}
	h.buf = append(h.buf, "</tr></thead>\n<tbody>\n"...)
}

func (h *htmlWriter) WriteRow(row []Value) error {
	if !h.started {
		h.header()
	}
	h.buf = append(h.buf, "<tr>"...)
	for i := range row {
		if numeric(h.columns[i].Type) {
			h.buf = append(h.buf, `<td class="n">`...)
		} else {
			h.buf = append(h.buf, "<td>"...)
		}
		h.cell = row[i].appendFlat(h.cell[:0], "; ")
		h.buf = appendHTML(h.buf, h.cell)
		h.buf = append(h.buf, "</td>"...)
	}
	h.buf = append(h.buf, "</tr>\n"...)
	return flushFull(h.w, &h.buf)
}

func (h *htmlWriter) Close() error {
	if !h.started {
		h.header()
	}
	h.buf = append(h.buf, "</tbody>\n</table>\n</div>\n</body>\n</html>\n"...)
	return flush(h.w, &h.buf)
}
