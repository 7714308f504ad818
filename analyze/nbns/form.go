package nbns

import "strconv"

// Form is what a message is by its bytes alone. Some acts share one form:
// who sent the message to whom, and what is pending, tells them apart.
type Form uint8

// The forms of messages, with their sections in RFC 1002.
const (
	FormUnknown                       Form = iota
	FormQueryRequest                       // 4.2.12
	FormQueryPositive                      // 4.2.13
	FormQueryNegative                      // 4.2.14
	FormQueryRedirect                      // 4.2.15
	FormStatusRequest                      // 4.2.17
	FormStatusResponse                     // 4.2.18
	FormRegistrationRequest                // 4.2.2, and the unicast overwrite request of 4.2.3
	FormMultihomedRegistrationRequest      // MS-NBTE 2.2.2
	FormOverwriteDemand                    // 4.2.3, the broadcast one; see Message.Form
	FormRefreshRequest                     // 4.2.4
	FormRegistrationPositive               // 4.2.5
	FormRegistrationNegative               // 4.2.6
	FormEndNodeChallenge                   // 4.2.7
	FormConflict                           // 4.2.8, or 4.2.6 with CFT_ERR: the same bytes
	FormRelease                            // 4.2.9, request or demand
	FormReleasePositive                    // 4.2.10
	FormReleaseNegative                    // 4.2.11
	FormWACK                               // 4.2.16
)

var forms = [...]string{
	"unknown", "query request", "positive query response", "negative query response", "redirect query response",
	"status request", "status response", "registration request", "multihomed registration request",
	"overwrite demand", "refresh request", "positive registration response", "negative registration response",
	"end-node challenge", "conflict demand or response", "release request or demand", "positive release response",
	"negative release response", "wait for acknowledgement",
}

// String is the form in words.
func (f Form) String() string {
	if int(f) < len(forms) {
		return forms[f]
	}
	return "form " + strconv.Itoa(int(f))
}

// Form tells the form of m by its header, the type of the question and the
// types of the records. It does so for faulty messages too, as far as they
// go; what cannot be told is FormUnknown, never an error.
//
// RD alone does not make an overwrite demand, although it is the only
// difference that RFC 1002 4.2.3 makes: Samba 4 registers by unicast with RD
// clear, which is why a unicast opcode 5 is a registration request either
// way. By broadcast, Windows and nmbd send the registration with RD set and
// the demand with RD clear as the RFC has it, so B=1 with RD=0 has the form
// of a demand. Samba 4 does it the other way round (three 0x2810, then
// 0x2910); that needs the sequence, which bytes do not show.
func (m *Message) Form() Form {
	if m.Flags.Response() {
		return m.responseForm()
	}
	switch m.Flags.Opcode() {
	case OpQuery:
		switch {
		case len(m.Questions) > 0 && m.Questions[0].Type == TypeNBSTAT:
			return FormStatusRequest
		// Status requests have RD clear, so RD tells when the type is missing.
		case len(m.Questions) > 0 && m.Questions[0].Type != 0, m.Flags&FlagRD != 0:
			return FormQueryRequest
		}
		return FormUnknown
	case OpRegistration:
		if m.Flags.Broadcast() && m.Flags&FlagRD == 0 {
			return FormOverwriteDemand
		}
		return FormRegistrationRequest
	case OpMultihomedReg:
		return FormMultihomedRegistrationRequest
	case OpRefresh, OpRefreshAlt:
		return FormRefreshRequest
	case OpRelease:
		return FormRelease
	}
	return FormUnknown
}

func (m *Message) responseForm() Form {
	ok := m.Flags.RCode() == RCodeOK
	switch m.Flags.Opcode() {
	case OpQuery:
		return m.queryResponseForm()
	// Servers answer refreshes and multihomed registrations with opcode 5; the
	// opcode of the request would be as good.
	case OpRegistration, OpRefresh, OpRefreshAlt, OpMultihomedReg:
		const mask = FlagAA | FlagRD | FlagRA
		switch {
		case m.Flags.RCode() == RCodeCftErr:
			return FormConflict
		case !ok:
			return FormRegistrationNegative
		case m.Flags.Opcode() == OpRegistration && m.Flags&mask == FlagAA|FlagRD:
			return FormEndNodeChallenge
		}
		return FormRegistrationPositive
	case OpRelease:
		if !ok {
			return FormReleaseNegative
		}
		return FormReleasePositive
	case OpWACK:
		return FormWACK
	}
	return FormUnknown
}

func (m *Message) queryResponseForm() Form {
	var redirect bool
	for i := range m.Records {
		switch r := &m.Records[i]; {
		case r.Type == TypeNBSTAT:
			return FormStatusResponse
		case r.Type == TypeNB && m.Flags.RCode() == RCodeOK:
			return FormQueryPositive
		case r.Type == TypeNS && r.Section == Authority:
			redirect = true
		}
	}
	switch {
	case m.Flags.RCode() != RCodeOK:
		return FormQueryNegative
	case redirect:
		return FormQueryRedirect
	// RD is copied from the request, and clear in status requests.
	case len(m.Records) == 0 && m.ANCount > 0 && m.Flags&FlagRD != 0:
		return FormQueryPositive
	}
	return FormUnknown
}
