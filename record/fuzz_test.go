package record

import (
	"bytes"
	"testing"
)

// FuzzRead feeds damaged results and tables to the reader, which may refuse
// them but must neither panic nor return a hit outside its table.
func FuzzRead(f *testing.F) {
	table := []byte(tableHeader + "0,,do_syscall_64,0x1000\n1,veth,veth_xmit,0x10\n")
	f.Add([]byte(`{"variant":"runc","workload":"redis-set","repetition":1,"status":"ok","started":"2026-01-01T00:00:00Z","seconds":1,"kernel":"0123456789ab","phases":[{"phase":"steady","seconds":1,"functions":{"process":[[0,10],[1,2]]},"syscalls":null,"events":12}]}`+"\n"), table)
	f.Add([]byte(`{"variant":"runc","workload":"redis-set","repetition":2,"status":"skipped","reason":"no runc","started":"2026-01-01T00:00:00Z","seconds":0}`+"\n"), table)
	f.Add([]byte("{}\n\n{"), []byte(tableHeader+"0,a,b"))
	f.Add([]byte(`{"phases":[{"functions":{"process":[[4294967296,1],[-1]]}}]}`+"\n"), []byte(tableHeader+"0,\"a\nb\",c,0x\n"))
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
		whole, _ = wholeLines("results", results)
		read, err := parseResults("results", whole, steps, func(string) (int, error) { return len(functions), terr })
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
	})
}
