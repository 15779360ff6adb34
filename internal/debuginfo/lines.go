package debuginfo

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
)

// lineReader tells functions the lines that they come from.
type lineReader struct {
	parts []part
	files map[string]int32 // paths as the compiler had them
	tree  *tree
}

// readLines reads the line tables of all objects that a file is made of, and returns
// where the source was; where that is known already it is given.
func readLines(f *elf.File, parts []part, known *tree) (*tree, error) {
	data, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("debug information: %w", err)
	}
	r := &lineReader{parts, map[string]int32{}, known}
	if known == nil {
		if r.tree, err = findTree(data); err != nil {
			return nil, err
		}
	}
	objects := 0
	err = eachObject(data, func(object *dwarf.Entry) error {
		lines, err := data.LineReader(object)
		if err != nil {
			return err
		}
		if lines == nil {
			return nil // an object without code
		}
		objects++
		return r.read(lines)
	})
	if err == nil && objects == 0 {
		err = ErrNoLines
	}
	return r.tree, err
}

func eachObject(data *dwarf.Data, do func(*dwarf.Entry) error) error {
	entries := data.Reader()
	for {
		e, err := entries.Next()
		if err != nil {
			return fmt.Errorf("debug information: %w", err)
		}
		if e == nil {
			return nil
		}
		if e.Tag == dwarf.TagCompileUnit {
			if err := do(e); err != nil {
				return fmt.Errorf("debug information of %v: %w", e.Val(dwarf.AttrName), err)
			}
		}
		entries.SkipChildren()
	}
}

// read goes through the line table of one object. Of the rows of one address the last is
// where its code comes from, and the first, if a function begins there, is that
// function's: what lies between are statements of which nothing was left.
func (r *lineReader) read(lines *dwarf.LineReader) error {
	var first, row, next dwarf.LineEntry
	have := false
	for {
		err := lines.Next(&next)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if have && next.Address == row.Address && !next.EndSequence {
			row = next
			continue
		}
		if have {
			r.note(&first, &row, next.Address)
		}
		first, row, have = next, next, !next.EndSequence
	}
}

// note tells the functions at [row, end) of the row. In assembler one row may reach over
// several of them.
func (r *lineReader) note(first, row *dwarf.LineEntry, end uint64) {
	i := sort.Search(len(r.parts), func(i int) bool { return r.parts[i].end > row.Address })
	for ; i < len(r.parts) && r.parts[i].start < end; i++ {
		fn := r.parts[i].of
		if fn.file == "" && r.parts[i].start == fn.start && first.File != nil && first.Line > 0 {
			fn.file, fn.line = r.tree.trim(first.File.Name), first.Line
		}
		if row.File != nil && row.Line > 0 {
			fn.seen = append(fn.seen, sourceLine{r.number(row.File.Name), int32(row.Line)})
		}
	}
}

func (r *lineReader) number(file string) int32 {
	n, ok := r.files[file]
	if !ok {
		n = int32(len(r.files))
		r.files[file] = n
	}
	return n
}

// landmark is a file of every kernel.
const landmark = "init/main.c"

// findTree finds out where the source was by what the compiler called a file that every
// kernel has: its path may be absolute, or relative to where the kernel was built.
func findTree(data *dwarf.Data) (t *tree, err error) {
	err = eachObject(data, func(object *dwarf.Entry) error {
		if name, _ := object.Val(dwarf.AttrName).(string); t != nil || !strings.HasSuffix(name, landmark) {
			return nil
		}
		lines, err := data.LineReader(object)
		if err != nil || lines == nil {
			return err
		}
		for _, file := range lines.Files() {
			if file == nil {
				continue
			}
			if source, ok := strings.CutSuffix("/"+path.Clean(file.Name), "/"+landmark); ok {
				build, _ := object.Val(dwarf.AttrCompDir).(string)
				t = &tree{strings.TrimPrefix(source, "/"), path.Clean(build)}
				if path.IsAbs(file.Name) {
					t.source = path.Clean("/" + t.source)
				}
				return nil
			}
		}
		return nil
	})
	if err == nil && t == nil {
		err = fmt.Errorf("no object of %s: this is not the debug information of a kernel", landmark)
	}
	return t, err
}
