package policy

import (
	"os"
	"testing"

	"hapscope/record"
)

// FuzzParseStatus reads what the kernel says of tasks.
func FuzzParseStatus(f *testing.F) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("State:\tS (sleeping)\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nCapEff:\tffffffffffffffff\nCapBnd:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t99999999999999999999\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseStatus(b)
		if err == nil && s.Seccomp != record.SeccompOff && s.Seccomp != record.SeccompStrict && s.Seccomp != record.SeccompFilter {
			t.Errorf("%q: seccomp %q", b, s.Seccomp)
		}
	})
}
