package corpus_test

import (
	"fmt"
	"strings"
	"testing"

	"nbtrace/captures/corpus"
)

// What a finding says in words, where that hangs on what is known; the golden
// files hold signs and frames only.
func TestWhatIsSaid(t *testing.T) {
	for _, c := range []struct{ scenario, rule, name, says string }{
		{"siblings-that-say-nothing", "static-blocks-registration", "LEASED<00>", "live-duplicate-name: the server did not ask the other holder"},
		{"siblings-that-say-nothing", "static-blocks-registration", "SHOWN<00>", "live-duplicate-name: no other machine answered for the name"},
		{"siblings-that-say-nothing", "static-blocks-registration", "SHOWN<00>", "multihomed-registration-race: the machine was not asked"},
		{"duplicate-truncated-start", "live-duplicate-name", "TWIN<20>", "10.1.1.31 holds it"},
		{"duplicate-truncated-start", "live-duplicate-name", "TWIN<20>", "static-multihomed-refusal: the server waited before it refused"},
		{"race-third-nic", "multihomed-registration-race", "", "static-blocks-registration: the server asked"},
		{"siblings-that-say-nothing", "static-blocks-registration", "SHOWN<00>", "10.1.7.33, which is not this machine's"},
		{"static-release-replicated", "static-multihomed-release", "BDC1<20>", "10.1.1.62 and 10.1.7.62, of which 10.1.7.62 is not this machine's"},
	} {
		s := corpus.Capture{Folder: "scenarios", Name: c.scenario, Truth: "scenarios/" + c.scenario + ".txt"}
		found := false
		var all []string
		r, _ := findingsOf(t, s)
		for _, f := range r.Findings {
			if f.Rule != c.rule || c.name != "" && subjectOf(f) != c.name {
				continue
			}
			said := []string{f.Title}
			for _, e := range f.Evidence {
				said = append(said, e.Text)
			}
			for _, a := range f.Alternatives {
				said = append(said, fmt.Sprintf("%s: %s", a.Rule, a.Why))
			}
			text := strings.Join(said, "\n")
			all = append(all, text)
			found = found || strings.Contains(text, c.says)
		}
		if !found {
			t.Errorf("%s: no %s %s says %q; said is\n%s", c.scenario, c.rule, c.name, c.says, strings.Join(all, "\n\n"))
		}
	}
}
