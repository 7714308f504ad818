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
		{"permanent-entry-client-side", "stale-registration-blocks", "LEASED<20>", "live-duplicate-name: no other machine answered for the name"},
		{"refusals-after-other-waits", "stale-registration-blocks", "UNHEARD<20>", "live-duplicate-name: no other machine answered for the name"},
		{"race-third-nic", "multihomed-registration-race", "", "static-blocks-registration: the server asked"},
		{"file-server-defends-its-aliases", "live-duplicate-name", "SALES<20>", "static-blocks-registration: no name server refused it"},
		{"group-refused-by-unique-holder", "unique-group-clash", "", "static-multihomed-refusal: it was registered as a group name"},
		{"demand-unexplained", "release-demand-received", "", "; it obeyed"},
		{"dynamic-replica-demand", "release-by-dynamic-replica", "DEPT<00>", "; it answered FMT_ERR"},
		{"demand-before-its-static-record", "release-demand-received", "EARLY<20>", "; it did not answer"},
		{"duplicate-refused-refresh", "live-duplicate-name", "", "the refresh of"},
		{"duplicate-truncated-start", "live-duplicate-name", "", "the registration of"},
		{"static-refusal-refresh", "static-multihomed-refusal", "", "refuses the refresh"},
		{"static-refusal-every-nic", "static-multihomed-refusal", "", "refuses the registration"},
		{"stale-owner-nmbd", "stale-registration-blocks", "MOVED<20>", "is gone (10.1.1.31)"},
		{"stale-owner-client-side", "stale-registration-blocks", "GONE<20>", "is gone:"},
		{"static-refusal-nmbd-permanent", "static-multihomed-refusal", "HRSERVER<20>", "before and afterwards the server resolves"},
		{"siblings-that-say-nothing", "static-blocks-registration", "SHOWN<00>", "\nafterwards the server resolves"},
		{"static-refusal-then-accepted", "static-multihomed-refusal", "STAYS<20>", "before the server resolves"},
		{"static-refusal-then-accepted", "static-multihomed-refusal", "STAYS<20>", "it points to 10.1.7.20"},
		{"static-refusal-then-accepted", "static-multihomed-refusal", "LISTGONE<20>", "netsh wins server"},
		{"static-release-replicated", "static-multihomed-release", "BDC1<20>", "on the WINS server 10.1.9.6 and delete"},
		{"domain-unknown-at-server", "domain-names-missing", "CORP<1c>", "at 10.1.9.6"},
		{"domain-held-in-other-ways", "domain-names-missing", "BCAST<1c>", "by broadcast"},
		{"group-clash", "unique-group-clash", "SALES<00>", "is a group name: the server answers for it as a group"},
		{"static-refusal-then-accepted", "static-multihomed-refusal", "GONE<20>", "10.1.7.20 and 10.1.7.21, which are not this machine's"},
		{"static-origin", "static-record-origin", "GHOST<20>", "belongs to 10.1.9.6 and is now also on 10.1.9.5\n"},
		{"scope-case", "scope-mismatch", "", "spelled in another case"},
		{"scope-differs", "scope-mismatch", "", "in another NetBIOS scope"},
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
			said = append(said, f.Remedy...)
			text := strings.Join(said, "\n")
			all = append(all, text)
			found = found || strings.Contains(text, c.says)
		}
		if !found {
			t.Errorf("%s: no %s %s says %q; said is\n%s", c.scenario, c.rule, c.name, c.says, strings.Join(all, "\n\n"))
		}
	}
}

// A name of the capture goes into a command to copy only if no shell takes it
// for anything but a word.
func TestNamesInCommands(t *testing.T) {
	const name = "static-names-that-no-shell-takes"
	r, _ := findingsOf(t, corpus.Capture{Folder: "scenarios", Name: name, Truth: "scenarios/" + name + ".txt"})
	if len(r.Findings) < 5 {
		t.Fatalf("%d findings", len(r.Findings))
	}
	for _, f := range r.Findings {
		plain := subjectOf(f) == "PLAIN<20>"
		if commands := strings.Contains(strings.Join(f.Remedy, "\n"), "netsh"); commands != plain {
			t.Errorf("%q: commands %v", subjectOf(f), commands)
		}
	}
}
