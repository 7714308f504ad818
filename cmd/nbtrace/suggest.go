package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknown says that given is none of the known names, which ones are near, or
// else which ones there are.
func unknown(what, given string, known []string) string {
	text := fmt.Sprintf("unknown %s %q", what, given)
	if near := nearest(given, known); len(near) > 0 {
		return text + "\ndid you mean " + strings.Join(near, " or ") + "?"
	}
	return text + "\nknown are: " + strings.Join(known, ", ")
}

// nearest returns the names that are a few typing errors away from given, or
// begin with it.
func nearest(given string, known []string) []string {
	given = strings.ToLower(given)
	best := max(1, len(given)/3) + 1
	var near []string
	for _, k := range known {
		d := distance(given, k)
		if given != "" && strings.HasPrefix(k, given) {
			d = min(d, 1)
		}
		switch {
		case d < best:
			best, near = d, []string{k}
		case d == best && len(near) > 0:
			near = append(near, k)
		}
	}
	return near
}

// distance is the number of inserted, deleted, changed or swapped neighbouring
// bytes between a and b.
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// flagError makes a flag's error a usage error, with suggestions.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if errors.As(err, &missing) && len(missing.GetSpecifiedName()) > 1 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := nearest(missing.GetSpecifiedName(), names); len(near) > 0 {
			return usagef("%w\ndid you mean --%s?", err, strings.Join(near, " or --"))
		}
	}
	return usagef("%w\nrun '%s --help' for the flags", err, cmd.CommandPath())
}
