package vm

import (
	"errors"
	"strings"
)

// ErrDied matches every *DiedError under errors.Is.
var ErrDied = errors.New("the lab VM died")

// DiedError says that the machine is gone, and what it last said.
type DiedError struct {
	When    string // what was being done
	Cause   string // what is known about the end
	Console string // the end of its serial console
}

func (e *DiedError) Error() string {
	var b strings.Builder
	b.WriteString("the lab VM died while " + e.When + ": " + e.Cause)
	if e.Console != "" {
		b.WriteString("\nits console ended with:\n  " + strings.ReplaceAll(e.Console, "\n", "\n  "))
	}
	return b.String()
}

// Is makes errors.Is(err, ErrDied) true.
func (e *DiedError) Is(target error) bool { return target == ErrDied }

// Panicked reports whether the machine's kernel ended it, and nobody else.
func (e *DiedError) Panicked() bool { return strings.Contains(e.Console, "Kernel panic - not syncing") }
