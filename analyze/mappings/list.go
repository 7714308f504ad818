// Package mappings reads lists of WINS mappings that administrators have at
// hand, so that nbtrace knows what a server holds although no replication was
// captured: LMHOSTS files that were imported into WINS, WINSDMP dumps, netsh
// listings and commands, exports of the WINS console, Samba's wins.dat and an
// LDIF of its wins.ldb.
//
// Texts in a list are the bytes of the file. Whoever prints them escapes them.
package mappings

import (
	"net/netip"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/winsrepl"
)

// Static says whether a mapping is static. Not every list knows.
type Static uint8

// The values of Static.
const (
	StaticUnknown Static = iota
	StaticNo
	StaticYes
)

// Bool is nil where it is unknown.
func (s Static) Bool() *bool {
	if s == StaticUnknown {
		return nil
	}
	yes := s == StaticYes
	return &yes
}

func static(yes bool) Static {
	if yes {
		return StaticYes
	}
	return StaticNo
}

// Entry is a mapping.
type Entry struct {
	Name      nbns.Name
	Type      winsrepl.RecordType
	Static    Static
	State     winsrepl.State
	Line      int32 // first line of the mapping in its file, from 1
	Scope     string
	Addresses []netip.Addr // IPv4; empty for a group without known members
	Owner     netip.Addr   // the WINS server that registered it; zero: unknown
	VersionID uint64       // 0: unknown
	// Time is what the list has as the record's time stamp or expiry, ns
	// since 1970 UTC; 0: unknown or never.
	Time int64
}

// Problem is a line, or part of one, that could not be used.
type Problem struct {
	Line   int
	Reason string
	Text   string // of the line, at most 200 bytes
}

// Note is advice about a list that was read without problems but does not say
// what its author will have meant.
type Note struct {
	Line   int
	Reason string
	// Correction holds the lines as they should be; empty where there is
	// nothing to put right.
	Correction []string
}

// Format names a kind of list.
type Format string

// The formats that Read knows.
const (
	LMHOSTS Format = "LMHOSTS"
	WINSDMP Format = "WINSDMP"
	Netsh   Format = "netsh"
	Console Format = "WINS console export"
	WinsDat Format = "Samba wins.dat"
	LDIF    Format = "Samba wins.ldb (LDIF)"
)

// knownFormats is for people whose file is none of them.
const knownFormats = "LMHOSTS, WINSDMP (CSV), netsh wins listings, exports of the WINS console, Samba wins.dat, LDIF of Samba's wins.ldb"

// Bounds of what is kept of one file.
const (
	maxEntries   = 1 << 22
	maxProblems  = 1000
	maxNotes     = 1000
	maxAddresses = 256 // of an entry; WINS itself holds 25
	maxText      = 200
)

// List is what Read made of a file.
type List struct {
	Source   string // the name given to Read
	Format   Format
	Entries  []Entry
	Problems []Problem // in order of lines, the first 1000
	Notes    []Note    // in order of lines, the first 1000
	Omitted  int       // problems and notes beyond the first 1000 of each, and entries beyond 4,194,304
}

// blockSize is how many entries are allocated at once while a list grows: the
// length is not known, and growing one slice would hold it twice over and leave
// as much again to the garbage collector.
const blockSize = 8192

// builder collects a List.
type builder struct {
	list   *List
	blocks [][]Entry // full ones, then the one being filled
	count  int       // entries in them
	// textual says that the bytes came out of UTF-8 or UTF-16, so that
	// characters outside ASCII are not the bytes of a name.
	textual bool
	free    []netip.Addr // rest of the block that address lists are cut from
}

func (b *builder) problem(line int, reason string, text []byte) {
	if len(b.list.Problems) == maxProblems {
		b.list.Omitted++
		return
	}
	b.list.Problems = append(b.list.Problems, Problem{line, reason, string(text[:min(len(text), maxText)])})
}

func (b *builder) note(line int, reason string, correction ...string) {
	if len(b.list.Notes) == maxNotes {
		b.list.Omitted++
		return
	}
	b.list.Notes = append(b.list.Notes, Note{line, reason, correction})
}

func (b *builder) add(e Entry) {
	if b.count == maxEntries {
		b.list.Omitted++
		return
	}
	last := len(b.blocks) - 1
	if last < 0 || len(b.blocks[last]) == blockSize {
		size := blockSize
		if last < 0 {
			size = 64 // most lists are short
		}
		b.blocks = append(b.blocks, make([]Entry, 0, size))
		last++
	}
	b.blocks[last] = append(b.blocks[last], e)
	b.count++
}

// done puts the entries into the list.
func (b *builder) done() {
	if b.count == 0 {
		return
	}
	b.list.Entries = make([]Entry, 0, b.count)
	for i, block := range b.blocks {
		b.list.Entries = append(b.list.Entries, block...)
		b.blocks[i] = nil
	}
}

// addresses makes a slice that holds addrs, out of a block that many entries
// share: a list has mostly one address an entry.
func (b *builder) addresses(addrs []netip.Addr) []netip.Addr {
	if len(addrs) == 0 {
		return nil
	}
	if len(b.free) < len(addrs) {
		b.free = make([]netip.Addr, max(1024, len(addrs)))
	}
	s := b.free[:len(addrs):len(addrs)]
	b.free = b.free[len(addrs):]
	copy(s, addrs)
	return s
}
