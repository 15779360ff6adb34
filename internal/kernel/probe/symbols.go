package probe

import (
	"bufio"
	"os"
	"strings"

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
	return unmet(name, "kallsyms hides all addresses", "run as root with kernel.kptr_restrict=0 or 1")
}
