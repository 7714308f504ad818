package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nbtrace/analyze/report"
	"nbtrace/captures/live"
)

func (a *app) interfacesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "interfaces",
		Short: "List the devices that sniff can capture on",
		Example: `  nbtrace interfaces
  sudo nbtrace sniff -i 1`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.listInterfaces() },
	}
}

// listInterfaces prints a line a device: the number, the name, what it is, and
// its addresses.
func (a *app) listInterfaces() error {
	list, err := live.Interfaces()
	if errors.Is(err, live.ErrUnavailable) {
		return usagef("%w", err)
	}
	if err != nil {
		return err
	}
	if len(list) == 0 {
		a.warnf("no device can be captured on; capturing needs rights: see nbtrace sniff --help")
	}
	out, err := a.openOutput("-", nil)
	if err != nil {
		return err
	}
	for _, i := range list {
		var words []string
		for _, p := range i.Addresses {
			words = append(words, p.String())
		}
		switch {
		case i.Loopback:
			words = append(words, "[loopback]")
		case !i.Up:
			words = append(words, "[down]")
		case !i.Running:
			words = append(words, "[no link]")
		}
		if i.Description != "" {
			words = append(words, "("+i.Description+")")
		}
		line := fmt.Sprintf("%d. %s", i.Number, i.Name)
		if len(words) > 0 {
			line += "  " + strings.Join(words, " ")
		}
		if _, err := fmt.Fprintln(out, report.Escape(line)); err != nil {
			return err
		}
	}
	return out.commit()
}
