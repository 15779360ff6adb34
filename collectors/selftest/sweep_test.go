package selftest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hapscope/internal/kernel/cgroup"
)

// The cgroup of a dead test goes, that of a living one stays.
func TestSweep(t *testing.T) {
	root, err := cgroup.Root()
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("needs root and cgroup v2: %v", err)
	}
	dead := filepath.Join(root, fmt.Sprintf("%s%d-test", cgroupPrefix, 1<<22+1))
	alive := filepath.Join(root, fmt.Sprintf("%s%d-test", cgroupPrefix, os.Getpid()))
	for _, dir := range []string{dead, alive} {
		if err := cgroup.Create(dir); err != nil {
			t.Skip(err)
		}
		defer cgroup.Remove(t.Context(), dir)
	}
	if err := sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if cgroup.Exists(dead) || !cgroup.Exists(alive) {
		t.Errorf("dead: %v, alive: %v", cgroup.Exists(dead), cgroup.Exists(alive))
	}
}
