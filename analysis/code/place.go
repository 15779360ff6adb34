package code

import (
	"path"
	"slices"
	"strings"

	"hapscope/record"
)

// Place is where a function is in the kernel's source, and its size. What is not
// known is zero.
type Place struct {
	// Subsystem is a directory of the kernel's tree, such as mm, fs/ext4 or
	// arch/x86/kvm; see SubsystemOf. Empty where no one knows.
	Subsystem string
	// File is its path in the kernel's tree, such as net/ipv4/tcp.c, and Line where
	// the function's body begins in it, from 1: in C that is its opening brace. Both
	// come from the line table of the kernel's debug information.
	File string
	Line int
	// Bytes is the size of its machine code, by the symbol table, together with the
	// unlikely part that the compiler has put elsewhere (.cold). What was inlined into
	// it is part of it.
	Bytes int
	// Lines is how many different lines of source its machine code comes from, by the
	// line table. Those of functions that were inlined into it are among them.
	Lines int
	// Approximate says that Subsystem was guessed from names, and that the rest is
	// not known.
	Approximate bool
}

// deep are the directories of the kernel's tree below which there is a subsystem in
// each directory, and how many names of its path make it.
var deep = map[string]int{
	"arch":   3, // arch/x86/kvm
	"kernel": 2, "fs": 2, "net": 2, "drivers": 2, "virt": 2, "security": 2, "sound": 2, "include": 2, "rust": 2,
}

// SubsystemOf returns the directory by which people know what a file of the kernel
// belongs to. It is as deep as the tree is wide: arch/x86/kvm, kernel/sched, fs/ext4,
// net/ipv4, drivers/vhost; mm, block, lib or io_uring. A file that lies above such a
// directory belongs to the one it is in: kernel/fork.c to kernel.
func SubsystemOf(file string) string {
	dir := path.Dir(file)
	if file == "" || dir == "." || dir == "/" {
		return ""
	}
	names := strings.Split(dir, "/")
	return strings.Join(names[:min(len(names), max(1, deep[names[0]]))], "/")
}

// Map knows the functions of one build of the kernel.
type Map struct {
	tables []*Table // of the build, those that the caller has first
	guess  *guesser
}

// For returns the map of a kernel by its build id, as the record has it. Tables of that
// build are looked for among those given and those that are part of hapscope; without one
// the map is approximate. It is never nil.
func For(build string, tables ...*Table) *Map {
	m := &Map{guess: newGuesser()}
	for _, t := range append(slices.Clip(tables), Builtin(build)) {
		if t != nil && t.Build == build {
			m.tables = append(m.tables, t)
		}
	}
	return m
}

// Exact reports whether the map has a table of that build.
func (m *Map) Exact() bool { return len(m.tables) > 0 }

// Place returns what is known of a function. One that no table of its build holds,
// because its module was not among those that they were made of, is guessed like those
// of a build without a table.
func (m *Map) Place(f record.Function) Place {
	for _, t := range m.tables {
		if p, ok := t.place(f); ok {
			return p
		}
	}
	return Place{Subsystem: m.guess.subsystem(f), Approximate: true}
}
