package main

import (
	"iter"
	"maps"
	"slices"

	"nbtrace/captures"
)

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
