package cli

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hapscope/lab/vm"
	"hapscope/lab/wire"
)

func labShellCommand(a *app) *cobra.Command {
	var session labSession
	c := &cobra.Command{
		Use:   "shell",
		Short: "enter a lab VM; it ends with the shell",
		Long: `Boots a machine and starts bash in it, on a terminal where there is one. What
runc, crun and runsc need is there; the workloads' root file system is at
/lab/rootfs, read-only; /tmp and /run are in memory.`,
		Example: `  hapscope lab shell
  hapscope lab shell --lab-kernel bookworm --share out:rw
  echo 'uname -r' | hapscope lab shell`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			command := vm.Command{Args: []string{"bash", "-l"}, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr}
			in, ok := a.stdin.(*os.File)
			if !ok || !term.IsTerminal(int(in.Fd())) || !isTerminal(a.stdout) {
				command.Args = []string{"bash", "-s"}
				return session.run(c.Context(), a, command)
			}
			command.TTY = true
			command.Env = []string{"TERM=" + os.Getenv("TERM")}
			command.Size = terminalSize(in)
			resize, stop := watchSize(in)
			defer stop()
			command.Resize = resize
			// The keys, ctrl-C among them, are the guest's: but only once the
			// machine is up, so that the boot can be interrupted.
			raw := &rawTerminal{file: in}
			defer raw.restore()
			command.Started = raw.set
			return session.run(c.Context(), a, command)
		},
	}
	session.flags(c)
	return c
}

// rawTerminal is a terminal whose keys are passed on as they are.
type rawTerminal struct {
	file  *os.File
	state *term.State
}

func (r *rawTerminal) set() {
	if state, err := term.MakeRaw(int(r.file.Fd())); err == nil {
		r.state = state
	}
}

func (r *rawTerminal) restore() {
	if r.state != nil {
		term.Restore(int(r.file.Fd()), r.state)
	}
}

func terminalSize(f *os.File) wire.Size {
	cols, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return wire.Size{Rows: 24, Cols: 80}
	}
	return wire.Size{Rows: uint16(rows), Cols: uint16(cols)}
}

// watchSize reports later sizes of the terminal until stop is called.
func watchSize(f *os.File) (sizes <-chan wire.Size, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	out := make(chan wire.Size, 1)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			select {
			case out <- terminalSize(f):
			case <-done:
				return
			}
		}
	}()
	return out, func() { signal.Stop(signals); close(done) }
}
