package report

import (
	"net/netip"

	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
	"nbtrace/analyze/nbns"
)

// Row is what a getter reads: one row of the engine, of the kind that its
// table shows, and the names of the inputs.
type Row struct {
	Files    []string // by input number
	Message  *analyze.Message
	Exchange *exchange.Exchange
	Name     *analyze.Name
	Host     *analyze.Host
	Mapping  *analyze.Mapping
	Finding  *analyze.Finding
}

// Column describes one column of a table.
type Column struct {
	Name string
	Type Type
	Null bool // may be null
	// Rank grades how much a narrow table needs the column: 0 is dropped last.
	Rank uint8
	// Addr marks a text that is an address, and is ordered as one.
	Addr bool
	Doc  string
	get  func(r *Row, v *Value)
}

// Table describes one table of the contract.
type Table struct {
	Name    string
	Doc     string
	Columns []Column
	// Streams reports that rows come while the capture is read.
	Streams bool

	// names calls yield with each displayed name of the row until it returns true.
	names func(r *Row, yield func(name string) bool) bool
	// addrs does so for its addresses.
	addrs func(r *Row, yield func(netip.Addr) bool) bool
	// span is the time that the row covers, ns; nil if rows have no time, ok
	// false if this one has none.
	span func(r *Row) (from, until int64, ok bool)
}

// Tables lists the tables in the order of `export all`.
func Tables() []*Table {
	return []*Table{&findingsTable, &exchangesTable, &messagesTable, &namesTable, &hostsTable, &mappingsTable}
}

// LookupTable returns the table of that name, or nil.
func LookupTable(name string) *Table {
	for _, t := range Tables() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Fill sets the values of the columns from r. values has the length of columns.
func Fill(columns []Column, r *Row, values []Value) {
	for i := range columns {
		columns[i].get(r, &values[i])
	}
}

// fileName is the name of an input, "" if it has none.
func fileName(files []string, input int) string {
	if input < 0 || input >= len(files) {
		return ""
	}
	return files[input]
}

func setAddrs(v *Value, addrs []netip.Addr) {
	v.SetStrings()
	for _, a := range addrs {
		v.AddAddr(a)
	}
}

func setTexts(v *Value, texts []string) {
	v.SetStrings()
	for _, t := range texts {
		v.AddText(t)
	}
}

func setFrames(v *Value, r *Row, frames []analyze.FrameRef) {
	v.SetFrames()
	for _, f := range frames {
		v.AddFrame(fileName(r.Files, f.Input), f.Frame, f.Role)
	}
}

// setOptional sets a text of which "" means none.
func setOptional(v *Value, s string) {
	if s == "" {
		v.SetNull()
		return
	}
	v.SetText(s)
}

func setName(v *Value, n nbns.Name) {
	v.set(String)
	v.text = n.AppendText(v.text[:0])
}

// nameColumns are the columns name, suffix and scope that most tables share.
// get returns the row's name; ok false makes them null.
func nameColumns(get func(r *Row) (n nbns.Name, scope string, ok bool), null bool) []Column {
	return []Column{
		{Name: "name", Type: String, Null: null, Doc: "NetBIOS name without padding and suffix", get: func(r *Row, v *Value) {
			n, _, ok := get(r)
			if !ok {
				v.SetNull()
				return
			}
			setName(v, n)
		}},
		{Name: "suffix", Type: Int, Null: null, Doc: "16th byte of the name", get: func(r *Row, v *Value) {
			n, _, ok := get(r)
			if !ok {
				v.SetNull()
				return
			}
			v.SetInt(int64(n[15]))
		}},
		{Name: "scope", Type: String, Null: null, Rank: 9, Doc: "NetBIOS scope, empty if none", get: func(r *Row, v *Value) {
			_, scope, ok := get(r)
			if !ok {
				v.SetNull()
				return
			}
			v.set(String)
			v.text = nbns.AppendScope(v.text[:0], scope)
		}},
	}
}

func columns(groups ...[]Column) []Column {
	var all []Column
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func anyAddr(yield func(netip.Addr) bool, lists ...[]netip.Addr) bool {
	for _, l := range lists {
		for _, a := range l {
			if yield(a) {
				return true
			}
		}
	}
	return false
}
