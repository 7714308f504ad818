package nbns

import (
	"encoding/hex"
	"strings"
	"testing"
)

// octets makes bytes of annotated hexadecimal: blanks and line ends separate,
// "quoted" text stands for its ASCII bytes, a semicolon begins a comment.
func octets(t testing.TB, annotated string) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(annotated) {
		line, _, _ = strings.Cut(line, ";")
		for i, part := range strings.Split(line, `"`) {
			if i%2 == 1 {
				out = append(out, part...)
				continue
			}
			b, err := hex.DecodeString(strings.Join(strings.Fields(part), ""))
			if err != nil {
				t.Fatalf("octets %q: %v", part, err)
			}
			out = append(out, b...)
		}
	}
	return out
}

// Names as they are encoded, for reading the packets below.
var (
	filesrv20  = MakeName("FILESRV", 0x20)
	filesrv00  = MakeName("FILESRV", 0x00)
	workgroup0 = MakeName("WORKGROUP", 0x00)
	wildcard   = MakeName("*", 0)
)

var (
	ip51 = [4]byte{10, 20, 1, 51}
	ip52 = [4]byte{10, 20, 2, 52}
)

// packet is one message, its decoding and its form.
type packet struct {
	name string
	hex  string
	want Message
	form Form
	// headerOnly: the 12 bytes of the header are a whole message too.
	headerOnly bool
}

func question(n Name, t Type) []Question { return []Question{{Name: n, Type: t, Class: ClassIN}} }

func nb(s Section, n Name, ttl uint32, addrs ...AddrEntry) []Record {
	return []Record{{Section: s, Name: n, Type: TypeNB, Class: ClassIN, TTL: ttl, Addrs: addrs}}
}

// packets are the messages of RFC 1002 4.2.2 to 4.2.18 and MS-NBTE 2.2.2, and
// what implementations send instead. Data of the records is checked against
// the bytes, not listed.
var packets = []packet{
	{
		name: "4.2.2 registration request, unicast",
		form: FormRegistrationRequest,
		hex: `
			12 34 ; NAME_TRN_ID
			29 00 ; OPCODE 5, RD
			00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 ; QUESTION_NAME FILESRV<20>
			00 20 00 01 ; NB IN
			C0 0C 00 20 00 01 ; RR_NAME points to QUESTION_NAME, NB IN
			00 04 93 E0 ; TTL 300000
			00 06 60 00 0A 14 01 33 ; RDLENGTH, NB_FLAGS H unique, 10.20.1.51`,
		want: Message{TrnID: 0x1234, Flags: 0x2900, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 300000, AddrEntry{0x6000, ip51})},
	},
	{
		name: "4.2.2 registration request, group by broadcast, name in full",
		form: FormRegistrationRequest,
		hex: `
			12 35 29 10 00 01 00 00 00 00 00 01
			20 "FHEPFCELEHFCEPFFFACACACACACACAAA" 00 00 20 00 01 ; WORKGROUP<00>
			20 "FHEPFCELEHFCEPFFFACACACACACACAAA" 00 00 20 00 01
			00 00 00 00 ; TTL 0, as nmbd sends it
			00 06 80 00 0A 14 01 33 ; NB_FLAGS B group`,
		want: Message{TrnID: 0x1235, Flags: 0x2910, QDCount: 1, ARCount: 1, Questions: question(workgroup0, TypeNB),
			Records: nb(Additional, workgroup0, 0, AddrEntry{0x8000, ip51})},
	},
	{
		name: "4.2.2 registration request by unicast without RD, as Samba 4 sends it",
		form: FormRegistrationRequest,
		hex: `
			12 36 28 00 00 01 00 00 00 00 00 01
			20 "FHEPFCELEHFCEPFFFACACACACACACAAA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 00 0E 10 00 06 C0 00 0A 14 01 33 ; NB_FLAGS M group`,
		want: Message{TrnID: 0x1236, Flags: 0x2800, QDCount: 1, ARCount: 1, Questions: question(workgroup0, TypeNB),
			Records: nb(Additional, workgroup0, 3600, AddrEntry{0xC000, ip51})},
	},
	{
		name: "MS-NBTE 2.2.2 multihomed registration request",
		form: FormMultihomedRegistrationRequest,
		hex: `
			12 37 79 00 00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 04 93 E0 00 06 60 00 0A 14 02 34`,
		want: Message{TrnID: 0x1237, Flags: 0x7900, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 300000, AddrEntry{0x6000, ip52})},
	},
	{
		name: "4.2.3 overwrite demand",
		form: FormOverwriteDemand,
		hex: `
			12 38 28 10 00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 00 00 00 00 06 00 00 0A 14 01 33`,
		want: Message{TrnID: 0x1238, Flags: 0x2810, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 0, AddrEntry{0, ip51})},
	},
	{
		name: "4.2.4 refresh request, opcode 8",
		form: FormRefreshRequest,
		hex: `
			12 39 40 00 00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 03 F4 80 00 06 64 00 0A 14 01 33 ; NB_FLAGS H with ACT, as Samba 4 sends it`,
		want: Message{TrnID: 0x1239, Flags: 0x4000, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 259200, AddrEntry{0x6400, ip51})},
	},
	{
		name: "4.2.4 refresh request, opcode 9",
		form: FormRefreshRequest,
		hex: `
			12 3A 48 00 00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 03 F4 80 00 06 60 00 0A 14 01 33`,
		want: Message{TrnID: 0x123A, Flags: 0x4800, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 259200, AddrEntry{0x6000, ip51})},
	},
	{
		name: "4.2.5 positive registration response",
		form: FormRegistrationPositive,
		hex: `
			12 34 AD 80 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 07 E9 00 00 06 60 00 0A 14 01 33 ; TTL 518400`,
		want: Message{TrnID: 0x1234, Flags: 0xAD80, ANCount: 1,
			Records: nb(Answer, filesrv20, 518400, AddrEntry{0x6000, ip51})},
	},
	{
		name: "4.2.6 negative registration response, ACT_ERR",
		form: FormRegistrationNegative,
		hex: `
			12 37 AD 86 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 00 00 00 00 06 60 00 0A 14 02 34`,
		want: Message{TrnID: 0x1237, Flags: 0xAD86, ANCount: 1,
			Records: nb(Answer, filesrv20, 0, AddrEntry{0x6000, ip52})},
	},
	{
		name: "4.2.7 end-node challenge registration response",
		form: FormEndNodeChallenge,
		hex: `
			12 34 AD 00 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 00 00 00 00 06 60 00 0A 14 02 34 ; the presumed owner`,
		want: Message{TrnID: 0x1234, Flags: 0xAD00, ANCount: 1,
			Records: nb(Answer, filesrv20, 0, AddrEntry{0x6000, ip52})},
	},
	{
		name: "4.2.8 name conflict demand",
		form: FormConflict,
		hex: `
			00 00 AD 87 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 00 00 00 00 06 00 00 00 00 00 00`,
		want: Message{Flags: 0xAD87, ANCount: 1, Records: nb(Answer, filesrv20, 0, AddrEntry{})},
	},
	{
		name: "4.2.9 release request or demand",
		form: FormRelease,
		hex: `
			12 3B 30 00 00 01 00 00 00 00 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			C0 0C 00 20 00 01 00 00 00 00 00 06 00 00 0A 14 01 33`,
		want: Message{TrnID: 0x123B, Flags: 0x3000, QDCount: 1, ARCount: 1, Questions: question(filesrv20, TypeNB),
			Records: nb(Additional, filesrv20, 0, AddrEntry{0, ip51})},
	},
	{
		name: "4.2.10 positive release response",
		form: FormReleasePositive,
		hex: `
			12 3B B4 00 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 00 00 00 00 06 60 00 0A 14 01 33`,
		want: Message{TrnID: 0x123B, Flags: 0xB400, ANCount: 1,
			Records: nb(Answer, filesrv20, 0, AddrEntry{0x6000, ip51})},
	},
	{
		name: "4.2.11 negative release response, NAM_ERR as nmbd sends it",
		form: FormReleaseNegative,
		hex: `
			12 3B B4 03 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 00 00 00 00 06 60 00 0A 14 01 33`,
		want: Message{TrnID: 0x123B, Flags: 0xB403, ANCount: 1,
			Records: nb(Answer, filesrv20, 0, AddrEntry{0x6000, ip51})},
	},
	{
		name: "4.2.12 query request",
		form: FormQueryRequest,
		hex: `
			12 3C 01 10 00 01 00 00 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01`,
		want: Message{TrnID: 0x123C, Flags: 0x0110, QDCount: 1, Questions: question(filesrv20, TypeNB)},
	},
	{
		name: "4.2.12 query request without RD, a challenge of nmbd's",
		form: FormQueryRequest,
		hex: `
			12 3D 00 00 00 01 00 00 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01`,
		want: Message{TrnID: 0x123D, QDCount: 1, Questions: question(filesrv20, TypeNB)},
	},
	{
		name: "4.2.12 query request with a scope",
		form: FormQueryRequest,
		hex: `
			12 3E 01 00 00 01 00 00 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACAAA" ; FILESRV<00>
			03 "foo" 07 "example" 00 00 20 00 01`,
		want: Message{TrnID: 0x123E, Flags: 0x0100, QDCount: 1,
			Questions: []Question{{Name: filesrv00, Scope: "foo.example", Type: TypeNB, Class: ClassIN}}},
	},
	{
		name: "4.2.13 positive query response, two addresses",
		form: FormQueryPositive,
		hex: `
			12 3C 85 80 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01
			00 03 F4 80 00 0C 60 00 0A 14 01 33 60 00 0A 14 02 34`,
		want: Message{TrnID: 0x123C, Flags: 0x8580, ANCount: 1,
			Records: nb(Answer, filesrv20, 259200, AddrEntry{0x6000, ip51}, AddrEntry{0x6000, ip52})},
	},
	{
		name: "4.2.13 positive query response, no address",
		form: FormQueryPositive,
		hex: `
			12 3C 85 00 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01 00 00 00 00 00 00`,
		want: Message{TrnID: 0x123C, Flags: 0x8500, ANCount: 1, Records: nb(Answer, filesrv20, 0)},
	},
	{
		name:       "4.2.14 negative query response, record behind counts of 0",
		form:       FormQueryNegative,
		headerOnly: true,
		hex: `
			12 3C 85 83 00 00 00 00 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 0A 00 01 00 00 00 00 00 00`,
		want: Message{TrnID: 0x123C, Flags: 0x8583,
			Records: []Record{{Name: filesrv20, Type: TypeNULL, Class: ClassIN}}},
	},
	{
		name: "4.2.14 negative query response without a record",
		form: FormQueryNegative,
		hex:  `12 3C 85 03 00 00 00 00 00 00 00 00`,
		want: Message{TrnID: 0x123C, Flags: 0x8503},
	},
	{
		name: "4.2.14 negative query response, counted record as Samba 4 sends it",
		form: FormQueryNegative,
		hex: `
			12 3C 84 03 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 0A 00 01 00 00 00 00 00 00`,
		want: Message{TrnID: 0x123C, Flags: 0x8403, ANCount: 1,
			Records: []Record{{Name: filesrv20, Type: TypeNULL, Class: ClassIN}}},
	},
	{
		name: "4.2.15 redirect",
		form: FormQueryRedirect,
		hex: `
			12 3C 81 00 00 00 00 00 00 01 00 01
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 02 00 01 00 00 00 3C 00 06 ; NS
			04 "wins" 00 ; NSD_NAME
			C0 38 00 01 00 01 00 00 00 3C 00 04 0A 14 00 02 ; A, RR_NAME points to NSD_NAME`,
		want: Message{TrnID: 0x123C, Flags: 0x8100, NSCount: 1, ARCount: 1, Records: []Record{
			{Section: Authority, Name: filesrv20, Type: TypeNS, Class: ClassIN, TTL: 60},
			{Section: Additional, Type: TypeA, Class: ClassIN, TTL: 60}}},
	},
	{
		name: "4.2.16 WACK, type NB, RDATA big endian",
		form: FormWACK,
		hex: `
			12 37 BC 00 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01 00 00 00 09 00 02 79 00`,
		want: Message{TrnID: 0x1237, Flags: 0xBC00, ANCount: 1, Records: nb(Answer, filesrv20, 9)},
	},
	{
		name: "4.2.16 WACK, type NULL as nmbd sends it, RDATA little endian",
		form: FormWACK,
		hex: `
			12 37 BC 00 00 00 00 01 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 0A 00 01 00 00 00 3C 00 02 00 79`,
		want: Message{TrnID: 0x1237, Flags: 0xBC00, ANCount: 1,
			Records: []Record{{Name: filesrv20, Type: TypeNULL, Class: ClassIN, TTL: 60}}},
	},
	{
		name: "4.2.17 node status request",
		form: FormStatusRequest,
		hex: `
			12 3F 00 10 00 01 00 00 00 00 00 00
			20 "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" 00 00 21 00 01`,
		want: Message{TrnID: 0x123F, Flags: 0x0010, QDCount: 1, Questions: question(wildcard, TypeNBSTAT)},
	},
	{
		name: "4.2.18 node status response",
		form: FormStatusResponse,
		hex: `
			12 3F 84 00 00 00 00 01 00 00 00 00
			20 "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" 00 00 21 00 01 00 00 00 00
			00 53 ; RDLENGTH 1 + 2*18 + 46
			02 "FILESRV        " 20 64 00 "WORKGROUP      " 00 EC 00 ; ACT; G, CNF, ACT
			00 0C 29 01 02 03 ; UNIT_ID
			00 00 0000 0000 0000 0000 0000 0000 00000000 00000000 0000 0000 0000 0000 0000 0000 0000 0000 0000`,
		want: Message{TrnID: 0x123F, Flags: 0x8400, ANCount: 1,
			Records:   []Record{{Name: wildcard, Type: TypeNBSTAT, Class: ClassIN}},
			Status:    []StatusEntry{{filesrv20, 0x6400}, {workgroup0, 0xEC00}},
			HasUnitID: true, UnitID: [6]byte{0, 0x0C, 0x29, 1, 2, 3}},
	},
	{
		name: "4.2.18 node status response without statistics",
		form: FormStatusResponse,
		hex: `
			12 3F 84 00 00 00 00 01 00 00 00 00
			20 "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" 00 00 21 00 01 00 00 00 00
			00 13 01 "FILESRV        " 20 04 00`,
		want: Message{TrnID: 0x123F, Flags: 0x8400, ANCount: 1,
			Records: []Record{{Name: wildcard, Type: TypeNBSTAT, Class: ClassIN}},
			Status:  []StatusEntry{{filesrv20, 0x0400}}},
	},
	{
		name: "two questions and two answers, scope compressed",
		form: FormQueryPositive,
		hex: `
			00 07 85 00 00 02 00 02 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 03 "foo" 00 00 20 00 01
			20 "FHEPFCELEHFCEPFFFACACACACACACAAA" C0 2D 00 20 00 01 ; scope of the first
			C0 0C 00 20 00 01 00 00 00 01 00 06 60 00 0A 14 01 33
			C0 36 00 20 00 01 00 00 00 02 00 06 80 00 0A 14 02 34`,
		want: Message{TrnID: 7, Flags: 0x8500, QDCount: 2, ANCount: 2,
			Questions: []Question{{filesrv20, "foo", TypeNB, ClassIN}, {workgroup0, "foo", TypeNB, ClassIN}},
			Records: []Record{
				{Name: filesrv20, Scope: "foo", Type: TypeNB, Class: ClassIN, TTL: 1, Addrs: []AddrEntry{{0x6000, ip51}}},
				{Name: workgroup0, Scope: "foo", Type: TypeNB, Class: ClassIN, TTL: 2, Addrs: []AddrEntry{{0x8000, ip52}}}}},
	},
	{
		name: "unknown opcode",
		form: FormUnknown,
		hex: `
			00 08 18 00 00 01 00 00 00 00 00 00
			20 "EGEJEMEFFDFCFGCACACACACACACACACA" 00 00 20 00 01`,
		want: Message{TrnID: 8, Flags: 0x1800, QDCount: 1, Questions: question(filesrv20, TypeNB)},
	},
}
