package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Entry is what /proc says of a process.
type Entry struct {
	PID, Parent int
	Start       uint64 // clock ticks since boot: with the id it names the process for ever
	Command     string // last part of its first argument, "" where it hides that
}

// Table is all processes of this pid namespace at about one moment, by id.
type Table map[int]Entry

// List reads the table.
func List() (Table, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	t := Table{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // ended meanwhile
		}
		entry, err := parseStat(b)
		if err != nil {
			return nil, fmt.Errorf("list processes: %d: %w", pid, err)
		}
		entry.PID = pid
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		entry.Command = commandOf(line)
		t[pid] = entry
	}
	return t, nil
}

var errStat = errors.New("/proc/PID/stat is too short")

// parseStat reads fields 4 and 22 of proc(5). The second is a name in parentheses that
// may hold anything.
func parseStat(b []byte) (e Entry, err error) {
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return e, errStat
	}
	if e.Parent, err = strconv.Atoi(string(f[1])); err != nil {
		return e, err
	}
	e.Start, err = strconv.ParseUint(string(f[19]), 10, 64)
	return e, err
}

// commandOf is the last part of the first argument.
func commandOf(line []byte) string {
	first, _, _ := bytes.Cut(line, []byte{0})
	if len(first) == 0 {
		return ""
	}
	return filepath.Base(string(first))
}

// Has reports whether the table holds a process, and not just one of the same id.
func (t Table) Has(e Entry) bool {
	known, ok := t[e.PID]
	return ok && known.Start == e.Start
}

// Origin is the first of a process's ancestors, itself included, that is not in an
// earlier table. It is false where the process is not there, or not new.
func (t Table) Origin(pid int, before Table) (Entry, bool) {
	e, ok := t[pid]
	if !ok || before.Has(e) {
		return Entry{}, false
	}
	for {
		parent, ok := t[e.Parent]
		if !ok || before.Has(parent) {
			return e, true
		}
		e = parent
	}
}

// Below lists a process and all that descend from it, by id.
func (t Table) Below(pid int) (all []Entry) {
	e, ok := t[pid]
	if !ok {
		return nil
	}
	all = append(all, e)
	for i := 0; i < len(all); i++ {
		for _, child := range t {
			if child.Parent == all[i].PID {
				all = append(all, child)
			}
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return a.PID - b.PID })
	return all
}
