//go:build !amd64 && !arm64

package prefetch

import "unsafe"

// lines does nothing on this processor.
func lines(p unsafe.Pointer, n int) {}
