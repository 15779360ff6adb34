package json

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"

	"hapscope/analysis"
)

// Version names the layout. It changes when a reader of the one before would go wrong.
const Version = "hapscope-report/2"

// Schema is the JSON Schema (draft 2020-12) of what Write writes.
//
//go:embed report.schema.json
var Schema []byte

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	b, err := json.MarshalIndent(newDocument(r), "", " ")
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	if _, err := w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}
