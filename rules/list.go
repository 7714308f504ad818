package rules

import "nbtrace/analyze"

// all lists every rule. The order does not matter.
var all = []*analyze.Rule{
	staticMultihomedRefusal, staticMultihomedRelease, staticBlocksRegistration,
	liveDuplicateName, userNameDuplicateRule, twoPrimaryControllersRule, uniqueGroupClash,
	multihomedRegistrationRace, staleRegistrationBlocks,
	releaseByDynamicReplica, incompleteReleaseMultihomed, selfConflictSplitWINS, groupRelease1CRule,
	forgedReleaseRule, forgedConflictRule, releaseDemandReceived, nameQuerySpoofing,
	nameSharedByTwoHosts, challengeTimeoutTakeover, releaseIgnored, winsRepliesFromOtherAddress, uniqueQueryAnsweredAsGroup,
	winsProxyInterference, domainNamesMissing, addressLimit25, refreshStorm, winsServerFlap, winsSilentFallback,
	mNodeLeftUnregistered, browserSplitOrDuplicateMaster,
	staticRecordOrigin, winsreplPartnerRefused, winsrepl1CNotConverging, noisyName, wpadClaimedRule, unusableInterfaceRegistered,
	scopeMismatchRule, forwardedBroadcastRule, natEmbeddedAddress, malformedNBNS, dnsToWINSLookupFault, missingReleaseOnShutdown,
	rasDoubleRegistration, winsPerServerSplitRegistration, clusterNameMoving,
}
