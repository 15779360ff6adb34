// Package cli is the command line of hapscope: one file a verb. It is the only
// place that wires drivers together and that touches standard streams and exit
// codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hapscope/internal/command"
	"hapscope/lab/guest"
	"hapscope/runtimes/containerd"
)

// app is what every verb shares: the streams that it was given, never os.Stdout.
type app struct {
	scenarios  []byte // the embedded scenarios.yaml
	stdin      io.Reader
	stdout     io.Writer
	stderr     io.Writer
	log        *slog.Logger
	verbose    bool
	quiet      bool
	noSelfTest bool
	timerSlack time.Duration // of sandboxes, where the self-test makes some
	unhappy    string        // run directory of a run that has gone wrong, for bugreport
}

// Main runs the command line and returns the exit code. In the lab's guest the
// same binary is process 1 and the agent, and a containerd calls it as a shim.
func Main(args []string, scenarios []byte, stdin io.Reader, stdout, stderr io.Writer) int {
	if guest.IsInit() {
		return guest.Main()
	}
	if containerd.IsStandIn() {
		return containerd.StandIn()
	}
	a := &app{scenarios: scenarios, stdin: stdin, stdout: stdout, stderr: stderr}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil && !errors.As(err, new(passThrough)) {
		var coded *codedError
		if !errors.As(err, &coded) || coded.code != exitInterrupted {
			if err == context.Canceled {
				err = interrupted{}
			}
			err = &codedError{code: exitInterrupted, err: err}
		}
	}
	a.explain(err)
	return exitCode(err)
}

// explain prints an error and its hint on standard error.
func (a *app) explain(err error) {
	if err == nil || errors.As(err, new(passThrough)) {
		return
	}
	w := &printable{a.stderr}
	fmt.Fprintf(w, "hapscope: %v\n", err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
	if a.unhappy != "" {
		fmt.Fprintf(w, "  `hapscope bugreport %s` makes one file of what is known about it, for a bug report\n", a.unhappy)
	}
}

func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "hapscope",
		Short: "measure how much of the host kernel a sandbox can reach",
		Long: `hapscope runs Redis, Python and Node.js in sandboxes, counts the unique functions
of the host kernel that each makes run (the Horizontal Attack Profile), and
writes a record and a report.

Where this machine's kernel cannot be traced, a throw-away lab VM with a pinned
kernel is built, booted and used instead.

Results go to standard output, progress and logs to standard error.

Exit codes:
  0    done, every cell measured
  1    the run itself went wrong
  2    wrong arguments, or a file that is not valid
  3    the environment is unfit: nothing that was asked for can run here
  4    a check failed: a budget is violated, or a cell that it is about has no number to be trusted
  5    incomplete: cells were skipped, failed or are still missing, or are degraded (events were lost)
  130  interrupted (run --resume goes on)`,
		Example: `  hapscope doctor                      what can run here, and what to do for the rest
  hapscope run quick                   5 variants × 4 workloads × 3 repetitions
  hapscope report runs/LAST -o html=report.html -o png=figure.png
  hapscope functions runs/LAST --variant runc --workload redis-set --phase steady`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(c *cobra.Command, _ []string) {
			a.log = a.logger()
			c.SetContext(command.WithLog(c.Context(), a.log))
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &codedError{code: exitUsage, err: err, hint: "see `" + c.CommandPath() + " --help`"}
	})
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log each step and each external command")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	root.AddCommand(
		runCommand(a),
		reportCommand(a),
		functionsCommand(a), explainCommand(a),
		compareCommand(a), baselineCommand(a), checkCommand(a), mergeCommand(a),
		listCommand(a),
		kernelTableCommand(a),
		doctorCommand(a), selfTestCommand(a),
		labCommand(a),
		guestCommand(a),
		bugReportCommand(a), versionCommand(a),
	)
	return root
}

func (a *app) logger() *slog.Logger {
	return slog.New(tint.NewHandler(a.stderr, &tint.Options{
		Level: a.level(), TimeFormat: time.TimeOnly, NoColor: !isTerminal(beneath(a.stderr)),
	}))
}

func (a *app) level() slog.Level {
	switch {
	case a.verbose:
		return slog.LevelDebug
	case a.quiet:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// progress is where lines about what is being done go.
func (a *app) progress() io.Writer {
	if a.quiet {
		return io.Discard
	}
	return &printable{a.stderr}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// exactly refuses a wrong number of arguments with exit code 2 and the usage line.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError("%s takes %d argument(s), got %d; usage: %s", c.CommandPath(), n, len(args), c.UseLine())
		}
		return nil
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError("%s takes at most %d argument(s), got %d; usage: %s", c.CommandPath(), n, len(args), c.UseLine())
		}
		return nil
	}
}

func atLeast(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError("%s takes at least %d argument(s), got %d; usage: %s", c.CommandPath(), n, len(args), c.UseLine())
		}
		return nil
	}
}
