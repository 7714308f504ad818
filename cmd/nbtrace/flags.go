package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/mappings"
	"nbtrace/captures/bpf"
	"nbtrace/rules"
)

// commonFlags are the flags that analyze and export share.
type commonFlags struct {
	filter      string
	mappings    []string
	rules       string
	minSeverity string
	output      string
	format      string
	failOn      string
	color       string
	numeric     bool
	baseline    string
	newBaseline string
}

var severities = []string{"info", "notice", "warning", "critical"}

func (c *commonFlags) add(a *app, cmd *cobra.Command, formats []string) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&c.filter, "filter", "f", "", "only frames that this `BPF` capture filter takes (pcap-filter syntax)")
	f.StringArrayVarP(&c.mappings, "mappings", "m", nil, "known WINS mappings, repeatable: a `FILE` in LMHOSTS, WINSDMP, netsh, wins.dat or LDIF form, told by content")
	f.StringVar(&c.rules, "rules", "", "`LIST` of rules to use (a,b), or to leave out (-a,-b)")
	f.StringVar(&c.minSeverity, "min-severity", "info", "leave out findings milder than `S`: "+strings.Join(severities, ", "))
	f.StringVarP(&c.output, "output", "o", "-", "write the result to `FILE`, - for standard output")
	f.StringVar(&c.format, "format", "", "`F` is one of "+strings.Join(formats, ", "))
	f.StringVar(&c.failOn, "fail-on", "", "exit with 1 when a finding of severity `S` or above exists")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no warnings and no progress on standard error, errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "more on standard error")
	f.StringVar(&c.color, "color", "auto", "`WHEN` to use colours: auto, always or never; NO_COLOR is honoured")
	f.BoolVarP(&c.numeric, "numeric", "n", false, "accepted as in tcpdump; nothing is ever resolved over the network")
	f.StringVar(&c.baseline, "baseline", "", "say nothing of the findings that `FILE` knows")
	f.StringVar(&c.newBaseline, "write-baseline", "", "write the findings to `FILE`, for --baseline")
	complete(cmd, "format", formats)
	complete(cmd, "min-severity", severities)
	complete(cmd, "fail-on", severities)
	complete(cmd, "color", []string{"auto", "always", "never"})
	complete(cmd, "rules", ruleSlugs())
}

// complete offers fixed words for a flag's value.
func complete(cmd *cobra.Command, flag string, words []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic("completion for a flag that does not exist: " + err.Error())
	}
}

func unknownRuleError(slug string) error {
	return usagef("%s\nrun 'nbtrace rules' for the list", unknown("rule", slug, ruleSlugs()))
}

func ruleSlugs() []string {
	var slugs []string
	for _, r := range rules.All() {
		slugs = append(slugs, r.Slug)
	}
	return slugs
}

// settings are the common flags, checked.
type settings struct {
	filter      *bpf.Filter // nil: none
	mappings    []*mappings.List
	rules       []*analyze.Rule
	minSeverity analyze.Severity
	failOn      analyze.Severity
	canFail     bool      // --fail-on was given
	baseline    *baseline // nil: none
	newBaseline string    // where to write one; "" nowhere
	noNames     bool      // nobody asks for the names table
}

// check reads the values of the flags before any input is opened.
func (c *commonFlags) check(a *app) (*settings, error) {
	s := &settings{}
	var err error
	if s.rules, err = rules.Select(c.rules); err != nil {
		var unknownRule *rules.UnknownError
		if errors.As(err, &unknownRule) {
			return nil, unknownRuleError(unknownRule.Slug)
		}
		return nil, usagef("--rules: %w", err)
	}
	if s.minSeverity, err = severity("--min-severity", c.minSeverity); err != nil {
		return nil, err
	}
	if c.failOn != "" {
		s.canFail = true
		if s.failOn, err = severity("--fail-on", c.failOn); err != nil {
			return nil, err
		}
	}
	if c.filter != "" {
		if s.filter, err = bpf.New(c.filter); err != nil {
			return nil, usagef("%w", err)
		}
	}
	if c.baseline != "" {
		if s.baseline, err = readBaseline(c.baseline); err != nil {
			return nil, err
		}
	}
	s.newBaseline = c.newBaseline
	if s.mappings, err = a.readMappings(c.mappings); err != nil {
		return nil, err
	}
	return s, nil
}

func severity(flag, name string) (analyze.Severity, error) {
	var s analyze.Severity
	if err := s.UnmarshalText([]byte(name)); err != nil {
		return s, usagef("%s: %s", flag, unknown("severity", name, severities))
	}
	return s, nil
}

// reported are the findings that --min-severity and --baseline leave.
func (s *settings) reported(findings []*analyze.Finding) []*analyze.Finding {
	return slices.DeleteFunc(s.fresh(findings), func(f *analyze.Finding) bool { return f.Severity < s.minSeverity })
}

// fresh are the findings that the baseline does not know.
func (s *settings) fresh(findings []*analyze.Finding) []*analyze.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f *analyze.Finding) bool { return s.baseline != nil && s.baseline.has(known(f)) })
}

// judge settles the exit code by --fail-on, and writes the baseline that was
// asked for. A finding that the old baseline knows does not count for the
// former and stays in the latter.
func (a *app) judge(s *settings, inputs []string, findings []*analyze.Finding) error {
	if s.canFail && slices.ContainsFunc(s.fresh(findings), func(f *analyze.Finding) bool { return f.Severity >= s.failOn }) {
		a.fail(exitFinding)
	}
	if s.newBaseline == "" {
		return nil
	}
	return a.writeBaseline(s.newBaseline, inputs, findings)
}
