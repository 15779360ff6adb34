package probe

import (
	"bufio"
	"os"
	"strings"

	"hapscope/internal/kernel/capability"
	"hapscope/record"
)

// Symbols asks for kallsyms with addresses.
func Symbols() record.Requirement {
	const name = "kernel symbols"
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return unmet(name, err.Error(), lab)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// Per-CPU symbols come first and may well be at 0.
		if address, _, _ := strings.Cut(lines.Text(), " "); strings.Trim(address, "0") != "" {
			return met(name, "kallsyms shows addresses")
		}
	}
	if err := lines.Err(); err != nil {
		return unmet(name, err.Error(), lab)
	}
	if capability.Lacks("CAP_SYSLOG") { // kallsyms_show_value, kernel/ksyms_common.c
		return unmet(name, "kallsyms hides all addresses from who lacks CAP_SYSLOG", "run as root, with that capability")
	}
	return unmet(name, "kallsyms hides all addresses", "sysctl kernel.kptr_restrict=1, or 0")
}
