package testrecord

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hapscope/record"
	"hapscope/record/schema"
)

// Schema compiles one of the record's schemas.
func Schema(t *testing.T, content []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	const name = "schema.json" // by which the compiler knows it, nothing more
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

// ValidateJSON checks one document against a schema.
func ValidateJSON(s *jsonschema.Schema, content []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// Validate checks all JSON of a run directory against the schemas.
func Validate(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ValidateJSON(Schema(t, schema.Run), b); err != nil {
		t.Errorf("run.json: %v", err)
	}
	validateLines(t, filepath.Join(dir, "results.jsonl"), Schema(t, schema.Result))
	if timings := filepath.Join(dir, "timings.jsonl"); len(rec(t, dir).Timings) > 0 {
		validateLines(t, timings, Schema(t, schema.Timing))
	}
}

func rec(t *testing.T, dir string) *record.Record {
	t.Helper()
	r, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func validateLines(t *testing.T, name string, s *jsonschema.Schema) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		if err := ValidateJSON(s, line); len(b) > 0 && err != nil {
			t.Errorf("%s:%d: %v", filepath.Base(name), n+1, err)
		}
	}
}
