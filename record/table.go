package record

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// tableHeader is the first line of a function table.
const tableHeader = "index,module,symbol,offset\n"

// buildIDForm accepts GNU build ids: 20 bytes of SHA-1 by default, other
// lengths where the linker was told so.
var buildIDForm = regexp.MustCompile(`^[0-9a-f]{8,128}$`)

// TableFile names the function table of a kernel within a run directory. Twelve
// digits tell kernels apart, and leave the name readable.
func TableFile(kernelBuildID string) string {
	return "functions-" + kernelBuildID[:min(12, len(kernelBuildID))] + ".csv"
}

// check tells whether a function has a name that a line of a table can hold, and a module
// that is no path: files are looked for by it.
func (f Function) check() error {
	switch {
	case f.Symbol == "":
		return errors.New("no symbol")
	case strings.ContainsAny(f.Symbol+f.Module, ",\"\r\n"):
		return fmt.Errorf("%q in module %q cannot be a symbol", f.Symbol, f.Module)
	case strings.Contains(f.Module, "/"):
		return fmt.Errorf("%q is no name of a module", f.Module)
	}
	return nil
}

// formatTable writes the functions as lines of a table; the first one gets the
// index start.
func formatTable(b *bytes.Buffer, start int, functions []Function) error {
	for i, f := range functions {
		if err := f.check(); err != nil {
			return fmt.Errorf("function table: %w", err)
		}
		fmt.Fprintf(b, "%d,%s,%s,0x%x\n", start+i, f.Module, f.Symbol, f.Offset)
	}
	return nil
}

// parseTable reads a function table; name is used in errors. Lines are checked
// one by one because a wrong index would attribute every hit to another function.
func parseTable(name string, content []byte) ([]Function, error) {
	if !bytes.HasPrefix(content, []byte(tableHeader)) {
		return nil, fmt.Errorf("%s:1: want the header %q", name, strings.TrimSpace(tableHeader))
	}
	rows := csv.NewReader(bytes.NewReader(content[len(tableHeader):]))
	rows.FieldsPerRecord = 4
	rows.ReuseRecord = true
	functions := make([]Function, 0, bytes.Count(content, []byte("\n")))
	seen := make(map[Function]int, cap(functions))
	for n := 2; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return functions, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if row[0] != strconv.Itoa(len(functions)) {
			return nil, fmt.Errorf("%s:%d: index %q, want %d", name, n, row[0], len(functions))
		}
		f := Function{Module: strings.Clone(row[1]), Symbol: strings.Clone(row[2])}
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		hex, ok := strings.CutPrefix(row[3], "0x")
		if f.Offset, err = strconv.ParseUint(hex, 16, 64); err != nil || !ok {
			return nil, fmt.Errorf("%s:%d: offset %q is not hexadecimal (0x…)", name, n, row[3])
		}
		if first, twice := seen[f]; twice {
			return nil, fmt.Errorf("%s:%d: %s+0x%x is already index %d", name, n, f.Name(), f.Offset, first)
		}
		seen[f] = len(functions)
		functions = append(functions, f)
	}
}
