package nbns

// service is what a suffix stands for, for a unique and for a group name.
type service struct{ unique, group string }

// MS-NBTE appendix A, and the names that products are known to register.
var services = map[byte]service{
	0x00: {"workstation", "domain or workgroup"},
	0x01: {"messenger", "master browser"},
	0x03: {"messenger", ""},
	0x06: {"RAS server", ""},
	0x1B: {"domain master browser", ""},
	0x1C: {"", "domain controllers"},
	0x1D: {"master browser", ""},
	0x1E: {"", "browser elections"},
	0x1F: {"NetDDE", ""},
	0x20: {"file server", ""},
	0x21: {"RAS client", ""},
	0x22: {"Exchange interchange", ""},
	0x23: {"Exchange store", ""},
	0x24: {"Exchange directory", ""},
	0x2B: {"Lotus Notes server", ""},
	0x2F: {"", "Lotus Notes"},
	0x30: {"modem sharing server", ""},
	0x31: {"modem sharing client", ""},
	0x33: {"", "Lotus Notes"},
	0x42: {"McAfee antivirus", ""},
	0x43: {"SMS remote control client", ""},
	0x44: {"SMS remote control tool", ""},
	0x45: {"SMS remote chat client", ""},
	0x46: {"SMS remote transfer client", ""},
	0x4C: {"DEC Pathworks", ""},
	0x52: {"DEC Pathworks", ""},
	0x6A: {"Exchange IMC", ""},
	0x87: {"Exchange MTA", ""},
	0xBE: {"Network Monitor agent", ""},
	0xBF: {"Network Monitor", ""},
}

// SuffixText names the service that suffix stands for, as far as it is known;
// "" otherwise. A suffix that is defined for unique names only, or for group
// names only, is named for both: a name of the wrong kind still claims it.
func SuffixText(suffix byte, group bool) string {
	s := services[suffix]
	if group && s.group != "" || s.unique == "" {
		return s.group
	}
	return s.unique
}
