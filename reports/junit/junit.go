// Package junit writes a report as JUnit XML, which most CIs show as tests: a suite of
// what a check found, where one was made, and one of the cells, each a test that is
// passed where every repetition is ok.
//
// There is no standard of the format. This is the dialect of Jenkins' xUnit plugin
// (junit-10.xsd), which is what GitLab and others read as well. All that is no pass is a
// failure, and its type says which: some copies of that schema know no errors.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"hapscope/analysis"
	"hapscope/record"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []*suite `xml:"testsuite"`
}

type suite struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"`
	Errors    int    `xml:"errors,attr"`
	Skipped   int    `xml:"skipped,attr"`
	Timestamp string `xml:"timestamp,attr"`
	Cases     []test `xml:"testcase"`
}

type test struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Skipped *problem `xml:"skipped"`
	Failure *problem `xml:"failure"`
	Out     string   `xml:"system-out,omitempty"`
}

type problem struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	out := &suites{Name: "hapscope " + clean(r.Run.Plan.Scenario)}
	if r.Check != nil {
		s := newSuite(r, "check")
		for _, f := range r.Check.Findings {
			s.add(finding(f))
		}
		out.add(s)
	}
	if s := newSuite(r, "cells"); len(r.Cells) > 0 {
		for _, c := range r.Cells {
			s.add(cell(r, c.Cell, "counted", &c.Outcome))
		}
		out.add(s)
	}
	if s := newSuite(r, "timed cells"); len(r.Timed) > 0 {
		for _, t := range r.Timed {
			s.add(cell(r, t.Cell, strings.TrimSpace("timed "+string(t.Place)), &t.Outcome))
		}
		out.add(s)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	}
	if err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	return nil
}

func newSuite(r *analysis.Report, name string) *suite {
	return &suite{Name: name, Timestamp: r.Run.Created.UTC().Format(time.RFC3339)}
}

func (s *suites) add(one *suite) {
	s.Suites = append(s.Suites, one)
	s.Tests, s.Failures, s.Errors = s.Tests+one.Tests, s.Failures+one.Failures, s.Errors+one.Errors
}

func (s *suite) add(t test) {
	s.Cases = append(s.Cases, t)
	s.Tests++
	switch {
	case t.Failure != nil:
		s.Failures++
	case t.Skipped != nil:
		s.Skipped++
	}
}

// finding is one limit: what is of level warn has passed, and says so.
func finding(f analysis.Finding) test {
	t := test{Class: clean(f.Name()), Name: clean(strings.TrimSpace(string(f.Limit) + " " + f.Subject()))}
	var lines []string
	for _, s := range f.Functions {
		lines = append(lines, "+ "+s.Name)
	}
	text := clean(strings.Join(lines, "\n"))
	p := &problem{Type: string(f.Verdict), Message: clean(f.Text), Text: text}
	if f.Rule != nil {
		p.Text = strings.TrimSpace(clean(f.Where.String()) + "\n" + text)
	}
	switch {
	case f.Verdict == analysis.Pass:
		t.Out = clean(f.Text)
	case f.Warn:
		t.Out = "warning: " + clean(f.Text) + "\n" + p.Text
	default:
		t.Failure = p
	}
	return t
}

// cell is what became of a cell's repetitions.
func cell(r *analysis.Report, c record.Cell, how string, o *analysis.Outcome) test {
	t := test{Class: clean(c.Variant), Name: clean(c.Workload + ", " + how)}
	var lines []string
	for _, trouble := range o.Troubles {
		lines = append(lines, fmt.Sprintf("%s (repetitions %v of %d): %s", trouble.Status, trouble.Repetitions, o.Planned, trouble.Reason))
		if trouble.Remedy != "" {
			lines = append(lines, "→ "+trouble.Remedy)
		}
	}
	if o.Status == record.OK {
		if counted := r.Cell(c.Variant, c.Workload); counted != nil && how == "counted" && counted.HAP() != nil {
			t.Out = fmt.Sprintf("unique functions, steady state, process context: %g (median of %d)", counted.HAP().Median, counted.HAP().N)
		}
		return t
	}
	p := &problem{Type: string(o.Status), Message: clean(first(o)), Text: clean(strings.Join(lines, "\n"))}
	switch o.Status {
	case record.Skipped:
		t.Skipped = &problem{Message: p.Message + " (skipped)", Text: p.Text}
	default:
		t.Failure = p
	}
	return t
}

// first is the first line of the gravest reason.
func first(o *analysis.Outcome) string {
	for _, t := range o.Troubles {
		if t.Status == o.Status {
			line, _, _ := strings.Cut(t.Reason, "\n")
			return line
		}
	}
	return string(o.Status)
}

// clean replaces what XML 1.0 cannot hold, such as an escape sequence that a sandbox
// printed.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t' || c == '\n' || c >= 0x20 && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD && c != utf8.RuneError || c >= 0x10000:
			return c
		}
		return '�'
	}, s)
}
