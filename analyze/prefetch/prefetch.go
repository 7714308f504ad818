// Package prefetch asks the processor to bring memory into its cache while it
// goes on with other work. Reading the memory early instead does not serve: the
// processor then waits for the read as soon as it has nothing else to do.
//
// Asking reads nothing, changes nothing and cannot fail, so this is the one
// package that may import unsafe.
package prefetch

import "unsafe"

const lineSize = 64 // of the cache, bytes

// Object asks for the memory of what p points to.
func Object[T any](p *T) {
	lines(unsafe.Pointer(p), int(unsafe.Sizeof(*p)+lineSize-1)/lineSize)
}

// Elements asks for the memory of the first elements of s, as many as most, and
// of none if there are none.
func Elements[T any](s []T, most int) {
	if n := min(len(s), most); n > 0 {
		// One more, since the first mostly begins within a line.
		lines(unsafe.Pointer(&s[0]), n*int(unsafe.Sizeof(s[0]))/lineSize+1)
	}
}
