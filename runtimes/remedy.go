package runtimes

import "errors"

// remedied is an error with a remedy.
type remedied struct {
	error
	remedy string
}

func (e *remedied) Unwrap() error { return e.error }

// WithRemedy adds to an error what the user can do about it.
func WithRemedy(err error, remedy string) error {
	if err == nil {
		return nil
	}
	return &remedied{err, remedy}
}

// Remedy returns what was added to an error, or nothing.
func Remedy(err error) string {
	var e *remedied
	if errors.As(err, &e) {
		return e.remedy
	}
	return ""
}
