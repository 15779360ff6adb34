// Package functions writes the names of the functions of a selection, sorted,
// one a line: a set that anyone can compare with another by comm or diff.
package functions

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"hapscope/analysis"
)

// ErrNothing says that the selection holds no measured repetition, which is not
// the same as an empty set.
var ErrNothing = errors.New("no repetition was measured")

// Options of Write.
type Options struct {
	Selection analysis.Selection
}

// Write writes the union over the repetitions of the selection.
func Write(w io.Writer, r *analysis.Report, o Options) error {
	set, repetitions, err := r.Select(o.Selection)
	if err != nil {
		return err
	}
	if repetitions == 0 {
		return fmt.Errorf("list functions: %w for this selection", ErrNothing)
	}
	b := bufio.NewWriter(w)
	for _, name := range r.Names(set) {
		fmt.Fprintln(b, name)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write functions: %w", err)
	}
	return nil
}
