package code

import (
	"embed"
	"io/fs"
)

// builtin holds the tables of the kernels that the lab is used with, so that a report
// of the lab needs nothing but itself; docs/kernel-tables.md says how they are made.
//
//go:embed tables/*.csv.gz
var builtin embed.FS

// Builtin returns the table of a build that is part of hapscope, or nil.
func Builtin(build string) *Table {
	f, err := builtin.Open("tables/" + FileName(build))
	if err != nil {
		return nil // fs.ErrNotExist, or a name that is none
	}
	defer f.Close()
	t, err := Read(f)
	if err != nil {
		panic("analysis/code: " + FileName(build) + ": " + err.Error()) // it is part of the program, and a test reads it
	}
	return t
}

// BuiltinBuilds lists the builds of which hapscope has a table.
func BuiltinBuilds() (builds []string) {
	names, err := fs.Glob(builtin, "tables/*"+FileName(""))
	if err != nil {
		panic("analysis/code: " + err.Error()) // the pattern is not valid
	}
	for _, name := range names {
		builds = append(builds, name[len("tables/"):len(name)-len(FileName(""))])
	}
	return builds
}
