// Package enginetest tests the engine from outside, with all rules, by its
// properties: what must not change a finding, and what bounds memory.
package enginetest
