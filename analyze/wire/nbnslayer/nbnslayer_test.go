package nbnslayer

import (
	"bytes"
	"encoding/hex"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"nbtrace/analyze/nbns"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A multihomed registration of FILESRV<20> and a negative query response with
// its record behind counts of 0.
const (
	nameHex    = "20" + "4547454a454d45464644464346474341434143414341434143414341434143" + "41" + "00"
	multihomed = "123779000001000000000001" + nameHex + "00200001" + "c00c00200001000493e000066000" + "0a140234"
	negative   = "123c85830000000000000000" + nameHex + "000a0001" + "000000000000"
)

func frame(t testing.TB, opts gopacket.SerializeOptions, upper ...gopacket.SerializableLayer) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 128, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 20, 2, 52}, DstIP: net.IP{10, 20, 0, 2}}
	udp := &layers.UDP{SrcPort: Port, DstPort: Port}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	buf := gopacket.NewSerializeBuffer()
	lower := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, upper...); err != nil {
		t.Fatal(err)
	}
	payload := gopacket.Payload(bytes.Clone(buf.Bytes()))
	if err := gopacket.SerializeLayers(buf, lower, eth, ip, udp, payload); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRegister(t *testing.T) {
	data := frame(t, gopacket.SerializeOptions{}, gopacket.Payload(unhex(t, multihomed)))
	if p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default); p.Layer(LayerTypeNBNS) != nil {
		t.Error("port 137 is NBNS without Register")
	}
	Register()
	defer layers.RegisterUDPPortLayerType(Port, gopacket.LayerTypeZero)

	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
	l, ok := p.Layer(LayerTypeNBNS).(*NBNS)
	if !ok {
		t.Fatalf("no NBNS in %v", p)
	}
	if p.ApplicationLayer() != gopacket.ApplicationLayer(l) || p.ErrorLayer() != nil || p.Metadata().Truncated {
		t.Errorf("application layer %v, error layer %v, truncated %v", p.ApplicationLayer(), p.ErrorLayer(), p.Metadata().Truncated)
	}
	if n, _ := l.Name(); n.String() != "FILESRV<20>" || l.Form() != nbns.FormMultihomedRegistrationRequest || l.Fault != nil {
		t.Errorf("%v, form %v, fault %v", n, l.Form(), l.Fault)
	}
	if !bytes.Equal(l.LayerContents(), unhex(t, multihomed)) || len(l.LayerPayload()) != 0 {
		t.Errorf("contents % x, payload % x", l.LayerContents(), l.LayerPayload())
	}
}

func TestDecodeFromPayload(t *testing.T) {
	tests := []struct {
		name, hex                 string
		decoded, fault, truncated bool
		payload                   string
	}{
		{"whole", multihomed, true, false, false, ""},
		{"bytes behind", multihomed + "deadbeef", true, false, false, "deadbeef"},
		{"cut in TTL", multihomed[:2*58], true, true, true, ""},
		{"bad name", "123779000001000000000001" + "0461626364" + "00" + "00200001", true, true, false, ""},
		{"cut in the header", "12377900", false, true, true, ""},
		{"empty", "", false, true, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := unhex(t, tt.hex)
			p := gopacket.NewPacket(data, LayerTypeNBNS, gopacket.Default)
			l, ok := p.Layer(LayerTypeNBNS).(*NBNS)
			if ok != tt.decoded || (p.ErrorLayer() == nil) != tt.decoded {
				t.Fatalf("decoded %v, error layer %v", ok, p.ErrorLayer())
			}
			if got := p.Metadata().Truncated; got != tt.truncated {
				t.Errorf("truncated %v", got)
			}
			var direct NBNS
			if err := direct.DecodeFromBytes(data, gopacket.NilDecodeFeedback); (err == nil) != tt.decoded {
				t.Errorf("DecodeFromBytes: %v", err)
			}
			if got := direct.Fault != nil; got != tt.fault {
				t.Errorf("fault %v", direct.Fault)
			}
			if got := hex.EncodeToString(direct.LayerPayload()); got != tt.payload {
				t.Errorf("payload %s, want %s", got, tt.payload)
			}
			if !ok {
				return
			}
			if got := len(l.LayerContents()) + len(l.LayerPayload()); got != len(data) {
				t.Errorf("contents and payload have %d bytes of %d", got, len(data))
			}
			want := 1
			if tt.payload != "" {
				want = 2
			}
			if got := len(p.Layers()); got != want {
				t.Errorf("%d layers, want %d", got, want)
			}
		})
	}
}

func TestDecodingLayerParser(t *testing.T) {
	var l NBNS
	var rest gopacket.Payload
	parser := gopacket.NewDecodingLayerParser(LayerTypeNBNS, &l, &rest)
	var decoded []gopacket.LayerType
	for _, tt := range []struct {
		hex  string
		want []gopacket.LayerType
	}{
		{multihomed, []gopacket.LayerType{LayerTypeNBNS}},
		{multihomed + "00", []gopacket.LayerType{LayerTypeNBNS, gopacket.LayerTypePayload}},
		{negative, []gopacket.LayerType{LayerTypeNBNS}},
	} {
		if err := parser.DecodeLayers(unhex(t, tt.hex), &decoded); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, decoded); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.hex, diff)
		}
	}
	if l.TrnID != 0x123C || l.Form() != nbns.FormQueryNegative {
		t.Errorf("the last message is not in the layer: %+v", l.Message)
	}
}

func TestSerialize(t *testing.T) {
	name := nbns.MakeName("FILESRV", 0x20)
	build := func() *NBNS {
		return &NBNS{Message: nbns.Message{
			TrnID: 0x1237, Flags: 0x7900,
			Questions: []nbns.Question{{Name: name, Type: nbns.TypeNB, Class: nbns.ClassIN}},
			Records: []nbns.Record{{Section: nbns.Additional, Name: name, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: 300000,
				Addrs: []nbns.AddrEntry{{Flags: nbns.MakeNBFlags(false, nbns.HNode), Addr: [4]byte{10, 20, 2, 52}}}}},
		}}
	}
	serialize := func(t *testing.T, opts gopacket.SerializeOptions, l ...gopacket.SerializableLayer) []byte {
		t.Helper()
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, opts, l...); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	fix := gopacket.SerializeOptions{FixLengths: true}

	t.Run("counts fixed", func(t *testing.T) {
		l := build()
		if got := serialize(t, fix, l); !bytes.Equal(got, unhex(t, multihomed)) {
			t.Errorf("got  %x\nwant %s", got, multihomed)
		}
		if l.QDCount != 1 || l.ARCount != 1 || l.ANCount != 0 || l.NSCount != 0 {
			t.Errorf("counts in the layer: %d %d %d %d", l.QDCount, l.ANCount, l.NSCount, l.ARCount)
		}
	})
	t.Run("counts as they stand", func(t *testing.T) {
		var l NBNS
		if err := l.DecodeFromBytes(unhex(t, negative), gopacket.NilDecodeFeedback); err != nil {
			t.Fatal(err)
		}
		if got := serialize(t, gopacket.SerializeOptions{}, &l); !bytes.Equal(got, unhex(t, negative)) {
			t.Errorf("got  %x\nwant %s", got, negative)
		}
	})
	t.Run("uncompressed, bytes behind", func(t *testing.T) {
		l := build()
		l.Uncompressed = true
		got := serialize(t, fix, l, gopacket.Payload{0xDE, 0xAD})
		if want := len(multihomed)/2 + 32 + 2; len(got) != want || bytes.Contains(got, []byte{0xC0, 0x0C}) {
			t.Errorf("%d bytes, want %d: % x", len(got), want, got)
		}
		var again NBNS
		if err := again.DecodeFromBytes(got, gopacket.NilDecodeFeedback); err != nil {
			t.Fatal(err)
		}
		again.Trailing = 0
		if diff := cmp.Diff(l.Message, again.Message, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(nbns.Record{}, "Data")); diff != "" {
			t.Errorf("decoded again (-want +got):\n%s", diff)
		}
	})
	t.Run("impossible", func(t *testing.T) {
		l := build()
		l.Questions[0].Scope = "a..b"
		if err := l.SerializeTo(gopacket.NewSerializeBuffer(), fix); err == nil {
			t.Error("no error for a scope with an empty label")
		}
	})
}
