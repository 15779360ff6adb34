package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/record/schema"
)

func compile(t *testing.T, name string, content []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, content []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// validateDir checks all JSON of a run directory.
func validateDir(t *testing.T, dir string) {
	t.Helper()
	run, results := compile(t, "run.schema.json", schema.Run), compile(t, "result.schema.json", schema.Result)
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(run, b); err != nil {
		t.Errorf("run.json: %v", err)
	}
	if b, err = os.ReadFile(filepath.Join(dir, "results.jsonl")); err != nil {
		t.Fatal(err)
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		if err := validate(results, line); err != nil {
			t.Errorf("results.jsonl:%d: %v", n+1, err)
		}
	}
}

func TestWrittenRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	testrecord.Write(t, dir)
	validateDir(t, dir)
}

// TestRealRecord validates a record that a real run has left, where the caller
// names one.
func TestRealRecord(t *testing.T) {
	dir := os.Getenv("HAPSCOPE_RECORD")
	if dir == "" {
		t.Skip("HAPSCOPE_RECORD names no run directory")
	}
	validateDir(t, dir)
	if _, err := record.Read(dir); err != nil {
		t.Error(err)
	}
}

func TestBareRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := record.NewWriter(dir, record.Run{
		ID: "bare", Created: time.Unix(0, 0).UTC(), Where: "lab", Plan: record.Plan{Repetitions: 1, Load: record.Load{Mode: "paced"}},
		Lab: &record.Lab{Accelerator: "tcg"}, Machine: &record.Machine{}, Variants: []record.VariantInfo{{Name: "runc"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(compile(t, "run.schema.json", schema.Run), b); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compile(t, "result.schema.json", schema.Result)
	const head = `{"variant":"runc","workload":"redis-set","repetition":1,"started":"2026-01-01T00:00:00Z","seconds":1`
	tests := map[string]string{
		"unknown key":            `,"status":"skipped","reason":"x","colour":1}`,
		"skipped without reason": `,"status":"skipped"}`,
		"ok without phases":      `,"status":"ok"}`,
		"phases without kernel":  `,"status":"ok","phases":[{"phase":"steady","seconds":1,"functions":{},"syscalls":{},"events":0}]}`,
		"a hit of three":         `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[1,2,3]]},"syscalls":{},"events":0}]}`,
		"a hit of none":          `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[1,0]]},"syscalls":{},"events":0}]}`,
		"an unknown context":     `,"status":"ok","kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"nmi":[]},"syscalls":{},"events":0}]}`,
	}
	for name, tail := range tests {
		t.Run(name, func(t *testing.T) {
			if err := validate(s, []byte(head+tail)); err == nil {
				t.Error("accepted")
			}
		})
	}
	if err := validate(s, []byte(head+`,"status":"skipped","reason":"x"}`)); err != nil {
		t.Errorf("a sound line is refused: %v", err)
	}
}
