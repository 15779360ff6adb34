package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestRootFrom(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"v2 only": {"26 24 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup"},
		"hybrid": {"30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
			"31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n", "/sys/fs/cgroup/unified"},
		"bind mounts": {"40 1 0:22 /a /srv/x rw - cgroup2 c rw\n41 1 0:22 / /srv/sandbox/sys/fs/cgroup rw - cgroup2 c rw\n" +
			"26 24 0:22 / /sys/fs/cgroup rw - cgroup2 c rw\n", "/sys/fs/cgroup"},
		"space": {`26 24 0:22 / /a\040b rw - cgroup2 c rw` + "\n", "/a b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := rootFrom(c.in); err != nil || got != c.want {
				t.Errorf("rootFrom = %q, %v, want %q", got, err, c.want)
			}
		})
	}
	if _, err := rootFrom("26 24 0:22 / / rw - ext4 /dev/vda rw\n"); !errors.Is(err, ErrNoHierarchy) {
		t.Errorf("err = %v, want ErrNoHierarchy", err)
	}
}

func TestAppendIDs(t *testing.T) {
	ids, err := appendIDs(nil, []byte("12\n0\n7\n"))
	if err != nil || !slices.Equal(ids, []int{12, 7}) {
		t.Errorf("appendIDs = %v, %v", ids, err)
	}
	if _, err := appendIDs(nil, []byte("x\n")); err == nil {
		t.Error("no error for a line that is no number")
	}
}

func TestParsePss(t *testing.T) {
	const rollup = "5581a9c5d000-7ffd9a5f7000 ---p 00000000 00:00 0                          [rollup]\nRss:                3456 kB\nPss:                1234 kB\nPss_Dirty:           220 kB\n"
	if n, err := parsePss([]byte(rollup)); err != nil || n != 1234<<10 {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "Pss: 1 MB\n", "Pss: x kB\n"} {
		if n, err := parsePss([]byte(bad)); err == nil {
			t.Errorf("%q is %d", bad, n)
		}
	}
}

func TestOutsideIsRefused(t *testing.T) {
	if _, err := Root(); err != nil {
		t.Skip(err)
	}
	root, _ := Root()
	for _, dir := range []string{root, "/", "/tmp", root + "/../x"} {
		if err := Create(filepath.Clean(dir)); err == nil {
			t.Errorf("Create(%s) was not refused", dir)
		}
		if err := Kill(filepath.Clean(dir)); err == nil {
			t.Errorf("Kill(%s) was not refused", dir)
		}
	}
}

// TestLife needs root and a cgroup v2 hierarchy; it is the same on a host and
// in the lab.
func TestLife(t *testing.T) {
	root, err := Root()
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("needs root and cgroup v2: %v", err)
	}
	top := filepath.Join(root, fmt.Sprintf("hapscope-test-%d", os.Getpid()))
	sub := filepath.Join(top, "a", "b")
	if err := Create(sub); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer Remove(ctx, top)

	sleep := exec.Command("sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	go sleep.Wait()
	if err := Enter(sub, sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]func(string) ([]int, error){"Processes": Processes, "Threads": Threads} {
		if ids, err := list(top); err != nil || !slices.Equal(ids, []int{sleep.Process.Pid}) {
			t.Errorf("%s = %v, %v, want [%d]", name, ids, err, sleep.Process.Pid)
		}
	}
	if cpu, err := CPU(top); err != nil || cpu < 0 || cpu > 60 {
		t.Errorf("CPU = %v, %v", cpu, err)
	}
	if now, peak, source, err := Memory(top); err != nil || now == 0 || peak < now || source == "" {
		t.Errorf("Memory = %d, %d, %q, %v", now, peak, source, err)
	}
	if yes, err := Populated(top); err != nil || !yes {
		t.Errorf("Populated = %v, %v", yes, err)
	}
	if err := Remove(ctx, top); err != nil {
		t.Fatal(err)
	}
	if Exists(top) {
		t.Error("the cgroup is still there")
	}
	if err := Remove(ctx, top); err != nil {
		t.Errorf("second Remove: %v", err)
	}
}

func TestStarved(t *testing.T) {
	dir := t.TempDir()
	if n := Starved(dir); n != 0 {
		t.Errorf("%d without the controller", n)
	}
	// Linux 6.12.
	events := "low 0\nhigh 0\nmax 61\noom 2\noom_kill 3\noom_group_kill 0\n"
	if err := os.WriteFile(filepath.Join(dir, "memory.events"), []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := Starved(dir); n != 3 {
		t.Errorf("%d, want 3", n)
	}
}
