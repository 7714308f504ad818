package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
	"nbtrace/captures/corpus/golden"
	"nbtrace/rules"
)

var rulesFormats = []string{"text", "json", "ndjson", "markdown"}

func (a *app) rulesCommand() *cobra.Command {
	var format, color, minSeverity string
	list := func(_ *cobra.Command, words []string) error { return a.listRules(words, minSeverity, format, color) }
	cmd := &cobra.Command{
		Use:   "rules [list [WORD...] | show RULE...]",
		Short: "Say what nbtrace can diagnose, and why",
		Example: `  nbtrace rules
  nbtrace rules show static-multihomed-release
  nbtrace rules list --min-severity warning static
  nbtrace rules list --format json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if rules.ByName(args[0]) != nil {
				return usagef("to read about a rule: nbtrace rules show %s", args[0])
			}
			return usagef("%s", unknown("command", args[0], []string{"list", "show"}))
		},
		RunE: list,
	}
	cmd.PersistentFlags().StringVar(&format, "format", "text", "`F` is one of "+strings.Join(rulesFormats, ", "))
	cmd.PersistentFlags().StringVar(&minSeverity, "min-severity", "info", "leave out rules milder than `S`: "+strings.Join(severities, ", "))
	cmd.PersistentFlags().StringVar(&color, "color", "auto", "`WHEN` to use colours: auto, always or never; NO_COLOR is honoured")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list [WORD...]",
			Short: "List all rules, or those whose text has every WORD",
			RunE:  list,
		},
		&cobra.Command{
			Use:     "show RULE...",
			Short:   "Explain rules: what happens, how to confirm it, how to fix it",
			Example: "  nbtrace rules show static-multihomed-refusal",
			Args: func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return usagef("no rule given\nusage: %s", cmd.UseLine())
				}
				return nil
			},
			ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return ruleSlugs(), cobra.ShellCompDirectiveNoFileComp
			},
			RunE: func(_ *cobra.Command, slugs []string) error { return a.showRules(slugs, format, color) },
		},
	)
	return cmd
}

func (a *app) listRules(words []string, minSeverity, format, color string) error {
	least, err := severity("--min-severity", minSeverity)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(rules.All(), func(r *analyze.Rule) bool {
		text := strings.ToLower(strings.Join(append([]string{r.Slug, r.Title, r.Doc.What, r.Doc.Confirm}, r.References...), " "))
		return r.Severity < least || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) })
	})
	if len(chosen) == 0 {
		return usagef("no rule matches; 'nbtrace rules list' names them all")
	}
	return a.writeRules(chosen, format, color, func(out *output, list []*analyze.Rule, o report.TextOptions) error {
		return report.WriteRules(out, list, o)
	})
}

func (a *app) showRules(slugs []string, format, color string) error {
	var list []*analyze.Rule
	for _, slug := range slugs {
		r := rules.ByName(slug)
		if r == nil {
			return unknownRuleError(slug)
		}
		list = append(list, r)
	}
	return a.writeRules(list, format, color, func(out *output, list []*analyze.Rule, o report.TextOptions) error {
		for i, r := range list {
			if i > 0 {
				if err := out.WriteByte('\n'); err != nil {
					return err
				}
			}
			if err := report.WriteRule(out, r, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) writeRules(list []*analyze.Rule, format, color string, text func(*output, []*analyze.Rule, report.TextOptions) error) error {
	if _, err := formatOf(format, "", "text", rulesFormats); err != nil {
		return err
	}
	paint, err := a.useColor(color, a.stdout)
	if err != nil {
		return err
	}
	out, err := a.openOutput("-", nil)
	if err != nil {
		return err
	}
	switch format {
	case "text":
		err = text(out, list, report.TextOptions{Width: a.textWidth(a.stdout), Color: paint, Example: example})
	case "markdown":
		err = report.WriteRulesPage(out, list, example)
	default:
		err = report.WriteRulesJSON(out, list, format == "ndjson")
	}
	if err != nil {
		return err
	}
	return out.commit()
}

// example is a finding of the rule from the corpus.
func example(slug string) (report.Example, bool) {
	capture, finding, ok := golden.Example(slug)
	return report.Example{Capture: capture, Finding: finding}, ok
}
