package cgroup

import (
	"os"
	"slices"
	"testing"
)

// FuzzTexts reads what the kernel says of mounts, members and memory.
func FuzzTexts(f *testing.F) {
	for _, name := range []string{"/proc/self/mountinfo", "/proc/self/smaps_rollup"} {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte("30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n"))
	f.Add([]byte(`26 24 0:22 / /a\040b rw - cgroup2 c rw`))
	f.Add([]byte("Pss:                1234 kB\n"))
	f.Add([]byte("12\n0\n7\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if root, err := rootFrom(string(b)); (root == "") != (err != nil) {
			t.Errorf("%q: root %q, %v", b, root, err)
		}
		if ids, err := appendIDs(nil, b); err == nil && slices.ContainsFunc(ids, func(id int) bool { return id <= 0 }) {
			t.Errorf("%q: ids %v", b, ids)
		}
		parsePss(b)
	})
}
