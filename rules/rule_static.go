package rules

import "nbtrace/analyze"

var staticMultihomedRefusal = &analyze.Rule{
	Slug:     slugStaticRefusal,
	Title:    "A static mapping in WINS refuses the registration of a multihomed host",
	Severity: analyze.Critical,
	Doc: analyze.Doc{
		What: `A WINS server never overwrites a static mapping with a dynamic registration (unless "migrate on" is set): it refuses at once. A host with several network adapters registers each of its unique names once for each address, with opcode 15; if the name has a static mapping, every one of these registrations is refused, and NT 4.0 servers refuse even the address that the mapping itself gives. The host then logs NetBT event 4321 or 4319, services that need the name do not start, and the word "duplicate" in the event text sends the administrator after a second machine that does not exist.

The mapping may have been typed in on this server, or have come by replication: then the host was registered without trouble until its next refresh, which is refused.`,
		Confirm:        `Proved by a replicated record with the static bit (capture TCP port 42 of the WINS server), or by the server's list of mappings (--mappings). Likely when the refusal comes at once and the server resolves the name to another address, or when it repeats over restarts. A capture at the WINS server that shows both directions of UDP 137 settles whether the server asked anybody first.`,
		FalsePositives: `A group of the same name is refused in the same way; so are <1B>, <1C> and <1E> by policy and the server's own names: these are recognised and excluded where the capture shows them. A WACK or a challenge that the capture missed makes a dynamic conflict look static. nmbd refuses an opcode-15 registration when the recorded owner does not answer: this counts only if the record does not age.`,
		FixWindows:     []string{"Delete the static mapping for <00>, <03> and <20> at the server that owns it, as a tombstone.", "Restart the host or run nbtstat -RR."},
		FixSamba:       []string{"nmbd: remove the name's permanent line (time 0) from wins.dat while nmbd is stopped.", "Samba AD DC: delete the record with isStatic: 1 from wins.ldb."},
		Proven:         "On traffic of real Samba servers (nmbd and the AD DC's WINS server) with real clients in a lab; for Windows servers on synthetic captures built from Microsoft's documents.",
	},
	References: []string{"Q164016", "Q242053", "Q317140", "Q268480", "RFC 1002 4.2.6", "MS-NBTE 2.2.2", "MS-WINSRA 3.2.5.5"},
	Signs:      staticSigns,
	Triggers:   registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}

var staticBlocksRegistration = &analyze.Rule{
	Slug:     slugStaticBlocks,
	Title:    "A static mapping in WINS refuses a registration",
	Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `A host with one address registers its name, or any host the name of its workgroup or domain, for which the WINS server holds a static mapping of a machine, mostly with another address. The server refuses at once, without asking anybody; the host logs event 4321 (or 3870, 2504, 7023 for the services that depend on it).`,
		Confirm:        `As for static-multihomed-refusal: the static bit on TCP 42, or the server's list of mappings with --mappings. nbtstat -n on the host shows Conflict or Released.`,
		FalsePositives: `A group of that name, the server's own name and suffix policy are refused alike and are excluded where the capture shows them. A missed WACK or challenge. If the host has several adapters of which the capture shows one, the finding is static-multihomed-refusal; Samba's use of opcode 15 says nothing about that.`,
		FixWindows:     []string{"Delete the static mapping, or correct its address.", "Restart the host or run nbtstat -RR."},
		FixSamba:       []string{"Remove the permanent entry from wins.dat (nmbd stopped) or the static record from wins.ldb."},
		Proven:         "On traffic of a real Samba AD DC's WINS server with a scripted end node; for Windows servers on synthetic captures.",
	},
	References: []string{"Q242053", "Q166184", "Q268480", "Q317140", "Q125879", "Q217199"},
	Signs:      staticSigns,
	Triggers:   registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}
