package oci

import (
	"bytes"
	"io"
	"os"
	"os/exec"

	runc "github.com/containerd/go-runc"
)

// tailBytes is how much of the output is worth showing in a message.
const tailBytes = 4096

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

// tail returns the last whole lines of a file, or nothing if it has none.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	from := max(0, end-tailBytes)
	b, err := io.ReadAll(io.NewSectionReader(f, from, end-from))
	if err != nil {
		return ""
	}
	if _, rest, ok := bytes.Cut(b, []byte("\n")); ok && from > 0 {
		b = rest // the first line is not whole
	}
	return string(bytes.TrimSpace(b))
}
