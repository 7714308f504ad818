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
	"io/fs"
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
			return nil, err
		}
		byName := map[string]*Capture{}
		var names []string
		for _, e := range entries {
			ext := path.Ext(e.Name())
			name := strings.TrimSuffix(e.Name(), ext)
			if folder == "scenarios" {
				// Several files of one scenario are NAME.PART.pcap.
				name, _, _ = strings.Cut(name, ".")
			}
			kind := 0
			switch ext {
			case ".pcap", ".pcapng":
			case ".yaml", ".txt":
				kind = 1
			default:
				continue
			}
			c := byName[name]
			if c == nil {
				c = &Capture{Folder: folder, Name: name}
				byName[name] = c
				names = append(names, name)
			}
			if kind == 1 {
				c.Truth = folder + "/" + e.Name()
			} else {
				c.Files = append(c.Files, folder+"/"+e.Name())
			}
		}
		slices.Sort(names)
		for _, n := range names {
			if len(byName[n].Files) > 0 {
				all = append(all, *byName[n])
			}
		}
	}
	return all, nil
}
