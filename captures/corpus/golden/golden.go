// Package golden offers the findings that the corpus is known to give, as
// examples of what each rule reports. It holds the texts alone, so that a
// program can carry them without the captures.
package golden

import (
	"embed"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed lab/*.txt scenarios/*.txt
var texts embed.FS

// verdicts are the words for how sure a finding is, the surest first.
var verdicts = []string{"proved", "likely", "possible"}

// Example returns a finding of a rule in the corpus: the name of the capture,
// and the finding as a paragraph of lines. Lab captures come before synthetic
// ones; among those, the surest finding, in the capture whose name says most of
// the rule's and that shows the least beside it. ok is false if no capture
// shows the rule.
func Example(slug string) (capture, finding string, ok bool) {
	for _, dir := range []string{"lab", "scenarios"} {
		entries, err := fs.ReadDir(texts, dir) // in order of their names
		if err != nil {
			return "", "", false
		}
		best := math.MaxInt
		for _, e := range entries {
			data, err := texts.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				return "", "", false
			}
			paragraphs := strings.Split(string(data), "\n\n")
			for _, p := range paragraphs {
				f := strings.Fields(p)
				if len(f) < 3 || f[1] != slug || strings.HasPrefix(p, "#") {
					continue
				}
				name := strings.TrimSuffix(e.Name(), ".txt")
				rank := slices.Index(verdicts, f[2])<<16 - shared(slug, name)<<8 + len(paragraphs)
				if synthetic.MatchString(name) {
					rank += len(verdicts) << 16
				}
				if rank < best {
					best, ok = rank, true
					capture, finding = dir+"/"+name, strings.TrimRight(p, "\n")
				}
			}
		}
		if ok {
			return capture, finding, true
		}
	}
	return "", "", false
}

// synthetic matches the names of the captures in lab that no lab made.
var synthetic = regexp.MustCompile(`^w\d`)

// shared counts the words that two names have in common.
func shared(a, b string) int {
	words, n := strings.Split(a, "-"), 0
	for w := range strings.SplitSeq(b, "-") {
		if slices.Contains(words, w) {
			n++
		}
	}
	return n
}
