package csv_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	reportcsv "hapscope/reports/csv"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := reportcsv.Write(&b, analysis.New(testrecord.New())); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows[0], ","), "variant,workload,repetition,phase,context,metric,value,unit,status"; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	// The HAP of every repetition, and all that one cell has, stand for the rest.
	var short bytes.Buffer
	out := csv.NewWriter(&short)
	for i, row := range rows {
		hap := row[3] == "steady" && row[4] == "process" && row[5] == "unique-functions"
		if i == 0 || hap || row[0] == "runc" && row[1] == "redis-set" && row[2] == "1" {
			out.Write(row)
		}
	}
	out.Flush()
	golden.Compare(t, "short.csv", short.Bytes())
}
