package nbns

import (
	"fmt"
	"testing"
)

// Forms that the packets do not show: other flags, and messages cut short.
func TestForm(t *testing.T) {
	tests := []struct {
		name, hex string
		want      Form
	}{
		{"nothing", ``, FormUnknown},
		{"opcode 5 by broadcast with RD", `00 01 29 10 0001 0000 0000 0001`, FormRegistrationRequest},
		{"opcode 5 by broadcast without RD", `00 01 28 10 0001 0000 0000 0001`, FormOverwriteDemand},
		{"opcode 5 by unicast without RD", `00 01 28 00 0001 0000 0000 0001`, FormRegistrationRequest},
		{"opcode 15 by unicast without RD", `00 01 78 00 0001 0000 0000 0001`, FormMultihomedRegistrationRequest},
		{"release by broadcast", `00 01 30 10 0001 0000 0000 0001`, FormRelease},
		{"WACK as a request", `00 01 38 00 0001 0000 0000 0000`, FormUnknown},
		{"opcode 2", `00 01 10 00 0001 0000 0000 0000`, FormUnknown},
		{"response of opcode 2", `00 01 90 00 0000 0001 0000 0000`, FormUnknown},
		{"response of opcode 8", `00 01 C4 80 0000 0001 0000 0000`, FormRegistrationPositive},
		{"response of opcode 9, RFS_ERR", `00 01 CC 85 0000 0001 0000 0000`, FormRegistrationNegative},
		{"response of opcode 15, AA and RD without RA", `00 01 FD 00 0000 0001 0000 0000`, FormRegistrationPositive},
		{"response of opcode 15, CFT_ERR", `00 01 FD 07 0000 0001 0000 0000`, FormConflict},
		{"registration response without AA and RA", `00 01 A9 00 0000 0001 0000 0000`, FormRegistrationPositive},
		{"WACK with an error", `00 01 BC 06 0000 0001 0000 0000`, FormWACK},
		{"query without a question, RD", `00 01 01 10 0001 0000 0000 0000`, FormQueryRequest},
		{"query without a question", `00 01 00 10 0001 0000 0000 0000`, FormUnknown},
		{"question cut before its type", `00 01 00 10 0001 0000 0000 0000 ` + filesrvName, FormUnknown},
		{"question of another type", `00 01 00 10 0001 0000 0000 0000 ` + filesrvName + `0036 0001`, FormQueryRequest},
		{"query response without its record, RD", `00 01 85 00 0000 0001 0000 0000`, FormQueryPositive},
		{"query response without its record", `00 01 84 00 0000 0001 0000 0000`, FormUnknown},
		{"query response cut before its type", `00 01 85 00 0000 0001 0000 0000 ` + filesrvName, FormUnknown},
		{"query response with a NULL record", `00 01 85 00 0000 0001 0000 0000 ` + filesrvName + `000A 0001 00000000 0000`, FormUnknown},
		{"NS in the answer section", `00 01 81 00 0000 0001 0000 0000 ` + filesrvName + `0002 0001 00000000 0000`, FormUnknown},
		{"negative query response with an NB record", `00 01 85 83 0000 0001 0000 0000 ` + filesrvName + `0020 0001 00000000 0006 6000 0A140133`, FormQueryNegative},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			Decode(&m, octets(t, tt.hex))
			if got := m.Form(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestStrings(t *testing.T) {
	tests := []struct {
		got  fmt.Stringer
		want string
	}{
		{OpQuery, "query"}, {OpRegistration, "registration"}, {OpRelease, "release"}, {OpWACK, "WACK"},
		{OpRefresh, "refresh"}, {OpRefreshAlt, "refresh"}, {OpMultihomedReg, "multihomed registration"}, {Opcode(3), "opcode 3"},
		{RCodeOK, "OK"}, {RCodeFmtErr, "FMT_ERR"}, {RCodeSrvErr, "SRV_ERR"}, {RCodeNamErr, "NAM_ERR"}, {RCodeImpErr, "IMP_ERR"},
		{RCodeRfsErr, "RFS_ERR"}, {RCodeActErr, "ACT_ERR"}, {RCodeCftErr, "CFT_ERR"}, {RCode(9), "RCODE 9"},
		{TypeA, "A"}, {TypeNS, "NS"}, {TypeNULL, "NULL"}, {TypeNB, "NB"}, {TypeNBSTAT, "NBSTAT"}, {Type(54), "type 54"},
		{BNode, "B"}, {PNode, "P"}, {MNode, "M"}, {HNode, "H"},
		{Answer, "answer"}, {Authority, "authority"}, {Additional, "additional"}, {Section(3), "section 3"},
		{FormUnknown, "unknown"}, {FormWACK, "wait for acknowledgement"}, {Form(99), "form 99"},
	}
	for _, tt := range tests {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("%T: got %q, want %q", tt.got, got, tt.want)
		}
	}
}

func TestFlagWords(t *testing.T) {
	for _, nt := range []NodeType{BNode, PNode, MNode, HNode} {
		for _, group := range []bool{false, true} {
			f := MakeNBFlags(group, nt)
			if f.Group() != group || f.NodeType() != nt || f&0x1FFF != 0 {
				t.Errorf("MakeNBFlags(%v, %v): %#04x", group, nt, uint16(f))
			}
			if s := StatusFlags(f) | StatusActive; s.Group() != group || s.NodeType() != nt {
				t.Errorf("StatusFlags %#04x: group %v, node type %v", uint16(s), s.Group(), s.NodeType())
			}
		}
	}
}
