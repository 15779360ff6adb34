package probe

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/record"
)

// LockdownMode returns none, integrity or confidentiality, absent where the
// kernel has no lockdown, or unknown where this process may not know.
func LockdownMode() string {
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err == nil {
		return parseLockdown(string(b))
	}
	// securityfs is often not mounted, and lockdown may come from the kernel's
	// configuration, so that neither the missing file nor the command line says
	// anything.
	dir, done, err := detached("securityfs")
	if err == nil {
		defer done()
		b, err = os.ReadFile(filepath.Join(dir, "lockdown"))
	}
	switch {
	case err == nil:
		return parseLockdown(string(b))
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV): // no such file; no securityfs
		return "absent"
	}
	return "unknown"
}

// parseLockdown reads "none [integrity] confidentiality".
func parseLockdown(s string) string {
	_, s, _ = strings.Cut(s, "[")
	mode, _, ok := strings.Cut(s, "]")
	if !ok {
		return "absent"
	}
	return mode
}

// Lockdown asks that the kernel lets its memory be looked at: confidentiality
// forbids tracefs and the reading of kernel memory by BPF (LOCKDOWN_TRACEFS,
// LOCKDOWN_BPF_READ_KERNEL in include/linux/security.h); integrity does not.
func Lockdown() record.Requirement {
	const name = "no lockdown of tracing"
	mode := LockdownMode()
	if mode == "confidentiality" {
		return unmet(name, "lockdown is "+mode, "boot without lockdown=confidentiality, or "+lab)
	}
	return met(name, "lockdown is "+mode)
}
