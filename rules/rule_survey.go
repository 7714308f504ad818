package rules

import "nbtrace/analyze"

// browserSplitOrDuplicateMaster is both a survey (two masters at once) and a cause of the
// refusal family (one machine keeps contending).
var browserSplitOrDuplicateMaster = &analyze.Rule{
	Slug: slugBrowser, Title: "Machines contend for a segment's master browser name", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:           `The name <1D> belongs to the machine that won the browser election of its segment. Two machines that both hold it, or one that keeps claiming it against the holder, point to a wrong subnet mask, a broadcast address that does not fit, or a machine that wins elections and cannot keep the role. A WINS server says yes to every <1D> registration and stores none, so its view proves nothing.`,
		Confirm:        `Election datagrams (UDP 138) before the claims; the masks of both machines.`,
		FalsePositives: `A master that went away without releasing the name; captures that see several segments.`,
		FixWindows:     []string{"Correct the mask; MaintainServerList=No on all but one (Q143153)."}, FixSamba: []string{"`local master = no`, `preferred master = no`."},
		Proven: "On a public capture of contending machines; two masters at once on synthetic traffic.",
	},
	References: []string{"Q143153", "Q135404", "Q221210"},
	Signs: []analyze.Sign{
		{Slug: "master-contended", For: true, Text: "A claim of the name was refused by its holder."},
		{Slug: "two-masters", For: true, Text: "Two machines hold the name on one segment."},
	},
	Triggers: registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal, Survey: browserSplit, Surveys: surveysBrowser,
}

var staticRecordOrigin = &analyze.Rule{
	Slug: "static-record-origin", Title: "A static record lives on one server and spreads to others", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:           `Replicated static records look like any other on the servers that receive them, and are not listed among their static mappings. Deleted there, they come back. This says which server owns the record, where it has spread, and that it must be deleted at the owner. Only records that matter are named: the name is also registered dynamically, is static at two owners, or came back after it was deleted.`,
		Confirm:        `The owner in the name records request before the record (TCP port 42); Show Database per owner on the server.`,
		FalsePositives: `Static records of machines that cannot register are in order; they are not reported.`,
		FixWindows:     []string{"Delete as a tombstone at the owner (Q177140); OnlyDynRecs=1 (Q229897) keeps statics from spreading."},
		FixSamba:       []string{"Delete the record from wins.ldb of the owner."},
		Proven:         "On real replication between Samba servers.",
	},
	References: []string{"Q139541", "Q177140", "Q229897", "MS-WINSRA 2.2.10.1"},
	Signs: []analyze.Sign{
		{Slug: "static-record-replicated", For: true, Text: "A replication record has the static bit."},
		{Slug: "also-dynamic", For: true, Text: "The name is also registered dynamically."},
		{Slug: "static-at-two-owners", For: true, Text: "Two servers own a static record of the name."},
		{Slug: "deletion-undone", For: true, Text: "The record came back after its deletion."},
	},
	Survey: staticOrigin, Surveys: surveysRecorded,
}

var winsreplPartnerRefused = &analyze.Rule{
	Slug: "winsrepl-partner-refused", Title: "A WINS server does not take another one for its partner", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `The server accepts the association and stops it with an error when asked for its owner map: it does not have the other one among its replication partners, or knows it by another address.`,
		Confirm:        `The stop message with reason 4 after the start of the association, no owner map in between.`,
		FalsePositives: `A service that is being restarted.`,
		FixWindows:     []string{"Add every address of the partner; make push and pull symmetric (Q137849, Q139380)."}, FixSamba: []string{"Add a wreplPartner object for the address to wins_config.ldb."},
		Proven: "On a public capture of two Windows servers before they were made partners.",
	},
	References: []string{"Q137849", "Q139380", "Q194342", "MS-WINSRA 3.3.5.2"},
	Signs: []analyze.Sign{
		{Slug: "stopped-before-map", For: true, Text: "The association was stopped with an error before any answer."},
		{Slug: "closed-before-map", For: true, Text: "The connection ended without an answer, and the other server tried again."},
	},
	Survey: partnerRefused,
}

var winsrepl1CNotConverging = &analyze.Rule{
	Slug: "winsrepl-1c-not-converging", Title: "WINS servers disagree on the members of a domain's group", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `The list of domain controllers (<1C>) changed while its owner and version did not, so partners never fetch the change: clients of different servers find different controllers.`,
		Confirm: `Replication records of the same owner and version with different members.`, FalsePositives: `Records cut by a gap in the capture.`,
		FixWindows: []string{"Hub-and-spoke replication, Service Pack 4 or 5 of NT 4.0 (Q168076, Q216585)."}, FixSamba: []string{"Not known."},
		Proven: syntheticOnly,
	},
	References: []string{"Q140978", "Q168076", "Q216585"},
	Signs:      []analyze.Sign{{Slug: "members-differ", For: true, Text: "One version of the group has two lists of members."}},
	Survey:     notConverging, Surveys: surveysDomain,
}

var noisyName = &analyze.Rule{
	Slug: "noisy-name", Title: "A name is asked for again and again, and nobody has it", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:    `Programs ask for a name that does not exist, by broadcast or at the WINS server, often without end: a mapped drive of a server that is gone, WPAD, a controller in a plant with a wrong host name, malware that looks for its master. The load is small; the finding says who asks for what, and how often.`,
		Confirm: `Which process asks: netstat -b or Process Monitor on the machine named.`, FalsePositives: `The answers are outside the capture.`,
		FixWindows: []string{"Remove the stale drive, shortcut or configuration; resolve the name in DNS."}, FixSamba: []string{"The same."},
		Proven: "On public captures.",
	},
	References: []string{"Q150820", "Q170040", "Q172009"},
	Signs:      []analyze.Sign{{Slug: "asked-in-vain", For: true, Text: "Many queries for the name were not answered, or only with a no."}},
	Survey:     noisy, Surveys: surveysNoisy,
}

var wpadClaimedRule = &analyze.Rule{
	Slug: "wpad-claimed", Title: "A machine claims the name WPAD", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:    `Browsers that look for a proxy ask for WPAD, at last by NetBIOS. Whoever registers the name, or answers for it, can hand out a proxy configuration and read all web traffic.`,
		Confirm: `Whether the machine is meant to serve proxy configuration (http://wpad/wpad.dat).`, FalsePositives: `An intended WPAD server.`,
		FixWindows: []string{"Install MS16-077; switch automatic detection off; reserve the name in WINS and DNS."}, FixSamba: []string{"Make the name unregistrable at the WINS server (a permanent record)."},
		Proven: "On a scripted responder in a lab.",
	},
	References: []string{"MS09-008", "MS16-077"},
	Signs: []analyze.Sign{
		{Slug: "registers-wpad", For: true, Text: "It registered the name."},
		{Slug: "answers-for-wpad", For: true, Text: "It answered for the name with its own address."},
	},
	Survey: wpadClaimed, Surveys: surveysWPAD,
}

var unusableInterfaceRegistered = &analyze.Rule{
	Slug: "unusable-interface-registered", Title: "A machine registers an address that nobody can reach", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `An adapter that no other machine can reach (no lease, loopback, the link of a handheld, a RAS remnant) is registered for the machine's name; clients are given its address and run into a time-out.`,
		Confirm: `ipconfig /all on the machine.`, FalsePositives: `Link-local networks on purpose; they count only beside a usable address.`,
		FixWindows: []string{"Unbind the WINS client from the adapter (Q218989, Q156204)."}, FixSamba: []string{"`interfaces =` and `bind interfaces only = yes`."},
		Proven: "On smbtorture's traffic against a real server, and on synthetic traffic.",
	},
	References: []string{"Q218989", "Q156204", "Q133031", "Q249909"},
	Signs: []analyze.Sign{
		{Slug: "unusable-address", For: true, Text: "An address of a kind that cannot be reached was registered."},
		{Slug: "usable-address-too", For: true, Text: "The machine registers a usable address as well."},
	},
	Survey: unusableInterface, Surveys: surveysUnusable,
}

var scopeMismatchRule = &analyze.Rule{
	Slug: "scope-mismatch", Title: "A name is asked for in another NetBIOS scope than it is registered in", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `NetBIOS scopes part one wire into networks that do not see each other. Scopes compare exactly, also in case: a machine whose scope id differs finds nobody and is found by nobody.`,
		Confirm: `ipconfig /all (NetBIOS scope ID), DHCP option 47.`, FalsePositives: `Scopes used on purpose.`,
		FixWindows: []string{"Remove the scope id (Q138449, Q163112)."}, FixSamba: []string{"Remove `netbios scope`."},
		Proven: "On smbtorture's traffic against a real server.",
	},
	References: []string{"Q138449", "Q163112", "RFC 1001 9"},
	Signs:      []analyze.Sign{{Slug: "scopes-differ", For: true, Text: "The same name is asked for in one scope and registered in another."}},
	Survey:     scopeMismatch,
}

var forwardedBroadcastRule = &analyze.Rule{
	Slug: "forwarded-broadcast", Title: "A router forwards NetBIOS broadcasts", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `Broadcasts of another segment arrive, sent on by a router to one machine. Names are then defended across segments, browser elections never end, and two segments fight over their master browser.`,
		Confirm: `The broadcast flag with a unicast MAC address and a time to live below the sender's.`, FalsePositives: `Captures on mirror ports that rewrite addresses.`,
		FixWindows: []string{"Router: take UDP 137/138 off the broadcast helper (Q190930)."}, FixSamba: []string{"`remote announce` and WINS do without it."},
		Proven: syntheticOnly,
	},
	References: []string{"Q190930", "Q135464"},
	Signs:      []analyze.Sign{{Slug: "routed-broadcast", For: true, Text: "A broadcast came through a router."}},
	Survey:     forwardedBroadcast,
}

var natEmbeddedAddress = &analyze.Rule{
	Slug: "nat-embedded-address", Title: "A datagram names another address than the one it comes from", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `NetBIOS datagrams carry the sender's address inside. Behind an address translation that does not know NetBIOS, the address inside is the untranslated one, and answers to it are lost.`,
		Confirm: `Captures on both sides of the translation.`, FalsePositives: `Multihomed machines, and servers that distribute datagrams for others.`,
		FixWindows: []string{"A translation that knows NetBIOS, or a routed path (Q172227)."}, FixSamba: []string{"The same."},
		Proven: syntheticOnly,
	},
	References: []string{"Q172227", "Q186340", "Q266204"},
	Signs:      []analyze.Sign{{Slug: "address-inside-differs", For: true, Text: "The address inside never sent anything itself."}},
	Survey:     embeddedAddress,
}

var malformedNBNS = &analyze.Rule{
	Slug: "malformed-nbns", Title: "A machine sends messages that break the protocol", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `Messages with impossible lengths, names that are no first-level encoding, missing records: a broken program, another protocol on port 137, a scanner, or an attack on old servers.`,
		Confirm: `The frames named.`, FalsePositives: `Frames damaged by the capture; frames cut by the snap length do not count.`,
		FixWindows: []string{"Patch servers; block UDP 137 at the border (Q155701)."}, FixSamba: []string{"The same."},
		Proven: "On public captures of fuzzed and random traffic.",
	},
	References: []string{"Q155701", "Q123169", "CVE-2003-0825"},
	Signs:      []analyze.Sign{{Slug: "malformed", For: true, Text: "A message breaks RFC 1002 4.2."}},
	Survey:     malformed,
}

var dnsToWINSLookupFault = &analyze.Rule{
	Slug: "dns-to-wins-lookup-fault", Title: "A DNS server reuses the transaction id of a pending WINS lookup", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `DNS servers that ask WINS send from port 53. Old ones use one transaction id for several lookups at a time, so that an answer is taken for the answer to another name.`,
		Confirm: `Two lookups with one id before the first answer.`, FalsePositives: `Answers outside the capture.`,
		FixWindows: []string{"Fix of Q160828 and Q197294."}, FixSamba: []string{"Not affected."},
		Proven: syntheticOnly,
	},
	References: []string{"Q160828", "Q197294", "Q237307"},
	Signs:      []analyze.Sign{{Slug: "id-reused", For: true, Text: "One transaction id was used for two names at a time."}},
	Survey:     dnsReuse,
}

var missingReleaseOnShutdown = &analyze.Rule{
	Slug: "missing-release-on-shutdown", Title: "A machine shut down without releasing all of its names", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:    `At shutdown a machine released <20> and not <00> or <03>: the rest stays registered until it ages out.`,
		Confirm: `The machine is silent after the release.`, FalsePositives: `Releases outside the capture.`,
		FixWindows: []string{"Service pack of Q140419."}, FixSamba: []string{"Not known."},
		Proven: syntheticOnly,
	},
	References: []string{"Q140419", "Q153938"},
	Signs: []analyze.Sign{
		{Slug: "released-in-part", For: true, Text: "It released <20> and fell silent."},
		{Slug: "not-released", For: true, Text: "Another of its names was never released."},
	},
	Survey: missingRelease, Surveys: surveysReleased,
}

var rasDoubleRegistration = &analyze.Rule{
	Slug: "ras-double-registration", Title: "One address registers the names of many machines", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:    `A RAS server with a NetBIOS gateway registers its dial-in clients with its own address. They cannot be reached by it, and collide with their own registrations on the LAN.`,
		Confirm: `The machine is a RAS server; the names are its clients'.`, FalsePositives: `Clusters, servers with aliases, test programs.`,
		FixWindows: []string{"TCP/IP alone on the RAS link (Q176991)."}, FixSamba: []string{"Not known."},
		Proven: "On smbtorture's traffic, which looks the same.",
	},
	References: []string{"Q176991", "Q99371", "Q111881"},
	Signs:      []analyze.Sign{{Slug: "many-names-one-address", For: true, Text: "One address registers several unrelated computer names."}},
	Survey:     rasDouble,
}

var winsPerServerSplitRegistration = &analyze.Rule{
	Slug: "wins-per-server-split-registration", Title: "A machine's names are split between two WINS servers", Severity: analyze.Notice,
	Doc: analyze.Doc{
		What:    `In one start some names of a machine are accepted by one server and the others by another. Typical for WINS servers themselves: their first names go elsewhere because their own service is not up yet. The halves of the machine depend on replication to meet.`,
		Confirm: `The registrations within one start; no silence of the first server in between.`, FalsePositives: `A failover whose silence the capture missed.`,
		FixWindows: []string{"WINS servers: own address as primary and secondary server (Q150737)."}, FixSamba: []string{"`wins server` must not be set beside `wins support = yes`."},
		Proven: syntheticOnly,
	},
	References: []string{"Q150737", "Q271963", "Q166184"},
	Signs:      []analyze.Sign{{Slug: "names-on-two-servers", For: true, Text: "One server accepted one name, another server another."}},
	Survey:     splitRegistration,
}

var clusterNameMoving = &analyze.Rule{
	Slug: "cluster-name-static-or-moving", Title: "A name moves between machines as a cluster's does", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:    `A name is released by one machine and registered by another, back and forth: the network name of a cluster. It is named so that nobody takes it for a duplicate, and because a static mapping of it keeps the cluster from coming online.`,
		Confirm: `The machines are nodes of a cluster.`, FalsePositives: `Two machines that take turns under one name.`,
		FixWindows: []string{"No static mapping of the name (Q217199); same WINS servers on all nodes (Q195462)."}, FixSamba: []string{"CTDB: the same."},
		Proven: syntheticOnly,
	},
	References: []string{"Q217199", "Q195462", "Q254825"},
	Signs:      []analyze.Sign{{Slug: "holder-alternates", For: true, Text: "The name changed hands by release and registration several times."}},
	Survey:     clusterName, Surveys: surveysMoved,
}
