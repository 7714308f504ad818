package scenario

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nbtrace/analyze/nbns"
)

const nbnsPort = 137

// verb is what kind of request a line makes.
type verb int

const (
	verbRegister verb = iota
	verbRefresh
	verbRelease
	verbDemand
	verbConflict
	verbQuery
	verbChallenge
	verbStatus
)

// request is what can be answered and repeated.
type request struct {
	verb    verb
	from    endpoint
	to      endpoint
	name    nbns.Name
	scope   string
	trn     uint16
	flags   nbns.Flags
	ttl     uint32
	entries []nbns.AddrEntry
	kind    nbns.Type
	packet  packet
}

// claim executes register, refresh, release, demand and conflict.
func (b *builder) claim(w *words, v verb) {
	name, scope := w.name()
	o := b.options(w, optClaim)
	if w.fault != nil {
		return
	}
	r := &request{verb: v, name: name, kind: nbns.TypeNB}
	if !b.ends(w, o, r, v == verbDemand || v == verbConflict) {
		return
	}
	h := r.from.host
	r.scope = scopeOf(h, scope, o)
	f := h.flavour
	bcast := r.to.broadcast()
	addr := r.from.addr
	r.ttl = f.registerTTL
	nb := nbns.MakeNBFlags(o.group, h.node)
	if f.name == "nmbd" && bcast && h.node == nbns.BNode {
		nb = nbns.MakeNBFlags(o.group, nbns.BNode)
	}
	switch v {
	case verbRegister:
		r.flags = opcode(nbns.OpRegistration)
		if !bcast && !o.group && (f.alwaysMultihomed || len(h.nics) > 1) {
			r.flags = opcode(nbns.OpMultihomedReg)
		}
		if f.rd {
			r.flags |= nbns.FlagRD
		}
		if bcast {
			r.ttl = f.broadcastTTL
		}
	case verbRefresh:
		r.flags = opcode(nbns.OpRefresh)
		r.ttl = f.refreshTTL
		if f.refreshACT {
			nb |= 0x0400
		}
	case verbRelease:
		r.flags = opcode(nbns.OpRelease)
		if !f.releaseTTL {
			r.ttl = 0
		}
	case verbDemand:
		r.flags = opcode(nbns.OpRelease)
		r.ttl = 0
		addr = r.to.addr
		if f.name == "samba4" {
			nb = 0
		}
	case verbConflict:
		r.flags = 0xAD87
		r.ttl = 0
		addr = netip.AddrFrom4([4]byte{})
	}
	if bcast && v != verbConflict {
		r.flags |= nbns.FlagBroadcast
	}
	o.entries(r, addr, nb)
	b.finish(w, o, r)
	if w.fault != nil {
		return
	}
	b.claimed = r
	times, every, overwrite := max(o.times, 1), o.every, o.overwrite
	if bcast && v == verbRegister && o.times == 0 {
		times, overwrite = f.bcastRepeats, true
	}
	if every == 0 {
		every = f.interval(bcast)
	}
	b.repeatSend(r.packet, times, every)
	if overwrite {
		// RFC 1002 4.2.3: as the registration, but for RD.
		b.now += every
		over := *r
		over.flags ^= nbns.FlagRD
		b.finish(w, o, &over)
		b.send(over.packet)
	}
}

// ask executes query, challenge and status.
func (b *builder) ask(w *words, v verb) {
	r := &request{verb: v, kind: nbns.TypeNB}
	var target endpoint
	switch v {
	case verbQuery:
		r.name, r.scope = w.name()
	case verbChallenge:
		if b.claimed == nil {
			w.wrong("a challenge needs a registration before it")
			return
		}
		target = b.net.endpoint(w, "whom the server asks", nil)
		r.name, r.scope = b.claimed.name, b.claimed.scope
	case verbStatus:
		r.kind = nbns.TypeNBSTAT
		r.name = nbns.MakeName("*", 0)
		if w.isName() {
			r.name, r.scope = w.name()
		}
	}
	o := b.options(w, optAsk)
	if w.fault != nil {
		return
	}
	if v == verbChallenge {
		if !o.hasFrom {
			o.from, o.hasFrom = b.claimed.to, true
		}
		o.to, o.hasTo = target, true
		if o.from.broadcast() {
			w.wrong("the registration was broadcast: no server can ask")
			return
		}
	}
	if !b.ends(w, o, r, v == verbStatus) {
		return
	}
	f := r.from.host.flavour
	if v != verbChallenge {
		r.scope = scopeOf(r.from.host, r.scope, o)
	}
	if v == verbQuery || v == verbChallenge && f.challengeRD {
		r.flags = nbns.FlagRD
	}
	if r.to.broadcast() {
		r.flags |= nbns.FlagBroadcast
	}
	b.finish(w, o, r)
	if w.fault != nil {
		return
	}
	b.asked = r
	times, every := max(o.times, 1), o.every
	if v == verbChallenge && every == 0 && times > 1 {
		begin := b.now
		for i := range times {
			if i > 0 {
				b.now = begin + time.Duration(f.challengeWait[min(i, len(f.challengeWait))-1])*time.Millisecond
			}
			b.sendAgain(r.packet, i)
		}
		return
	}
	if every == 0 {
		every = f.interval(r.to.broadcast())
	}
	b.repeatSend(r.packet, times, every)
}

// ends settles who sends the request to whom.
func (b *builder) ends(w *words, o *options, r *request, both bool) bool {
	if !o.hasFrom || o.from.broadcast() {
		w.wrongAt(w.end, "from is missing: who sends it?")
		return false
	}
	r.from = o.from
	switch {
	case o.hasTo:
		r.to = o.to
	case both:
		w.wrongAt(w.end, "to is missing: who gets it?")
		return false
	case len(b.net.servers) > 0:
		s := b.net.servers[0]
		r.to = endpoint{s, &s.nics[0], s.nics[0].addr, s.nics[0].seg}
	default:
		r.to = endpoint{addr: r.from.seg.broadcast(), seg: r.from.seg}
	}
	return true
}

// scopeOf is the scope that the options give, else the one of the name as it
// was written, else the host's.
func scopeOf(h *host, scope string, o *options) string {
	switch {
	case o.hasScope:
		return o.scope
	case scope != "":
		return scope
	}
	return h.scope
}

// entries makes the address entries and the TTL of r: those of the options,
// else addr with the flags nb.
func (o *options) entries(r *request, addr netip.Addr, nb nbns.NBFlags) {
	if o.node >= 0 {
		nb = nb&^0x6000 | nbns.MakeNBFlags(false, nbns.NodeType(o.node))
	}
	if o.nbFlags >= 0 {
		nb = nbns.NBFlags(o.nbFlags)
	}
	addrs := o.addrs
	if len(addrs) == 0 {
		addrs = []netip.Addr{addr}
	}
	for _, a := range addrs {
		r.entries = append(r.entries, nbns.AddrEntry{Flags: nb, Addr: a.As4()})
	}
	if o.ttl >= 0 {
		r.ttl = uint32(o.ttl)
	}
}

// opcode is OPCODE in its place in the flags word.
func opcode(o nbns.Opcode) nbns.Flags { return nbns.Flags(o) << 11 }

// modify applies what the options say of the flags word.
func (o *options) modify(f nbns.Flags) nbns.Flags {
	if o.opcode >= 0 {
		f = f&^0x7800 | opcode(nbns.Opcode(o.opcode))
	}
	set := func(how int, bit nbns.Flags) {
		switch {
		case how > 0:
			f |= bit
		case how < 0:
			f &^= bit
		}
	}
	set(o.rd, nbns.FlagRD)
	set(o.ra, nbns.FlagRA)
	if o.flags >= 0 {
		f = nbns.Flags(o.flags)
	}
	return f
}

// finish encodes a request.
func (b *builder) finish(w *words, o *options, r *request) {
	h := r.from.host
	if o.trn >= 0 {
		r.trn = uint16(o.trn)
	} else if r.trn == 0 {
		r.trn = h.flavour.nextTrn(h)
	}
	r.flags = o.modify(r.flags)
	m := &nbns.Message{TrnID: r.trn, Flags: r.flags}
	if r.verb == verbConflict {
		m.Records = []nbns.Record{{Section: nbns.Answer, Name: r.name, Scope: r.scope, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: r.ttl, Addrs: r.entries}}
	} else {
		m.Questions = []nbns.Question{{Name: r.name, Scope: r.scope, Type: r.kind, Class: nbns.ClassIN}}
		if len(r.entries) > 0 {
			m.Records = []nbns.Record{{Section: nbns.Additional, Name: r.name, Scope: r.scope, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: r.ttl, Addrs: r.entries}}
		}
	}
	r.packet = b.packet(w, o, r.from, r.to, nbnsPort, nbnsPort, encode(w, o, m, h.flavour.full))
	if o.label != "" {
		b.labels[o.label] = r
	}
}

// encode encodes a message and damages it as the options say. full: names are
// not compressed, unless the options want that.
func encode(w *words, o *options, m *nbns.Message, full bool) []byte {
	write := nbns.Append
	if full && !o.compressed {
		write = nbns.AppendUncompressed
	}
	p, err := write(nil, m)
	if err != nil {
		w.wrong("%v", err)
		return nil
	}
	return damage(w, o, p)
}

// damage applies cut and patch.
func damage(w *words, o *options, p []byte) []byte {
	for _, d := range o.patches {
		if d.at+len(d.with) > len(p) {
			w.wrong("the patch reaches to byte %d, the message has %d", d.at+len(d.with), len(p))
			return p
		}
		copy(p[d.at:], d.with)
	}
	if o.cut >= 0 {
		if o.cut > len(p) {
			w.wrong("the message has %d bytes", len(p))
			return p
		}
		p = p[:o.cut]
	}
	return p
}

// of is the request that a response is to.
func (b *builder) of(w *words, o *options, latest *request) *request {
	if o.of != "" {
		if latest = b.labels[o.of]; latest == nil {
			w.wrong("no request has the label %q", o.of)
		}
		return latest
	}
	if latest == nil && w.fault == nil {
		w.wrong("there is no request to respond to")
	}
	return latest
}

// responder is who answers r: whom the options name, else whom it went to.
func responder(o *options, r *request) endpoint {
	if o.hasFrom {
		return o.from
	}
	return r.to
}

// respond sends a response to r.
func (b *builder) respond(w *words, o *options, r *request, m *nbns.Message) {
	from := responder(o, r)
	if from.broadcast() {
		w.wrongAt(w.end, "the request was broadcast: from says who responds")
		return
	}
	m.TrnID = r.trn
	if o.trn >= 0 {
		m.TrnID = uint16(o.trn)
	}
	m.Flags = o.modify(m.Flags)
	for i := range m.Records {
		m.Records[i].Section, m.Records[i].Name, m.Records[i].Scope, m.Records[i].Class = nbns.Answer, r.name, r.scope, nbns.ClassIN
		if o.hasScope {
			m.Records[i].Scope = o.scope
		}
		if o.ttl >= 0 {
			m.Records[i].TTL = uint32(o.ttl)
		}
	}
	to := r.from
	if o.hasTo {
		to = o.to
	}
	p := b.packet(w, o, from, to, nbnsPort, r.packet.srcPort, encode(w, o, m, true))
	if w.fault == nil {
		b.reply = &p
		b.send(p)
	}
}

// wack [SECONDS]
func (b *builder) wack(w *words) {
	ttl := int64(-1)
	if t := w.peek(); t != "" && strings.Trim(t, "0123456789") == "" {
		ttl = int64(w.number("the seconds", 0xFFFFFFFF))
	}
	o := b.options(w, optReply)
	r := b.of(w, o, b.claimed)
	if w.fault != nil {
		return
	}
	f := r.to.flavour()
	if ttl < 0 {
		ttl = int64(f.wackTTL)
	}
	data := binary.BigEndian.AppendUint16(nil, uint16(r.flags))
	b.respond(w, o, r, &nbns.Message{Flags: 0xBC00, Records: []nbns.Record{{Type: f.wackType, TTL: uint32(ttl), Data: data}}})
}

var rcodes = map[string]nbns.RCode{"ok": 0, "fmt": nbns.RCodeFmtErr, "srv": nbns.RCodeSrvErr, "nam": nbns.RCodeNamErr,
	"imp": nbns.RCodeImpErr, "rfs": nbns.RCodeRfsErr, "act": nbns.RCodeActErr, "cft": nbns.RCodeCftErr}

// rcode reads an rcode's name, or "refused", which is the flavour's own.
func (w *words) rcode() (code nbns.RCode, own bool) {
	t := w.next("the rcode")
	if t == "refused" {
		return 0, true
	}
	c, ok := rcodes[t]
	if !ok && w.fault == nil {
		w.wrong("an rcode is ok, fmt, srv, nam, imp, rfs, act, cft or refused, not %q", t)
	}
	return c, false
}

// reply RCODE: to a registration, refresh, release or demand.
func (b *builder) replyTo(w *words) {
	code, own := w.rcode()
	o := b.options(w, optReply)
	r := b.of(w, o, b.claimed)
	if w.fault != nil {
		return
	}
	f := responder(o, r).flavour()
	if own {
		code = f.refusal
	}
	flags, ttl := nbns.Flags(0xAD80), f.grantedTTL
	switch {
	case r.verb == verbRelease || r.verb == verbDemand:
		flags, ttl = 0xB400, 0
		if f.releaseEcho {
			ttl = r.ttl
		}
	case f.grantedTTL == 0:
		ttl = r.ttl
		if code != 0 && !f.refusedTTL {
			ttl = 0
		}
	case code != 0:
		ttl = 0
	}
	entries := r.entries
	if len(o.addrs) > 0 || o.nbFlags >= 0 || o.group {
		x := &request{}
		nb := nbns.NBFlags(0)
		if len(r.entries) > 0 {
			nb = r.entries[0].Flags
		}
		if o.group {
			nb |= 0x8000
		}
		o.entries(x, netip.AddrFrom4(r.entries[0].Addr), nb)
		entries = x.entries
	}
	b.respond(w, o, r, &nbns.Message{Flags: flags | nbns.Flags(code), Records: []nbns.Record{{Type: nbns.TypeNB, TTL: ttl, Addrs: entries}}})
}

// answer [ADDRESS...]: a positive response to a query; without addresses,
// those of the responder.
func (b *builder) answer(w *words) {
	var addrs []netip.Addr
	for w.isAddress() {
		addrs = append(addrs, w.address("an address"))
	}
	o := b.options(w, optReply)
	r := b.of(w, o, b.asked)
	if w.fault != nil {
		return
	}
	from := responder(o, r)
	if from.broadcast() {
		w.wrongAt(w.end, "the query was broadcast: from says who answers")
		return
	}
	f := from.host.flavour
	flags, ttl := f.answerFlags, f.answerTTL
	nb := nbns.MakeNBFlags(o.group, from.host.node)
	if slices.Contains(b.net.servers, from.host) && len(addrs) > 0 {
		flags, ttl, nb = f.lookupFlags, f.lookupTTL, nbns.MakeNBFlags(o.group, nbns.HNode)
	}
	if len(addrs) == 0 {
		for _, k := range from.host.nics {
			addrs = append(addrs, k.addr)
		}
	}
	x := &request{ttl: ttl}
	o.addrs = addrs
	o.entries(x, from.addr, nb)
	b.respond(w, o, r, &nbns.Message{Flags: flags, Records: []nbns.Record{{Type: nbns.TypeNB, TTL: x.ttl, Addrs: x.entries}}})
}

// deny: a negative response to a query.
func (b *builder) deny(w *words) {
	o := b.options(w, optReply)
	r := b.of(w, o, b.asked)
	if w.fault != nil {
		return
	}
	flags := responder(o, r).flavour().notFound
	b.respond(w, o, r, &nbns.Message{Flags: flags, Records: []nbns.Record{{Type: nbns.TypeNULL, Data: []byte{}}}})
}

// names NAME [group] [conflict]... : a node status response.
func (b *builder) statusNames(w *words) {
	m := &nbns.Message{Flags: 0x8400, Records: []nbns.Record{{Type: nbns.TypeNBSTAT}}}
	for w.isName() {
		n, _ := w.name()
		e := nbns.StatusEntry{Name: n, Flags: nbns.StatusActive}
		if w.take("group") {
			e.Flags |= 0x8000
		}
		if w.take("conflict") {
			e.Flags |= nbns.StatusConflict
		}
		m.Status = append(m.Status, e)
	}
	o := b.options(w, optReply)
	r := b.of(w, o, b.asked)
	if w.fault != nil {
		return
	}
	from := responder(o, r)
	m.HasUnitID = true
	if from.nic != nil && from.host.flavour.name == "windows" {
		m.UnitID = from.nic.mac
	}
	b.respond(w, o, r, m)
}

// retransmit [times N] [every D] [of LABEL]: the latest request once more.
func (b *builder) retransmit(w *words) {
	o := b.options(w, []string{"times", "every", "of", "lost"})
	latest := b.claimed
	if b.asked != nil && (latest == nil || b.asked.packet.order > latest.packet.order) {
		latest = b.asked
	}
	r := b.of(w, o, latest)
	if w.fault != nil {
		return
	}
	every := o.every
	if every == 0 {
		every = r.from.host.flavour.interval(false)
	}
	p := r.packet
	p.lost = o.lost
	for i := range max(o.times, 1) {
		if i > 0 {
			b.now += every
		}
		b.sendAgain(p, 1)
	}
}

// duplicate: the latest response once more.
func (b *builder) duplicate(w *words) {
	if b.reply == nil {
		w.wrong("there is no response to repeat")
		return
	}
	b.sendAgain(*b.reply, 1)
}

// repeatSend sends p so many times.
func (b *builder) repeatSend(p packet, times int, every time.Duration) {
	for i := range times {
		if i > 0 {
			b.now += every
		}
		b.sendAgain(p, i)
	}
}

// sendAgain sends p, from the second time on with the next IP identification.
func (b *builder) sendAgain(p packet, before int) {
	if before > 0 {
		p.ipid = p.host.nextIPID()
	}
	b.send(p)
}

// raw from HOST to HOST hex BYTES [port N] [dst-port N]
func (b *builder) raw(w *words) {
	data := w.hex("the bytes")
	o := b.options(w, optSend)
	if w.fault != nil {
		return
	}
	r := &request{}
	if b.ends(w, o, r, true) {
		b.send(b.packet(w, o, r.from, r.to, nbnsPort, nbnsPort, damage(w, o, data)))
	}
}
