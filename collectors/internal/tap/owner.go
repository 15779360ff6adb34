package tap

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"hapscope/internal/kernel/tracefs"
)

// instanceName is prefix, the process id and the process's start time: an id
// alone may have gone to someone else by the time that Sweep looks.
func instanceName(prefix string) (string, error) {
	start, err := startTime(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("name trace instance: %w", err)
	}
	return fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), start), nil
}

// startTime is field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot.
func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in parentheses that may hold anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+2)
	}
	return strconv.ParseUint(string(fields[19]), 10, 64)
}

// orphaned reports whether an instance's name says that its maker is gone.
func orphaned(name, prefix string) bool {
	id, start, ok := strings.Cut(strings.TrimPrefix(name, prefix), "-")
	pid, err := strconv.Atoi(id)
	if !ok || err != nil {
		return false // not of our making
	}
	now, err := startTime(pid)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return err == nil && strconv.FormatUint(now, 10) != start
}

// Sweep removes instances that dead processes have left, one line for each.
func Sweep(prefix string) (removed []string, err error) {
	t, err := tracefs.Open()
	if err != nil {
		return nil, err
	}
	names, err := t.Instances(prefix)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !orphaned(name, prefix) {
			continue
		}
		if e := t.Instance(name).Remove(); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "trace instance "+name)
	}
	return removed, err
}
