package junit_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/reports/internal/checked"
	"hapscope/reports/junit"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := junit.Write(&b, checked.Report(t)); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "checked.xml", b.Bytes())
}

// The schema is junit-10.xsd of Jenkins' xUnit plugin (jenkinsci/xunit-plugin, MIT), which
// pytest's source has as well. It is not kept here; docs/gate.md says more.
func TestSchema(t *testing.T) {
	schema := os.Getenv("HAPSCOPE_JUNIT_XSD")
	if schema == "" {
		t.Skip("HAPSCOPE_JUNIT_XSD names no junit-10.xsd: the published schema is not asked, TestForm is")
	}
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Fatal("the schema is asked through xmllint of Debian's libxml2-utils: ", err)
	}
	for name, r := range map[string]*analysis.Report{
		"a check": checked.Report(t), "a hostile record": checked.Hostile(t),
		"cells": analysis.New(testrecord.New()), "timings alone": analysis.New(testrecord.OnlyTimings()),
	} {
		var b bytes.Buffer
		if err := junit.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "report.xml")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", schema, file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// Nothing that a record names becomes an element of the report.
func TestHostile(t *testing.T) {
	var b bytes.Buffer
	if err := junit.Write(&b, checked.Hostile(t)); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "<script") || !strings.Contains(s, "&lt;script&gt;") || strings.ContainsRune(s, 0x1b) {
		t.Error(s)
	}
}
