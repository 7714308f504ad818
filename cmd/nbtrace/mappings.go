package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nbtrace/analyze/mappings"
)

// maxProblems is how many lines of one mapping file are complained about.
const maxProblems = 10

// readMappings reads the lists of known WINS mappings. One that nothing can be
// used of is a wrong use; lines that are not understood are named.
func (a *app) readMappings(paths []string) ([]*mappings.List, error) {
	var lists []*mappings.List
	for _, path := range paths {
		list, err := readMappingFile(path)
		if err != nil {
			return nil, usagef("cannot use mapping file: %w", err)
		}
		a.tellMappings(list)
		lists = append(lists, list)
	}
	return lists, nil
}

func readMappingFile(path string) (*mappings.List, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mappings.Read(filepath.Base(path), f)
}

// tellMappings names what was not understood in a list, and what its author
// should look at.
func (a *app) tellMappings(list *mappings.List) {
	a.notef("%s: %s, %d mappings", list.Source, list.Format, len(list.Entries))
	for i, p := range list.Problems {
		if i == maxProblems {
			a.warnf("%s: %d more lines were not understood", list.Source, len(list.Problems)-i)
			break
		}
		text := fmt.Sprintf("%s:%d: %s", list.Source, p.Line, p.Reason)
		if p.Text != "" {
			text += ": " + p.Text
		}
		a.warnf("%s", strings.ReplaceAll(text, "\n", " "))
	}
	for i, n := range list.Notes {
		if i == maxProblems {
			a.warnf("%s: %d more notes", list.Source, len(list.Notes)-i)
			break
		}
		a.warnf("%s:%d: %s", list.Source, n.Line, n.Reason)
		for _, line := range n.Correction {
			a.warnf("    %s", line)
		}
	}
}
