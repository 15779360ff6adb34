// Package schema holds the JSON Schemas (draft 2020-12) of a run directory's
// JSON files. They are for other programs: package record reads strictly by
// its own types, and a test holds the two together.
package schema

import _ "embed"

// Run is the schema of run.json.
//
//go:embed run.schema.json
var Run []byte

// Result is the schema of one line of results.jsonl.
//
//go:embed result.schema.json
var Result []byte

// Timing is the schema of one line of timings.jsonl.
//
//go:embed timing.schema.json
var Timing []byte
