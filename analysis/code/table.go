package code

import (
	"cmp"
	"fmt"
	"slices"

	"hapscope/record"
)

// Table is the places of the functions of one build of the kernel.
type Table struct {
	Build     string                // GNU build id, hexadecimal
	functions map[string][]Function // by module, ascending by offset
}

// Function is one line of a table. Its symbol is left out: a function may have several,
// of which the kernel prints one, and its offset tells it from all others of the build.
type Function struct {
	Module string // "" for the kernel's own image
	Offset uint64 // bytes, as in record.Function
	Bytes  int    // as in Place, and so are the others
	File   string
	Line   int
	Lines  int
}

// NewTable makes a table of functions in any order. Two at one place are an error.
func NewTable(build string, functions []Function) (*Table, error) {
	t := &Table{Build: build, functions: map[string][]Function{}}
	for _, f := range functions {
		t.functions[f.Module] = append(t.functions[f.Module], f)
	}
	for module, of := range t.functions {
		slices.SortFunc(of, byOffset)
		for i := range of[1:] {
			if of[i].Offset == of[i+1].Offset {
				return nil, fmt.Errorf("kernel table: two functions of module %q at offset 0x%x", module, of[i].Offset)
			}
		}
	}
	return t, nil
}

func byOffset(a, b Function) int { return cmp.Compare(a.Offset, b.Offset) }

// Modules lists the modules whose functions the table has, "" for the kernel's image.
func (t *Table) Modules() (names []string) {
	for module := range t.functions {
		names = append(names, module)
	}
	slices.Sort(names)
	return names
}

// Len is how many functions the table has.
func (t *Table) Len() (n int) {
	for _, of := range t.functions {
		n += len(of)
	}
	return n
}

func (t *Table) place(f record.Function) (Place, bool) {
	of := t.functions[f.Module]
	i, found := slices.BinarySearchFunc(of, Function{Offset: f.Offset}, byOffset)
	if !found {
		return Place{}, false
	}
	at := of[i]
	return Place{SubsystemOf(at.File), at.File, at.Line, at.Bytes, at.Lines, false}, true
}
