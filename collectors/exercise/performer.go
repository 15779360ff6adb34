package exercise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Environment is what a process that performs the exercise needs. Without it the
// Go runtime looks at its CPU limit now and then, with pread64; and a signal of
// its scheduler that comes during a fork makes the kernel start that fork anew
// (ERESTARTNOINTR, copy_process of kernel/fork.c), which is one entry more.
func Environment() []string {
	return append(os.Environ(), "GODEBUG=updatemaxprocs=0,asyncpreemptoff=1")
}

// Performer is a process that performs the exercise when it is told to. Its start
// is over when Start returns, so that what its packages do then (one of them reads
// the program's own file with pread64) need not be observed.
type Performer struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     io.Reader
	stderr  bytes.Buffer
}

// Start starts a command that calls Serve, on the calling thread, and waits until
// it is ready. Its standard streams and environment are set here.
func Start(command *exec.Cmd) (*Performer, error) {
	p := &Performer{command: command}
	command.Env = append(command.Env, Environment()...)
	command.Stderr = &p.stderr
	var err error
	if p.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = command.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the exercise: %w", err)
	}
	if err := p.answer(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the exercise: %w", err), p.Close())
	}
	return p, nil
}

// Perform has the exercise performed once.
func (p *Performer) Perform() error {
	if _, err := p.in.Write([]byte{1}); err != nil {
		return fmt.Errorf("perform the exercise: %w", err)
	}
	if err := p.answer(); err != nil {
		return fmt.Errorf("perform the exercise: %w", err)
	}
	return nil
}

func (p *Performer) answer() error {
	if _, err := io.ReadFull(p.out, make([]byte, 1)); err != nil {
		return fmt.Errorf("%s ended: %w: %s", p.command.Path, err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	return nil
}

// closeDeadline is how long a performer may take to end.
const closeDeadline = 10 * time.Second

// Close ends the process.
func (p *Performer) Close() error {
	p.in.Close()
	kill := time.AfterFunc(closeDeadline, func() { p.command.Process.Kill() })
	defer kill.Stop()
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("end the exercise: %w: %s", err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	return nil
}
