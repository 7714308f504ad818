package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

// ECSVersion is the version of the Elastic Common Schema that WriteECS keeps
// to. It uses only fields that later versions have too.
const ECSVersion = "8.11.0"

// ecsDocument is one finding in terms of the Elastic Common Schema. What the
// schema has no field for is under nbtrace. docs/ecs.md describes every field,
// and a test holds both together. All texts are escaped.
type ecsDocument struct {
	Timestamp   string       `json:"@timestamp"`
	ECS         ecsVersion   `json:"ecs"`
	Message     string       `json:"message"`
	Event       ecsEvent     `json:"event"`
	Rule        ecsRule      `json:"rule"`
	Source      *ecsEndpoint `json:"source,omitempty"`
	Destination *ecsEndpoint `json:"destination,omitempty"`
	Host        *ecsHost     `json:"host,omitempty"`
	Related     *ecsRelated  `json:"related,omitempty"`
	Network     ecsNetwork   `json:"network"`
	Observer    ecsObserver  `json:"observer"`
	NBTrace     ecsOwn       `json:"nbtrace"`
}

type ecsVersion struct {
	Version string `json:"version"`
}

type ecsEvent struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Category []string `json:"category"`
	Type     []string `json:"type"`
	Module   string   `json:"module"`
	Dataset  string   `json:"dataset"`
	Severity int      `json:"severity"`
	Start    string   `json:"start"`
	End      string   `json:"end"`
	Reason   string   `json:"reason"`
}

type ecsRule struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Reference   string `json:"reference,omitempty"`
	Ruleset     string `json:"ruleset"`
}

type ecsEndpoint struct {
	IP string `json:"ip"`
}

type ecsHost struct {
	Name string   `json:"name,omitempty"`
	IP   []string `json:"ip,omitempty"`
	MAC  []string `json:"mac,omitempty"`
}

type ecsRelated struct {
	IP    []string `json:"ip,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
}

type ecsNetwork struct {
	Protocol string `json:"protocol"`
	Type     string `json:"type,omitempty"`
}

type ecsObserver struct {
	Vendor  string `json:"vendor"`
	Product string `json:"product"`
	Version string `json:"version"`
	Type    string `json:"type"`
}

type ecsOwn struct {
	Severity      string           `json:"severity"`
	Verdict       string           `json:"verdict"`
	Count         int              `json:"count"`
	Name          string           `json:"name,omitempty"`
	Suffix        *int             `json:"suffix,omitempty"`
	Scope         string           `json:"scope,omitempty"`
	EventIDs      []int            `json:"event_ids,omitempty"`
	EventData     string           `json:"event_data,omitempty"`
	Evidence      []ecsEvidence    `json:"evidence,omitempty"`
	Alternatives  []ecsAlternative `json:"alternatives,omitempty"`
	Remedy        []string         `json:"remedy,omitempty"`
	DisplayFilter string           `json:"display_filter,omitempty"`
	Files         []string         `json:"files,omitempty"`
}

type ecsEvidence struct {
	Sign   string   `json:"sign"`
	For    bool     `json:"for"`
	Text   string   `json:"text"`
	Frames []string `json:"frames,omitempty"`
}

type ecsAlternative struct {
	Rule    string `json:"rule"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
}

// ecsSeverities are the numbers that Elastic Security gives its four grades.
var ecsSeverities = [...]int{analyze.Info: 21, analyze.Notice: 47, analyze.Warning: 73, analyze.Critical: 99}

// WriteECS writes each finding as a line of JSON in terms of the Elastic
// Common Schema.
func (d *Document) WriteECS(w io.Writer) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, f := range d.Findings {
		if err := enc.Encode(d.ecs(f)); err != nil {
			return fmt.Errorf("writing ECS: %w", err)
		}
		if b.Len() >= 64<<10 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return err
			}
			b.Reset()
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func rfc3339(ns int64) string { return string(appendTime(nil, ns)) }

func (d *Document) ecs(f *analyze.Finding) *ecsDocument {
	title := Escape(f.Title)
	out := &ecsDocument{
		Timestamp: rfc3339(f.First), ECS: ecsVersion{ECSVersion}, Message: title,
		Event: ecsEvent{ID: findingID(f), Kind: "alert", Category: []string{"network"}, Type: []string{"info", "protocol"}, Module: "nbtrace",
			Dataset: "nbtrace.finding", Severity: ecsSeverities[f.Severity], Start: rfc3339(f.First), End: rfc3339(f.Last), Reason: title},
		Rule:     ecsRule{ID: Escape(f.Rule), Name: Escape(f.Rule), Reference: Escape(strings.Join(f.References, "; ")), Ruleset: "nbtrace"},
		Network:  ecsNetwork{Protocol: "nbns"},
		Observer: ecsObserver{Vendor: "nbtrace", Product: "nbtrace", Version: Escape(d.Version), Type: "ids"},
		NBTrace: ecsOwn{Severity: f.Severity.String(), Verdict: f.Verdict.String(), Count: f.Count, EventIDs: f.Events, EventData: Escape(f.EventData),
			DisplayFilter: DisplayFilter(d.Files, f)},
	}
	if r := d.Rules[f.Rule]; r != nil {
		out.Rule.Description = Escape(r.Title)
	}
	d.ecsMachines(out, f)
	if f.HasName {
		n := nbns.Name(f.Name)
		suffix := int(n.Suffix())
		out.NBTrace.Name, out.NBTrace.Suffix = n.Display(f.Scope), &suffix
		out.NBTrace.Scope = string(nbns.AppendScope(nil, f.Scope))
	}
	for i := range f.Evidence {
		e := &f.Evidence[i]
		ev := ecsEvidence{Sign: Escape(e.Sign), For: e.For, Text: Escape(e.Text)}
		for _, ref := range e.Frames {
			file := Escape(fileName(d.Files, ref.Input))
			ev.Frames = append(ev.Frames, fmt.Sprintf("%s:%d:%s", file, ref.Frame, Escape(ref.Role)))
			if !slices.Contains(out.NBTrace.Files, file) {
				out.NBTrace.Files = append(out.NBTrace.Files, file)
			}
		}
		out.NBTrace.Evidence = append(out.NBTrace.Evidence, ev)
	}
	for i := range f.Alternatives {
		a := &f.Alternatives[i]
		out.NBTrace.Alternatives = append(out.NBTrace.Alternatives, ecsAlternative{Escape(a.Rule), alternativeVerdict(a), Escape(a.Why)})
	}
	for _, step := range f.Remedy {
		out.NBTrace.Remedy = append(out.NBTrace.Remedy, Escape(step))
	}
	return out
}

// ecsMachines fills in who did it to whom: the source is the server or sender
// concerned, the destination the machine that suffers.
func (d *Document) ecsMachines(out *ecsDocument, f *analyze.Finding) {
	related := &ecsRelated{}
	addr := func(a netip.Addr) string {
		a = a.WithZone("") // the type ip has none
		s := string(appendAddr(nil, a))
		if !slices.Contains(related.IP, s) {
			related.IP = append(related.IP, s)
		}
		if out.Network.Type == "" {
			out.Network.Type = "ipv4"
			if a.Is6() && !a.Is4In6() {
				out.Network.Type = "ipv6"
			}
		}
		return s
	}
	if f.Server.IsValid() {
		out.Source = &ecsEndpoint{addr(f.Server)}
	}
	host := &ecsHost{}
	for i, a := range f.Host.Addresses {
		s := addr(a)
		if i == 0 && a != f.Server {
			out.Destination = &ecsEndpoint{s}
		}
		host.IP = append(host.IP, s)
	}
	for _, m := range f.Host.MACs {
		host.MAC = append(host.MAC, strings.ToUpper(strings.ReplaceAll(string(appendMAC(nil, m)), ":", "-")))
	}
	if f.HasName {
		related.Hosts = append(related.Hosts, nbns.Name(f.Name).Text())
		switch nbns.Name(f.Name).Suffix() {
		case 0x00, 0x03, 0x20:
			host.Name = nbns.Name(f.Name).Text()
		}
	}
	if len(host.IP)+len(host.MAC) > 0 {
		out.Host = host
	}
	if len(related.IP)+len(related.Hosts) > 0 {
		out.Related = related
	}
}

// findingID is the same for the same finding of the same capture, so that
// indexing it again replaces it.
func findingID(f *analyze.Finding) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%t\x00%x\x00%q\x00%s\x00%v\x00%d", f.Rule, f.HasName, f.Name, f.Scope, f.Server, f.Host.Addresses, f.First)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
