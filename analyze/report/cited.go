package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nbtrace/analyze"
)

// citedFrames is how a sentence ends that cites frames by their numbers.
var citedFrames = regexp.MustCompile(`\((frames?) (\d+)(?:, (\d+))?\)$`)

// nameFiles says of the frames that a sentence cites at its end, "(frame 27)",
// in which files they lie: numbers alone mean nothing where there are several
// files. refs are the frames that the sentence rests on; if they do not hold a
// number, the sentence stays as it is.
func nameFiles(sentence string, refs []analyze.FrameRef, files []string) string {
	if len(files) < 2 {
		return sentence
	}
	m := citedFrames.FindStringSubmatch(sentence)
	if m == nil {
		return sentence
	}
	numbers := m[2:3]
	if m[3] != "" && m[3] != m[2] {
		numbers = m[2:4]
	}
	in := make([]string, len(numbers))
	for i, n := range numbers {
		if in[i] = filesOfFrame(n, refs, files); in[i] == "" {
			return sentence
		}
	}
	cited := slices.Clone(numbers)
	for i := range cited {
		if last := i+1 == len(cited); last || in[i] != in[i+1] {
			cited[i] += " of " + in[i]
		}
	}
	return strings.TrimSuffix(sentence, m[0]) + "(" + m[1] + " " + strings.Join(cited, ", ") + ")"
}

// filesOfFrame names the files in which references have a frame of this
// number, "" if there is none.
func filesOfFrame(number string, refs []analyze.FrameRef, files []string) string {
	var in []string
	for _, ref := range refs {
		name := fileName(files, ref.Input)
		if strconv.FormatInt(ref.Frame, 10) == number && name != "" && !slices.Contains(in, name) {
			in = append(in, name)
		}
	}
	return strings.Join(in, " and ")
}
