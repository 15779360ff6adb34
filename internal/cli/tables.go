package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hapscope/analysis"
	"hapscope/analysis/code"
	"hapscope/lab/image"
	"hapscope/record"
)

// tablesDir is where the cache keeps tables of kernels, beside the lab's images.
func tablesDir() (string, error) {
	cache, err := image.CacheDir("")
	return filepath.Join(cache, "kernel-tables"), err
}

// analyse works a record out, with the tables of its kernels that the cache has.
func (a *app) analyse(rec *record.Record) *analysis.Report {
	return analysis.New(rec, a.kernelTables(rec)...)
}

// kernelTables reads those of a record's kernels. One that cannot be read is as good as
// none: a report says what it lacks.
func (a *app) kernelTables(rec *record.Record) (tables []*code.Table) {
	dir, err := tablesDir()
	if err != nil {
		a.log.Warn("tables of kernels: " + err.Error())
		return nil
	}
	for build := range rec.Tables {
		path := filepath.Join(dir, code.FileName(build))
		table, err := readKernelTable(path, build)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			a.log.Warn(fmt.Sprintf("%s is not used: %v; `hapscope kernel-table --force` makes it again", path, err))
		default:
			tables = append(tables, table)
		}
	}
	return tables
}

func readKernelTable(path, build string) (*code.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	table, err := code.Read(f)
	if err == nil && table.Build != build {
		err = fmt.Errorf("it is of build %s", table.Build)
	}
	return table, err
}

// saveKernelTable writes a table into a directory, by default that of the cache; it is
// there whole or not at all.
func (a *app) saveKernelTable(table *code.Table, dir string) (path string, err error) {
	if dir == "" {
		if dir, err = tablesDir(); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, code.FileName(table.Build))
	return path, writeWhole(path, func(w io.Writer) error { return table.Write(w) })
}
