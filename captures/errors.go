package captures

import (
	"fmt"
	"strings"
)

// DamageError says that a capture could not be read to its end. Every frame
// before the damage has been yielded.
type DamageError struct {
	Name   string // of the input, as in Info
	Frame  int64  // number of the last whole frame, 0 if there was none
	Offset int64  // of the record or block that broke, in bytes of the capture format
	Packed bool   // Offset counts decompressed bytes
	Reason string // what is wrong there
	Hint   string // what the user can do
	Err    error  // cause, or nil
}

// Error names the file, the frame, the offset, the reason and the way out.
func (e *DamageError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: damaged after frame %d, at byte %d", e.Name, e.Frame, e.Offset)
	if e.Packed {
		b.WriteString(" of the decompressed data")
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// FormatError says that an input is no capture that this package reads.
type FormatError struct {
	Name  string // of the input, as in Info
	Looks string // what it seems to be: "a ZIP archive"
	Hint  string // how to get a capture out of it, or what to give instead
}

// Error names the file, what it seems to be and the way out.
func (e *FormatError) Error() string {
	s := e.Name + ": not a pcap or pcapng capture: it looks like " + e.Looks
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

const (
	hintCut    = "it is still being written or a copy did not finish: copy it again; what was whole has been read"
	hintRepair = "what was whole has been read; pcapfix may recover more"
	hintUnpack = "what could be decompressed has been read; copy the file again"
	hintRead   = "check the disk or network it is read from"
)
