package command

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// logged returns a context and what is logged through it, from level on.
func logged(t *testing.T, level slog.Level) (context.Context, *bytes.Buffer) {
	var b bytes.Buffer
	return WithLog(t.Context(), slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level}))), &b
}

func TestLog(t *testing.T) {
	ctx, said := logged(t, slog.LevelDebug)
	c := exec.CommandContext(ctx, "sh", "-c", "exit 3", "it's")
	func() {
		defer Log(ctx, c)()
		c.Run()
	}()
	for _, want := range []string{`sh -c 'exit 3' 'it'\\''s'`, "seconds=0.", `end="exit status 3"`} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
	c = exec.CommandContext(ctx, "/no/such/program")
	ended := Log(ctx, c)
	c.Run()
	if ended(); !strings.Contains(said.String(), "was not started") {
		t.Errorf("said %s", said)
	}
	Ran(ctx, []string{"runc", "create"}, time.Now(), errors.New("no end"))
	if !strings.Contains(said.String(), `command="runc create"`) || !strings.Contains(said.String(), `end="no end"`) {
		t.Errorf("said %s", said)
	}
}

func TestStarted(t *testing.T) {
	ctx, said := logged(t, slog.LevelDebug)
	c := exec.Command("true")
	Started(ctx, c)() // which was not
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := Started(ctx, c)
	c.Wait()
	if ended(); strings.Count(said.String(), "\n") != 2 || !strings.Contains(said.String(), `end="exit status 0"`) {
		t.Errorf("said %s", said)
	}
}

// Nobody asked: nothing is said, and nothing is missing.
func TestQuiet(t *testing.T) {
	quiet, said := logged(t, slog.LevelInfo)
	for _, ctx := range []context.Context{quiet, context.Background()} {
		Log(ctx, exec.Command("true"))()
		Started(ctx, exec.Command("true"))()
		Ran(ctx, nil, time.Now(), nil)
	}
	if said.Len() > 0 {
		t.Errorf("said %s", said)
	}
}
