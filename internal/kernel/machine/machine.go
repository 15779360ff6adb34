package machine

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// Facts describes the running kernel and its machine. Traceable and Untraceable
// are left to the witness, which knows its universe. A fact that is not to be
// had here is left empty; an error means that the kernel's identity, release
// and build id, cannot be told.
func Facts() (record.Machine, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return record.Machine{}, fmt.Errorf("uname: %w", err)
	}
	m := record.Machine{
		Release:        unix.ByteSliceToString(u.Release[:]),
		Version:        unix.ByteSliceToString(u.Version[:]),
		Mitigations:    mitigations("/sys/devices/system/cpu/vulnerabilities"),
		Lockdown:       probe.LockdownMode(),
		Virtualization: virtualization(),
		Modules:        []string{},
	}
	notes, err := os.ReadFile("/sys/kernel/notes")
	if err != nil {
		return record.Machine{}, fmt.Errorf("build id of the kernel: %w", err)
	}
	if m.BuildID, err = BuildID(notes); err != nil {
		return record.Machine{}, err
	}
	m.ConfigDigest = configDigest(m.Release)
	if b, err := os.ReadFile("/proc/cmdline"); err == nil {
		m.Cmdline = withoutSecrets(strings.TrimSpace(string(b)))
	}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
			m.CPU, m.CPUs = cpus[0].ModelName, len(cpus)
		}
		if memory, err := fs.Meminfo(); err == nil && memory.MemTotalBytes != nil {
			m.MemoryBytes = int64(*memory.MemTotalBytes)
		}
	}
	// A kernel without modules has no such file.
	if b, err := os.ReadFile("/proc/modules"); err == nil {
		m.Modules = modules(string(b))
	}
	return m, nil
}

// modules takes the names out of /proc/modules.
func modules(text string) []string {
	names := []string{}
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, " "); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// mitigations reads one file for each known vulnerability.
func mitigations(dir string) map[string]string {
	out := make(map[string]string)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if b, err := os.ReadFile(dir + "/" + e.Name()); err == nil {
			out[e.Name()] = strings.TrimSpace(string(b))
		}
	}
	return out
}

// withoutSecrets blanks the values of parameters whose name says that they are
// secret: records are published.
func withoutSecrets(cmdline string) string {
	words := strings.Fields(cmdline)
	for i, word := range words {
		name, _, ok := strings.Cut(word, "=")
		if !ok {
			continue
		}
		lower := strings.ToLower(name)
		for _, secret := range []string{"pass", "secret", "token", "key", "credential", "auth"} {
			if strings.Contains(lower, secret) {
				words[i] = name + "=(not recorded)"
			}
		}
	}
	return strings.Join(words, " ")
}
