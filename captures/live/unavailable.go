//go:build !cgo && !windows

package live

import "nbtrace/captures"

// Available reports whether this build can capture.
const Available = false

// Capture cannot be opened in this build.
type Capture struct{}

// Interfaces fails with ErrUnavailable.
func Interfaces() ([]Interface, error) { return nil, ErrUnavailable }

// Open fails with ErrUnavailable.
func Open(Config) (*Capture, error) { return nil, ErrUnavailable }

// Next fails with ErrUnavailable.
func (*Capture) Next(*captures.Frame) error { return ErrUnavailable }

// Steady is 0.
func (*Capture) Steady() int64 { return 0 }

// Now is 0.
func (*Capture) Now() int64 { return 0 }

// Promise is 0.
func (*Capture) Promise() int64 { return 0 }

// Stats is empty.
func (*Capture) Stats() []Stats { return nil }

// Stop does nothing.
func (*Capture) Stop() {}

// Close does nothing.
func (*Capture) Close() {}
