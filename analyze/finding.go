// Package analyze is the engine: frames go in through Feed, exchanges, names
// and hosts are reconstructed, rules judge them, findings come out. It also
// holds the contract between the engine and the rules (Rule, Pass, Finding).
package analyze

import (
	"fmt"
	"net/netip"
)

// Severity grades a finding by what it means to the user's network.
type Severity uint8

// Severities, mildest first.
const (
	Info Severity = iota
	Notice
	Warning
	Critical
)

var severityNames = [...]string{"info", "notice", "warning", "critical"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a severity.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, n := range severityNames {
		if n == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q: use info, notice, warning or critical", text)
}

// Verdict grades how sure a finding is.
type Verdict uint8

// Verdicts, weakest first.
const (
	Possible Verdict = iota + 1
	Likely
	Proved
)

var verdictNames = [...]string{"", "possible", "likely", "proved"}

func (v Verdict) String() string { return verdictNames[v] }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the name of a verdict.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, n := range verdictNames {
		if i > 0 && n == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q: use possible, likely or proved", text)
}

// Evidence is one piece of evidence for or against a finding, with the frames
// that show it.
type Evidence struct {
	Sign   string // stable slug within the rule, e.g. "refused-at-once"
	For    bool
	Text   string // one sentence
	Frames []FrameRef
}

// Alternative is another explanation of the same event.
type Alternative struct {
	Rule     string
	Excluded bool // else possible
	Why      string
}

// Finding is what is wrong, and why. Its JSON form is fixed by the contract;
// analyze/report writes it.
type Finding struct {
	Rule     string
	Severity Severity
	Verdict  Verdict
	Title    string
	HasName  bool
	Name     [16]byte
	Scope    string
	Host     FindingHost
	// AnyHost: a further finding of the rule, name and server is the same one
	// whatever machine it names.
	AnyHost bool
	Server  netip.Addr // zero: none
	Events  []int      // Windows event ids the host is expected to log
	// EventData is the four address bytes as events 4319 and 4320 show them:
	// hexadecimal, reversed ("e7 1a 65 16" is 22.101.26.231); "" without events.
	EventData    string
	First, Last  int64 // ns
	Count        int
	Evidence     []Evidence
	Alternatives []Alternative
	Remedy       []string
	References   []string
}

// FindingHost is the machine that suffers; ID 0 means unknown.
type FindingHost struct {
	ID        int
	Addresses []netip.Addr
	MACs      [][6]byte
}
