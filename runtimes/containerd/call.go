package containerd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"hapscope/internal/command"
	"hapscope/runtimes/shim"
)

// streams is how many come with a call: standard input, output and error.
const streams = 3

// rightsSpace is what they take in a message.
var rightsSpace = unix.CmsgSpace(streams * 4)

// call is what containerd has called a stand-in with.
type call struct {
	Args []string // without the program's name
	Dir  string
	Env  []string

	files []*os.File
	conn  *net.UnixConn
	gone  chan struct{} // closed when the stand-in has ended
}

// answer is how the shim's program has ended.
type answer struct {
	Status  int
	Message string // of hapscope's, for the standard error
}

// run forks the shim on the calling thread, and waits for it on another one. Then note
// is told where the shim was started, and what it has printed.
func (c *call) run(ctx context.Context, path string, note func(dir string, output []byte)) {
	var output bytes.Buffer
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{path}, c.Args...), Dir: c.Dir, Env: shim.Environment(c.Env),
		Stdin: c.files[0], Stdout: io.MultiWriter(c.files[1], &output), Stderr: c.files[2],
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // as containerd has it
	}
	if err := cmd.Start(); err != nil {
		c.answer(answer{1, err.Error()})
		return
	}
	ended := command.Started(ctx, cmd)
	go func() {
		waited := make(chan error, 1)
		go func() { waited <- cmd.Wait() }()
		var err error
		select {
		case err = <-waited:
		case <-c.gone: // containerd has killed the stand-in, and means the shim
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			err = <-waited
		}
		ended()
		note(c.Dir, output.Bytes())
		a := answer{Status: cmd.ProcessState.ExitCode()}
		if a.Status < 0 || err != nil && a.Status == 0 {
			a = answer{1, fmt.Sprintf("%s: %v", path, err)}
		}
		c.answer(a)
	}()
}

func (c *call) answer(a answer) {
	json.NewEncoder(c.conn).Encode(a) // nobody is told if the stand-in has gone
	c.close()
}

func (c *call) close() {
	c.closeFiles()
	c.conn.Close()
}

func (c *call) closeFiles() {
	for _, f := range c.files {
		f.Close()
	}
}

// filesOf takes the streams out of a message.
func filesOf(rights []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("receive streams: %w", err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // something else
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "stream"))
		}
	}
	if len(files) != streams {
		for _, f := range files {
			f.Close()
		}
		return nil, errors.New("receive streams: not three of them")
	}
	return files, nil
}

const (
	// standInName is the name under which hapscope is a shim's stand-in.
	standInName = "hapscope-shim"
	// shimLink leads to the true shim, beside it.
	shimLink = "shim"
	// socketFile is where a hapscope waits, in the directory above.
	socketFile = "socket"
	// addressFile says to which containerd the stand-ins were given.
	addressFile = "address"
)

// IsStandIn reports whether this program was started as a shim's stand-in.
func IsStandIn() bool { return filepath.Base(os.Args[0]) == standInName }
