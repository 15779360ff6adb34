package ebpf

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
)

// loadedModules lists the names of modules, one a line, sorted.
func loadedModules() (string, error) {
	b, err := os.ReadFile("/proc/modules")
	if err != nil {
		return "", fmt.Errorf("list the modules: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, "\n"), nil
}

// late attaches to the functions of modules that were loaded since it was last
// asked. Those of a module that is loaded while entries are counted are attached
// for the next observation only.
func (s *Session) late() error {
	if len(s.chosen) > 0 {
		return nil
	}
	now, err := loadedModules()
	if err != nil || now == s.modules {
		return err
	}
	fs, err := tracefs.Open()
	if err != nil {
		return err
	}
	fresh, err := symbols.Load(fs)
	if err != nil {
		return err
	}
	added := s.table.Extend(fresh)
	if len(s.table.Functions) > s.rows {
		return fmt.Errorf("modules with %d functions were loaded since the witness was armed, which leaves no room to count", len(added))
	}
	if len(added) > 0 {
		l, err := s.attach(added)
		if err != nil {
			return err
		}
		s.links = append(s.links, l)
	}
	s.modules = now
	return nil
}
