// Package prefetch asks the processor to bring memory into its cache while it
// goes on with other work. Reading the memory early instead does not serve: the
// processor then waits for the read as soon as it has nothing else to do.
//
// What is asked for may be anything, also memory that nobody holds any more:
// asking changes nothing and cannot fail.
package prefetch

// LineSize is the size of a line of the cache, in bytes.
const LineSize = 64
