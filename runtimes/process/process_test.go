package process

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func TestEnds(t *testing.T) {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if Ends(ctx, c.Process.Pid) {
		t.Error("a process that sleeps has ended")
	}
	c.Process.Kill()
	if !Ends(t.Context(), c.Process.Pid) {
		t.Error("a process that was killed has not ended")
	}
	c.Wait()
	if !Ends(t.Context(), c.Process.Pid) {
		t.Error("a process that is no more has not ended")
	}
}
