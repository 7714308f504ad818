package main

import (
	"iter"
	"maps"
	"slices"

	"nbtrace/analyze/wire"
	"nbtrace/captures"
)

// tellUnread warns of frames that could not be looked into.
func (a *app) tellUnread(w *wire.Stats) {
	for link, n := range sortedLinks(w.Unknown) {
		a.warnf("%d frames of link type %s cannot be looked into", n, link)
	}
	if w.Cut > 0 {
		a.warnf("%d frames were cut by the snap length before their addresses ended; capture with -s 0", w.Cut)
	}
}

// sortedLinks yields the link types of counts in the order of their numbers,
// so that messages come in the same order each time.
func sortedLinks(counts map[captures.LinkType]int64) iter.Seq2[captures.LinkType, int64] {
	return func(yield func(captures.LinkType, int64) bool) {
		for _, link := range slices.Sorted(maps.Keys(counts)) {
			if !yield(link, counts[link]) {
				return
			}
		}
	}
}
