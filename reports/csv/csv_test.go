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

// TestTimings makes sure that every timed repetition has its lines, under its place,
// and that one without numbers has one line, without a value.
func TestTimings(t *testing.T) {
	var b bytes.Buffer
	rec := testrecord.WithPlaces()
	if err := reportcsv.Write(&b, analysis.New(rec)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	throughputs := map[string]int{} // place and status → lines
	for _, row := range rows {
		if row[3] != "timed" || row[5] != "req/s" {
			continue
		}
		throughputs[row[4]+" "+row[8]]++
		if (row[6] == "") != (row[8] != "ok") {
			t.Errorf("%v", row)
		}
	}
	want := map[string]int{"native ok": 109, "native failed": 10, "native skipped": 40, "native missing": 1, "emulated ok": 39, "emulated degraded": 1}
	for key, n := range want {
		if throughputs[key] != n {
			t.Errorf("%d throughputs %s, want %d", throughputs[key], key, n)
		}
	}
}
