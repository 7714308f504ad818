package rules

import (
	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
)

var nameQuerySpoofing = &analyze.Rule{
	Slug: slugQuerySpoofing, Title: "One machine answers name queries for everybody", Severity: analyze.Critical,
	Doc: analyze.Doc{
		What:           `Broadcast name queries can be answered by anybody on the segment. Tools like Responder answer all of them with their own address, so that clients authenticate to them. The machine here answered for several unrelated names that it was never seen to register.`,
		Confirm:        `Ask for a name that cannot exist (nmblookup on the segment): a spoofer answers. Its node status does not list the names. The registration of the true owner in the capture proves it.`,
		FalsePositives: `A machine with many aliases that registered before the capture began and does not use them in datagrams. Multihomed hosts, WINS servers, proxies (which answer with the addresses of others) and groups do not count.`,
		FixWindows:     []string{"Isolate the machine; disable LLMNR and NetBIOS over TCP/IP where not needed; require SMB signing."},
		FixSamba:       []string{"`disable netbios = yes` where not needed; `server signing = mandatory`."},
		Proven:         "On a scripted responder against real clients in a lab and on a public capture of a poisoning attack.",
	},
	References: []string{"RFC 1002 4.2.13", "CVE-2000-1079", "MITRE ATT&CK T1557.001"},
	Signs: []analyze.Sign{
		{Slug: "answers-for-many", For: true, Text: "It answered for several unrelated names with its own address."},
		{Slug: "owner-known", For: true, Text: "One of the names belongs to another machine, which registered it."},
		{Slug: "owner-unclear", For: false, Text: "Another machine answers for one of the names too; nobody was seen to register it, or the machine objects to its registration."},
		gapSign,
	},
	Triggers: queryTriggers, Wants: answeredBroadcast, Check: checkQuery,
}

var forgedConflictRule = &analyze.Rule{
	Slug: slugForgedConflict, Title: "A machine tells another one that its name is in conflict, without cause", Severity: analyze.Critical,
	Doc: analyze.Doc{
		What:           `A name conflict demand is a negative registration response that nobody asked for (RFC 1002 4.2.8). A node may send it to the second of two machines that answered its query. The sender here saw no two answers, does not hold the name and is no name server: unpatched Windows puts its name into conflict all the same (MS00-047). The same tools refuse every registration by broadcast (CVE-2000-0673): one machine objects to the unrelated names of several others and holds none of them.`,
		Confirm:        `The sender's part in the name: did it query, did two machines answer? A capture on the sender's segment settles it.`,
		FalsePositives: `Two answers that the capture missed. A machine with many aliases that several others try to take; a proxy that was not seen to act as one.`,
		FixWindows:     []string{"Install MS00-047 or later; isolate the sender."},
		FixSamba:       []string{"nmbd ignores the message."},
		Proven:         "The demand on a scripted attacker against a real nmbd; the objections on synthetic traffic only.",
	},
	References: []string{"MS00-047", "CVE-2000-0673", "RFC 1002 4.2.8"},
	Signs: []analyze.Sign{
		{Slug: "conflict-demand", For: true, Text: "A conflict demand was sent."},
		{Slug: "sender-no-server", For: true, Text: "The sender has nothing to do with the name."},
		{Slug: "sender-spoofs", For: true, Text: "The sender answers queries for names that are not its own."},
		{Slug: "receiver-holds-name", For: true, Text: "The receiver holds the name."},
		{Slug: "defended-by-end-node", For: true, Text: "The machine objected to a broadcast registration."},
		{Slug: "objects-to-many", For: true, Text: "The machine objects to the names of several others and holds none of them."},
	},
	Triggers: append(append([]exchange.Kind{}, conflictTriggers...), registrations...), Wants: wantsEvent, Horizon: horizon, Check: checkEvent,
}
