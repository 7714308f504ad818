// Package golden offers the findings that the corpus is known to give, as
// examples of what each rule reports. It holds the texts alone, so that a
// program can carry them without the captures.
package golden

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed lab/*.txt scenarios/*.txt
var texts embed.FS

// Example returns the first finding of a rule in the corpus, real and lab
// captures before synthetic ones: the name of the capture, and the finding as
// a paragraph of lines. ok is false if no capture shows the rule.
func Example(slug string) (capture, finding string, ok bool) {
	for _, dir := range []string{"lab", "scenarios"} {
		entries, err := fs.ReadDir(texts, dir)
		if err != nil {
			return "", "", false
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			data, err := texts.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				return "", "", false
			}
			for _, p := range strings.Split(string(data), "\n\n") {
				f := strings.Fields(p)
				if len(f) > 1 && f[1] == slug && !strings.HasPrefix(p, "#") {
					return dir + "/" + strings.TrimSuffix(e.Name(), ".txt"), strings.TrimRight(p, "\n"), true
				}
			}
		}
	}
	return "", "", false
}
