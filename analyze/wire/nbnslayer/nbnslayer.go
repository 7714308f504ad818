// Package nbnslayer makes the codec of analyze/nbns a layer of
// github.com/google/gopacket, to be decoded and serialized like its own.
//
// gopacket takes UDP port 137 for plain payload, and importing this package
// does not change that. Hand the payload of a UDP layer to LayerTypeNBNS, which
// is a gopacket.Decoder, or to NBNS.DecodeFromBytes; or call Register once to
// have NBNS decoded on port 137 everywhere in the program. A message on TCP
// port 137 has two bytes of length before it, which are not part of the layer.
package nbnslayer

import (
	"encoding/binary"
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"nbtrace/analyze/nbns"
)

// Port is the port of the NetBIOS Name Service, RFC 1002 4.2.
const Port = 137

const headerLen = 12

// LayerTypeNBNS is the type of the layer. Its number is from gopacket's range
// for applications.
var LayerTypeNBNS = gopacket.RegisterLayerType(1137, gopacket.LayerTypeMetadata{
	Name: "NBNS", Decoder: gopacket.DecodeFunc(decode),
})

// Register makes gopacket decode UDP port 137 as NBNS, for the whole program.
// Call it before decoding begins: gopacket does not guard its table of ports.
func Register() { layers.RegisterUDPPortLayerType(Port, LayerTypeNBNS) }

// NBNS is a message of the NetBIOS Name Service as a layer. Its payload are the
// bytes behind the last record, which a proper message does not have.
type NBNS struct {
	layers.BaseLayer
	nbns.Message

	// Uncompressed makes SerializeTo write every name in full, instead of a
	// pointer to the question's name in a record of the same name.
	Uncompressed bool

	encoded []byte
}

var (
	_ gopacket.DecodingLayer     = (*NBNS)(nil)
	_ gopacket.SerializableLayer = (*NBNS)(nil)
	_ gopacket.ApplicationLayer  = (*NBNS)(nil)
)

// LayerType is LayerTypeNBNS.
func (l *NBNS) LayerType() gopacket.LayerType { return LayerTypeNBNS }

// CanDecode is LayerTypeNBNS.
func (l *NBNS) CanDecode() gopacket.LayerClass { return LayerTypeNBNS }

// NextLayerType is gopacket.LayerTypePayload if bytes follow the message,
// otherwise none.
func (l *NBNS) NextLayerType() gopacket.LayerType {
	if len(l.BaseLayer.Payload) == 0 {
		return gopacket.LayerTypeZero
	}
	return gopacket.LayerTypePayload
}

// Payload is the bytes behind the message.
func (l *NBNS) Payload() []byte { return l.BaseLayer.Payload }

// DecodeFromBytes decodes data, one UDP payload. Only a message that ends
// within its header is an error; look at Fault for what else is wrong. The
// layer refers to data and reuses its slices in the next call.
func (l *NBNS) DecodeFromBytes(data []byte, df gopacket.DecodeFeedback) error {
	nbns.Decode(&l.Message, data)
	end := len(data) - l.Trailing
	l.BaseLayer = layers.BaseLayer{Contents: data[:end], Payload: data[end:]}
	if l.Fault != nil && l.Fault.Truncated {
		df.SetTruncated()
	}
	if len(data) < headerLen {
		return fmt.Errorf("NBNS message of %d bytes, its header has %d", len(data), headerLen)
	}
	return nil
}

// SerializeTo prepends the message to b, as nbns.Append encodes it. With
// opts.FixLengths the counts are those of the sections, and are set in the
// layer too; without it they are written as they stand in the layer.
func (l *NBNS) SerializeTo(b gopacket.SerializeBuffer, opts gopacket.SerializeOptions) error {
	encode := nbns.Append
	if l.Uncompressed {
		encode = nbns.AppendUncompressed
	}
	out, err := encode(l.encoded[:0], &l.Message)
	if err != nil {
		return fmt.Errorf("serialize NBNS: %w", err)
	}
	l.encoded = out
	for i, count := range []*uint16{&l.QDCount, &l.ANCount, &l.NSCount, &l.ARCount} {
		field := out[4+2*i:]
		if opts.FixLengths {
			*count = binary.BigEndian.Uint16(field)
			continue
		}
		binary.BigEndian.PutUint16(field, *count)
	}
	space, err := b.PrependBytes(len(out))
	if err != nil {
		return fmt.Errorf("serialize NBNS: %w", err)
	}
	copy(space, out)
	return nil
}

func decode(data []byte, p gopacket.PacketBuilder) error {
	l := &NBNS{}
	if err := l.DecodeFromBytes(data, p); err != nil {
		return err
	}
	p.AddLayer(l)
	p.SetApplicationLayer(l)
	if next := l.NextLayerType(); next != gopacket.LayerTypeZero {
		return p.NextDecoder(next)
	}
	return nil
}
