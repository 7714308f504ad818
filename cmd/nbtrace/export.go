package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/report"
)

// exportFlags are the flags that export has beyond the common ones.
type exportFlags struct {
	commonFlags
	packets packets
	columns []string
	sort    []string
	name    string
	host    string
	since   string
	until   string
	at      string
	maxRows int
}

func tableNames() []string {
	var names []string
	for _, t := range report.Tables() {
		names = append(names, t.Name)
	}
	return names
}

func formatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, string(f))
	}
	return names
}

func (a *app) exportCommand() *cobra.Command {
	var flags exportFlags
	var tables strings.Builder
	for _, t := range report.Tables() {
		fmt.Fprintf(&tables, "  %-10s %s\n", t.Name, t.Doc)
	}
	cmd := &cobra.Command{
		Use:   "export TABLE [flags] FILE...",
		Short: "Write one table, or all, in a machine format",
		Long: `Write one table, or all, in a machine format. TABLE is one of

` + tables.String() + `  all        every one of them, into the folder that -o names

Times are RFC 3339 UTC with nanoseconds. The format is taken from the suffix of
the output file if --format is not given; else it is table, and csv for all.
In csv, tsv and xlsx a text that a spreadsheet would take for a formula is
preceded by an apostrophe. In formats without lists, elements are joined by ;
and frames are file:frame:role.`,
		Example: `  nbtrace export messages --format ndjson capture.pcap
  nbtrace export exchanges -o exchanges.xlsx --host 10.20.9.11 capture.pcap
  nbtrace export messages --name 'FILESRV*' --columns frame,time,kind,rcode capture.pcap
  nbtrace export names --at '2026-11-24 06:00:00' --name 'FILESRV*' capture.pcap
  nbtrace export hosts --sort -multihomed,id capture.pcap
  nbtrace export all -o out --format parquet *.pcapng`,
		Args: needTable,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return append(tableNames(), "all"), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.export(&flags, args[0], args[1:])
		},
	}
	flags.add(a, cmd, formatNames())
	flags.packets.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&flags.columns, "columns", nil, "only these `COLUMNS`, in this order (a,b)")
	f.StringSliceVar(&flags.sort, "sort", nil, "order by `COLUMNS`, descending with a minus before (a,-b); holds all rows in memory")
	f.StringVar(&flags.name, "name", "", "only rows of names like `PATTERN`: FILESRV, FILESRV<20>, FILE*, ?SRV<2?>; case does not matter")
	f.StringVar(&flags.host, "host", "", "only rows in which this `ADDR` or network (10.0.0.0/8) appears")
	f.StringVar(&flags.since, "since", "", "only rows at or after `TIME`, RFC 3339 (2026-11-24T06:00:00Z) or 2026-11-24 06:00:00 in UTC")
	f.StringVar(&flags.until, "until", "", "only rows at or before `TIME`")
	f.StringVar(&flags.at, "at", "", "names: only who held a name at `TIME`, and in which state")
	f.IntVar(&flags.maxRows, "max-rows", 10000, "refuse a table (--format table) of more than `N` rows; 0 for no limit")
	return cmd
}

func needTable(cmd *cobra.Command, args []string) error {
	known := append(tableNames(), "all")
	if len(args) == 0 {
		return usagef("no table given: %s\nusage: %s", strings.Join(known, ", "), cmd.UseLine())
	}
	if !slices.Contains(known, args[0]) {
		return usagef("%s", unknown("table", args[0], known))
	}
	return needFiles(cmd, args[1:])
}

// sheet is one table on its way to its output.
type sheet struct {
	out *output
	*report.Exporter
}

// rows hands the rows of a run to the sheets, and stops the run at the first
// one that cannot be written.
type rows struct {
	sheets map[string]*sheet
	row    report.Row
	stop   atomic.Bool
	err    error
	at     *int64 // names: only those held at this time, ns
}

func (r *rows) add(s *sheet) { r.addRow(s, &r.row) }

func (r *rows) addRow(s *sheet, row *report.Row) {
	if r.err == nil {
		if r.err = s.Add(row); r.err != nil {
			r.stop.Store(true)
		}
	}
}

func (a *app) export(flags *exportFlags, table string, paths []string) error {
	set, err := flags.check(a)
	if err != nil {
		return err
	}
	tables := report.Tables()
	usual := "csv"
	if table != "all" {
		tables = []*report.Table{report.LookupTable(table)}
		usual = "table"
	}
	format, err := formatOf(flags.format, flags.output, usual, formatNames())
	if err != nil {
		return err
	}
	crit, err := flags.criteria(tables, table == "all")
	if err != nil {
		return err
	}
	color, err := a.useColor(flags.color, a.stdout)
	if err != nil {
		return err
	}
	opts := report.ExportOptions{Criteria: *crit, Writer: report.WriterOptions{Color: color, MaxRows: flags.maxRows}}
	if table == "all" {
		if err := flags.checkAll(); err != nil {
			return err
		}
	} else if opts.Columns, opts.Sort, err = flags.selection(tables[0]); err != nil {
		return err
	}
	if flags.output == "-" {
		opts.Writer.Width = terminalWidth(a.stdout)
		if report.Format(format).Binary() && isTerminal(a.stdout) {
			return usagef("refusing to write %s to a terminal; name a file with -o", format)
		}
	}
	r := &rows{sheets: map[string]*sheet{}}
	if flags.at != "" {
		if table != "names" {
			return usagef("--at goes with the table names")
		}
		ns, err := parseTime(flags.at, false)
		if err != nil {
			return usagef("--at: %w", err)
		}
		r.at = &ns
	}
	defer r.abort()
	for _, t := range tables {
		path := flags.output
		if table == "all" {
			path = filepath.Join(flags.output, t.Name+report.Format(format).Extension())
		}
		out, err := a.openOutput(path, paths)
		if err != nil {
			return err
		}
		e, err := report.NewExporter(out, report.Format(format), t, opts)
		if err != nil {
			return err
		}
		r.sheets[t.Name] = &sheet{out: out, Exporter: e}
	}
	end, err := flags.packets.prepare(a, flags.output, paths)
	if err != nil {
		return err
	}
	defer end()
	return a.fill(set, r, paths, &flags.packets)
}

// fill reads the captures and writes the sheets.
func (a *app) fill(set *settings, r *rows, paths []string, p *packets) error {
	in, err := a.open(paths)
	if err != nil {
		return err
	}
	defer in.merge.Close()
	r.row.Files = in.files
	var sink analyze.Sink
	var messages *messageWriter
	if s := r.sheets["messages"]; s != nil {
		sink.Message = func(m *analyze.Message) { r.row.Message = m; r.add(s) }
		if len(r.sheets) == 1 && runtime.GOMAXPROCS(0) > 1 {
			messages = r.writeMessages(s)
			sink.Message = messages.add
		}
	}
	if s := r.sheets["exchanges"]; s != nil {
		sink.Exchange = func(x *exchange.Exchange) { r.row.Exchange = x; r.add(s) }
	}
	var judged []*analyze.Rule
	if r.sheets["findings"] != nil || set.canFail || set.newBaseline != "" || p.path != "" {
		judged = set.rules
	}
	set.noNames = r.sheets["names"] == nil
	result, err := a.read(set, in, judged, sink, &r.stop)
	if messages != nil {
		messages.close()
	}
	if err != nil {
		return err
	}
	if len(in.files) == 0 {
		return nil // the errors have been told, and there is nothing else
	}
	r.rest(set, result)
	if err := r.commit(a); err != nil {
		if errors.Is(err, report.ErrTooManyRows) {
			return usagef("%w\nuse --format csv, ndjson or parquet, choose rows with --name, --host, --since or --until, or say --max-rows 0", err)
		}
		return err
	}
	if err := p.write(a, set, in, set.reported(result.Findings)); err != nil {
		return err
	}
	return a.judge(set, paths, result.Findings)
}

// rest adds the rows that are known at the end of a run.
func (r *rows) rest(set *settings, result *analyze.Result) {
	if s := r.sheets["findings"]; s != nil {
		for _, f := range set.reported(result.Findings) {
			r.row.Finding = f
			r.add(s)
		}
	}
	if s := r.sheets["names"]; s != nil {
		for i := range result.Names {
			r.row.Name = &result.Names[i]
			if r.at != nil {
				held, ok := result.Names[i].At(*r.at)
				if !ok {
					continue
				}
				r.row.Name = &held
			}
			r.add(s)
		}
	}
	if s := r.sheets["hosts"]; s != nil {
		for i := range result.Hosts {
			r.row.Host = &result.Hosts[i]
			r.add(s)
		}
	}
	if s := r.sheets["mappings"]; s != nil {
		for i := range result.Mappings {
			r.row.Mapping = &result.Mappings[i]
			r.add(s)
		}
	}
}

// commit ends all sheets, and only then gives the files their names.
func (r *rows) commit(a *app) error {
	if r.err != nil {
		return r.err
	}
	for _, t := range report.Tables() {
		if s := r.sheets[t.Name]; s != nil {
			if err := s.Close(); err != nil {
				return err
			}
			if omitted := s.Omitted(); len(omitted) > 0 {
				a.warnf("to fit the terminal these columns were left out: %s\n(pipe the output, or choose with --columns)", strings.Join(omitted, ", "))
			}
		}
	}
	for _, t := range report.Tables() {
		if s := r.sheets[t.Name]; s != nil {
			if err := s.out.commit(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rows) abort() {
	for _, s := range r.sheets {
		s.out.abort()
	}
}

// checkAll checks what `export all` cannot do, and makes its folder.
func (f *exportFlags) checkAll() error {
	if f.output == "-" {
		return usagef("export all needs a folder: -o DIR")
	}
	if len(f.columns) > 0 || len(f.sort) > 0 {
		return usagef("--columns and --sort are for one table, not for all")
	}
	if err := os.MkdirAll(f.output, 0o777); err != nil {
		return usagef("cannot make the folder for the tables: %w", err)
	}
	return nil
}

// selection reads --columns and --sort.
func (f *exportFlags) selection(t *report.Table) (cols []report.Column, keys []report.SortKey, err error) {
	for _, name := range f.columns {
		c, err := column(t, name)
		if err != nil {
			return nil, nil, err
		}
		cols = append(cols, c)
	}
	for _, name := range f.sort {
		c, err := column(t, strings.TrimPrefix(name, "-"))
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, report.SortKey{Column: c, Descending: strings.HasPrefix(name, "-")})
	}
	for i := range cols {
		if slices.ContainsFunc(cols[:i], func(c report.Column) bool { return c.Name == cols[i].Name }) {
			return nil, nil, usagef("--columns names %s twice", cols[i].Name)
		}
	}
	return cols, keys, nil
}

func column(t *report.Table, name string) (report.Column, error) {
	var known []string
	for _, c := range t.Columns {
		if c.Name == name {
			return c, nil
		}
		known = append(known, c.Name)
	}
	return report.Column{}, usagef("%s", unknown("column of "+t.Name, name, known))
}

// criteria reads --name, --host, --since and --until.
func (f *exportFlags) criteria(tables []*report.Table, all bool) (*report.Criteria, error) {
	c := &report.Criteria{Name: f.name}
	if f.host != "" {
		p, err := netip.ParsePrefix(f.host)
		if err != nil {
			a, aerr := netip.ParseAddr(f.host)
			if aerr != nil {
				return nil, usagef("--host %q is neither an address nor a network", f.host)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		c.Host = p.Masked()
	}
	for _, limit := range []struct {
		flag, value string
		to          **int64
		end         bool
	}{{"--since", f.since, &c.Since, false}, {"--until", f.until, &c.Until, true}} {
		if limit.value == "" {
			continue
		}
		ns, err := parseTime(limit.value, limit.end)
		if err != nil {
			return nil, usagef("%s: %w", limit.flag, err)
		}
		if !all && !tables[0].Timed() {
			return nil, usagef("%s: the rows of %s have no time", limit.flag, tables[0].Name)
		}
		*limit.to = &ns
	}
	return c, nil
}

// parseTime reads a time. One of less precision than seconds stands for its
// begin, or for its end.
func parseTime(s string, end bool) (int64, error) {
	for _, l := range []struct {
		layout string
		spans  time.Duration
	}{
		{time.RFC3339Nano, 0},
		{"2006-01-02T15:04:05.999999999", 0},
		{"2006-01-02 15:04:05.999999999", 0},
		{"2006-01-02T15:04", time.Minute},
		{"2006-01-02 15:04", time.Minute},
		{"2006-01-02", 24 * time.Hour},
	} {
		t, err := time.Parse(l.layout, s)
		if err != nil {
			continue
		}
		if end && l.spans > 0 {
			t = t.Add(l.spans - 1)
		}
		if y := t.Year(); y < 1678 || y > 2261 {
			return 0, fmt.Errorf("%q is out of range", s)
		}
		return t.UnixNano(), nil
	}
	return 0, fmt.Errorf("%q is no time: write 2026-11-24T06:00:00Z, 2026-11-24 06:00 or 2026-11-24 (UTC)", s)
}
