package rules

import (
	"nbtrace/analyze"
	"nbtrace/analyze/exchange"
)

var demandSigns = []analyze.Sign{
	{Slug: "release-demanded", For: true, Text: "A release message was sent to a holder of the name."},
	{Slug: "registered-before", For: true, Text: "The same server had accepted the name from the machine."},
	{Slug: "dynamic-record-replicated", For: true, Text: "A record without the static bit was replicated to the server before."},
	{Slug: "released-in-part", For: true, Text: "The machine released the name for some of its addresses only."},
	{Slug: "accepted-later", For: true, Text: "The server accepted the machine's name again afterwards."},
	{Slug: "registered-at-two-servers", For: true, Text: "The machine registered the name at another server too."},
	{Slug: "own-record-replicated", For: true, Text: "The replicated record is the machine's own, from another server."},
	{Slug: "sender-no-server", For: true, Text: "The sender never acted as a name server."},
	{Slug: "sender-unknown", For: false, Text: "The capture does not show whether the sender is a name server."},
	{Slug: "registers-elsewhere", For: true, Text: "The machine registers the name at another server."},
	{Slug: "sender-spoofs", For: true, Text: "The sender answers queries for names that are not its own."},
	{Slug: "receiver-holds-name", For: true, Text: "The receiver holds the name."},
}

var staticMultihomedRelease = &analyze.Rule{
	Slug: slugStaticRelease, Title: "A static mapping in WINS makes the server demand a multihomed host's name", Severity: analyze.Critical,
	Doc: analyze.Doc{
		What: `A host with several adapters holds its name at a WINS server. A static mapping of the same name, usually made on another server, arrives by replication and displaces the host's record; the server then sends the host a name release demand for some or all of its addresses. NetBT logs event 4320, "another machine has sent a name release message to this machine", and gives the name up. Later registrations are refused at once (static-multihomed-refusal).

By MS-WINSRA a multihomed static replica (figure 8) and a group replica (figures 6 and 7) lead to demands; a unique one replaces the record in silence, except on NT 3.5x. Samba never sends a demand because of a static record.`,
		Confirm:        `Proved by the static bit in a replication record (TCP port 42) or by the server's list (--mappings). Likely when the server afterwards resolves the name to an address that nobody registered, or refuses the host at once.`,
		FalsePositives: `A dynamic replica or a group gives the same demand (release-by-dynamic-replica); so does an incomplete release (incomplete-release-multihomed), adapters at different servers (self-conflict-split-wins), and a forged message (forged-release).`,
		FixWindows:     []string{"Delete the static mapping for <00>, <03> and <20> at the server that owns it, as a tombstone.", "Restart the host."},
		FixSamba:       []string{"Delete the static record from wins.ldb of the server that owns it."},
		Proven:         "On real registrations and real replication between Samba servers with the demand sent by hand; for Windows servers on synthetic captures built from MS-WINSRA and KB Q164016.",
	},
	References: []string{"Q164016", "Q120752", "Q136571", "RFC 1002 4.2.9", "MS-WINSRA 3.2.5.5"},
	Signs:      append(append([]analyze.Sign{}, demandSigns...), staticSigns...),
	Triggers:   demandTriggers, Horizon: horizon, Check: checkDemand,
}

var releaseByDynamicReplica = &analyze.Rule{
	Slug: slugDynamicReplica, Title: "A replicated dynamic record makes the server demand a name", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `A WINS server receives by replication a dynamic record of a name that it has registered itself. A group displaces a unique name at once; other addresses are challenged first. The machine that loses is told to release the name and logs event 4320. No static mapping is involved.`,
		Confirm:        `The replication record on TCP port 42, static bit clear, before the demand.`,
		FalsePositives: `A static record at another partner that the capture does not show.`,
		FixWindows:     []string{"Find the second registrant at the partner; delete its record if it is stale.", "Give all adapters of one host the same WINS servers."},
		FixSamba:       []string{"The same; records are in wins.ldb."},
		Proven:         "On real replication of Samba servers and smbtorture.",
	},
	References: []string{"MS-WINSRA 3.2.5.5", "Q136571", "Q170808"},
	Signs:      append(append([]analyze.Sign{}, demandSigns...), gapSign), Triggers: demandTriggers, Horizon: horizon, Check: checkDemand,
}

var incompleteReleaseMultihomed = &analyze.Rule{
	Slug: slugIncomplete, Title: "A multihomed host released only some of its addresses; the server demands the rest", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `At shutdown the host releases its name for the first adapter only. At the next start the server finds the other address still on record, challenges it, gets no or a negative answer, and tells it to release the name: event 4320 on a host whose registrations are in order.`,
		Confirm:        `A release for one address and none for another in the capture, and a later registration that is accepted.`,
		FalsePositives: `Releases of the other adapters outside the capture point.`,
		FixWindows:     []string{"NT 4.0: Service Pack 4 or later."},
		FixSamba:       []string{"Does not happen: nmbd releases every address."},
		Proven:         "On a synthetic capture only, built from KB Q184832.",
	},
	References: []string{"Q184832", "Q140419"},
	Signs:      demandSigns, Triggers: demandTriggers, Horizon: horizon, Check: checkDemand,
}

var selfConflictSplitWINS = &analyze.Rule{
	Slug: slugSplitWINS, Title: "A host's adapters use different WINS servers, whose records of it clash", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `The adapters of one host register the same names at different WINS servers. When the servers replicate, each sees the other's record as a stranger's, and the host is told to release its own name (error 52, event 4320).`,
		Confirm:        `Registrations of the name by one machine at two servers, and replication between them.`,
		FalsePositives: `A host that moved to its secondary server because the first was silent.`,
		FixWindows:     []string{"Configure the same WINS servers on all adapters."},
		FixSamba:       []string{"`wins server` applies to all interfaces; with tags give them the same servers."},
		Proven:         "On synthetic traffic only.",
	},
	References: []string{"Q170808", "Q271963", "Q121003"},
	Signs:      demandSigns,
	Triggers:   append(append([]exchange.Kind{}, demandTriggers...), registrations...), Wants: wantsEvent, Horizon: horizon, Check: checkEvent,
}

var groupRelease1CRule = &analyze.Rule{
	Slug: slugGroupRelease1C, Title: "A WINS server sends a domain controller a release of the domain's <1C> group", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `When one domain controller shuts down and releases its membership of DOMAIN<1C>, an NT 4.0 controller that receives a release message for the group gives the whole name up, without checking its type: it then stops answering for the domain.`,
		Confirm:        `A release demand for a <1C> name to a controller, usually just after another controller's release.`,
		FalsePositives: `A unique <1C> name of other software.`,
		FixWindows:     []string{"NetBT hotfix of Q314696."},
		FixSamba:       []string{"Not affected."},
		Proven:         "On synthetic traffic only.",
	},
	References: []string{"Q314696"},
	Signs:      demandSigns, Triggers: demandTriggers, Horizon: horizon, Check: checkDemand,
}

var forgedReleaseRule = &analyze.Rule{
	Slug: slugForgedRelease, Title: "A machine that is no name server tells another one to release its name", Severity: analyze.Critical,
	Doc: analyze.Doc{
		What:           `Anybody can send a release message; unpatched Windows obeys it (MS00-047). The sender here never acted as a name server: it is an attack, or a program that does not know the protocol.`,
		Confirm:        `The sender's role: does it answer registrations, does it replicate? A longer capture at the receiver, or the list of WINS servers, settles it.`,
		FalsePositives: `A WINS server whose other traffic the capture does not show.`,
		FixWindows:     []string{"NoNameReleaseOnDemand=1.", "Block UDP 137 at the border."},
		FixSamba:       []string{"Samba ignores it."},
		Proven:         "On a scripted attacker against a real nmbd.",
	},
	References: []string{"MS00-047", "CVE-2000-0673", "RFC 1002 4.2.9"},
	Signs:      demandSigns, Triggers: demandTriggers, Horizon: horizon, Check: checkDemand,
}

var releaseDemandReceived = &analyze.Rule{
	Slug: slugDemand, Title: "A WINS server told a machine to release its name, and the capture does not show why", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `A release message reached a holder of a name; the machine logs event 4320. Nothing in the capture explains it: the other rules say what would.`,
		Confirm:        `Capture TCP port 42 at the server, or supply its mappings; capture until the host registers again.`,
		FalsePositives: `KB Q120752 says that the event is often due to normal circumstances.`,
		FixWindows:     []string{"Depends on the cause."},
		FixSamba:       []string{"Depends on the cause."},
		Proven:         "On lab traffic from which the explaining part was cut.",
	},
	References: []string{"Q120752", "Q164016", "RFC 1002 5.1.2.5"},
	Signs:      demandSigns, Triggers: demandTriggers, Horizon: horizon, Check: checkDemand,
}
