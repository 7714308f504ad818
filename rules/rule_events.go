package rules

import (
	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
)

const syntheticOnly = "On synthetic traffic only."

var nameSharedByTwoHosts = &analyze.Rule{
	Slug: slugShared, Title: "A WINS server put two machines into one record", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `Samba's nmbd as WINS server takes any positive answer to the challenge of an opcode-15 registration for consent: although another machine holds the name and answered with its own address only, the newcomer's address is added to the record. Nothing is refused and no event is logged, but clients reach now one machine, now the other.`,
		Confirm:        `The answer to the challenge lacks the newcomer's address and comes from another machine; the server then gives both addresses. Node status of both addresses shows two machines.`,
		FalsePositives: `One multihomed machine that answers with the address of one adapter only.`,
		FixWindows:     []string{"Windows' WINS server refuses the newcomer instead (live-duplicate-name)."},
		FixSamba:       []string{"Rename one machine; remove a permanent entry from wins.dat if there is one."},
		Proven:         "On synthetic traffic; the behaviour was seen in a lab with a real nmbd.",
	},
	References: []string{"RFC 1002 5.1.4.1"},
	Signs: []analyze.Sign{
		{Slug: "challenge-answered", For: true, Text: "Another machine answered the server's challenge."},
		{Slug: "accepted-all-the-same", For: true, Text: "The server accepted the newcomer all the same."},
		{Slug: "one-record-two-machines", For: true, Text: "The server gives the addresses of both."},
		{Slug: "maybe-one-machine", For: false, Text: "The two addresses may be adapters of one machine whose start the capture does not show."},
	},
	Triggers: registrations, Wants: acceptedAfterChallenge, Horizon: horizon, Check: checkAccepted,
}

var challengeTimeoutTakeover = &analyze.Rule{
	Slug: slugTakeover, Title: "A WINS server gave a living machine's name away", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `The server asked the recorded owner of a name, the answer did not come within its short time (three tries, half a second apart), and the name went to the newcomer. The owner is still there: across a slow link, behind a firewall, or busy. Both now believe that they hold the name.`,
		Confirm:        `The owner's later traffic: it still answers for the name, or refreshes it. A capture on the owner's segment shows whether the challenge reached it.`,
		FalsePositives: `The old address was given to another machine; the same machine came back with a new address.`,
		FixWindows:     []string{"ChlMaxNoOfRetries, InitChlRetryInterval on the WINS server (Q173519)."},
		FixSamba:       []string{"The AD DC's WINS server has fixed times; nmbd waits 21 s."},
		Proven:         syntheticOnly,
	},
	References: []string{"Q173519", "RFC 1002 5.1.4.1"},
	Signs: []analyze.Sign{
		{Slug: "challenge-unanswered", For: true, Text: "The owner did not answer the challenge."},
		{Slug: "handed-over", For: true, Text: "The name went to the newcomer."},
		{Slug: "answered-too-late", For: true, Text: "The owner answered after the server had decided."},
		{Slug: "owner-still-there", For: true, Text: "The owner uses the name afterwards."},
		{Slug: "owner-address-alive", For: true, Text: "The owner's address is alive afterwards."},
		{Slug: "maybe-one-machine", For: false, Text: "The two addresses may be adapters of one machine whose start the capture does not show."},
	},
	Triggers: registrations, Wants: acceptedAfterChallenge, Horizon: horizon, Check: checkAccepted,
}

var releaseIgnored = &analyze.Rule{
	Slug: "release-ignored", Title: "A server accepted a release and kept the record", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `A machine released its name with another address or group flag than it had registered, the server answered yes, and goes on resolving the name. Servers answer yes to every release, and ignore what does not fit their record.`,
		Confirm:        `The record at the server (netsh show name): its type, its addresses, whether it is static.`,
		FalsePositives: `A second registration that the capture missed; other members of a group.`,
		FixWindows:     []string{"Delete the record at the server."}, FixSamba: []string{"Delete the record at the server."},
		Proven: syntheticOnly,
	},
	References: []string{"Q123171", "RFC 1002 5.1.4.2"},
	Signs: []analyze.Sign{
		{Slug: "release-accepted", For: true, Text: "The server accepted the release."},
		{Slug: "registered-otherwise", For: true, Text: "The name was registered with another address or group flag."},
		{Slug: "still-resolves", For: true, Text: "It still resolves the name."},
		{Slug: "members-unseen", For: false, Text: "The name is a group's, which may have members that the capture does not show."},
	},
	Triggers: []exchange.Kind{exchange.Release}, Wants: misfitRelease, Horizon: horizon, Check: checkReleaseIgnored,
}

var winsRepliesFromOtherAddress = &analyze.Rule{
	Slug: "wins-replies-from-other-address", Title: "A server answers from an address that was not asked", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `A multihomed WINS server answers from another of its addresses than the one that was asked. Clients do not take such an answer for their server's, wait, and fall back to the secondary server or to broadcast.`,
		Confirm:        `The request and the response with the same transaction id in one capture.`,
		FalsePositives: `Address translation between client and server; a second server that answers too.`,
		FixWindows:     []string{"List both addresses at the clients, or bind the server to one adapter (Q152705)."},
		FixSamba:       []string{"`bind interfaces only = yes`, `socket address`."},
		Proven:         syntheticOnly,
	},
	References: []string{"Q152705", "Q121003"},
	Signs:      []analyze.Sign{{Slug: "answered-from-elsewhere", For: true, Text: "The answer came from another address than the one asked."}},
	Triggers:   []exchange.Kind{exchange.Query, exchange.Registration, exchange.MultihomedRegistration, exchange.Refresh, exchange.Release},
	Wants:      answeredByOther, Check: checkOtherAddress,
}

var uniqueQueryAnsweredAsGroup = &analyze.Rule{
	Slug: "unique-query-answered-as-group", Title: "A unique name is answered as a group", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `A query for a machine's name is answered with the group flag: by third-party software that sets it wrongly, or by a name server that has a group of that name, often a static one, says yes to the machine's registration and keeps the group (Samba does). Clients then refuse to connect to it.`,
		Confirm:        `The registration of the name with the flag clear.`,
		FalsePositives: `A workgroup of that name whose registration the capture does not show.`,
		FixWindows:     []string{"NT 4.0 Service Pack 6 on the clients, or correct the server (Q225324)."}, FixSamba: []string{"Samba AD DC as WINS server: delete the winsRecord of the group from wins.ldb, then register the name again."},
		Proven: "A static group of a real Samba server; software that sets the flag wrongly on synthetic traffic only.",
	},
	References: []string{"Q225324", "Q124485", "Q125916", "Q161432"},
	Signs: []analyze.Sign{
		{Slug: "answered-as-group", For: true, Text: "The answer has the group flag."},
		{Slug: "registered-as-unique", For: true, Text: "The name was registered without it."},
	},
	Triggers: []exchange.Kind{exchange.Query}, Wants: answeredAsGroupWants, Check: checkAnsweredAsGroup,
}

var winsProxyInterference = &analyze.Rule{
	Slug: "wins-proxy-interference", Title: "A machine answers broadcast queries for others", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:           `A WINS proxy listens to broadcasts and answers them with what the WINS server says. On a domain controller, or with several proxies on a segment, this leads clients astray or makes storms.`,
		Confirm:        `The proxy's own queries to the WINS server just before its answers; EnableProxy in its registry.`,
		FalsePositives: `An adapter of a multihomed machine that answers with the address of another one.`,
		FixWindows:     []string{"EnableProxy=0 where no proxy is needed."}, FixSamba: []string{"`wins proxy = no`."},
		Proven: syntheticOnly,
	},
	References: []string{"Q164765", "Q127922", "Q233517"},
	Signs:      []analyze.Sign{{Slug: "answers-for-others", For: true, Text: "It answered a broadcast with an address that is not its own."}},
	Triggers:   []exchange.Kind{exchange.Query}, Wants: proxyWants, Check: checkProxy,
}

var domainNamesMissing = &analyze.Rule{
	Slug: "domain-names-missing", Title: "A WINS server does not know a domain whose controller is on the network", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `Clients ask their WINS server for DOMAIN<1C> or DOMAIN<1B> and get a negative answer, while a controller of the domain registered the name at another server or by broadcast only. Logons and trusts fail.`,
		Confirm:        `The controller's registrations and the server's negative answers in one capture.`,
		FalsePositives: `The controller registered shortly after the query.`,
		FixWindows:     []string{"Same WINS servers for controllers and clients, or working replication; restart Netlogon."},
		FixSamba:       []string{"Set `wins server` on the controller; restart nmbd."},
		Proven:         syntheticOnly,
	},
	References: []string{"Q139410", "Q272124", "Q245172"},
	Signs: []analyze.Sign{
		{Slug: "server-does-not-know", For: true, Text: "The server answered negatively."},
		{Slug: "held-elsewhere", For: true, Text: "A machine holds the name elsewhere."},
		{Slug: "refused-there", For: true, Text: "The server refused the machine's registration of the name."},
		{Slug: "may-still-register", For: false, Text: "The capture ends soon after the machine registered the name."},
	},
	Triggers: []exchange.Kind{exchange.Query}, Wants: domainWants, Horizon: horizon, Check: checkDomainMissing,
}

var addressLimit25 = &analyze.Rule{
	Slug: "address-limit-25", Title: "A name has as many addresses as WINS can hold", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `WINS keeps no more than 25 addresses in a record. When a group of domain controllers or a multihomed name has more, each new one pushes another out, which then cannot be found.`,
		Confirm: `A list of 25 addresses in an answer.`, FalsePositives: `Exactly 25 members and no more.`,
		FixWindows: []string{"Fewer members, or several domains or groups (Q140978)."}, FixSamba: []string{"The same limit holds for <1C>."},
		Proven: syntheticOnly,
	},
	References: []string{"Q140978", "Q123170", "Q231305", "MS-NBTE 3.2.5.3"},
	Signs:      []analyze.Sign{{Slug: "list-is-full", For: true, Text: "An answer or a registration names 25 addresses or more."}},
	Triggers:   []exchange.Kind{exchange.Query, exchange.Registration, exchange.MultihomedRegistration}, Wants: limitWants, Check: checkAddressLimit,
}

var refreshStorm = &analyze.Rule{
	Slug: "refresh-storm", Title: "A machine refreshes its names every ten minutes", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `Windows NT renews its names every ten minutes although the server granted hours or days, because another adapter cannot register (a RAS adapter that is down, an unplugged card). It loads the server and the wide-area link.`,
		Confirm:        `Three refreshes in a row ten minutes apart, and the time to live in the server's answers: forty minutes or more.`,
		FalsePositives: `Names that are granted for some twenty minutes only are refreshed every ten, as they should be, and do not count. Primary-server retries in the first hour after a failover go to the other server and do not count.`,
		FixWindows:     []string{"Unbind the WINS client from the idle adapter, or install the latest service pack (Q164308)."}, FixSamba: []string{"Not affected."},
		Proven: syntheticOnly,
	},
	References: []string{"Q164308", "Q154409", "Q247559"},
	Signs:      []analyze.Sign{{Slug: "refreshed-every-ten-minutes", For: true, Text: "The same name is refreshed every ten minutes."}},
	Triggers:   registrations, Wants: refreshWants, Check: checkRefreshStorm,
}

var winsServerFlap = &analyze.Rule{
	Slug: "wins-server-flap", Title: "A machine changes its WINS server although the first one answers", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `A machine refreshes its name at another server than the one that accepted it, although that one answered its last request. The records of the servers then disagree until replication sorts them out.`,
		Confirm:        `No unanswered request to the first server before the change.`,
		FalsePositives: `Another order of servers handed out by DHCP; requests to the first server outside the capture.`,
		FixWindows:     []string{"NT 4.0 Service Pack 6 (Q164309, Q174869, Q238966, Q252511)."}, FixSamba: []string{"Not known."},
		Proven: syntheticOnly,
	},
	References: []string{"Q164309", "Q174869", "Q238966", "Q247559"},
	Signs: []analyze.Sign{
		{Slug: "server-answered", For: true, Text: "The first server had answered the last request."},
		{Slug: "moved-on", For: true, Text: "The refresh went to another server."},
	},
	Triggers: []exchange.Kind{exchange.Refresh}, Wants: refreshElsewhere, Horizon: flapHorizon, Check: checkServerFlap,
}

var winsSilentFallback = &analyze.Rule{
	Slug: "wins-silent-fallback", Title: "A machine gave its WINS server up although the server works", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `A machine's requests to its WINS server went unanswered, and since then it uses broadcasts only, although the server answers others. It cannot be found from other segments until it is restarted.`,
		Confirm:        `The server's answers to others after the machine's last try; a capture at the server shows whether the requests arrived.`,
		FalsePositives: `A capture that misses one direction between the two.`,
		FixWindows:     []string{"Configure a second server or list the single one twice (Q155501)."}, FixSamba: []string{"nmbd tries a dead server again after ten minutes."},
		Proven: syntheticOnly,
	},
	References: []string{"Q155501", "Q178687", "Q197857"},
	Signs: []analyze.Sign{
		{Slug: "server-silent", For: true, Text: "The server did not answer this machine."},
		{Slug: "broadcast-only", For: true, Text: "The machine uses broadcasts since."},
		{Slug: "server-works", For: true, Text: "The server answers others."},
	},
	Triggers: []exchange.Kind{exchange.Registration, exchange.MultihomedRegistration, exchange.Refresh, exchange.Query},
	Wants:    unansweredByServer, Horizon: horizon, Check: checkSilentFallback,
}

var mNodeLeftUnregistered = &analyze.Rule{
	Slug: "m-node-left-unregistered", Title: "Some names of a machine were sent to a dead server only", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `The first name of a machine is registered at the secondary server because the primary does not answer; the names after it go to the dead primary and are never tried at the secondary. The machine is known by some of its names only.`,
		Confirm:        `A registration that the secondary accepted, and others of the same machine that nobody answered.`,
		FalsePositives: `Answers outside the capture.`,
		FixWindows:     []string{"Service pack of Q153073; working server first."}, FixSamba: []string{"Not known."},
		Proven: syntheticOnly,
	},
	References: []string{"Q153073", "Q151472"},
	Signs: []analyze.Sign{
		{Slug: "server-dead", For: true, Text: "The server never answers."},
		{Slug: "other-server-accepted", For: true, Text: "Another server accepted another name of the machine."},
	},
	Triggers: registrations, Wants: unansweredByServer, Horizon: horizon, Check: checkMNode,
}
