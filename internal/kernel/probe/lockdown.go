package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
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
	switch text, err := readDetached("securityfs", "lockdown"); {
	case err == nil:
		return parseLockdown(text)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV): // no such file; no securityfs
		return "absent"
	}
	return "unknown"
}

// readDetached reads a file of a file system that is mounted for this, without
// a mount point: no one else sees it and nothing is left.
func readDetached(fstype, file string) (string, error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", fmt.Errorf("open file system %s: %w", fstype, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return "", fmt.Errorf("create file system %s: %w", fstype, err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("mount %s: %w", fstype, err)
	}
	defer unix.Close(mount)
	fd, err := unix.Openat(mount, file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("open %s of %s: %w", file, fstype, err)
	}
	f := os.NewFile(uintptr(fd), file)
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
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
