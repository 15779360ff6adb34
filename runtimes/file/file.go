// Package file is what the drivers of runtimes do with files: digests of programs, the
// end of what was printed, copies, whether devices open.
package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Digest is the SHA-256 of a file, in hexadecimal.
func Digest(path string) (string, error) {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Open tries a device: the node of a module that cannot be loaded may be there.
func Open(device string) error {
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: device, Err: err}
	}
	return unix.Close(fd)
}

// Copy writes a copy of a file to a new path.
func Copy(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// tailBytes is how much of the output is worth showing in a message.
const tailBytes = 4096

// Tail returns the last whole lines of a file, or nothing if it has none.
func Tail(path string) string {
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
