package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hapscope/analysis/code"
	"hapscope/internal/debuginfo"
	"hapscope/record"
)

// kernelTable is what the verb was asked for.
type kernelTable struct {
	suite, vmlinux, modules, out string
	more                         []string
	keep, force                  bool
}

func kernelTableCommand(a *app) *cobra.Command {
	var t kernelTable
	c := &cobra.Command{
		Use:   "kernel-table DIR",
		Short: "find out where in the kernel's source a record's functions are, and their size",
		Long: `Read the debug information of exactly the kernel that a record was taken on, and keep
a small table in the cache: of each function its file, line, size in bytes and lines
of source. Reports of records of that kernel then take their counts apart by the
kernel's subsystems exactly, and weigh them. Without a table subsystems are guessed by
names, and sizes are not known. Tables of the lab's kernels are part of hapscope.

The debug information comes from
  --vmlinux FILE    an uncompressed kernel with debug information, and
                    --modules DIR its modules with theirs;
  debuginfod        where DEBUGINFOD_URLS names servers (modules: only on the
                    machine that the record is of, which knows their build ids);
  Debian's package  linux-image-RELEASE-dbg otherwise, and always for the lab:
                    a download of 1 GB, verified by apt, of which nothing is kept.`,
		Example: `  hapscope kernel-table runs/last
  hapscope kernel-table runs/last --vmlinux /usr/lib/debug/boot/vmlinux-6.12 --modules /usr/lib/debug/lib/modules/6.12`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			rec, err := a.readRecord(args[0])
			if err != nil {
				return err
			}
			return a.makeKernelTables(c.Context(), rec, t)
		},
	}
	c.Flags().StringVar(&t.vmlinux, "vmlinux", "", "uncompressed kernel `FILE` with debug information")
	c.Flags().StringVar(&t.modules, "modules", "", "`DIR` with the modules of --vmlinux, *.ko or *.ko.debug")
	c.Flags().StringSliceVar(&t.more, "with", nil, "`MODULES`, by name, beside those of the record, where the debug information has them")
	c.Flags().StringVar(&t.suite, "suite", "", "Debian `SUITE` of the kernel (default: that of the record's lab)")
	c.Flags().BoolVar(&t.keep, "keep-package", false, "keep Debian's package in the cache")
	c.Flags().BoolVar(&t.force, "force", false, "make the table again where there is one")
	c.Flags().StringVar(&t.out, "out", "", "write the table into directory `DIR` instead of the cache")
	return c
}

// makeKernelTables makes the table of each kernel of a record that has none.
func (a *app) makeKernelTables(ctx context.Context, rec *record.Record, t kernelTable) error {
	if len(rec.Tables) == 0 {
		return usageError("the record holds no functions of any kernel")
	}
	if t.modules != "" && t.vmlinux == "" {
		return usageError("--modules are those of a --vmlinux, which is not given")
	}
	have := a.kernelTables(rec)
	for build, functions := range rec.Tables {
		if n := unplaced(code.For(build, have...), functions); n == 0 && !t.force {
			fmt.Fprintf(a.stdout, "there is a table of kernel %s already, with all %d functions of the record\n", build, len(functions))
			continue
		}
		table, err := a.makeKernelTable(ctx, rec, build, t)
		if err != nil {
			return fmt.Errorf("make the table of kernel %s: %w", build, err)
		}
		path, err := a.saveKernelTable(table, t.out)
		if err != nil {
			return fmt.Errorf("keep the table of kernel %s: %w", build, err)
		}
		fmt.Fprintf(a.stdout, "%s: %d functions of the kernel and %d modules", path, table.Len(), len(table.Modules())-1)
		if n := unplaced(code.For(build, table), functions); n > 0 {
			fmt.Fprintf(a.stdout, "; %d of the record's %d functions are not in it", n, len(functions))
		}
		fmt.Fprintln(a.stdout)
	}
	return nil
}

// unplaced counts the functions that a map only guesses at.
func unplaced(m *code.Map, functions []record.Function) (n int) {
	for _, f := range functions {
		if m.Place(f).Approximate {
			n++
		}
	}
	return n
}

func (a *app) makeKernelTable(ctx context.Context, rec *record.Record, build string, t kernelTable) (table *code.Table, err error) {
	modules := moduleNames(rec.Tables[build])
	wanted := slices.Compact(slices.Sorted(slices.Values(slices.Concat(modules, t.more))))
	files, err := a.debugFiles(ctx, rec, build, wanted, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.remove()) }()
	fmt.Fprintf(a.progress(), "kernel table: reading the debug information of vmlinux and %d modules …\n", len(files.modules))
	for _, name := range modules {
		if files.modules[name] == "" {
			a.log.Warn("no debug information of module " + name + ": where its functions are is guessed")
		}
	}
	if table, err = debuginfo.Table(files.vmlinux, files.modules); err != nil {
		return nil, err
	}
	if table.Build != build {
		return nil, &codedError{exitUsage, fmt.Errorf("%s is build %s", files.vmlinux, table.Build), "the debug information has to be of exactly the kernel that was measured"}
	}
	return table, nil
}

// moduleNames lists the modules that functions come from.
func moduleNames(functions []record.Function) (names []string) {
	for _, f := range functions {
		if f.Module != "" && (len(names) == 0 || names[len(names)-1] != f.Module) {
			names = append(names, f.Module)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
