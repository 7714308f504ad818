//go:build cgo || windows

package bpf

import (
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
	"golang.org/x/net/bpf"
)

// Available reports whether this build can compile filters.
const Available = true

// LibraryVersion is libpcap's own description of itself.
func LibraryVersion() string { return pcap.Version() }

func compile(dlt uint8, expr string) ([]bpf.RawInstruction, error) {
	program, err := pcap.CompileBPFFilter(layers.LinkType(dlt), snapLength, expr)
	if err != nil {
		return nil, err
	}
	raw := make([]bpf.RawInstruction, len(program))
	for i, in := range program {
		raw[i] = bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return raw, nil
}
