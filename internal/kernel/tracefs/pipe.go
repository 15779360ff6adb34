package tracefs

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// Pipe takes pages out of one CPU's ring buffer.
type Pipe struct {
	cpu, fd int
}

// Pipe opens trace_pipe_raw of one CPU.
func (i *Instance) Pipe(cpu int) (*Pipe, error) {
	// Not an os.File: its poller would have a wakeup in the kernel's tracing
	// path for every event, and readers here look by themselves now and then.
	fd, err := unix.Open(i.Path(fmt.Sprintf("per_cpu/cpu%d/trace_pipe_raw", cpu)), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open ring buffer of CPU %d: %w", cpu, err)
	}
	return &Pipe{cpu, fd}, nil
}

// Read takes out one page, complete or as far as it is filled. The buffer must
// hold a whole page. io.EOF says that there is nothing for now.
func (p *Pipe) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(p.fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), err == nil && n == 0:
			return 0, io.EOF
		case err != nil:
			return 0, fmt.Errorf("read ring buffer of CPU %d: %w", p.cpu, err)
		}
		return n, nil
	}
}

// Close gives the descriptor back.
func (p *Pipe) Close() error { return unix.Close(p.fd) }
