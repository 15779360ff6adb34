// Package command logs the programs that hapscope runs, as lines that can be pasted into
// a shell, with how long each took. Who is to see them is in the context, so that rooms
// which know nothing of a command line need no logger; without one nothing is logged.
package command

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// key is that of the logger in a context.
type key struct{}

// WithLog returns a context whose commands are logged, at level debug.
func WithLog(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, key{}, log)
}

// logger returns the one of a context if it would log, else nil.
func logger(ctx context.Context) *slog.Logger {
	log, _ := ctx.Value(key{}).(*slog.Logger)
	if log == nil || !log.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	return log
}

// Log is called before a command is run to its end, and what it returns behind that:
//
//	defer command.Log(ctx, c)()
func Log(ctx context.Context, c *exec.Cmd) (ended func()) {
	log := logger(ctx)
	if log == nil {
		return func() {}
	}
	start := time.Now()
	return func() {
		how := "was not started"
		if c.ProcessState != nil {
			how = c.ProcessState.String()
		}
		log.Debug("ran", "command", Line(c.Args), "seconds", seconds(start), "end", how)
	}
}

// Ran logs a command that a library has run, in words as near to its own as are known.
func Ran(ctx context.Context, args []string, start time.Time, err error) {
	if log := logger(ctx); log != nil {
		how := "exit status 0"
		if err != nil {
			how = err.Error()
		}
		log.Debug("ran", "command", Line(args), "seconds", seconds(start), "end", how)
	}
}

// Started logs a command that goes on while hapscope does other things. What it returns
// is called when it has ended; not to call it is fine.
func Started(ctx context.Context, c *exec.Cmd) (ended func()) {
	log := logger(ctx)
	if log == nil || c.Process == nil {
		return func() {}
	}
	start := time.Now()
	log.Debug("started", "command", Line(c.Args), "pid", c.Process.Pid)
	return func() {
		log.Debug("ended", "program", c.Path, "pid", c.Process.Pid, "seconds", seconds(start), "end", c.ProcessState.String())
	}
}

func seconds(since time.Time) string { return fmt.Sprintf("%.3f", time.Since(since).Seconds()) }

// plain is what a shell takes as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Line is a command line as a shell takes it.
func Line(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; !plain.MatchString(a) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
