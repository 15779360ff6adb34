package debuginfo

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"hapscope/analysis/code"
	"hapscope/internal/kernel/machine"
)

// ErrNoLines says that a file has no debug information about lines.
var ErrNoLines = errors.New("no line table: the file was stripped, or built without debug information")

// Kernel is what a vmlinux holds.
type Kernel struct {
	BuildID   string
	Functions []code.Function
	tree      *tree
}

// ReadKernel reads a vmlinux.
func ReadKernel(r io.ReaderAt) (*Kernel, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	defer f.Close()
	k := &Kernel{}
	if k.BuildID, err = buildID(f); err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	start, err := imageStart(symbols)
	if err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	all, parts := functions(f, symbols)
	if k.tree, err = readLines(f, parts, nil); err != nil {
		return nil, fmt.Errorf("read vmlinux: %w", err)
	}
	k.Functions = places(all, "", start)
	return k, nil
}

// ReadModule reads a module of the kernel, such as ext4.ko, whose content it changes.
func (k *Kernel) ReadModule(name string, content []byte) ([]code.Function, error) {
	f, start, err := layOut(content)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	all, parts := functions(f, symbols)
	if _, err = readLines(f, parts, k.tree); err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	for _, fn := range all {
		start = min(start, fn.start) // as internal/kernel/symbols does
	}
	return places(all, name, start), nil
}

// buildID finds it among the notes of a vmlinux, which are those that a running kernel
// shows.
func buildID(f *elf.File) (string, error) {
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOTE {
			continue
		}
		notes, err := s.Data()
		if err != nil {
			return "", fmt.Errorf("section %s: %w", s.Name, err)
		}
		if id, err := machine.BuildID(notes); err == nil {
			return id, nil
		}
	}
	return "", errors.New("it has no GNU build id")
}

// imageStart is from where offsets in the image count, as in internal/kernel/symbols.
func imageStart(symbols []elf.Symbol) (start uint64, err error) {
	for _, s := range symbols {
		if (s.Name == "_stext" || s.Name == "_text") && (start == 0 || s.Value < start) {
			start = s.Value
		}
	}
	if start == 0 {
		return 0, errors.New("it has no symbol _stext or _text")
	}
	return start, nil
}

// places makes lines of a table.
func places(all []*function, module string, start uint64) (out []code.Function) {
	for _, fn := range all {
		out = append(out, code.Function{Module: module, Offset: fn.start - start, Bytes: int(fn.size), File: fn.file, Line: fn.line, Lines: fn.lines()})
	}
	return out
}

// tree is where the kernel was built: the prefixes of paths that are not part of the
// kernel's own tree, both clean. Source is empty where paths are relative to it.
type tree struct{ source, build string }

// trim returns a path in the kernel's tree.
func (t *tree) trim(file string) string {
	file = path.Clean(file)
	for _, dir := range []string{t.build, t.source} { // the one may be in the other
		if in, ok := strings.CutPrefix(file, strings.TrimSuffix(dir, "/")+"/"); ok && dir != "" {
			return in
		}
	}
	return file
}
