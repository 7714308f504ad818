// Package corpus holds the committed captures, what is known to be true of
// them, and what nbtrace finds in them.
//
//   - lab: captures of our laboratory, each with its ground truth in YAML
//   - public: captures of others, with origin and licence in README.md
//   - scenarios: synthetic captures, each made from the readable text beside
//     it by captures/corpus/scenario
//   - golden: for each capture, all findings
package corpus

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// FS holds the folders lab, public, scenarios and golden.
//
//go:embed lab public scenarios golden
var FS embed.FS

// Capture is one case of the corpus: one or more files that belong together.
type Capture struct {
	Folder string   // lab, public or scenarios
	Name   string   // without the extension
	Files  []string // paths in FS, in order of name
	// Truth is the path in FS of what must be found: the YAML of a lab
	// capture, the text of a scenario; "" for a public capture.
	Truth string
}

// Golden is the path in FS of the findings of the capture.
func (c Capture) Golden() string { return "golden/" + c.Folder + "/" + c.Name + ".txt" }

// Captures lists the corpus by folder, then name.
func Captures() ([]Capture, error) {
	var all []Capture
	for _, folder := range []string{"lab", "public", "scenarios"} {
		entries, err := fs.ReadDir(FS, folder)
		if err != nil {
			return nil, fmt.Errorf("listing the corpus: %w", err)
		}
		byName := map[string]*Capture{}
		for _, e := range entries {
			ext := path.Ext(e.Name())
			name := strings.TrimSuffix(e.Name(), ext)
			if folder == "scenarios" {
				// Several files of one scenario are NAME.PART.pcap.
				name, _, _ = strings.Cut(name, ".")
			}
			c := byName[name]
			if c == nil {
				c = &Capture{Folder: folder, Name: name}
				byName[name] = c
			}
			switch ext {
			case ".pcap", ".pcapng":
				c.Files = append(c.Files, folder+"/"+e.Name())
			case ".yaml", ".txt":
				c.Truth = folder + "/" + e.Name()
			}
		}
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			if c := byName[name]; len(c.Files) > 0 {
				all = append(all, *c)
			}
		}
	}
	return all, nil
}
