package kvm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// debugfs holds a directory for each virtual machine of the host, named after the
// thread that made it and its descriptor there (kvm_create_vm_debugfs,
// virt/kvm/kvm_main.c). Its file exits counts those of all virtual CPUs.
const debugfs = "/sys/kernel/debug/kvm"

// own are the kernel's own counts of exits, by virtual machine.
type own map[string]uint64

// readOwn reads those of the virtual machines that threads of a cgroup made. It
// returns nil where that cannot be told: there is no cgroup yet, there are no such
// files, or a machine's maker has ended, so that nobody knows whose it is.
func readOwn(dir string) (own, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(debugfs)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the kernel's own counts of exits: %w", err)
	}
	tids, err := cgroup.Threads(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nobody is in a cgroup that is not there yet, or no more
	}
	if err != nil {
		return nil, fmt.Errorf("the kernel's own counts of exits: %w", err)
	}
	counts := own{}
	for _, e := range entries {
		maker, _, of := strings.Cut(e.Name(), "-")
		tid, err := strconv.Atoi(maker)
		if !of || err != nil {
			continue // a counter of all machines
		}
		if _, err := os.Stat("/proc/" + maker); err != nil {
			return nil, nil
		}
		if !slices.Contains(tids, tid) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(debugfs, e.Name(), "exits"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the machine went
		}
		if err != nil {
			return nil, fmt.Errorf("the kernel's own counts of exits: %w", err)
		}
		if counts[e.Name()], err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil {
			return nil, fmt.Errorf("the kernel's own count of the exits of %s: %w", e.Name(), err)
		}
	}
	return counts, nil
}

// window holds the kernel's own counts around the flow of events: machines go on
// while it begins and ends, so that each is read on both sides.
type window struct {
	before, begun   own // reading before the flow began, and after
	ending, stopped own
}

// bounds returns how many exits there were between, at least and at most, or nil
// where that cannot be told: a machine that went took its counter along.
func (w window) bounds() *record.Bounds {
	if w.before == nil || w.begun == nil || w.ending == nil || w.stopped == nil || len(w.stopped) == 0 {
		return nil
	}
	for _, earlier := range []own{w.before, w.begun, w.ending} {
		for vm := range earlier {
			if _, ok := w.stopped[vm]; !ok {
				return nil
			}
		}
	}
	b := new(record.Bounds)
	for vm, n := range w.stopped {
		b.High += n - w.before[vm]
		b.Low += w.ending[vm] - w.begun[vm]
	}
	return b
}
