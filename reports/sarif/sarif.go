// Package sarif writes what a check found as SARIF 2.1.0, which code scanning shows at
// the budget's line in scenarios.yaml. A record that was not checked has no results: what
// kept its cells from being ok are notifications.
package sarif

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"hapscope/analysis"
)

// schema is where OASIS publishes that of the format, with its first errata.
const schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type log struct {
	Version string `json:"version"`
	Schema  string `json:"$schema"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool        tool         `json:"tool"`
	Invocations []invocation `json:"invocations"`
	Results     []result     `json:"results"`
	ColumnKind  string       `json:"columnKind"`
	Language    string       `json:"language"`
	Newlines    []string     `json:"newlineSequences"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Language string `json:"language"`
	Rules    []rule `json:"rules"`
}

type rule struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Short message `json:"shortDescription"`
}

type message struct {
	Text string `json:"text"`
}

type invocation struct {
	Successful    bool           `json:"executionSuccessful"`
	Notifications []notification `json:"toolExecutionNotifications,omitempty"`
}

type notification struct {
	Level   string  `json:"level"`
	Message message `json:"message"`
}

type result struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      message           `json:"message"`
	Locations    []location        `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type location struct {
	Physical physical  `json:"physicalLocation"`
	Logical  []logical `json:"logicalLocations,omitempty"`
}

type physical struct {
	Artifact artifact `json:"artifactLocation"`
	Region   region   `json:"region"`
}

type artifact struct {
	URI string `json:"uri"`
}

type region struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// limits are the rules: a rule of a CI is a kind of limit, not a line of a file.
func limits() []limit {
	return []limit{
		{analysis.LimitMax, "Maximum", "The median of a cell is above what its budget allows."},
		{analysis.LimitNew, "NewFunctions", "A sandbox makes the host's kernel run functions that it did not in the baseline."},
		{analysis.LimitSlowdown, "Slowdown", "A timing is worse than in the baseline by more than its budget allows."},
		{analysis.LimitAllowance, "ExpiredAllowance", "An allowance for new functions has expired."},
		{analysis.LimitRecord, "Record", "The record is no ground for a verdict."},
	}
}

type limit struct {
	id         analysis.Limit
	name, text string
}

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	out := run{Tool: tool{driver{Name: "hapscope", Version: r.Run.Hapscope.Version, Language: "en", Rules: []rule{}}}, Results: []result{}, ColumnKind: "unicodeCodePoints", Language: "en", Newlines: []string{"\r\n", "\n"},
		Invocations: []invocation{{Successful: true}}}
	for _, l := range limits() {
		out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, rule{string(l.id), l.name, message{l.text}})
	}
	for _, n := range r.Footnotes() {
		out.Invocations[0].Notifications = append(out.Invocations[0].Notifications, notification{"warning", message{fmt.Sprintf("%s: %s: %s", n.Status, n.Where(), n.Brief())}})
	}
	if r.Check != nil {
		for _, f := range r.Check.Findings {
			if f.Verdict != analysis.Pass {
				out.Results = append(out.Results, found(f))
			}
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(log{"2.1.0", schema, []run{out}}); err != nil {
		return fmt.Errorf("write sarif: %w", err)
	}
	return nil
}

func found(f analysis.Finding) result {
	out := result{RuleID: string(f.Limit), Level: f.Level(), Message: message{said(f)}, Fingerprints: map[string]string{"hapscope/1": fingerprint(f)}}
	for i, l := range limits() {
		if l.id == f.Limit {
			out.RuleIndex = i
		}
	}
	if f.Rule == nil {
		return out
	}
	at := location{Physical: physical{artifact{uri(f.Where.File)}, region{max(f.Where.Line, 1), max(f.Where.Column, 1)}}}
	if f.Cell != nil {
		at.Logical = []logical{{f.Cell.Variant + "/" + f.Cell.Workload, "resource"}}
	}
	out.Locations = []location{at}
	return out
}

// listed is how many functions a message names: code scanning cuts long ones off.
const listed = 20

func said(f analysis.Finding) string {
	s := fmt.Sprintf("%s: %s: %s", f.Name(), f.Verdict, f.Sentence())
	if names := f.Named(listed); len(names) > 0 {
		s += ": " + strings.Join(names, ", ")
	}
	return s + "."
}

// fingerprint is the same for the same limit of the same number, whatever the number is,
// so that a CI knows a result again.
func fingerprint(f analysis.Finding) string {
	h := fnv.New64a()
	for _, s := range []string{f.Name(), string(f.Limit), f.Subject()} {
		io.WriteString(h, s+"\n") // never fails
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// uri is a file's path as a reference: relative to where hapscope was called, as code
// scanning wants it, or absolute.
func uri(file string) string {
	u := url.URL{Path: path.Clean(filepath.ToSlash(file))}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	return u.String()
}
