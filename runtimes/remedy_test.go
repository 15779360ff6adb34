package runtimes

import (
	"errors"
	"fmt"
	"testing"
)

func TestRemedy(t *testing.T) {
	cause := errors.New("no such machine")
	err := errors.Join(errors.New("other"), fmt.Errorf("create: %w", WithRemedy(cause, "buy one")))
	if Remedy(err) != "buy one" || !errors.Is(err, cause) {
		t.Errorf("Remedy(%v) = %q", err, Remedy(err))
	}
	if got := Remedy(cause); got != "" || WithRemedy(nil, "x") != nil {
		t.Errorf("Remedy = %q, and nil has one", got)
	}
}
