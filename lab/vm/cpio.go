package vm

import (
	"bufio"
	"fmt"
	"io"
)

// archive writes an initramfs: the "newc" format of cpio, described in the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst. It needs
// directories, regular files and one device, for which a library is too much.
type archive struct {
	w   *bufio.Writer
	ino int
	err error
}

// File modes of cpio, as in stat(2).
const (
	modeDir  = 0o040755
	modeFile = 0o100644
	modeExec = 0o100755
	modeChar = 0o020600
)

func newArchive(w io.Writer) *archive { return &archive{w: bufio.NewWriterSize(w, 1<<20)} }

// entry writes a header and the name, and returns with the position aligned.
func (a *archive) entry(name string, mode int, size int64, major, minor int) {
	if a.err != nil {
		return
	}
	a.ino++
	links := 1
	if mode == modeDir {
		links = 2
	}
	n, err := fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.ino, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	a.err = err
	a.pad(int64(n))
}

// pad aligns to four bytes after n were written from an aligned position.
func (a *archive) pad(n int64) {
	for ; n%4 != 0 && a.err == nil; n++ {
		a.err = a.w.WriteByte(0)
	}
}

func (a *archive) dir(name string) { a.entry(name, modeDir, 0, 0, 0) }

func (a *archive) device(name string, major, minor int) { a.entry(name, modeChar, 0, major, minor) }

// file adds size bytes of r.
func (a *archive) file(name string, mode int, size int64, r io.Reader) {
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

// close writes the trailer.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0, 0, 0)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}
