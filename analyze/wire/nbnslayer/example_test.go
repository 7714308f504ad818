package nbnslayer_test

import (
	"fmt"
	"log"

	"github.com/google/gopacket"

	"nbtrace/analyze/nbns"
	"nbtrace/analyze/wire/nbnslayer"
)

// A query is serialized, and the payload decoded with LayerTypeNBNS.
func Example() {
	query := &nbnslayer.NBNS{Message: nbns.Message{
		TrnID: 0x1234, Flags: nbns.FlagRD | nbns.FlagBroadcast,
		Questions: []nbns.Question{{Name: nbns.MakeName("FILESRV", 0x20), Scope: "plant", Type: nbns.TypeNB, Class: nbns.ClassIN}},
	}}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, query); err != nil {
		log.Fatal(err)
	}

	p := gopacket.NewPacket(buf.Bytes(), nbnslayer.LayerTypeNBNS, gopacket.Default)
	if l, ok := p.Layer(nbnslayer.LayerTypeNBNS).(*nbnslayer.NBNS); ok {
		name, _ := l.Name()
		fmt.Printf("%v: %s\n", l.Form(), name.Display(l.Scope()))
	}
	// Output: query request: FILESRV<20>.plant
}
