package testrecord

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

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
	if b, err = os.ReadFile(filepath.Join(dir, "results.jsonl")); err != nil {
		t.Fatal(err)
	}
	results := Schema(t, schema.Result)
	for n, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		if err := ValidateJSON(results, line); err != nil {
			t.Errorf("results.jsonl:%d: %v", n+1, err)
		}
	}
}
