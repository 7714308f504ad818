package mappings

import (
	"bytes"
	"strings"

	"nbtrace/analyze/winsrepl"
)

// console reads what the WINS console's Export List writes: a line of
// headings and a line a record, in columns parted by tabs, commas or
// semicolons. Which column is which is told by the headings.
type console struct {
	b       *builder
	columns *columns
	cells   [][]byte
}

// columns says where each thing stands; -1: nowhere.
type columns struct {
	separator                                byte
	name, typ, address, state, static, owner int
}

// consoleHeader reads a line of headings; nil if it is none.
func consoleHeader(line []byte) *columns {
	for _, sep := range []byte("\t,;") {
		cells := splitCells(nil, line, sep)
		if len(cells) < 3 {
			continue
		}
		c := columns{sep, -1, -1, -1, -1, -1, -1}
		for i, cell := range cells {
			var at *int
			switch strings.ToLower(string(bytes.TrimSpace(cell))) {
			case "record name", "name", "computer name", "mapping":
				at = &c.name
			case "type":
				at = &c.typ
			case "ip address", "ip addresses", "address":
				at = &c.address
			case "state":
				at = &c.state
			case "static", "s":
				at = &c.static
			case "owner":
				at = &c.owner
			}
			if at != nil && *at < 0 {
				*at = i
			}
		}
		if c.name >= 0 && c.address >= 0 && (c.typ >= 0 || c.static >= 0) {
			return &c
		}
	}
	return nil
}

// splitCells parts a line at sep; a cell in quotes may hold it.
func splitCells(to [][]byte, line []byte, sep byte) [][]byte {
	for {
		line = bytes.TrimLeft(line, " ")
		if len(line) > 0 && line[0] == '"' {
			if end := bytes.IndexByte(line[1:], '"'); end >= 0 {
				to, line = append(to, line[1:1+end]), line[end+2:]
				i := bytes.IndexByte(line, sep)
				if i < 0 {
					return to
				}
				line = line[i+1:]
				continue
			}
		}
		i := bytes.IndexByte(line, sep)
		if i < 0 {
			return append(to, line)
		}
		to, line = append(to, line[:i]), line[i+1:]
	}
}

func (p *console) line(n int, line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	if p.columns == nil {
		// What stands before the headings names the server.
		p.columns = consoleHeader(line)
		return
	}
	p.cells = splitCells(p.cells[:0], line, p.columns.separator)
	cell := func(i int) []byte {
		if i < 0 || i >= len(p.cells) {
			return nil
		}
		return bytes.TrimSpace(p.cells[i])
	}
	e := Entry{Line: int32(n)}
	text, typ := cell(p.columns.name), cell(p.columns.typ)
	before, suffix, after, ok := cutSuffix(typ)
	if !ok {
		// Older versions have the suffix behind the name.
		if text, suffix, _, ok = cutSuffix(text); !ok {
			p.b.problem(n, "has no suffix like [20h] in the type or the name", line)
			return
		}
		after = typ
	}
	var reason string
	if e.Name, reason = p.b.name(bytes.TrimSpace(text), suffix); reason != "" {
		p.b.problem(n, reason, line)
		return
	}
	addrs := addressesIn(cell(p.columns.address), nil)
	if len(addrs) == 0 {
		p.b.problem(n, "has no IPv4 address", line)
		return
	}
	e.Addresses = p.b.addresses(addrs)
	e.Type = consoleType(string(before)+string(after), suffix, len(addrs))
	switch state := strings.ToLower(string(cell(p.columns.state))); {
	case strings.HasPrefix(state, "released"):
		e.State = winsrepl.Released
	case strings.HasPrefix(state, "tombstone"):
		e.State = winsrepl.Tombstone
	}
	if p.columns.static >= 0 {
		switch strings.ToLower(string(cell(p.columns.static))) {
		case "", "no", "0", "d", "dynamic", "-":
			e.Static = StaticNo
		case "x", "yes", "1", "s", "static", "*", "true":
			e.Static = StaticYes
		}
	}
	if owner := addressesIn(cell(p.columns.owner), nil); len(owner) == 1 {
		e.Owner = owner[0]
	}
	p.b.add(e)
}

func (p *console) finish() {}

// consoleType guesses the type of a record from what the console calls its suffix.
func consoleType(text string, suffix byte, addresses int) winsrepl.RecordType {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "multihomed"):
		return winsrepl.Multihomed
	case suffix == domainSuffix, strings.Contains(text, "internet group"), strings.Contains(text, "special group"):
		return winsrepl.SpecialGroup
	case strings.Contains(text, "group"):
		return winsrepl.Group
	}
	return guessType(suffix, addresses)
}
