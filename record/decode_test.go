package record

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode holds the fast way of reading a line to encoding/json.
func FuzzDecode(f *testing.F) {
	const head = `{"variant":"runc","workload":"redis-set","repetition":1,"status":"ok","started":"2026-01-01T00:00:00Z","seconds":1,"kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"events":0,"syscalls":{"read":1},"functions":`
	for _, functions := range []string{`{}`, `{"process":[]}`, `{"process":[[0,1]]}`, `{"process":[[0,1],[17,18446744073709551615]],"softirq":[[3,9999999999999999999]]}`, `{"process":[[1,2,3]]}`,
		`{"process":[ [1, 2] ]}`, `{"process":null}`, `{"process":[[-1,2]]}`, `{"process":[[1.5,2]]}`, `{"process":[[01,2]]}`, `{"process":[[1]]}`, `{"process":[[2147483649,1]]}`, `{"process":[[1,2],]}`, `{"process":[[1,2]`, `{"process":[1]}`} {
		f.Add([]byte(head + functions + `}]}`))
	}
	f.Add([]byte(`{"variant":"runc","colour":1}`))
	f.Add([]byte(`{"Variant":"runc","variant":"crun"}`))
	d := newResultDecoder()
	f.Fuzz(func(t *testing.T, line []byte) {
		got, gotErr := d.decode(line)
		var want Result
		wantErr := strict(line, &want)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("got error %v, want %v", gotErr, wantErr)
		}
		if gotErr != nil {
			if gotErr.Error() != wantErr.Error() {
				t.Errorf("got error %q, want %q", gotErr, wantErr)
			}
			return
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// TestHitsAreRead makes sure that what is written goes the fast way.
func TestHitsAreRead(t *testing.T) {
	for _, want := range [][]Hit{{}, {{0, 1}}, {{0, 1}, {17, 1 << 62}, {1 << 31, 3}}} {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseHits(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}
