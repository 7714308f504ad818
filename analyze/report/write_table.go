package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// ErrTooManyRows is what FormatTable's writer refuses a row with when it has
// as many as WriterOptions.MaxRows: a table is held in memory, slow to lay
// out, and of no use to a reader at that size.
var ErrTooManyRows = errors.New("too many rows for a table")

const (
	tableGap = 2 // blanks after each column; the header's line covers them
	// listCap is how wide a list or an object may be in a table that must fit
	// into a terminal before columns are left out.
	listCap = 30
	minCell = 8
)

// tableWriter lays a table out for people, through tablewriter. On a terminal
// it leaves out columns of high rank until the rest fits.
type tableWriter struct {
	w       io.Writer
	columns []Column
	o       WriterOptions
	rows    [][]string
	omitted []string
	cell    []byte
}

func newTableWriter(w io.Writer, columns []Column, o WriterOptions) *tableWriter {
	return &tableWriter{w: w, columns: columns, o: o}
}

func (t *tableWriter) WriteRow(row []Value) error {
	if t.o.MaxRows > 0 && len(t.rows) >= t.o.MaxRows {
		return fmt.Errorf("more than %d: %w", t.o.MaxRows, ErrTooManyRows)
	}
	cells := make([]string, len(row))
	for i := range row {
		t.cell = row[i].appendFlat(t.cell[:0], "; ")
		cells[i] = string(t.cell)
	}
	t.rows = append(t.rows, cells)
	return nil
}

// Omitted names the columns that were left out to fit the terminal. It is
// known after Close.
func (t *tableWriter) Omitted() []string { return t.omitted }

func (t *tableWriter) Close() error {
	names := make([]string, len(t.columns))
	for i := range t.columns {
		names[i] = t.columns[i].Name
	}
	natural := naturalWidths(names, t.rows)
	shown := make([]int, len(t.columns))
	for i := range shown {
		shown[i] = i
	}
	widths := natural
	if t.o.Width > 0 {
		shown, widths = t.fit(natural)
	}
	header := make([]string, len(shown))
	align := make(tw.Alignment, len(shown))
	limits := make([]int, len(shown))
	for k, i := range shown {
		header[k] = names[i]
		limits[k] = widths[i]
		align[k] = tw.AlignLeft
		if numeric(t.columns[i].Type) {
			align[k] = tw.AlignRight
		}
	}
	rows := make([][]string, len(t.rows))
	for n, row := range t.rows {
		rows[n] = make([]string, len(shown))
		for k, i := range shown {
			rows[n][k] = row[i]
		}
	}
	return renderTable(&headPainter{w: t.w, on: t.o.Color}, header, rows, align, limits)
}

// naturalWidths are the columns' widths with nothing broken into lines.
func naturalWidths(header []string, rows [][]string) []int {
	widths := make([]int, len(header))
	for i, name := range header {
		widths[i] = textWidth(name)
	}
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], textWidth(c))
		}
	}
	return widths
}

// fit chooses columns and their widths for the terminal's width.
func (t *tableWriter) fit(natural []int) (shown, widths []int) {
	widths = make([]int, len(natural))
	total := 0
	for i, w := range natural {
		switch t.columns[i].Type {
		case Strings, Frames, Object, Ints:
			w = min(w, max(listCap, len(t.columns[i].Name)))
		}
		widths[i] = w
		total += w + tableGap
	}
	dropped := make([]bool, len(natural))
	for total > t.o.Width {
		worst := -1
		for i := range t.columns {
			if !dropped[i] && t.columns[i].Rank > 0 && (worst < 0 || t.columns[i].Rank >= t.columns[worst].Rank) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		dropped[worst] = true
		total -= widths[worst] + tableGap
	}
	for i := range t.columns {
		if dropped[i] {
			t.omitted = append(t.omitted, t.columns[i].Name)
		} else {
			shown = append(shown, i)
		}
	}
	shrink(widths, shown, total-t.o.Width)
	return shown, widths
}

// shrink takes the excess from the widest of the columns, one by one.
func shrink(widths, shown []int, excess int) {
	for ; excess > 0; excess-- {
		widest := -1
		for _, i := range shown {
			if widths[i] > minCell && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// renderTable prints cells, which are escaped already, as a table without
// borders. A cell wider than its column's limit is broken into lines.
func renderTable(w io.Writer, header []string, rows [][]string, align tw.Alignment, limits []int) error {
	out := &lineTrimmer{w: w}
	t := tablewriter.NewTable(out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{
				Separators: tw.Separators{ShowHeader: tw.On, ShowFooter: tw.Off, BetweenRows: tw.Off, BetweenColumns: tw.Off},
				Lines:      tw.Lines{ShowTop: tw.Off, ShowBottom: tw.Off, ShowHeaderLine: tw.On, ShowFooterLine: tw.Off},
			},
		})),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: strings.Repeat(" ", tableGap), Overwrite: true}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithTrimLine(tw.Off),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: align}),
	)
	t.Header(wrapCells(header, limits))
	for _, row := range rows {
		if err := t.Append(wrapCells(row, limits)); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return out.close()
}

func wrapCells(cells []string, limits []int) []string {
	wrapped := make([]string, len(cells))
	for i, c := range cells {
		if textWidth(c) > limits[i] {
			c = strings.Join(wrap(c, limits[i]), "\n")
		}
		wrapped[i] = c
	}
	return wrapped
}

// lineTrimmer drops blanks at line ends, and keeps the first error of the
// underlying writer: tablewriter ignores them.
type lineTrimmer struct {
	w    io.Writer
	line []byte
	err  error
}

func (l *lineTrimmer) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\n' {
			l.line = append(l.line, c)
			continue
		}
		l.endLine()
	}
	return len(p), l.err
}

func (l *lineTrimmer) endLine() {
	n := len(l.line)
	for n > 0 && l.line[n-1] == ' ' {
		n--
	}
	l.line = append(l.line[:n], '\n')
	if l.err == nil {
		_, l.err = l.w.Write(l.line)
	}
	l.line = l.line[:0]
}

func (l *lineTrimmer) close() error {
	if len(l.line) > 0 {
		l.endLine()
	}
	return l.err
}

// headPainter sets the lines of a table's header in bold, up to the rule below
// them. The table comes line by line.
type headPainter struct {
	w  io.Writer
	on bool
}

func (h *headPainter) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "─") {
		h.on = false
	}
	if !h.on {
		return h.w.Write(p)
	}
	line := strings.TrimSuffix(string(p), "\n")
	if _, err := io.WriteString(h.w, paint(sgrBold, line)+"\n"); err != nil {
		return 0, err
	}
	return len(p), nil
}
