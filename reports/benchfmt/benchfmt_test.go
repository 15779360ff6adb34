package benchfmt_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	reportbenchfmt "hapscope/reports/benchfmt"
)

func write(t *testing.T, rec *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := reportbenchfmt.Write(&b, analysis.New(rec)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRead reads the output as benchstat does: nothing is refused, and every value
// that there is comes back.
func TestRead(t *testing.T) {
	rec := testrecord.WithPlaces()
	reader := benchfmt.NewReader(strings.NewReader(write(t, rec)), "report")
	got := map[string]int{}
	for reader.Scan() {
		switch r := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(r)
		case *benchfmt.Result:
			for _, v := range r.Values {
				got[r.GetConfig("place")+" "+v.Unit]++
			}
		}
	}
	want := map[string]int{}
	for _, row := range analysis.New(rec).Rows() {
		switch {
		case row.Value == nil:
		case row.Phase == analysis.TimedPhase:
			want[string(row.Context)+" "+string(row.Metric)]++
		case row.Context == record.InProcess:
			want["emulated "+string(row.Metric)]++ // the lab of the record
		}
	}
	for key, n := range want {
		if got[key] != n {
			t.Errorf("%d values of %s, want %d", got[key], key, n)
		}
	}
	if units := reader.Units(); units.GetBetter("req/s") != 1 || units.GetBetter("p99-sec") != -1 || units.GetBetter("unique-functions") != -1 {
		t.Error("benchstat would not know which is better")
	}
}

func TestGolden(t *testing.T) {
	var short []string
	for _, l := range strings.SplitAfter(write(t, testrecord.WithTimings()), "\n") {
		if !strings.HasPrefix(l, "Benchmark") && !strings.HasPrefix(l, "# to know") || strings.Contains(l, "variant=runc/workload=redis-set") {
			short = append(short, l)
		}
	}
	golden.Compare(t, "short.txt", []byte(strings.Join(short, "")))
}

// TestBenchstat has the real benchstat compare the variants.
func TestBenchstat(t *testing.T) {
	rec := testrecord.WithPlaces()
	path := filepath.Join(t.TempDir(), "report.txt")
	if err := os.WriteFile(path, []byte(write(t, rec)), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	c := exec.Command("go", "tool", "benchstat", "-col", "/variant", "-format", "csv", path)
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", c, err, said.Bytes())
	}
	tables := readTables(t, out.Bytes())
	native, emulated := tables["native req/s"], tables["emulated req/s"]
	if native == nil || emulated == nil {
		t.Fatalf("no tables of throughput:\n%.3000s", out.Bytes())
	}
	if _, mixed := native["gvisor-systrap"]; mixed || len(native) != 3 || len(emulated) != 1 {
		t.Errorf("places are mixed: native %v, emulated %v", native, emulated)
	}
	for variant, rows := range native {
		cell := analysis.New(rec).TimedCell(record.Native, variant, "redis-set")
		want := cell.Series(analysis.ReqPerSec).Median
		if got := rows["Cell/workload=redis-set"]; got < want*.999 || got > want*1.001 {
			t.Errorf("%s: benchstat says %v, we say %v", variant, got, want)
		}
	}
	if hap := tables["emulated unique-functions"]; hap["runc"]["Cell/workload=redis-set/phase=steady"] != analysis.New(rec).Cell("runc", "redis-set").HAP().Median {
		t.Errorf("unique functions of runc: %v", hap["runc"])
	}
}

// readTables reads benchstat's CSV: medians by "place unit", variant and row.
func readTables(t *testing.T, b []byte) map[string]map[string]map[string]float64 {
	t.Helper()
	tables := map[string]map[string]map[string]float64{}
	place, unit := "", ""
	var variants []string
	for line := range strings.Lines(string(b)) {
		row, err := csv.NewReader(strings.NewReader(line)).Read()
		switch value, isPlace := strings.CutPrefix(strings.TrimSpace(line), "place: "); {
		case isPlace:
			place = value
		case err != nil || len(row) < 2:
		case row[0] == "" && row[1] != "" && variants == nil:
			variants = row
		case row[0] == "" && variants != nil:
			unit = row[1]
			tables[place+" "+unit] = map[string]map[string]float64{}
		case strings.HasPrefix(row[0], "Cell/"):
			for i := range row {
				if v, err := strconv.ParseFloat(row[i], 64); err == nil && i < len(variants) && variants[i] != "" {
					if tables[place+" "+unit][variants[i]] == nil {
						tables[place+" "+unit][variants[i]] = map[string]float64{}
					}
					tables[place+" "+unit][variants[i]][row[0]] = v
				}
			}
			continue
		default:
			variants = nil
		}
		if strings.TrimSpace(line) == "" {
			variants = nil
		}
	}
	return tables
}
