//go:build !cgo && !windows

package bpf

import "golang.org/x/net/bpf"

// Available reports whether this build can compile filters.
const Available = false

// LibraryVersion is empty in a build without libpcap.
func LibraryVersion() string { return "" }

func compile(uint8, string) ([]bpf.RawInstruction, error) { return nil, ErrUnavailable }
