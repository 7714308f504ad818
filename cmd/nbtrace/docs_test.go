package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page of the rules is made from the rules; a change of either without
// the other is a mistake.
func TestRulesPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"rules", "list", "--format", "markdown"}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if !bytes.Equal(have, out.Bytes()) {
		t.Error("docs/rules.md is not what `make docs` writes")
	}
}
