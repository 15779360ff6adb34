package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// The exit codes of every verb; `hapscope --help` and docs/cli.md list them.
const (
	exitOK          = 0
	exitError       = 1   // the run itself went wrong: a fault of hapscope or of its surroundings
	exitUsage       = 2   // wrong arguments, or a file that is not valid
	exitUnfit       = 3   // nothing that was asked for can run here
	exitViolation   = 4   // a check found a limit violated, or could not decide it
	exitIncomplete  = 5   // a record was written, but cells are failed, skipped or missing
	exitInterrupted = 130 // ended by SIGINT or SIGTERM, as shells number it
)

// codedError carries the exit code that an error asks for, and a hint that is
// printed apart from the message.
type codedError struct {
	code int
	err  error
	hint string
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &codedError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func unfitError(err error, hint string) error {
	return &codedError{code: exitUnfit, err: err, hint: hint}
}

func incompleteError(err error, hint string) error {
	return &codedError{code: exitIncomplete, err: err, hint: hint}
}

// fault marks an error of cells that should have been measured and failed.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// interrupted is the end by a signal, in words that the user knows.
type interrupted struct{}

func (interrupted) Error() string        { return "interrupted" }
func (interrupted) Is(target error) bool { return target == context.Canceled }

// passThrough is the exit code of a program that a verb ran for the user; it
// is handed on without a message.
type passThrough int

func (p passThrough) Error() string { return fmt.Sprintf("exit code %d", int(p)) }

// exitCode turns what a verb returned into the process's exit code.
func exitCode(err error) int {
	var coded *codedError
	var pass passThrough
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &pass):
		return int(pass)
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}

// hintOf returns the hint that goes with err, if it has one.
func hintOf(err error) string {
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.hint
	}
	var missing *exec.Error
	if errors.As(err, &missing) && strings.Contains(missing.Error(), "not found") {
		return "install " + missing.Name + ", or run `hapscope doctor` to see all that is missing"
	}
	return ""
}
