package record

import (
	"bytes"
	"os"
	"testing"
)

// captured are files of real records, shortened: testdata/README.md.
func captured(f testing.TB, name string) []byte {
	f.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzRead feeds damaged results and tables to the reader, which may refuse
// them but must neither panic nor return a hit outside its table.
func FuzzRead(f *testing.F) {
	table := []byte(tableHeader + "0,,do_syscall_64,0x1000\n1,veth,veth_xmit,0x10\n")
	f.Add([]byte(`{"variant":"runc","workload":"redis-set","repetition":1,"status":"ok","started":"2026-01-01T00:00:00Z","seconds":1,"kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[0,10],[1,2]]},"syscalls":null,"events":12}]}`+"\n"), table)
	f.Add([]byte(`{"variant":"runc","workload":"redis-set","repetition":2,"status":"skipped","reason":"no runc","started":"2026-01-01T00:00:00Z","seconds":0}`+"\n"), table)
	f.Add([]byte("{}\n\n{"), []byte(tableHeader+"0,a,b"))
	f.Add([]byte(`{"phases":[{"functions":{"process":[[4294967296,1],[-1]]}}]}`+"\n"), []byte(tableHeader+"0,\"a\nb\",c,0x\n"))
	f.Add(captured(f, "result.jsonl"), table)
	f.Add([]byte("{}\n"), []byte(tableHeader+"0,\"a,b\",c,0x0\n"))
	f.Add([]byte("{}\n"), []byte(tableHeader+"0,../../x,c,0x0\n"))
	steps := []Step{{Cell{"runc", "redis-set"}, 1}, {Cell{"runc", "redis-set"}, 2}}
	f.Fuzz(func(t *testing.T, results, table []byte) {
		whole, _ := wholeLines("table", table)
		functions, terr := parseTable("table", whole)
		if terr == nil {
			var again bytes.Buffer
			again.WriteString(tableHeader)
			if err := formatTable(&again, 0, functions); err != nil {
				t.Fatalf("read a table that cannot be written: %v", err)
			}
		}
		var read []Result
		warning, err := parseResults("results", bytes.NewReader(results), steps, func(string) (int, error) { return len(functions), terr }, func(r *Result) { read = append(read, *r) })
		if whole := len(results) == 0 || results[len(results)-1] == '\n'; err == nil && whole != (warning == "") {
			t.Fatalf("the file ends with a whole line: %v, and the warning is %q", whole, warning)
		}
		if err != nil {
			return
		}
		for _, r := range read {
			for _, p := range r.Phases {
				for _, hits := range p.Functions {
					for _, h := range hits {
						if h.Function < 0 || h.Function >= len(functions) {
							t.Fatalf("hit %v outside a table of %d", h, len(functions))
						}
					}
				}
			}
		}
		mergeTwice(t, read, functions, steps)
	})
}

// mergeTwice joins what was read with itself: nothing is there twice, and every hit is in
// the new table.
func mergeTwice(t *testing.T, results []Result, functions []Function, steps []Step) {
	rec := &Record{Run: Run{Schema: SchemaVersion, ID: "fuzz", Where: "host", Plan: Plan{Variants: []string{"runc"}, Workloads: []string{"redis-set"}, Steps: steps}},
		Results: results, Tables: map[string][]Function{}}
	for _, r := range results {
		if len(r.Phases) > 0 {
			rec.Tables[r.Kernel] = functions
		}
	}
	m, err := Merge([]*Record{rec, rec})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Results) != len(results) {
		t.Fatalf("%d results of %d", len(m.Results), len(results))
	}
	for _, r := range m.Results {
		if err := r.check(len(m.Tables[r.Kernel])); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzReadTimings feeds damaged timings to the reader: what it takes, a writer could
// have written.
func FuzzReadTimings(f *testing.F) {
	const head = `{"variant":"runc","workload":"redis-set","repetition":1,"status":"ok","place":"native","started":"2026-01-01T00:00:00Z","seconds":1`
	f.Add([]byte(head + `,"start_up":0.1,"latency":{"generator":"g","asked":1,"kept":1,"requests":2,"seconds":1,"histogram":[{"seconds":0.1,"count":1},{"seconds":0.2,"count":1}]},"calibration":{"seconds":[1]}}` + "\n"))
	f.Add([]byte(head + `,"memory":{"source":"s","steady":1,"peak":2},"throughput":{"generator":"g","connections":1,"requests":1,"seconds":1e308,"cpu":0}}` + "\n"))
	f.Add([]byte(head + `,"start_up":-0}` + "\n{"))
	f.Add(captured(f, "timing.jsonl"))
	steps := []Step{{Cell{"runc", "redis-set"}, 1}, {Cell{"runc", "redis-set"}, 2}}
	f.Fuzz(func(t *testing.T, content []byte) {
		timings, _, err := parseTimings("timings", bytes.NewReader(content), steps)
		for _, r := range timings {
			if err := r.check(); err != nil {
				t.Fatal(err)
			}
		}
		if err == nil && len(timings) > len(steps) {
			t.Fatalf("%d timings of %d steps", len(timings), len(steps))
		}
	})
}
