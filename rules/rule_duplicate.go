package rules

import "nbtrace/analyze"

var duplicateSigns = []analyze.Sign{
	{Slug: "challenge-answered", For: true, Text: "The server asked the recorded owner, and a machine answered."},
	{Slug: "defended-by-end-node", For: true, Text: "An end node objected to a broadcast registration."},
	{Slug: "objector-holds-name", For: true, Text: "The objector was seen to hold the name: it registered, answered for or used it."},
	{Slug: "waited-then-refused", For: true, Text: "The server asked somebody and refused soon after: there was an answer, which the capture does not show."},
	{Slug: "two-answers", For: true, Text: "Two machines answered one broadcast query for a unique name."},
	{Slug: "conflict-demand", For: true, Text: "A node told another one that its name is in conflict."},
	{Slug: "registered-by-another", For: true, Text: "Another machine registered the name at the server before the refresh that was refused."},
	{Slug: "server-resolves-elsewhere", For: true, Text: "The server resolves the name to an address that is not this machine's."},
	{Slug: "sibling-resolves-elsewhere", For: true, Text: "Another name of the machine, refused alike, is resolved to an address that is not this machine's."},
	{Slug: "servers-own-name", For: true, Text: "The name is the WINS server's own."},
	{Slug: "refused-at-once", For: true, Text: "The server refused without asking anybody."},
	{Slug: "refused-after-wait", For: true, Text: "The server refused after it had asked the recorded owner."},
	{Slug: "maybe-one-machine", For: false, Text: "The two addresses may be adapters of one machine whose start the capture does not show."},
	{Slug: "maybe-computer-name", For: false, Text: "The capture does not show the machine's computer name; it may be the refused one."},
	{Slug: "cause-unseen", For: false, Text: "The capture does not show the two answers that lead to a conflict demand."},
}

var liveDuplicateName = &analyze.Rule{
	Slug: slugLiveDuplicate, Title: "Two living machines claim one name", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `Two machines want one unique name, and both are there. With WINS the server asks the recorded owner (WACK to the newcomer, a name query to the owner), the owner answers without the newcomer's address, and the newcomer is refused. By broadcast the owner objects itself. Two machines that already hold the name show when both answer one query; the asker may then send a conflict demand to the second one. This is the one cause of events 4319 to 4321 that their text describes.`,
		Confirm:        `The answer of the owner in the capture. A capture at the WINS server shows the challenge; one on the owner's segment shows whether the machine that answers is really another one (MAC address, node status).`,
		FalsePositives: `A multihomed host whose addresses nothing joins looks like two machines, above all in a capture that began after its start: a newcomer with opcode 15 is a second machine for certain only if the owner was seen to register, or showed all of its addresses; a WINS proxy answers for others; a spoofing responder answers for every name (name-query-spoofing).`,
		FixWindows:     []string{"Rename one machine and restart it; nbtstat -RR on the other."},
		FixSamba:       []string{"Change `netbios name` in smb.conf of one machine and restart nmbd."},
		Proven:         "On traffic of real Samba servers and clients in a lab, and on public captures of Windows machines defending by broadcast; the conflict demand on a synthetic capture only.",
	},
	References: []string{"Q120752", "Q173519", "Q139608", "RFC 1002 5.1.1.5", "RFC 1002 5.1.4.1"},
	Signs:      duplicateSigns,
	Triggers:   duplicateTriggers, Wants: wantsEvent, Horizon: horizon, Check: checkEvent,
}

var userNameDuplicateRule = &analyze.Rule{
	Slug: slugUserDuplicate, Title: "One user is logged on at two machines", Severity: analyze.Info,
	Doc: analyze.Doc{
		What:           `The messenger registers the name of the user who logs on, with suffix <03>. When the same user logs on at a second machine, the second registration is refused after a challenge. NT 3.5 logs event 4320 for it. Nothing but pop-up messages is affected.`,
		Confirm:        `The refused <03> name is a user's and not the computer's: no <00> or <20> of the same text is registered by the machine.`,
		FalsePositives: `A computer whose <00> and <20> registrations the capture missed.`,
		FixWindows:     []string{"None needed. Log the user off at one machine, or stop the Messenger service."},
		FixSamba:       []string{"None needed."},
		Proven:         "On a synthetic capture only, built from KB Q131739.",
	},
	References: []string{"Q131739", "Q97491", "Q139608"},
	Signs:      duplicateSigns, Triggers: registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}

var twoPrimaryControllersRule = &analyze.Rule{
	Slug: slugTwoPDC, Title: "Two machines claim to be a domain's primary controller", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `Two machines register DOMAIN<1B>, the name of the domain master browser, which only the primary domain controller (or the PDC emulator) has. The second one is refused after a challenge or an objection.`,
		Confirm:        `Both machines register the <1B> name; nltest /dsgetdc: /pdc, or net view, shows which one the domain takes for its PDC.`,
		FalsePositives: `A planned move of the PDC role, where the old one releases late.`,
		FixWindows:     []string{"Demote one controller, or keep a laboratory's domain apart from the real one."},
		FixSamba:       []string{"Set `domain master = no` on all but one server of the domain."},
		Proven:         "On synthetic traffic only.",
	},
	References: []string{"Q167248", "Q187714"},
	Signs:      duplicateSigns, Triggers: registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}

var uniqueGroupClash = &analyze.Rule{
	Slug: slugGroupClash, Title: "A machine's name is also a group's name", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `The same 16 bytes are registered once as a unique name and once as a group, as when a computer is called like the workgroup. A WINS server refuses the unique name at once, just as it does for a static mapping; it refuses the group after the machine answered its challenge. Where it accepts the group all the same (Q166502), or since the answer came too late, the machine is no longer found.`,
		Confirm:        `A query for the name is answered with the group flag (255.255.255.255 for a normal group), or a group registration of it is in the capture.`,
		FalsePositives: `A group record that was released or tombstoned meanwhile; a living machine that answered a challenge which the capture misses. A refusal a second or more late, or a capture that is known to miss packets, is therefore no proof.`,
		FixWindows:     []string{"Rename the computer or the workgroup."},
		FixSamba:       []string{"Rename the computer (`netbios name`) or the `workgroup`."},
		Proven:         "The refused unique name on traffic of a real Samba AD DC's WINS server with real clients; the group, refused or accepted, on synthetic traffic only.",
	},
	References: []string{"Q161432", "Q166502", "Q156750", "Q136571"},
	Signs: []analyze.Sign{
		{Slug: "name-is-a-group", For: true, Text: "The name is registered or answered as a group."},
		{Slug: "sibling-is-a-group", For: true, Text: "Another name of the machine, refused alike, is answered as a group."},
		{Slug: "group-released", For: false, Text: "All members that the capture shows had released the group."},
		{Slug: "dynamic-owner-known", For: false, Text: "The server accepted the name from another machine as its own after the last sign of the group."},
		gapSign,
		{Slug: "name-is-a-machines", For: true, Text: "A machine registered the name as its own."},
		{Slug: "given-to-group", For: true, Text: "The server accepted the name as a group's."},
		{Slug: "owner-still-there", For: true, Text: "The machine uses the name afterwards."},
		{Slug: "challenge-answered", For: true, Text: "The server asked the recorded owner, and a machine answered."},
		{Slug: "waited-then-refused", For: true, Text: "The server asked somebody and refused soon after: there was an answer, which the capture does not show."},
		{Slug: "refused-after-wait", For: true, Text: "The server refused after it had asked the recorded owner."},
		{Slug: "refused-at-once", For: true, Text: "The server refused without asking anybody."},
	},
	Triggers: registrations, Wants: wantsGroupClash, Horizon: horizon, Check: checkGroupClash,
}

var multihomedRegistrationRace = &analyze.Rule{
	Slug: slugRace, Title: "A server refused a multihomed host although the host itself answered the challenge", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What: `A host registers several adapters at the same moment. The server challenges the host for each; accepting one changes the record, and the challenge that runs beside it then fails, although the host answered it with all its addresses. The registration is accepted on the next try.

Samba's nmbd shows the same in another way once it has lost its records: it takes the refresh of the first address for a new registration, and refuses the refreshes of the others at once with RFS_ERR, since they are not on record.`,
		Confirm:        `The challenge was answered by the registering host itself; a later registration of the same address is accepted. For a refused refresh: the name resolves to the other address of the host.`,
		FalsePositives: `Two machines that a wrong joining of addresses takes for one.`,
		FixWindows:     []string{"None needed; nbtstat -RR registers again at once."},
		FixSamba:       []string{"None needed on clients; the AD DC's WINS server has this race by design."},
		Proven:         "On traffic of a real Samba AD DC's WINS server with a scripted end node.",
	},
	References: []string{"RFC 1002 5.1.4.1", "MS-NBTE 3.2.5.3"},
	Signs: []analyze.Sign{
		{Slug: "challenge-answered", For: true, Text: "The registering host answered the challenge."},
		{Slug: "accepted-later", For: true, Text: "The same registration was accepted later."},
		{Slug: "refused-after-wait", For: true, Text: "The refusal came after a WACK."},
		{Slug: "refused-at-once", For: true, Text: "The server refused a refresh without asking anybody."},
		{Slug: "other-address-accepted", For: true, Text: "The server accepted the name for another address of the host at that time."},
		{Slug: "other-address-on-record", For: true, Text: "The server resolves the name to the host's other address, and not to the refused one."},
	},
	Triggers: registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}

var staleRegistrationBlocks = &analyze.Rule{
	Slug: slugStale, Title: "The registration of a vanished machine blocks a name", Severity: analyze.Warning,
	Doc: analyze.Doc{
		What:           `A machine registered the name dynamically and does not answer for it; mostly it vanished without releasing it. When another address registers the name, the server asks the recorded one, gets no answer in time, and refuses all the same. By RFC 1002 silence would hand the name over, and so would the answer of a machine that has not the name; Samba's nmbd does the reverse for opcode 15.`,
		Confirm:        `The silent machine's registration in the capture, or a time to live that runs down in the server's answers. A permanent entry of wins.dat gives the same picture but its time to live does not run down (static-multihomed-refusal).`,
		FalsePositives: `A permanent entry whose answers the capture does not show. A machine that is there and answers too late for nmbd, after 21 s or more, is refused in the same way; the finding says so if the capture shows its answer.`,
		FixWindows:     []string{"Does not happen with Windows' WINS server."},
		FixSamba:       []string{"Remove the name's line from wins.dat while nmbd is stopped, or wait for it to expire."},
		Proven:         "On traffic of a real nmbd as WINS server with real clients.",
	},
	References: []string{"RFC 1002 5.1.4.1"},
	Signs: []analyze.Sign{
		{Slug: "challenge-unanswered", For: true, Text: "The server asked the recorded owner; nobody answered."},
		{Slug: "challenge-denied", For: true, Text: "The server asked the recorded owner, which answered that it has not the name."},
		{Slug: "dynamic-owner-known", For: true, Text: "The recorded owner registered dynamically before."},
		{Slug: "ttl-runs-down", For: true, Text: "The time to live of the server's answers runs down."},
		{Slug: "answered-too-late", For: true, Text: "The recorded owner answered after the server had refused: it is there, and slow."},
	},
	Triggers: registrations, Wants: isRefusal, Horizon: horizon, Check: checkRefusal,
}
