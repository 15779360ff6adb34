package debuginfo

import (
	"cmp"
	"debug/elf"
	"regexp"
	"slices"
	"strings"
)

// function is a function with all of its code.
type function struct {
	start uint64 // address
	size  uint64 // bytes, of all parts
	file  string
	line  int
	seen  []sourceLine // in the order of the line table, with duplicates
}

// sourceLine is a line of a file, by the number of the file among all that were seen.
type sourceLine struct{ file, line int32 }

// lines is how many different ones the function has.
func (f *function) lines() int {
	slices.SortFunc(f.seen, func(a, b sourceLine) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line)) })
	f.seen = slices.Compact(f.seen)
	return len(f.seen)
}

// part is a stretch of a function's code: mostly all of it.
type part struct {
	start, end uint64
	of         *function
}

// owner is what a name means in an object; 0 is for names that are global.
type owner struct {
	object int
	name   string
}

// coldName is what GCC calls the unlikely part of a function; older ones number them.
var coldName = regexp.MustCompile(`\.cold(\.[0-9]+)?$`)

// functions lists those that the symbol table has and the parts of their code, both
// ascending. A function of several names is one.
func functions(f *elf.File, symbols []elf.Symbol) (all []*function, parts []part) {
	byStart, byName := map[uint64]*function{}, map[owner]*function{}
	type split struct {
		elf.Symbol
		object int
	}
	var cold []split
	object := 0 // the symbols of each follow its name
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FILE {
			object++
		}
		if !isFunction(f, s) {
			continue
		}
		if coldName.MatchString(s.Name) {
			cold = append(cold, split{s, object})
			continue
		}
		fn := byStart[s.Value]
		if fn == nil {
			fn = &function{start: s.Value}
			byStart[s.Value] = fn
		}
		fn.size = max(fn.size, s.Size)
		if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			byName[owner{object, s.Name}] = fn
		} else {
			byName[owner{0, s.Name}] = fn
		}
	}
	for _, fn := range byStart {
		all = append(all, fn)
		parts = append(parts, part{fn.start, fn.start + fn.size, fn})
	}
	for _, s := range cold {
		name := coldName.ReplaceAllString(s.Name, "")
		fn := byName[owner{s.object, name}]
		if fn == nil {
			fn = byName[owner{0, name}]
		}
		if fn != nil { // else of a function that is gone after the boot
			fn.size += s.Size
			parts = append(parts, part{s.Value, s.Value + s.Size, fn})
		}
	}
	slices.SortFunc(all, func(a, b *function) int { return cmp.Compare(a.start, b.start) })
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.start, b.start) })
	return all, parts
}

// isFunction reports whether a symbol is code that can run. Symbols without a size are
// labels in functions; __pfx_ is the padding before a function.
func isFunction(f *elf.File, s elf.Symbol) bool {
	if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 || strings.HasPrefix(s.Name, "__pfx_") || int(s.Section) >= len(f.Sections) {
		return false
	}
	return stays(f.Sections[s.Section])
}

// stays reports whether a section is code that is there after the boot.
func stays(s *elf.Section) bool {
	const code = elf.SHF_ALLOC | elf.SHF_EXECINSTR
	return s.Flags&code == code && !strings.HasPrefix(s.Name, ".init")
}
