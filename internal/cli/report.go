package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/reports"
)

func reportCommand(a *app) *cobra.Command {
	var outputs []string
	var before, reference string
	var across acrossOptions
	c := &cobra.Command{
		Use:   "report DIR [-o FORMAT[=PATH]]… | DIR --before DIR",
		Short: "render a stored record again",
		Long: `Render a stored record. Each -o names a format and, after "=", a file; "-" or no
path is standard output. Without -o the terminal table is printed. With --before,
what changed since another record is printed instead, as by hapscope compare.

Formats: ` + strings.Join(reports.Formats(), ", "),
		Example: `  hapscope report runs/last
  hapscope report runs/last -o html=report.html -o png=figure.png -o csv=-
  hapscope report runs/last --reference docker-runc -o html=report.html
  hapscope report runs/last --before runs/20261121-190000-perf-native`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			targets, err := parseOutputs(outputs)
			if err != nil {
				return err
			}
			switch {
			case before != "" && (c.Flags().Changed("output") || reference != ""):
				return usageError("--before prints what changed and takes neither -o nor --reference")
			case before != "":
				return a.compareRecords(before, args[0], analysis.CompareOptions{Across: across.kinds()}, false)
			}
			_, r, err := a.study(args[0], reference)
			if err != nil {
				return err
			}
			return a.render(r, targets)
		},
	}
	c.Flags().StringVar(&before, "before", "", "record `DIR` to compare with")
	c.Flags().StringVar(&reference, "reference", "", "the `VARIANT` with which the others are compared (default: the plan's, else the first plain container: runc, crun, docker-runc, podman-runc)")
	across.add(c.Flags())
	c.Flags().StringArrayVarP(&outputs, "output", "o", []string{"text"}, "`FORMAT[=PATH]`, may be given several times")
	return c
}

// output is one rendering that was asked for.
type output struct {
	format string
	path   string // "-" is standard output
	// own says that the file is one of the run directory, into which a lab's guest
	// writes, too: whatever has its name there is replaced, and not written to.
	own bool
}

func parseOutputs(specs []string) (outputs []output, err error) {
	for _, spec := range specs {
		format, path, _ := strings.Cut(spec, "=")
		if !slices.Contains(reports.Formats(), format) {
			return nil, usageError("unknown report format %q%s", format, scenario.Suggest(format, reports.Formats()))
		}
		if path == "" {
			path = "-"
		}
		outputs = append(outputs, output{format: format, path: path})
	}
	return outputs, nil
}

// readRecord reads a run directory; what is wrong with it is the user's to see.
func (a *app) readRecord(dir string) (*record.Record, error) {
	rec, err := record.Read(dir)
	return rec, a.readable(rec, err)
}

// study works a run directory out as it is read, so that a long one needs little memory.
// The record that it returns has no results.
func (a *app) study(dir, reference string) (*record.Record, *analysis.Report, error) {
	var g analysis.Gathering
	rec, err := record.Stream(dir, g.Add)
	if err := a.readable(rec, err); err != nil {
		return nil, nil, err
	}
	if reference != "" {
		if err := analysis.SetReference(&rec.Run, reference); err != nil {
			return nil, nil, usageError("--reference: %w", err)
		}
	}
	return rec, g.Report(rec, a.kernelTables(rec)...), nil
}

// readable says what is wrong with a record that was read.
func (a *app) readable(rec *record.Record, err error) error {
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "give the directory that `hapscope run` wrote, such as runs/last"
		}
		return &codedError{code: exitUsage, err: err, hint: hint}
	}
	for _, w := range rec.Warnings {
		a.log.Warn(w)
	}
	return nil
}

// render writes each output; files appear whole or not at all.
func (a *app) render(r *analysis.Report, outputs []output) error {
	for _, o := range outputs {
		if err := a.renderOne(r, o); err != nil {
			return fmt.Errorf("write %s report: %w", o.format, err)
		}
	}
	return nil
}

func (a *app) renderOne(r *analysis.Report, o output) error {
	if err := reports.Annotate(o.format, a.stdout, r); err != nil {
		return err
	}
	write := func(w io.Writer) error { return reports.Write(o.format, w, r) }
	switch {
	case o.path != "-" && o.own:
		return replaceFile(o.path, write)
	case o.path != "-":
		return writeWhole(o.path, write)
	case slices.Contains([]string{"text", "markdown", "functions", "github"}, o.format):
		return write(a.text())
	}
	return write(a.stdout)
}

// writeWhole writes a file through a temporary one beside it. What is there and
// is no regular file (a device, a pipe, a link to one) is written to as it is:
// renaming over it would take it away from everybody else.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	return replaceFile(path, write)
}

// replaceFile puts a file in the place of whatever has its name, whole or not at all.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	prefix := "." + filepath.Base(path) + "-"
	sweepTemporary(filepath.Dir(path), prefix)
	f, err := os.CreateTemp(filepath.Dir(path), fmt.Sprintf("%s%d-*", prefix, os.Getpid()))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// sweepTemporary removes the temporary files of processes that were killed while they
// wrote: prefix, the id of the process, and something. One that stays is no harm.
func sweepTemporary(dir, prefix string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		id, _, _ := strings.Cut(rest, "-")
		if pid, err := strconv.Atoi(id); ok && err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
