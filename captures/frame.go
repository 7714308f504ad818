// Package captures says what a captured frame is and where frames come from:
// it opens capture files by their magic bytes, walks them without copying,
// merges several of them by time and writes pcapng. Live devices are in
// captures/live, the only package that needs cgo.
package captures

import "strconv"

// LinkType is the link-layer header type of a frame as capture files write it
// (LINKTYPE_ values of the pcap and pcapng formats, 16 bits in the file).
// It is not gopacket's layers.LinkType, which has 8 bits only.
type LinkType uint32

// The link types that nbtrace can look into, and some that it only names.
const (
	LinkNull        LinkType = 0
	LinkEthernet    LinkType = 1
	LinkTokenRing   LinkType = 6
	LinkPPP         LinkType = 9
	LinkFDDI        LinkType = 10
	LinkPPPHDLC     LinkType = 50
	LinkPPPEther    LinkType = 51
	LinkRaw         LinkType = 101 // LINKTYPE_RAW; 12 and 14 are DLT_RAW of some systems
	LinkCiscoHDLC   LinkType = 104
	LinkIEEE80211   LinkType = 105
	LinkFrameRelay  LinkType = 107
	LinkLoop        LinkType = 108
	LinkSLL         LinkType = 113
	LinkPrism       LinkType = 119
	LinkRadiotap    LinkType = 127
	LinkAVS         LinkType = 163
	LinkPPPWithDir  LinkType = 166
	LinkPPI         LinkType = 192
	LinkIPv4        LinkType = 228
	LinkIPv6        LinkType = 229
	LinkNFLog       LinkType = 239
	LinkSLL2        LinkType = 276
	linkDLTRaw      LinkType = 12
	linkDLTRawOther LinkType = 14
)

// Frame is one record of a capture. Data belongs to the source that filled
// the frame and is valid until the source's next call of Next.
type Frame struct {
	Input     int   // which input, counted from 0 in the order given
	Number    int64 // frame number in its file, from 1, as Wireshark shows it
	Time      int64 // nanoseconds since 1970-01-01 UTC
	Interface int   // interface number within the file, across sections; 0 where the format has none
	Link      LinkType
	Length    int // length on the wire; len(Data) is less where the snap length cut it
	Data      []byte
}

// Source yields frames. Next fills f and returns nil, io.EOF after the last
// frame, or another error after which the source yields no more.
type Source interface {
	Next(f *Frame) error
}

// Info is what is known about an input; it is complete once the input has
// been read to its end.
type Info struct {
	Name      string     // base name as given, "-" for standard input
	Format    string     // "pcap", "pcapng", "pcap+gzip", "pcapng+zstd", … or "live"
	LinkTypes []LinkType // in order of first appearance
	Packets   int64      // frames read
	Bytes     int64      // bytes of the capture format read, after decompression
	First     int64      // time of the earliest frame, 0 if none
	Last      int64      // time of the latest frame
	Lost      int64      // packets that the capturing program says it missed; of a plain pcapng file mostly known from the beginning
	Complete  bool       // read to a proper end
	Err       error      // why not
}

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "EN10MB", LinkTokenRing: "IEEE802", LinkPPP: "PPP", LinkFDDI: "FDDI",
	LinkPPPHDLC: "PPP_SERIAL", LinkPPPEther: "PPP_ETHER", LinkRaw: "RAW", LinkCiscoHDLC: "C_HDLC",
	LinkIEEE80211: "IEEE802_11", LinkFrameRelay: "FRELAY", LinkLoop: "LOOP", LinkSLL: "LINUX_SLL",
	LinkPrism: "PRISM_HEADER", LinkRadiotap: "IEEE802_11_RADIO", LinkAVS: "IEEE802_11_RADIO_AVS",
	LinkPPPWithDir: "PPP_PPPD", LinkPPI: "PPI", LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkNFLog: "NFLOG",
	LinkSLL2: "LINUX_SLL2", linkDLTRaw: "RAW", linkDLTRawOther: "RAW",
}

// String is tcpdump's name of the link type, or "LINKTYPE_n".
func (l LinkType) String() string {
	if s, ok := linkNames[l]; ok {
		return s
	}
	return "LINKTYPE_" + strconv.FormatUint(uint64(l), 10)
}
