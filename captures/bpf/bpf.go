// Package bpf applies capture filters (pcap-filter syntax) to frames that have
// been read and numbered already, so that frame numbers stay Wireshark's.
// libpcap compiles an expression, once for each link type met; the programs
// run in golang.org/x/net/bpf's machine. Without libpcap (see Available) no
// expression compiles.
package bpf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/bpf"

	"nbtrace/captures"
)

// ErrUnavailable is what New fails with in a build without libpcap.
var ErrUnavailable = errors.New("this nbtrace was built without libpcap, which compiles filters")

// snapLength is what a matching program returns at most: more than any frame.
const snapLength = 262144

// Filter is an expression with its programs. It is not safe for concurrent use.
type Filter struct {
	expr     string
	programs map[captures.LinkType]*bpf.VM
	frame    []byte // of a rewritten header
}

// New checks an expression. It must compile for one of the usual link types;
// the others are compiled for when they are met. The error is libpcap's.
func New(expr string) (*Filter, error) {
	f := &Filter{expr: expr, programs: map[captures.LinkType]*bpf.VM{}}
	var first error
	for _, link := range []captures.LinkType{captures.LinkEthernet, captures.LinkSLL, captures.LinkIEEE80211, captures.LinkRaw} {
		err := f.prepare(link)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Match reports whether the filter takes the frame. It fails if the
// expression does not compile for the frame's link type.
func (f *Filter) Match(frame *captures.Frame) (bool, error) {
	vm, ok := f.programs[frame.Link]
	if !ok {
		if err := f.prepare(frame.Link); err != nil {
			return false, err
		}
		vm = f.programs[frame.Link]
	}
	data := frame.Data
	if frame.Link == captures.LinkSLL2 {
		data = f.cookedV1(data)
	}
	n, err := vm.Run(data)
	if err != nil {
		return false, fmt.Errorf("filter %q: %w", f.expr, err)
	}
	return n > 0, nil
}

func (f *Filter) prepare(link captures.LinkType) error {
	if _, ok := f.programs[link]; ok {
		return nil
	}
	dlt, err := dltOf(link)
	if err != nil {
		return fmt.Errorf("filter %q: %w", f.expr, err)
	}
	raw, err := compile(dlt, f.expr)
	if err != nil {
		return fmt.Errorf("filter %q for link type %s: %w", f.expr, link, err)
	}
	program, all := bpf.Disassemble(raw)
	if !all {
		return fmt.Errorf("filter %q for link type %s: it needs an instruction that only a kernel has", f.expr, link)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		return fmt.Errorf("filter %q for link type %s: %w", f.expr, link, err)
	}
	f.programs[link] = vm
	return nil
}

// dltOf is libpcap's number of a link type, which differs from the file's for
// old types. gopacket passes 8 bits of it on.
func dltOf(link captures.LinkType) (uint8, error) {
	switch {
	case link == captures.LinkRaw:
		return dltRaw, nil
	case link == captures.LinkSLL2:
		return uint8(captures.LinkSLL), nil
	case link > 255:
		return 0, fmt.Errorf("filters cannot be compiled for link type %s", link)
	}
	return uint8(link), nil
}

// dltRaw is DLT_RAW on most systems; OpenBSD's is 14.
const dltRaw = 12

const (
	sllHeader  = 16
	sll2Header = 20
)

// cookedV1 turns the header of Linux cooked capture v2, whose number gopacket
// cannot pass on, into v1's, which holds all of it but the interface index.
// The frame keeps its length, so `greater` and `less` are right.
func (f *Filter) cookedV1(data []byte) []byte {
	if len(data) < sll2Header {
		return nil
	}
	b := append(f.frame[:0], 0, data[10])                  // packet type
	b = append(b, data[8], data[9])                        // ARPHRD type
	b = binary.BigEndian.AppendUint16(b, uint16(data[11])) // address length
	b = append(b, data[12:20]...)                          // address
	b = append(b, data[0:2]...)                            // protocol
	b = append(b, data[sll2Header:]...)                    // payload
	b = append(b, make([]byte, sll2Header-sllHeader)...)   // same length
	f.frame = b
	return b
}

// Source yields those frames of another source that the filter takes. The
// others have been numbered by then, and are gone.
type Source struct {
	captures.Source
	Filter *Filter
}

// Next fills f with the next frame that the filter takes. A filter that does
// not compile for a frame's link type ends the source with its error.
func (s *Source) Next(f *captures.Frame) error {
	for {
		if err := s.Source.Next(f); err != nil {
			return err
		}
		ok, err := s.Filter.Match(f)
		if err != nil {
			return &Error{err}
		}
		if ok {
			return nil
		}
	}
}

// Error is a filter's failure, in contrast to one of the source.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
