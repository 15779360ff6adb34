package code

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A table is stored as text, compressed by gzip: one line that names the build, one with
// the columns, one for each function.
const (
	magic   = "hapscope kernel table 1 "
	columns = "module,offset,bytes,file,line,lines"
)

// buildForm is that of a GNU build id, as in record.
var buildForm = regexp.MustCompile(`^[0-9a-f]{8,128}$`)

// FileName is what the table of a build is called, wherever tables are kept.
func FileName(build string) string { return build + ".csv.gz" }

// Write stores the table. The same table is the same bytes.
func (t *Table) Write(w io.Writer) error {
	// Best compression: a table is written once, and carried about in hapscope.
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(z)
	fmt.Fprintf(b, "%s%s\n%s\n", magic, t.Build, columns)
	for _, module := range t.Modules() {
		for _, f := range t.functions[module] {
			if strings.ContainsAny(f.Module+f.File, ",\"\r\n") {
				return fmt.Errorf("kernel table: %q of module %q cannot be a path", f.File, f.Module)
			}
			fmt.Fprintf(b, "%s,%x,%d,%s,%d,%d\n", f.Module, f.Offset, f.Bytes, f.File, f.Line, f.Lines)
		}
	}
	return errors.Join(b.Flush(), z.Close()) // what failed before is kept by b
}

// maxTable is the most that a table may unpack to, in bytes: ten times what one of
// Debian's kernels has. A small file that unpacks to more is no table.
const maxTable = 64 << 20

// Read reads what Write wrote. Errors name the line.
func Read(r io.Reader) (*Table, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("kernel table: %w", err)
	}
	limited := &io.LimitedReader{R: z, N: maxTable}
	b := bufio.NewReader(limited)
	first, err := b.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("kernel table: %w", err)
	}
	build, ok := strings.CutPrefix(strings.TrimSuffix(first, "\n"), magic)
	if !ok || !buildForm.MatchString(build) {
		return nil, fmt.Errorf("kernel table: line 1: want %q and a build id", magic)
	}
	functions, err := readLines(b)
	if limited.N == 0 {
		return nil, fmt.Errorf("kernel table: it unpacks to more than %d MiB", maxTable>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("kernel table: %w", err)
	}
	return NewTable(build, functions)
}

func readLines(r io.Reader) (functions []Function, err error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = strings.Count(columns, ",") + 1
	rows.ReuseRecord = true
	names := map[string]string{"": ""} // one string for each file and module, not one for each line
	intern := func(s string) string {
		if _, known := names[s]; !known {
			s = strings.Clone(s)
			names[s] = s
		}
		return names[s]
	}
	for n := 2; ; n++ {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF) && n > 2:
			return functions, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("line 2: want %q", columns)
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case n == 2 && strings.Join(row, ",") != columns:
			return nil, fmt.Errorf("line 2: want %q", columns)
		case n == 2:
			continue
		}
		f := Function{Module: intern(row[0]), File: intern(row[3])}
		if f.Offset, err = strconv.ParseUint(row[1], 16, 64); err != nil {
			return nil, fmt.Errorf("line %d: offset %q is not hexadecimal", n, row[1])
		}
		for _, number := range []struct {
			to   *int
			text string
		}{{&f.Bytes, row[2]}, {&f.Line, row[4]}, {&f.Lines, row[5]}} {
			v, err := strconv.ParseUint(number.text, 10, 31)
			if err != nil {
				return nil, fmt.Errorf("line %d: %q is no size or line number", n, number.text)
			}
			*number.to = int(v)
		}
		functions = append(functions, f)
	}
}
