package nbns

import "strconv"

// String is the name of the operation in RFC 1002's words, or "opcode 3".
func (o Opcode) String() string {
	switch o {
	case OpQuery:
		return "query"
	case OpRegistration:
		return "registration"
	case OpRelease:
		return "release"
	case OpWACK:
		return "WACK"
	case OpRefresh, OpRefreshAlt:
		return "refresh"
	case OpMultihomedReg:
		return "multihomed registration"
	}
	return "opcode " + strconv.Itoa(int(o))
}

var rcodes = [...]string{"OK", "FMT_ERR", "SRV_ERR", "NAM_ERR", "IMP_ERR", "RFS_ERR", "ACT_ERR", "CFT_ERR"}

// String is RFC 1002's name of the result code ("ACT_ERR"), "OK" for none, or
// "RCODE 9".
func (r RCode) String() string {
	if int(r) < len(rcodes) {
		return rcodes[r]
	}
	return "RCODE " + strconv.Itoa(int(r))
}

// String is RFC 1002's name of the type, or "type 54".
func (t Type) String() string {
	switch t {
	case TypeA:
		return "A"
	case TypeNS:
		return "NS"
	case TypeNULL:
		return "NULL"
	case TypeNB:
		return "NB"
	case TypeNBSTAT:
		return "NBSTAT"
	}
	return "type " + strconv.Itoa(int(t))
}

// String is B, P, M or H.
func (t NodeType) String() string { return "BPMH"[t&3 : t&3+1] }

// String is the section's name in lower case.
func (s Section) String() string {
	switch s {
	case Answer:
		return "answer"
	case Authority:
		return "authority"
	case Additional:
		return "additional"
	}
	return "section " + strconv.Itoa(int(s))
}

// String is offset, field and reason: "byte 10: ARCOUNT: missing record".
func (f *Fault) String() string {
	return "byte " + strconv.Itoa(f.Offset) + ": " + f.Field + ": " + f.Reason
}
