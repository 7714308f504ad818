package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"nbtrace/analyze/report"
)

// Exit codes; they are part of the contract.
const (
	exitOK      = 0
	exitFinding = 1 // only with --fail-on
	exitRead    = 2 // an input was not read to its end, or the result not written
	exitUsage   = 3 // wrong flags, filter, rules or mapping file
)

// app is one run of the command.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string

	quiet   bool
	verbose bool
	code    int // the exit code so far; 2 wins over 1
}

// usageError is a wrong use of the command: exit code 3.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// run runs the command with args and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		a.report(err)
	}
	return a.code
}

// report prints an error and settles the exit code.
func (a *app) report(err error) {
	var usage *usageError
	switch {
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has enough. (On standard output the system
		// ends the program before it comes to this.) What was not read is
		// missing, so the code says so; there is nobody to tell.
		a.fail(exitRead)
		return
	case errors.As(err, &usage):
		a.fail(exitUsage)
	default:
		a.fail(exitRead)
	}
	a.errorf("%s", err)
}

// fail raises the exit code: 3 wins over 2, 2 over 1.
func (a *app) fail(code int) { a.code = max(a.code, code) }

// errorf prints an error, which is told even with --quiet.
func (a *app) errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i == 0 {
			line = "nbtrace: " + line
		}
		fmt.Fprintln(a.stderr, report.Escape(line))
	}
}

// warnf prints what the user should know but --quiet may hide.
func (a *app) warnf(format string, args ...any) {
	if !a.quiet {
		a.errorf(format, args...)
	}
}

// notef prints what only --verbose shows.
func (a *app) notef(format string, args ...any) {
	if a.verbose {
		a.errorf(format, args...)
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "nbtrace",
		Short: "Say what is wrong with NetBIOS names and WINS, from captures",
		Long: `nbtrace reads NetBIOS Name Service traffic from capture files, reconstructs
registrations, refreshes, releases, challenges and conflicts, and says what
went wrong and why: which name, which host, which server, how sure it is and
from which frames, and what to do.`,
		Example: `  nbtrace analyze capture.pcap
  nbtrace analyze --format json --fail-on warning *.pcapng.gz
  tcpdump -i eth0 -w - 'port 137' | nbtrace analyze -
  nbtrace export exchanges --format csv -o exchanges.csv capture.pcap
  nbtrace rules show static-multihomed-refusal`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(a.stderr)
			if err := cmd.Help(); err != nil {
				return err
			}
			a.fail(exitUsage)
			return nil
		},
	}
	root.SetVersionTemplate("{{.Version}}")
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(a.analyzeCommand(), a.exportCommand(), a.diffCommand(), a.rulesCommand(), a.versionCommand(), a.sniffCommand(), a.interfacesCommand())
	return root
}

// unknownCommand answers a first word that is no command.
func (a *app) unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if st, err := os.Stat(args[0]); err == nil && st.Mode().IsRegular() {
		return usagef("%q is a file, not a command\nto read it: nbtrace analyze %s", args[0], args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("%s", unknown("command", args[0], names))
}
