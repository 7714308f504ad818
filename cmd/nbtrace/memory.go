package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector's settings. Histories of names are most of the memory, they
// live long, and they grow for the whole run; collecting whenever a small heap
// has doubled would go over them again and again. So it may first grow to
// freeHeap, and a larger one by little.
const (
	freeHeap    = 176 << 20
	heapGrowth  = 15   // per cent
	freePercent = 2000 // bounds how often a small heap is collected
	everyBatch  = 64   // batches between two looks
)

// memory keeps the heap close to what is in use.
type memory struct {
	live    []metrics.Sample
	batches int
	tight   bool
}

// newMemory sets the collector, unless the user did by GOGC or GOMEMLIMIT.
func newMemory() *memory {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	debug.SetGCPercent(freePercent)
	debug.SetMemoryLimit(freeHeap)
	return &memory{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
}

// check is called after each batch.
func (m *memory) check() {
	if m == nil || m.tight {
		return
	}
	if m.batches++; m.batches%everyBatch != 0 {
		return
	}
	metrics.Read(m.live)
	if m.live[0].Value.Uint64() > freeHeap/2 {
		m.tight = true
		debug.SetGCPercent(heapGrowth)
		debug.SetMemoryLimit(1 << 62)
	}
}

// relaxMemory is for when the engine has given its result. What is left is small
// beside what the engine held, and there is room for all that is yet to come.
func relaxMemory() {
	if before := debug.SetGCPercent(freePercent); before != heapGrowth {
		debug.SetGCPercent(before)
		return
	}
	runtime.GC()
}
