package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/reports"
)

func reportCommand(a *app) *cobra.Command {
	var outputs []string
	c := &cobra.Command{
		Use:   "report DIR [-o FORMAT[=PATH]]…",
		Short: "render a stored record again",
		Long: `Render a stored record. Each -o names a format and, after "=", a file; "-" or no
path is standard output. Without -o the terminal table is printed.

Formats: ` + strings.Join(reports.Formats(), ", "),
		Example: `  hapscope report runs/last
  hapscope report runs/last -o html=report.html -o png=figure.png -o csv=-`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			targets, err := parseOutputs(outputs)
			if err != nil {
				return err
			}
			rec, err := a.readRecord(args[0])
			if err != nil {
				return err
			}
			return a.render(analysis.New(rec), targets)
		},
	}
	c.Flags().StringArrayVarP(&outputs, "output", "o", []string{"text"}, "`FORMAT[=PATH]`, may be given several times")
	return c
}

// output is one rendering that was asked for.
type output struct {
	format string
	path   string // "-" is standard output
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
		outputs = append(outputs, output{format, path})
	}
	return outputs, nil
}

// readRecord reads a run directory; what is wrong with it is the user's to see.
func (a *app) readRecord(dir string) (*record.Record, error) {
	rec, err := record.Read(dir)
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "give the directory that `hapscope run` wrote, such as runs/last"
		}
		return nil, &codedError{code: exitUsage, err: err, hint: hint}
	}
	for _, w := range rec.Warnings {
		a.log.Warn(w)
	}
	return rec, nil
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
	if o.path == "-" {
		return reports.Write(o.format, a.stdout, r)
	}
	return writeWhole(o.path, func(w io.Writer) error { return reports.Write(o.format, w, r) })
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
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
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
