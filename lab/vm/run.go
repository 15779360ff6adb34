package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"hapscope/internal/command"
	"hapscope/lab/wire"
)

// Command is a program to run in the machine.
type Command struct {
	Args   []string
	Env    []string // added to the agent's: PATH, HOME, LANG …
	Dir    string   // default /
	Stdin  io.Reader
	Stdout io.Writer // receives everything when there is a terminal
	Stderr io.Writer
	TTY    bool
	Size   wire.Size        // of the terminal at the start
	Resize <-chan wire.Size // later sizes
	// Started is called when the machine has been asked to run the command.
	Started func()
}

// The grace of a cancelled command: SIGINT, then SIGKILL, then the command is
// given up. The driver in the guest removes its sandboxes on SIGINT.
const (
	interruptGrace = 20 * time.Second
	killGrace      = 10 * time.Second
)

// Run runs a command and returns its exit code, as a shell gives it: 128+n for
// signal n, 127 for a command that was not found (with an error). When the
// context ends, the command's process group gets SIGINT and after a grace
// SIGKILL, and Run returns the context's cause beside the exit code.
//
// A machine that is gone is a *DiedError.
func (v *VM) Run(ctx context.Context, c Command) (code int, err error) {
	if len(c.Args) == 0 {
		return -1, errors.New("run in the lab: no command given")
	}
	defer func(start time.Time) {
		ended := err
		if err == nil && code != 0 {
			ended = fmt.Errorf("exit status %d", code)
		}
		command.Ran(ctx, append([]string{"hapscope", "lab", "exec", "--"}, c.Args...), start, ended)
	}(time.Now())
	if c.Stdout != nil && same(c.Stdout, c.Stderr) {
		w := &serial{w: c.Stdout}
		c.Stdout, c.Stderr = w, w
	}
	when := "running " + c.Args[0]
	s, err := v.open(c)
	if err != nil {
		return -1, v.gone(when, err)
	}
	defer s.close()
	if c.Started != nil {
		c.Started()
	}
	return v.attend(ctx, c, s, when)
}

// streams are those of one command.
type streams struct{ control, stdin, stdout, stderr net.Conn }

func (s *streams) close() {
	for _, c := range []net.Conn{s.control, s.stdin, s.stdout, s.stderr} {
		if c != nil {
			c.Close()
		}
	}
}

// open opens the four streams of a command, the control stream last.
func (v *VM) open(c Command) (_ *streams, err error) {
	s := new(streams)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	id := v.next.Add(1)
	for _, part := range []struct {
		kind wire.Kind
		conn *net.Conn
	}{{wire.Stdin, &s.stdin}, {wire.Stdout, &s.stdout}, {wire.Stderr, &s.stderr}, {wire.Control, &s.control}} {
		h := wire.Header{Command: id, Kind: part.kind}
		if part.kind == wire.Control {
			h.Request = &wire.Request{Args: c.Args, Env: c.Env, Dir: c.Dir, TTY: c.TTY, Size: c.Size}
		}
		if *part.conn, err = v.session.Open(); err != nil {
			return nil, err
		}
		if err = wire.Write(*part.conn, h); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// attend carries the streams until the command has ended.
func (v *VM) attend(ctx context.Context, c Command, s *streams, when string) (int, error) {
	if c.Stdin == nil {
		s.stdin.Close()
	} else {
		// A read from a terminal cannot be taken back: this goroutine may
		// outlive the command, and ends with the next input.
		go func() {
			io.Copy(s.stdin, c.Stdin)
			s.stdin.Close()
		}()
	}
	orders := &orders{conn: s.control}
	var copying sync.WaitGroup
	var outErr, errErr error
	copying.Go(func() { outErr = drain(c.Stdout, s.stdout, orders) })
	copying.Go(func() { errErr = drain(c.Stderr, s.stderr, orders) })
	ended := make(chan error, 1)
	var exit wire.Exit
	go func() {
		err := wire.ReadLine(s.control, &exit) // no more than one message: the guest may be anybody's by now
		copying.Wait()
		ended <- err
	}()
	cancelled, deadline := ctx.Done(), (<-chan time.Time)(nil)
	last := false
	for {
		select {
		case err := <-ended:
			switch {
			case err != nil:
				return -1, v.gone(when, err)
			case exit.Error != "":
				return exit.Code, fmt.Errorf("run in the lab: %s", exit.Error)
			case ctx.Err() != nil:
				return exit.Code, context.Cause(ctx)
			}
			return exit.Code, errors.Join(outErr, errErr)
		case size, ok := <-c.Resize:
			if !ok {
				c.Resize = nil
				continue
			}
			orders.send(wire.Order{Resize: &size})
		case <-cancelled:
			cancelled = nil
			orders.send(wire.Order{Signal: int(syscall.SIGINT)})
			deadline = time.After(interruptGrace)
		case <-deadline:
			if last {
				return -1, fmt.Errorf("%s does not end, even after SIGKILL: %w", strings.Join(c.Args, " "), context.Cause(ctx))
			}
			last = true
			orders.send(wire.Order{Signal: int(syscall.SIGKILL)})
			deadline = time.After(killGrace)
		case <-v.qemu.done:
			return -1, v.died(when)
		}
	}
}

// orders serialises what is said on a control stream.
type orders struct {
	mu   sync.Mutex
	conn net.Conn
}

// send says an order. A connection that fails is noticed by who waits for the exit.
func (o *orders) send(m wire.Order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wire.Write(o.conn, m)
}

// drain copies a stream to w. When w refuses, the command is told as a pipe
// would tell it, and the rest is thrown away so that it can end.
func drain(w io.Writer, r io.Reader, o *orders) error {
	if w == nil {
		w = io.Discard
	}
	_, err := io.Copy(w, r)
	if err == nil {
		return nil
	}
	o.send(wire.Order{Signal: int(syscall.SIGPIPE)})
	io.Copy(io.Discard, r)
	return fmt.Errorf("write the command's output: %w", err)
}

// serial makes one writer of two streams safe.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serial) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// same reports whether a and b are one writer, without the panic that comparing
// uncomparable types is.
func same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a) == reflect.TypeOf(b) &&
		reflect.TypeOf(a).Comparable() && a == b
}
