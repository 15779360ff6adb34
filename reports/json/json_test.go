package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/json"
)

func write(t *testing.T, rec *record.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Write(&b, analysis.New(rec)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSchema holds what is written, of real records and of made-up ones with every
// kind of trouble, to the schema.
func TestSchema(t *testing.T) {
	s := testrecord.Schema(t, json.Schema)
	bare := testrecord.New()
	bare.Results, bare.Tables, bare.Run.Machine, bare.Run.Lab = nil, nil, nil, nil
	for name, rec := range map[string]*record.Record{
		"nabla": testrecord.Reference(t, "nabla"), "counted": testrecord.New(), "machines": testrecord.WithMachines(),
		"timed": testrecord.WithTimings(), "places": testrecord.WithPlaces(), "only timed": testrecord.OnlyTimings(), "nothing measured": bare,
	} {
		if err := testrecord.ValidateJSON(s, write(t, rec)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses makes sure that the schema is one that could refuse.
func TestSchemaRefuses(t *testing.T) {
	s := testrecord.Schema(t, json.Schema)
	for name, change := range map[string]func(map[string]any){
		"another version": func(d map[string]any) { d["schema"] = "hapscope-report/0" },
		"an unknown key":  func(d map[string]any) { d["colour"] = 1 },
		"no verdict":      func(d map[string]any) { delete(d, "verdict") },
		"a null number": func(d map[string]any) {
			d["cells"].([]any)[0].(map[string]any)["numbers"].([]any)[0].(map[string]any)["median"] = nil
		},
	} {
		var d map[string]any
		if err := stdjson.Unmarshal(write(t, testrecord.New()), &d); err != nil {
			t.Fatal(err)
		}
		change(d)
		b, err := stdjson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := testrecord.ValidateJSON(s, b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestGolden(t *testing.T) {
	rec := testrecord.New()
	rec.Run.Plan.Variants, rec.Run.Plan.Workloads = []string{"runc", "gvisor-kvm"}, []string{"redis-set"}
	golden.Compare(t, "report.json", write(t, rec))
}
