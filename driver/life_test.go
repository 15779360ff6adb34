package driver

import (
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

// dying is a process that is still there when it is first asked for.
type dying struct {
	fakeSandbox
	asked int
}

func (d *dying) Running(context.Context) error {
	if d.asked++; d.asked > 2 {
		return fmt.Errorf("killed for want of memory")
	}
	return nil
}

// A connection is gone before its process is: the process is waited for, but not where the
// server has merely answered wrongly.
func TestBlame(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("warm up: %w", syscall.ECONNRESET), true},
		{fmt.Errorf("request 1: %w", io.EOF), true},
		{fmt.Errorf("request 1: want pong, got pang"), false},
	} {
		box := &dying{fakeSandbox: fakeSandbox{runtime: &fakeRuntime{}}}
		err := (&life{sandbox: box}).blame(t.Context(), c.err)
		if got := strings.Contains(err.Error(), "want of memory"); got != c.want || !strings.Contains(err.Error(), c.err.Error()) {
			t.Errorf("after %q: %q", c.err, err)
		}
	}
}
