package capgen

import (
	"math/rand/v2"
	"net/netip"
)

const (
	portNBNS = 137

	microsecond = 1_000
	millisecond = 1_000_000
	second      = 1_000_000_000

	maxServers = 2
	maxHosts   = 1 << 22
	maxNames   = 1 << 24
)

// sim is a LAN of end nodes (H nodes on 10.0.0.0/8) and WINS servers. It
// yields the messages of their exchanges in order of time, without end.
// Exchanges overlap, but not those about one name, so what is said about a
// name is consistent.
type sim struct {
	rng     *rand.Rand
	names   int
	hosts   int
	servers int
	gap     int64 // mean time between the starts of two exchanges
	once    bool  // every exchange registers a name of its own

	start int64     // of the next exchange
	next  int       // name to register next, if once
	state []uint8   // of each name
	busy  []int64   // until when an exchange about a name runs
	ids   []uint16  // last NAME_TRN_ID of each host, the servers last
	queue []pending // heap by time, then order of creation
	made  uint64
	free  [][]byte
	given []byte // buffer of the message that was yielded last
	msg   []byte // scratch for the NBNS message
}

// pending is a frame that is still to come.
type pending struct {
	time  int64
	order uint64
	frame []byte
}

const (
	stateFree = iota
	stateHeld
)

func newSim(rng *rand.Rand, c Config, start, gap int64) *sim {
	s := &sim{rng: rng, names: c.Names, hosts: c.Hosts, servers: c.Servers, gap: gap, once: c.Kind == KindNames, start: start}
	s.state = make([]uint8, s.names)
	s.busy = make([]int64, s.names)
	s.ids = make([]uint16, s.hosts+s.servers)
	for i := range s.ids {
		s.ids[i] = uint16(rng.Uint32())
	}
	return s
}

// host is an end node, or a WINS server from s.hosts on.
func (s *sim) host(i int) Station {
	n, net := i, byte(16)
	if i >= s.hosts {
		n, net = i-s.hosts, 0
	}
	n += 10 // a gateway and others below
	return Station{
		MAC:  MAC{2, net, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)},
		Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, net + byte(n>>16), byte(n >> 8), byte(n)}), portNBNS),
	}
}

var everyone = Station{MAC: Broadcast, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 255, 255, 255}), portNBNS)}

// nameOf is the i-th name: each base name has the three suffixes of a Windows
// machine.
func nameOf(i int) *name {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	n := name{'P', 'C', '-', '0', '0', '0', '0', '0', '0', ' ', ' ', ' ', ' ', ' ', ' ', [3]byte{0x00, 0x03, 0x20}[i%3]}
	for at, v := 8, i/3; v > 0 && at >= 3; at, v = at-1, v/36 {
		n[at] = digits[v%36]
	}
	return &n
}

// owner of a name: the names of one base name belong to one host.
func (s *sim) owner(n int) int { return n / 3 % s.hosts }

func (s *sim) server(host int) int { return s.hosts + host%s.servers }

// id is the next NAME_TRN_ID of a node.
func (s *sim) id(node int) uint16 {
	s.ids[node]++
	return s.ids[node]
}

// spread is a time of mean ns, between a quarter and seven quarters of it.
func (s *sim) spread(mean int64) int64 { return mean/4 + s.rng.Int64N(mean*3/2+1) }

// take yields the next message. The frame is valid until the next call.
func (s *sim) take() (int64, []byte) {
	if s.given != nil {
		s.free = append(s.free, s.given)
	}
	for len(s.queue) == 0 || s.queue[0].time > s.start {
		t := s.start
		s.start += s.spread(s.gap)
		s.exchange(t)
	}
	p := s.pop()
	s.given = p.frame
	return p.time, p.frame
}

// send queues a message.
func (s *sim) send(t int64, from, to Station, message []byte) {
	var b []byte
	if n := len(s.free); n > 0 {
		b, s.free = s.free[n-1][:0], s.free[:n-1]
	}
	s.made++
	b = appendDatagram(b, from, to, uint16(s.made), message)
	s.msg = message[:0]
	s.push(pending{t, s.made, b})
}

// contested is how rarely somebody wants a name that another machine holds:
// once in so many of a tenth of the exchanges.
const contested = 200

// exchange starts one exchange at t, about a name that no other is about.
func (s *sim) exchange(t int64) {
	if s.once {
		n := s.next % s.names
		s.next++
		s.register(t, n, s.owner(n))
		return
	}
	n := s.rng.IntN(s.names)
	for tries := 0; s.busy[n] > t && tries < 8; tries++ {
		n = s.rng.IntN(s.names)
	}
	if s.busy[n] > t {
		return
	}
	dice := s.rng.IntN(100)
	if s.state[n] == stateFree && dice < 70 {
		s.register(t, n, s.owner(n))
		return
	}
	switch {
	case dice < 30:
		s.ask(t, n)
	case dice < 45:
		s.askAll(t, n)
	case dice < 50:
		s.askStatus(t, n)
	case s.state[n] == stateFree:
		s.ask(t, n)
	case dice < 86:
		s.refresh(t, n)
	case dice < 91:
		s.release(t, n)
	case s.rng.IntN(contested) == 0:
		s.challenge(t, n)
	default:
		s.refresh(t, n)
	}
}

// register is a registration with the WINS server, accepted. One in ten is a
// multihomed host's.
func (s *sim) register(t int64, n, host int) {
	flags := uint16(flagsRegister)
	if s.rng.IntN(10) == 0 {
		flags = flagsMultihomed
	}
	s.accepted(t, n, host, flags, flagsRegistered, registeredTTL)
	s.state[n] = stateHeld
}

func (s *sim) refresh(t int64, n int) {
	s.accepted(t, n, s.owner(n), flagsRefresh, flagsRegistered, registeredTTL)
}

func (s *sim) release(t int64, n int) {
	s.accepted(t, n, s.owner(n), flagsRelease, flagsReleased, 0)
	s.state[n] = stateFree
}

// accepted is a request to the server and its positive reply. One request in
// a hundred is lost before the server and sent again after 1.5 s.
func (s *sim) accepted(t int64, n, host int, flags, answer uint16, ttl uint32) {
	a, w, nm, id := s.host(host), s.host(s.server(host)), nameOf(n), s.id(host)
	s.send(t, a, w, request(s.msg, id, flags, nm, ttl, nodeH, a.Addr.Addr()))
	if s.rng.IntN(100) == 0 {
		t += 1500 * millisecond
		s.send(t, a, w, request(s.msg, id, flags, nm, ttl, nodeH, a.Addr.Addr()))
	}
	t += s.spread(400 * microsecond)
	s.send(t, w, a, reply(s.msg, id, answer, nm, ttl, nodeH, a.Addr.Addr()))
	s.busy[n] = t
}

// ask is a query to the WINS server.
func (s *sim) ask(t int64, n int) {
	host := s.rng.IntN(s.hosts)
	a, w, nm, id := s.host(host), s.host(s.server(host)), nameOf(n), s.id(host)
	s.send(t, a, w, query(s.msg, id, flagsQuery, nm, typeNB))
	t += s.spread(300 * microsecond)
	if s.state[n] == stateHeld {
		s.send(t, w, a, reply(s.msg, id, flagsFound, nm, registeredTTL, nodeH, s.host(s.owner(n)).Addr.Addr()))
	} else {
		s.send(t, w, a, notFound(s.msg, id, nm))
	}
	s.busy[n] = t
}

// askAll is a broadcast query: the owner answers, or nobody does and it is
// sent three times, 250 ms apart (RFC 1002 6).
func (s *sim) askAll(t int64, n int) {
	host := s.rng.IntN(s.hosts)
	a, nm, id := s.host(host), nameOf(n), s.id(host)
	if s.state[n] == stateHeld {
		o := s.host(s.owner(n))
		s.send(t, a, everyone, query(s.msg, id, flagsBroadcast, nm, typeNB))
		t += s.spread(200 * microsecond)
		s.send(t, o, a, reply(s.msg, id, flagsOwner, nm, registeredTTL, nodeH, o.Addr.Addr()))
		s.busy[n] = t
		return
	}
	for try := range int64(3) {
		s.send(t+try*250*millisecond, a, everyone, query(s.msg, id, flagsBroadcast, nm, typeNB))
	}
	s.busy[n] = t + 750*millisecond
}

// askStatus is a node status request and its answer.
func (s *sim) askStatus(t int64, n int) {
	host, owner := s.rng.IntN(s.hosts), s.owner(n)
	a, o, id := s.host(host), s.host(owner), s.id(host)
	asked := name{'*'}
	s.send(t, a, o, query(s.msg, id, flagsStatus, &asked, typeNBStat))
	var names [3]name
	for i := range names {
		names[i] = *nameOf(n/3*3 + i)
	}
	s.send(t+s.spread(300*microsecond), o, a, status(s.msg, id, &asked, names[:], o.MAC))
}

// challenge is another host's attempt at a held name: the server makes it
// wait, asks the owner, which defends itself, and refuses.
func (s *sim) challenge(t int64, n int) {
	host := s.rng.IntN(s.hosts)
	owner := s.owner(n)
	if host == owner {
		host = (host + 1) % s.hosts
	}
	server := s.server(host)
	a, o, w, nm, id := s.host(host), s.host(owner), s.host(server), nameOf(n), s.id(host)
	s.send(t, a, w, request(s.msg, id, flagsRegister, nm, registeredTTL, nodeH, a.Addr.Addr()))
	t += s.spread(200 * microsecond)
	s.send(t, w, a, wait(s.msg, id, flagsRegister, nm, 5))
	t += s.spread(50 * microsecond)
	asked := s.id(server)
	s.send(t, w, o, query(s.msg, asked, flagsChallenge, nm, typeNB))
	t += s.spread(200 * microsecond)
	s.send(t, o, w, reply(s.msg, asked, flagsOwner, nm, registeredTTL, nodeH, o.Addr.Addr()))
	t += s.spread(100 * microsecond)
	s.send(t, w, a, reply(s.msg, id, flagsActive, nm, registeredTTL, nodeH, a.Addr.Addr()))
	s.busy[n] = t
}

func (p *pending) before(q *pending) bool {
	return p.time < q.time || p.time == q.time && p.order < q.order
}

func (s *sim) push(p pending) {
	s.queue = append(s.queue, p)
	q := s.queue
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].before(&q[up]) {
			return
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (s *sim) pop() pending {
	q := s.queue
	top, last := q[0], len(q)-1
	q[0], q[last] = q[last], pending{}
	q = q[:last]
	s.queue = q
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(q); c++ {
			if q[c].before(&q[least]) {
				least = c
			}
		}
		if least == i {
			return top
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}
