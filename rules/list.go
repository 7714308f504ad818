package rules

import "nbtrace/analyze"

// all lists every rule. The order does not matter.
var all = []*analyze.Rule{
	staticMultihomedRefusal, staticMultihomedRelease, staticBlocksRegistration,
	liveDuplicateName, userNameDuplicateRule, twoPrimaryControllersRule, uniqueGroupClash,
	multihomedRegistrationRace, staleRegistrationBlocks,
	releaseByDynamicReplica, incompleteReleaseMultihomed, selfConflictSplitWINS, groupRelease1CRule,
	forgedReleaseRule, forgedConflictRule, releaseDemandReceived, nameQuerySpoofing,
}
