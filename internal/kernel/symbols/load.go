package symbols

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"hapscope/internal/kernel/tracefs"
)

// Load makes the universe of the running kernel. Modules that are loaded later
// are not in it.
func Load(t *tracefs.FS) (table *Table, err error) {
	// The two files are not read at one instant: a module that comes or goes in
	// between is in one of them only.
	for range 3 {
		if table, err = load(t); !errors.Is(err, errUnplaced) {
			break
		}
	}
	return table, err
}

func load(t *tracefs.FS) (*Table, error) {
	s := Source{Addresses: true, ModuleText: moduleText}
	// The kernel makes both files up while they are read, which takes it a second
	// or two each under emulation.
	var both errgroup.Group
	both.Go(func() error {
		functions, err := os.ReadFile(t.Path("available_filter_functions_addrs"))
		if errors.Is(err, fs.ErrNotExist) { // before 6.5
			s.Addresses = false
			functions, err = os.ReadFile(t.Path("available_filter_functions"))
		}
		if err != nil {
			return fmt.Errorf("read traceable functions: %w", err)
		}
		s.Functions = string(functions)
		return nil
	})
	both.Go(func() error {
		symbols, err := os.ReadFile("/proc/kallsyms")
		if err != nil {
			return fmt.Errorf("read kernel symbols: %w", err)
		}
		s.Kallsyms = string(symbols)
		return nil
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	return New(s)
}

// moduleText reads where a module's .text lies; only root is shown it.
func moduleText(module string) uint64 {
	b, err := os.ReadFile("/sys/module/" + module + "/sections/.text")
	if err != nil {
		return 0
	}
	address, ok := parseHex(strings.TrimPrefix(strings.TrimSpace(string(b)), "0x"))
	if !ok {
		return 0
	}
	return address
}
