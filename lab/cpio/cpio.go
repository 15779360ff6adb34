// Package cpio writes initramfs archives.
package cpio

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// Archive writes an initramfs: the "newc" format of cpio, described in the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst. It needs
// directories, regular files and one device, for which a library is too much.
type Archive struct {
	w   *bufio.Writer
	ino int
	err error
}

// File modes of cpio, as in stat(2).
const (
	ModeDir  = 0o040755
	ModeFile = 0o100644
	ModeExec = 0o100755
	ModeChar = 0o020600
)

// New begins an archive.
func New(w io.Writer) *Archive { return &Archive{w: bufio.NewWriterSize(w, 1<<20)} }

// entry writes a header and the name, and returns with the position aligned.
func (a *Archive) entry(name string, mode int, size int64, major, minor int) {
	if a.err != nil {
		return
	}
	a.ino++
	links := 1
	if mode == ModeDir {
		links = 2
	}
	n, err := fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.ino, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	a.err = err
	a.pad(int64(n))
}

// pad aligns to four bytes after n were written from an aligned position.
func (a *Archive) pad(n int64) {
	for ; n%4 != 0 && a.err == nil; n++ {
		a.err = a.w.WriteByte(0)
	}
}

// Dir adds a directory.
func (a *Archive) Dir(name string) { a.entry(name, ModeDir, 0, 0, 0) }

// Device adds a character device.
func (a *Archive) Device(name string, major, minor int) { a.entry(name, ModeChar, 0, major, minor) }

// File adds size bytes of r.
func (a *Archive) File(name string, mode int, size int64, r io.Reader) {
	a.entry(name, mode, size, 0, 0)
	if a.err != nil {
		return
	}
	if _, err := io.CopyN(a.w, r, size); err != nil {
		a.err = fmt.Errorf("add %s to the initramfs: %w", name, err)
		return
	}
	a.pad(size)
}

// Close writes the trailer.
func (a *Archive) Close() error {
	a.entry("TRAILER!!!", 0, 0, 0, 0)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}

// Add adds a file of this machine under a name.
func (a *Archive) Add(name string, mode int, source string) error {
	f, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("add %s to the initramfs: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	a.File(name, mode, info.Size(), f)
	return a.err
}
