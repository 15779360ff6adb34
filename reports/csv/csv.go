// Package csv writes the values of every repetition as tidy data: one value a
// line, for statistics programs. A repetition without numbers has one line with
// an empty value and its status, so that no program takes it for zero or for
// not planned.
package csv

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"hapscope/analysis"
)

// Columns is the header. Other programs rely on it.
func Columns() []string {
	return []string{"variant", "workload", "repetition", "phase", "context", "metric", "value", "unit", "status"}
}

// Write writes the report's rows.
func Write(w io.Writer, r *analysis.Report) error {
	out := csv.NewWriter(w)
	out.Write(Columns()) // errors stay until Flush
	for _, row := range r.Rows() {
		value := ""
		if row.Value != nil {
			value = strconv.FormatFloat(*row.Value, 'f', -1, 64)
		}
		out.Write([]string{row.Variant, row.Workload, strconv.Itoa(row.Repetition), string(row.Phase), string(row.Context),
			string(row.Metric), value, row.Metric.Unit(), string(row.Status)})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}
