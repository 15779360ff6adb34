package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
)

// logged is standard error that is kept, too.
type logged struct {
	w io.Writer
	f *os.File
}

// colours are what a terminal is told of them.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Write says everything, also where it cannot be kept: a full disk shows elsewhere.
func (l *logged) Write(b []byte) (int, error) {
	l.f.Write(colours.ReplaceAll(b, nil))
	return l.w.Write(b)
}

// keepLog adds what is said from here on to the log of a run. The context that it returns
// has the commands that are run said likewise.
func (a *app) keepLog(ctx context.Context, dir string) context.Context {
	f, err := record.OpenLog(dir)
	if err != nil {
		a.log.Warn("what is said is not kept: " + err.Error())
		return ctx
	}
	b := build()
	fmt.Fprintf(f, "== %s hapscope %s %s: %s\n", time.Now().UTC().Format(time.RFC3339), b.Version, b.Revision, command.Line(os.Args))
	a.stderr = &logged{beneath(a.stderr), f}
	a.log = a.logger()
	return command.WithLog(ctx, a.log)
}

// beneath is where a stream goes that may be logged: a process that is started gets it as
// it is, and keeps the log by itself. Through a pipe whoever else holds the stream could
// hold hapscope up.
func beneath(w io.Writer) io.Writer {
	if l, ok := w.(*logged); ok {
		return l.w
	}
	return w
}
