package nbns

import "net/netip"

// Name is the name that the message is about: the first question's, else the
// first record's. False: the message has neither, its name is at fault, or it
// is a host name (in a redirect, RFC 1002 4.2.15).
func (m *Message) Name() (Name, bool) {
	switch {
	case len(m.Questions) > 0:
		return m.Questions[0].Name, true
	case len(m.Records) > 0:
		r := &m.Records[0]
		return r.Name, r.Name != Name{} || r.Type != TypeA && r.Type != TypeNS
	}
	return Name{}, false
}

// Scope is the scope of the name that Name returns, "" if it has none.
func (m *Message) Scope() string {
	switch {
	case len(m.Questions) > 0:
		return m.Questions[0].Scope
	case len(m.Records) > 0:
		return m.Records[0].Scope
	}
	return ""
}

// FirstNB is the first NB record that carries an address entry; nil if there
// is none.
func (m *Message) FirstNB() *Record {
	for i := range m.Records {
		if r := &m.Records[i]; r.Type == TypeNB && len(r.Addrs) > 0 {
			return r
		}
	}
	return nil
}

// Addresses appends every NB_ADDRESS of the message to dst, in order.
func (m *Message) Addresses(dst []netip.Addr) []netip.Addr {
	for i := range m.Records {
		for _, e := range m.Records[i].Addrs {
			dst = append(dst, e.IP())
		}
	}
	return dst
}

// IP is NB_ADDRESS.
func (e AddrEntry) IP() netip.Addr { return netip.AddrFrom4(e.Addr) }

// TTL is the TTL of the first record, in seconds; false if there is none. 0
// means that the name does not expire (RFC 1002 6, INFINITE_TTL), or nothing.
func (m *Message) TTL() (uint32, bool) {
	if len(m.Records) == 0 || m.Records[0].Cut || m.ANCount == 0 && m.NSCount == 0 && m.ARCount == 0 {
		return 0, false
	}
	return m.Records[0].TTL, true
}

// Group is G of the first address entry; ok is false if there is none.
func (m *Message) Group() (group, ok bool) {
	if r := m.FirstNB(); r != nil {
		return r.Addrs[0].Flags.Group(), true
	}
	return false, false
}

// NodeType is ONT of the first address entry; false if there is none.
func (m *Message) NodeType() (NodeType, bool) {
	if r := m.FirstNB(); r != nil {
		return r.Addrs[0].Flags.NodeType(), true
	}
	return BNode, false
}
