package nbdgm

import (
	"bytes"
	"encoding/binary"
)

// SMB_COM_TRANSACTION as mailslot writes have it, MS-CIFS 2.2.4.33 and
// MS-MAIL 2.2.1: offsets from the SMB header's first byte.
const (
	smbCommandAt     = 4
	smbCommandTrans  = 0x25
	smbWordCountAt   = 32
	smbDataCountAt   = 55
	smbDataOffsetAt  = 57
	smbSetupCountAt  = 59
	smbSetupAt       = 61
	maxMailslotName  = 256
	browseMailslot   = `\MAILSLOT\BROWSE`
	netlogonMailslot = `\MAILSLOT\NET\NETLOGON`
)

// Mailslot takes the name of the mailslot that m's user data writes to
// (MS-MAIL 2.2.1), and what is written. Both alias m.Data; the name is as it
// came. It reports false if m carries no mailslot write.
func (m *Datagram) Mailslot() (name, data []byte, ok bool) {
	b := m.Data
	if len(b) < smbSetupAt || string(b[:4]) != "\xffSMB" || b[smbCommandAt] != smbCommandTrans {
		return nil, nil, false
	}
	nameAt := smbSetupAt + 2*int(b[smbSetupCountAt]) + 2 // after SETUP and the byte count
	if 1+smbWordCountAt+2*int(b[smbWordCountAt])+2 != nameAt || nameAt > len(b) {
		return nil, nil, false
	}
	rest := b[nameAt:min(len(b), nameAt+maxMailslotName)]
	n := bytes.IndexByte(rest, 0)
	if n < 0 {
		return nil, nil, false
	}
	offset := int(binary.LittleEndian.Uint16(b[smbDataOffsetAt:]))
	count := int(binary.LittleEndian.Uint16(b[smbDataCountAt:]))
	if offset < nameAt+n+1 || offset > len(b) {
		return rest[:n], nil, true
	}
	return rest[:n], b[offset:min(len(b), offset+count)], true
}

// Netlogon reports whether m writes to the logon mailslot, \MAILSLOT\NET\NETLOGON.
func (m *Datagram) Netlogon() bool {
	name, _, ok := m.Mailslot()
	return ok && bytes.EqualFold(name, []byte(netlogonMailslot))
}

// Opcode is the kind of a browser frame, MS-BRWS 2.2.
type Opcode uint8

// Kinds of browser frames.
const (
	HostAnnouncement        Opcode = 1  // MS-BRWS 2.2.1
	AnnouncementRequest     Opcode = 2  // 2.2.2
	RequestElection         Opcode = 8  // 2.2.3
	GetBackupListRequest    Opcode = 9  // 2.2.4
	GetBackupListResponse   Opcode = 10 // 2.2.5
	BecomeBackup            Opcode = 11 // 2.2.6
	DomainAnnouncement      Opcode = 12 // 2.2.7
	MasterAnnouncement      Opcode = 13 // 2.2.8
	ResetState              Opcode = 14 // 2.2.9
	LocalMasterAnnouncement Opcode = 15 // 2.2.10
)

// ServerType says what a server is, MS-BRWS 2.2.1 and 2.2.7; MS-SRVS 2.2.2.7
// names the bits (SV_TYPE_).
type ServerType uint32

// Bits of ServerType.
const (
	Workstation       ServerType = 0x00000001
	Server            ServerType = 0x00000002
	SQLServer         ServerType = 0x00000004
	DomainController  ServerType = 0x00000008 // PDC
	DomainBackup      ServerType = 0x00000010 // BDC
	TimeSource        ServerType = 0x00000020
	AppleFileServer   ServerType = 0x00000040
	NovellServer      ServerType = 0x00000080
	DomainMember      ServerType = 0x00000100
	PrintQueueServer  ServerType = 0x00000200
	DialinServer      ServerType = 0x00000400 // RAS
	XenixServer       ServerType = 0x00000800 // Unix; Samba sets it
	NTWorkstation     ServerType = 0x00001000
	WindowsWorkgroups ServerType = 0x00002000
	NTServer          ServerType = 0x00008000
	PotentialBrowser  ServerType = 0x00010000
	BackupBrowser     ServerType = 0x00020000
	MasterBrowser     ServerType = 0x00040000
	DomainMaster      ServerType = 0x00080000
	Windows95         ServerType = 0x00400000
	Cluster           ServerType = 0x01000000
	TerminalServer    ServerType = 0x02000000
	LocalListOnly     ServerType = 0x40000000
	PrimaryDomain     ServerType = 0x80000000 // the entry is a domain
)

// Browse is a browser frame. Its texts are the bytes that came, up to the
// first NUL; whoever prints them escapes them. Which fields have a meaning
// depends on Opcode.
type Browse struct {
	Opcode Opcode
	// Name is the server that announces itself, asks (an announcement or an
	// election), or is to become a backup browser; of a domain announcement
	// the domain.
	Name             string
	UpdateCount      uint8
	Periodicity      uint32 // ms between announcements
	OSMajor, OSMinor uint8
	ServerType       ServerType
	Comment          string // of announcements of hosts and local masters
	Master           string // of a domain announcement: its local master browser

	ElectionVersion uint8
	Criteria        uint32
	Uptime          uint32 // ms, of the host that forces an election

	Token   uint32   // of backup list requests and responses
	Count   uint8    // backup browsers asked for, or announced
	Servers []string // of a backup list response

	Reset uint8 // flags of a reset
	// Cut is set when the frame ended before the fields that its kind has.
	Cut bool
}

// Browse decodes the browser frame that m carries. It reports false if m
// carries none, or one of an unknown kind.
func (m *Datagram) Browse() (Browse, bool) {
	name, data, ok := m.Mailslot()
	if !ok || !bytes.EqualFold(name, []byte(browseMailslot)) || len(data) == 0 {
		return Browse{}, false
	}
	f := Browse{Opcode: Opcode(data[0])}
	r := fields{b: data[1:]}
	switch f.Opcode {
	case HostAnnouncement, LocalMasterAnnouncement, DomainAnnouncement:
		f.UpdateCount = r.uint8()
		f.Periodicity = r.uint32()
		f.Name = r.fixed(16)
		f.OSMajor, f.OSMinor = r.uint8(), r.uint8()
		f.ServerType = ServerType(r.uint32())
		r.uint32() // browser version and signature
		if f.Opcode == DomainAnnouncement {
			f.Master = r.text()
		} else {
			f.Comment = r.text()
		}
	case AnnouncementRequest:
		r.uint8()
		f.Name = r.text()
	case RequestElection:
		f.ElectionVersion = r.uint8()
		f.Criteria, f.Uptime = r.uint32(), r.uint32()
		r.uint32()
		f.Name = r.text()
	case GetBackupListRequest:
		f.Count, f.Token = r.uint8(), r.uint32()
	case GetBackupListResponse:
		f.Count, f.Token = r.uint8(), r.uint32()
		for len(f.Servers) < int(f.Count) && len(r.b) > 0 {
			f.Servers = append(f.Servers, r.text())
		}
		r.cut = r.cut || len(f.Servers) < int(f.Count)
	case BecomeBackup, MasterAnnouncement:
		f.Name = r.text()
	case ResetState:
		f.Reset = r.uint8()
	default:
		return Browse{}, false
	}
	f.Cut = r.cut
	return f, true
}

// fields takes little-endian fields off the front of b; past the end they are
// zero and cut is set.
type fields struct {
	b   []byte
	cut bool
}

func (r *fields) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.cut = nil, true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *fields) uint8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *fields) uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

// fixed takes a text in a field of n bytes.
func (r *fields) fixed(n int) string {
	p := r.take(n)
	if i := bytes.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	return string(p)
}

// text takes a text up to its NUL, or to the end, where the NUL is missing.
func (r *fields) text() string {
	i := bytes.IndexByte(r.b, 0)
	if i < 0 {
		s := string(r.b)
		r.b, r.cut = nil, true
		return s
	}
	s := string(r.b[:i])
	r.b = r.b[i+1:]
	return s
}
