package debuginfo

import (
	"maps"
	"os"
	"slices"

	"hapscope/analysis/code"
)

// Table reads a vmlinux and modules, given by name, from their files.
func Table(vmlinux string, modules map[string]string) (*code.Table, error) {
	f, err := os.Open(vmlinux)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	kernel, err := ReadKernel(f)
	if err != nil {
		return nil, err
	}
	all := kernel.Functions
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		content, err := os.ReadFile(modules[name])
		if err != nil {
			return nil, err
		}
		of, err := kernel.ReadModule(name, content)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return code.NewTable(kernel.BuildID, all)
}
