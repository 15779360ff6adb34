package reports_test

import (
	"io"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports"
)

// BenchmarkRender reads a record of 10,000 repetitions and writes the HTML report: what
// `hapscope report` does. Beside the time it reports the CPU time, which a busy machine does
// not lengthen, and the most memory that the process had; docs/performance.md has them.
func BenchmarkRender(b *testing.B) {
	for _, bench := range []struct {
		name      string
		functions int // that a repetition enters
	}{
		{"functions=250", 250},   // as many as a unikernel
		{"functions=1000", 1000}, // as a plain container, interrupts included
	} {
		b.Run(bench.name, func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "run")
			testrecord.WriteMany(b, dir, 10_000, bench.functions)
			stop, before := peak(b), cpuTime(b)
			for b.Loop() {
				var g analysis.Gathering
				rec, err := record.Stream(dir, g.Add)
				if err != nil {
					b.Fatal(err)
				}
				if err := reports.Write("html", io.Discard, g.Report(rec)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuTime(b)-before).Seconds()/float64(b.N), "cpu-sec/op")
			stop()
		})
	}
}

// peak watches the memory that the runtime has from the kernel, until it is stopped.
func peak(b *testing.B) (stop func()) {
	debug.FreeOSMemory() // what writing the record took
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		most := uint64(0)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-tick.C:
			case <-end:
				b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
				return
			}
		}
	}()
	return func() { close(end); <-done }
}

// cpuTime is that of the process, on all CPUs.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
