package policy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/capability"
	"hapscope/record"
)

// status is what /proc/TID/status says.
type status struct {
	record.Confinement
	tracer int // who traces it; 0 where nobody does
}

func readStatus(tid int) (*status, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return nil, err
	}
	return parseStatus(b)
}

// parseStatus reads the fields of proc_pid_status(5) that count here.
func parseStatus(b []byte) (*status, error) {
	fields := map[string]string{}
	for line := range bytes.Lines(b) {
		name, value, _ := strings.Cut(string(line), ":")
		fields[name] = strings.TrimSpace(value)
	}
	if state := fields["State"]; strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X") {
		return nil, errGone
	}
	s := new(status)
	var err error
	number := func(name string, column, base int) uint64 {
		columns := strings.Fields(fields[name])
		if column >= len(columns) {
			err = errors.Join(err, fmt.Errorf("no %s in the task's status", name))
			return 0
		}
		n, e := strconv.ParseUint(columns[column], base, 64)
		err = errors.Join(err, e)
		return n
	}
	s.UID = uint32(number("Uid", 1, 10)) // real, effective, saved, file system
	s.Effective, s.Bounding = capability.Names(number("CapEff", 0, 16)), capability.Names(number("CapBnd", 0, 16))
	s.NoNewPrivs = number("NoNewPrivs", 0, 10) != 0
	s.tracer = int(number("TracerPid", 0, 10))
	mode := number("Seccomp", 0, 10)
	if modes := []record.SeccompMode{record.SeccompOff, record.SeccompStrict, record.SeccompFilter}; mode < uint64(len(modes)) {
		s.Seccomp = modes[mode]
	} else {
		err = errors.Join(err, fmt.Errorf("seccomp mode %d", mode))
	}
	if fields["Seccomp_filters"] != "" { // since 5.9
		s.Filters = int(number("Seccomp_filters", 0, 10))
	}
	return s, err
}

// explain says why a task's filters could not be read.
func (s *status) explain(err error) string {
	switch {
	case errors.Is(err, unix.EPERM) && s.tracer > 0:
		return "it is traced already, by process " + comm(s.tracer) + ", and a task has one tracer only"
	case errors.Is(err, unix.EACCES):
		return "the kernel lets nobody read filters who is under seccomp or lacks CAP_SYS_ADMIN"
	case errors.Is(err, unix.EINVAL):
		return "the kernel keeps no filters for reading (CONFIG_CHECKPOINT_RESTORE is off)"
	case errors.Is(err, unix.EMEDIUMTYPE):
		return "a filter is not of classic BPF"
	case errors.Is(err, unix.EBUSY):
		return "it sleeps where it cannot be interrupted: " + err.Error()
	}
	return err.Error()
}

func comm(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return strconv.Itoa(pid)
	}
	return strings.TrimSpace(string(b))
}

// label is what a security module calls the task.
func label(tid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/attr/current", tid))
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return "", nil // no module that gives labels
	}
	return strings.TrimRight(string(b), "\x00\n"), err
}

// namespaces returns a task's, by kind. What a kind's file for children names is not
// the task's own.
func namespaces(tid int) (map[string]string, error) {
	dir := fmt.Sprintf("/proc/%d/ns", tid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_for_children") {
			continue
		}
		if out[e.Name()], err = os.Readlink(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// shared lists the kinds of namespaces that a task has in common with the host, which is
// where hapscope itself runs.
func shared(tid int, host map[string]string) ([]string, error) {
	own, err := namespaces(tid)
	if err != nil {
		return nil, err
	}
	kinds := []string{}
	for kind, id := range own {
		if host[kind] == id {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds, nil
}
