package oci

import (
	"io"
	"os"
	"os/exec"

	runc "github.com/containerd/go-runc"
)

// streams hands one file to a runtime as the standard output and error of the
// command and of the process in the sandbox. A pipe would need somebody to
// empty it, who would be in the way of the measurement.
type streams struct{ file *os.File }

func openStreams(path string) (*streams, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &streams{f}, nil
}

var _ runc.IO = (*streams)(nil)

func (s *streams) Set(c *exec.Cmd)       { c.Stdout, c.Stderr = s.file, s.file }
func (s *streams) Close() error          { return s.file.Close() }
func (s *streams) Stdin() io.WriteCloser { return nil }
func (s *streams) Stdout() io.ReadCloser { return nil }
func (s *streams) Stderr() io.ReadCloser { return nil }
