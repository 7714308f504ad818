package main

import (
	"strings"

	"github.com/spf13/cobra"

	"nbtrace/analyze"
	"nbtrace/analyze/report"
	"nbtrace/rules"
)

var rulesFormats = []string{"text", "json", "ndjson"}

func (a *app) rulesCommand() *cobra.Command {
	var format, color string
	list := func(*cobra.Command, []string) error { return a.listRules(format, color) }
	cmd := &cobra.Command{
		Use:   "rules [list | show RULE...]",
		Short: "Say what nbtrace can diagnose, and why",
		Example: `  nbtrace rules
  nbtrace rules show static-multihomed-release
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
	cmd.PersistentFlags().StringVar(&color, "color", "auto", "`WHEN` to use colours: auto, always or never; NO_COLOR is honoured")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List all rules",
			Args:  noArguments,
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

func (a *app) listRules(format, color string) error {
	return a.writeRules(rules.All(), format, color, func(out *output, list []*analyze.Rule, o report.TextOptions) error {
		return report.WriteRules(out, list, o)
	})
}

func (a *app) showRules(slugs []string, format, color string) error {
	var list []*analyze.Rule
	for _, slug := range slugs {
		r := rules.ByName(slug)
		if r == nil {
			return usagef("%s\nrun 'nbtrace rules' for the list", unknown("rule", slug, ruleSlugs()))
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
	if format == "text" {
		err = text(out, list, report.TextOptions{Width: a.textWidth(a.stdout), Color: paint})
	} else {
		err = report.WriteRulesJSON(out, list, format == "ndjson")
	}
	if err != nil {
		return err
	}
	return out.commit()
}
