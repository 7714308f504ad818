package report

import (
	"cmp"
	"slices"
	"strconv"

	"nbtrace/analyze"
)

// DisplayFilter is the Wireshark display filter that selects exactly the
// frames which the finding's evidence names: `frame.number in {13, 18}`. If
// they are in several files it is a list of `FILE: filter`, parted by "; ", in
// the order of the inputs; "" if no evidence names a frame.
func DisplayFilter(files []string, f *analyze.Finding) string {
	var refs []analyze.FrameRef
	for i := range f.Evidence {
		refs = append(refs, f.Evidence[i].Frames...)
	}
	return framesFilter(files, refs)
}

func framesFilter(files []string, refs []analyze.FrameRef) string {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b analyze.FrameRef) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Frame, b.Frame))
	})
	refs = slices.CompactFunc(refs, func(a, b analyze.FrameRef) bool { return a.Input == b.Input && a.Frame == b.Frame })
	if len(refs) == 0 {
		return ""
	}
	several := refs[0].Input != refs[len(refs)-1].Input
	var b []byte
	for i := 0; i < len(refs); {
		end := i
		for end < len(refs) && refs[end].Input == refs[i].Input {
			end++
		}
		if i > 0 {
			b = append(b, "; "...)
		}
		if several {
			b = appendEscaped(b, fileName(files, refs[i].Input))
			b = append(b, ": "...)
		}
		b = appendFrameSet(b, refs[i:end])
		i = end
	}
	return string(b)
}

// appendFrameSet appends the filter for sorted, distinct frames of one file.
func appendFrameSet(b []byte, refs []analyze.FrameRef) []byte {
	b = append(b, "frame.number in {"...)
	for i, ref := range refs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, ref.Frame, 10)
	}
	return append(b, '}')
}
