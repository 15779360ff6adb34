package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CPU returns how many seconds of all CPUs everything in dir and below it has used
// since the cgroup was made, also what has ended since. It needs no controller.
func CPU(dir string) (float64, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "usage_usec "); ok {
			us, err := strconv.ParseUint(strings.TrimSpace(v), 10, 63)
			return float64(us) / 1e6, err
		}
	}
	return 0, fmt.Errorf("no usage_usec in %s/cpu.stat", dir)
}

// The sources of Memory.
const (
	FromController = "memory.current and memory.peak of the cgroup, page cache included"
	FromProcesses  = "proportional set sizes (smaps_rollup) of the processes in the cgroup, sampled"
)

// Memory returns the resident memory, in bytes, of everything in dir and below it, and
// the most that it was; without the memory controller nobody knows the latter, and it is
// what is resident now.
func Memory(dir string) (now, peak uint64, source string, err error) {
	now, err = number(filepath.Join(dir, "memory.current"))
	if err == nil {
		peak, err = number(filepath.Join(dir, "memory.peak")) // since Linux 5.19
		if errors.Is(err, fs.ErrNotExist) {
			return now, now, "memory.current of the cgroup, page cache included, sampled", nil
		}
		return now, max(now, peak), FromController, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, "", err
	}
	pids, err := Processes(dir)
	if err != nil {
		return 0, 0, "", err
	}
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // ended meanwhile
		}
		if err != nil {
			return 0, 0, "", err
		}
		pss, err := parsePss(b)
		if err != nil {
			return 0, 0, "", fmt.Errorf("process %d: %w", pid, err)
		}
		now += pss
	}
	return now, now, FromProcesses, nil
}

// Starved returns how many processes of dir and below it the kernel has killed for want of
// memory; 0 where nobody counts them, which is without the memory controller.
func Starved(dir string) uint64 {
	b, err := os.ReadFile(filepath.Join(dir, "memory.events"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

// parsePss reads the proportional set size, in bytes, out of smaps_rollup.
func parsePss(b []byte) (uint64, error) {
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			f := bytes.Fields(v)
			if len(f) != 2 || string(f[1]) != "kB" {
				return 0, fmt.Errorf("smaps_rollup says %q", line)
			}
			kib, err := strconv.ParseUint(string(f[0]), 10, 53)
			return kib << 10, err
		}
	}
	return 0, errors.New("no Pss in smaps_rollup")
}

func number(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}
