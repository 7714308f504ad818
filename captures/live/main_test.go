package live_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// isolate, where a file of this package sets it, runs the tests in a network
// namespace of their own and returns their exit code.
var isolate func() (code int, done bool)

func TestMain(m *testing.M) {
	if isolate != nil {
		if code, done := isolate(); done {
			os.Exit(code)
		}
	}
	goleak.VerifyTestMain(m)
}
