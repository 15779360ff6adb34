package junit_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/reports/internal/checked"
	"hapscope/reports/junit"
)

// The types below are the part of Jenkins' dialect that hapscope writes, said a second
// time: what is in none of them lands in rest, and is an error. Pointers tell what is
// absent from what is empty.

type rest struct {
	Attributes []xml.Attr `xml:",any,attr"`
	Elements   []struct {
		XMLName xml.Name
	} `xml:",any"`
	Text string `xml:",chardata"`
}

type wantSuites struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Name     *string     `xml:"name,attr"`
	Tests    *int        `xml:"tests,attr"`
	Failures *int        `xml:"failures,attr"`
	Errors   *int        `xml:"errors,attr"`
	Suites   []wantSuite `xml:"testsuite"`
	rest
}

type wantSuite struct {
	Name      *string    `xml:"name,attr"`
	Tests     *int       `xml:"tests,attr"`
	Failures  *int       `xml:"failures,attr"`
	Errors    *int       `xml:"errors,attr"`
	Skipped   *int       `xml:"skipped,attr"`
	Timestamp *string    `xml:"timestamp,attr"`
	Cases     []wantCase `xml:"testcase"`
	rest
}

type wantCase struct {
	Class   *string       `xml:"classname,attr"`
	Name    *string       `xml:"name,attr"`
	Skipped []wantProblem `xml:"skipped"`
	Failure []wantProblem `xml:"failure"`
	Out     []wantOut     `xml:"system-out"`
	rest
}

type wantProblem struct {
	Type    *string `xml:"type,attr"`
	Message *string `xml:"message,attr"`
	rest
}

type wantOut struct{ rest }

// form collects what is wrong with a report.
type form struct{ wrong []string }

func (f *form) errorf(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// nothing refuses what no type has; text is only where it is allowed.
func (f *form) nothing(where string, r rest, text bool) {
	for _, a := range r.Attributes {
		f.errorf("%s has the attribute %s", where, a.Name.Local)
	}
	for _, e := range r.Elements {
		f.errorf("%s has the element %s", where, e.XMLName.Local)
	}
	if !text && strings.TrimSpace(r.Text) != "" {
		f.errorf("%s has the text %.40q", where, r.Text)
	}
}

// named refuses a name that is absent or empty.
func (f *form) named(where, what string, name *string) {
	if name == nil || *name == "" {
		f.errorf("%s has no %s", where, what)
	}
}

// counted refuses a number that is absent, or not that of the elements.
func (f *form) counted(where, what string, says *int, has int) {
	if says == nil || *says != has {
		f.errorf("%s says %s %v, and has %d", where, what, says, has)
	}
}

// checkForm reads a report strictly.
func checkForm(content []byte) (wrong []string) {
	var f form
	d := xml.NewDecoder(bytes.NewReader(content))
	var all wantSuites
	if err := d.Decode(&all); err != nil {
		return []string{err.Error()}
	}
	if token, err := d.Token(); err == nil {
		if text, ok := token.(xml.CharData); !ok || strings.TrimSpace(string(text)) != "" {
			f.errorf("%v follows", token)
		}
	} else if err != io.EOF {
		f.errorf("after the end: %v", err)
	}
	tests, failures := 0, 0
	f.nothing("testsuites", all.rest, false)
	f.named("testsuites", "name", all.Name)
	for i, s := range all.Suites {
		where := fmt.Sprintf("suite %d", i)
		f.nothing(where, s.rest, false)
		f.named(where, "name", s.Name)
		if s.Timestamp == nil {
			f.errorf("%s has no timestamp", where)
		} else if _, err := time.Parse(time.RFC3339, *s.Timestamp); err != nil {
			f.errorf("%s: %v", where, err)
		}
		failed, skipped := 0, 0
		for j, c := range s.Cases {
			f.oneCase(fmt.Sprintf("case %d of %s", j, where), c)
			failed, skipped = failed+len(c.Failure), skipped+len(c.Skipped)
		}
		f.counted(where, "tests", s.Tests, len(s.Cases))
		f.counted(where, "failures", s.Failures, failed)
		f.counted(where, "skipped", s.Skipped, skipped)
		f.counted(where, "errors", s.Errors, 0)
		tests, failures = tests+len(s.Cases), failures+failed
	}
	if tests == 0 {
		f.errorf("no test")
	}
	f.counted("testsuites", "tests", all.Tests, tests)
	f.counted("testsuites", "failures", all.Failures, failures)
	f.counted("testsuites", "errors", all.Errors, 0)
	return f.wrong
}

func (f *form) oneCase(where string, c wantCase) {
	f.nothing(where, c.rest, false)
	f.named(where, "classname", c.Class)
	f.named(where, "name", c.Name)
	if len(c.Failure)+len(c.Skipped) > 1 || len(c.Out) > 1 || len(c.Out)*(len(c.Failure)+len(c.Skipped)) > 0 {
		f.errorf("%s has %d failures, %d skipped, %d outputs", where, len(c.Failure), len(c.Skipped), len(c.Out))
	}
	for _, p := range c.Failure {
		f.nothing(where+", failure", p.rest, true)
		f.named(where+", failure", "message", p.Message)
		f.named(where+", failure", "type", p.Type)
	}
	for _, p := range c.Skipped {
		f.nothing(where+", skipped", p.rest, true)
		f.named(where+", skipped", "message", p.Message)
		if p.Type != nil {
			f.errorf("%s, skipped has a type", where)
		}
	}
	for _, o := range c.Out {
		f.nothing(where+", system-out", o.rest, true)
	}
}

// Elements and attributes are those of the format and no others, where they belong; those
// that are required are there; and what suites count is what they hold.
func TestForm(t *testing.T) {
	for name, r := range map[string]*analysis.Report{
		"a check": checked.Report(t), "a hostile record": checked.Hostile(t),
		"cells": analysis.New(testrecord.New()), "timings alone": analysis.New(testrecord.OnlyTimings()),
	} {
		var b bytes.Buffer
		if err := junit.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range checkForm(b.Bytes()) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

// TestFormRefuses makes sure that the test above would see it.
func TestFormRefuses(t *testing.T) {
	const sound = `<testsuites name="n" tests="2" failures="1" errors="0"><testsuite name="s" tests="2" failures="1" errors="0" skipped="1" timestamp="2026-01-01T00:00:00Z">` +
		`<testcase classname="c" name="a"><failure type="violated" message="m">text</failure></testcase><testcase classname="c" name="b"><skipped message="m"></skipped></testcase></testsuite></testsuites>`
	if wrong := checkForm([]byte(sound)); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for what, change := range map[string][2]string{
		"an unknown attribute": {`name="s"`, `name="s" host="h"`},
		"an unknown element":   {`<skipped`, `<properties></properties><skipped`},
		"a wrong place":        {`<testcase classname="c" name="a">`, `<testcase classname="c" name="a"><testcase classname="c" name="d"></testcase>`},
		"a wrong count":        {`skipped="1"`, `skipped="2"`},
		"a wrong sum":          {`name="n" tests="2"`, `name="n" tests="3"`},
		"a count that is none": {`errors="0" skipped`, `errors="few" skipped`},
		"no name":              {`name="b"`, ``},
		"an empty class":       {`classname="c" name="b"`, `classname="" name="b"`},
		"two verdicts":         {`<skipped`, `<failure type="t" message="m"></failure><skipped`},
		"no message":           {` message="m">text`, `>text`},
		"a day without a time": {`2026-01-01T00:00:00Z`, `2026-01-01`},
		"stray text":           {`</testsuite>`, `stray</testsuite>`},
		"a second root":        {`</testsuites>`, `</testsuites><testsuites></testsuites>`},
	} {
		spoilt := strings.Replace(sound, change[0], change[1], 1)
		if spoilt == sound {
			t.Fatalf("%s: nothing was changed", what)
		}
		if len(checkForm([]byte(spoilt))) == 0 {
			t.Errorf("%s is accepted", what)
		}
	}
}
