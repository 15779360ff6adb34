package guest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"

	"hapscope/lab/wire"
)

// lingering is how long the output of a command is waited for after it ended,
// because a process that it left behind may hold the pipe open for ever.
const lingering = 5 * time.Second

// Exit codes of a command that never ran, as shells give them.
const (
	notExecutable = 126
	notFound      = 127
)

// command is one command of the host.
type command struct {
	request                        wire.Request
	control, stdin, stdout, stderr net.Conn
}

// run runs the command and answers with its exit.
func (c *command) run() {
	defer c.control.Close()
	defer c.stdin.Close()
	exit := c.start()
	// The output is complete before the exit is said.
	c.stdout.Close()
	c.stderr.Close()
	if err := wire.Write(c.control, exit); err != nil {
		fmt.Fprintln(os.Stderr, "hapscope lab agent: report the exit:", err)
	}
}

func (c *command) start() wire.Exit {
	r := c.request
	if len(r.Args) == 0 {
		return wire.Exit{Code: notFound, Error: "no command given"}
	}
	cmd := exec.Command(r.Args[0], r.Args[1:]...)
	cmd.Env = append(os.Environ(), r.Env...)
	cmd.Dir = r.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	if r.TTY {
		return c.terminal(cmd)
	}
	return c.pipes(cmd)
}

// pipes runs cmd with three pipes, in a process group of its own.
func (c *command) pipes(cmd *exec.Cmd) wire.Exit {
	cmd.Stdout, cmd.Stderr = c.stdout, c.stderr
	cmd.WaitDelay = lingering
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return wire.Exit{Code: notExecutable, Error: err.Error()}
	}
	if err := cmd.Start(); err != nil {
		return notStarted(err)
	}
	go func() {
		io.Copy(in, c.stdin) // a command may end before its input does
		in.Close()
	}()
	done := make(chan struct{})
	go c.obey(cmd.Process.Pid, nil, done)
	err = cmd.Wait()
	close(done)
	return exited(cmd, err)
}

// terminal runs cmd on a pseudo-terminal of its own session.
func (c *command) terminal(cmd *exec.Cmd) wire.Exit {
	size := pty.Winsize{Rows: c.request.Size.Rows, Cols: c.request.Size.Cols}
	tty, err := pty.StartWithSize(cmd, &size)
	if err != nil {
		return notStarted(err)
	}
	defer tty.Close()
	go io.Copy(tty, c.stdin)
	copied := make(chan struct{})
	go func() {
		io.Copy(c.stdout, tty) // ends with EIO when the last process has closed it
		close(copied)
	}()
	done := make(chan struct{})
	go c.obey(cmd.Process.Pid, tty, done)
	err = cmd.Wait()
	close(done)
	select {
	case <-copied:
	case <-time.After(lingering):
	}
	return exited(cmd, err)
}

// obey passes the host's orders on until the command is done. A host that is
// gone has no use for the command.
func (c *command) obey(pid int, tty *os.File, done <-chan struct{}) {
	orders := wire.Decoder(c.control)
	for {
		var o wire.Order
		err := orders.Decode(&o)
		select {
		case <-done:
			return // the pid may belong to someone else by now
		default:
		}
		if err != nil {
			syscall.Kill(-pid, syscall.SIGKILL)
			return
		}
		if o.Signal > 0 {
			syscall.Kill(-pid, syscall.Signal(o.Signal))
		}
		if o.Resize != nil && tty != nil {
			pty.Setsize(tty, &pty.Winsize{Rows: o.Resize.Rows, Cols: o.Resize.Cols})
		}
	}
}

func notStarted(err error) wire.Exit {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return wire.Exit{Code: notFound, Error: err.Error()}
	}
	return wire.Exit{Code: notExecutable, Error: err.Error()}
}

func exited(cmd *exec.Cmd, err error) wire.Exit {
	if cmd.ProcessState == nil {
		return wire.Exit{Code: notExecutable, Error: err.Error()}
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return wire.Exit{Code: 128 + int(s.Signal())}
	}
	return wire.Exit{Code: cmd.ProcessState.ExitCode()}
}
