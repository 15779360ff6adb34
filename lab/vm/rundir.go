package vm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// rundir is the directory of one machine: sockets, console, initramfs. Its lock
// tells a later boot whether the owner still lives.
type rundir struct {
	path string
	lock *os.File
}

const (
	rundirPattern = "hapscope-lab-"
	rundirLock    = "owner"
	// rundirAge protects a directory between its creation and its lock.
	rundirAge = time.Minute
)

// newRundir makes a directory in base and sweeps those of dead owners. The base
// has a short name, because the path of a socket is limited to 107 bytes.
func newRundir(base string) (*rundir, error) {
	sweep(base)
	dir, err := os.MkdirTemp(base, rundirPattern)
	if err != nil {
		return nil, fmt.Errorf("make a directory for the VM: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, rundirLock))
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("lock the directory of the VM: %w", err)
	}
	return &rundir{dir, f}, nil
}

func (r *rundir) file(name string) string { return filepath.Join(r.path, name) }

func (r *rundir) remove() error {
	return errors.Join(os.RemoveAll(r.path), r.lock.Close())
}

// Sweep removes what machines left whose owner was killed. Booting does it as well.
func Sweep() { sweep(os.TempDir()) }

// own reports whether a directory, and no link to one, is this user's.
func own(dir string) bool {
	var s unix.Stat_t
	return unix.Lstat(dir, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFDIR && int(s.Uid) == os.Geteuid()
}

// sweep removes the directories in base whose owner is dead. Those of other users stay,
// also where root sweeps: base is everybody's, and a name in it says nothing.
func sweep(base string) {
	dirs, err := filepath.Glob(filepath.Join(base, rundirPattern+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if !own(dir) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, rundirLock), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			info, err2 := os.Stat(dir)
			if errors.Is(err, os.ErrNotExist) && err2 == nil && time.Since(info.ModTime()) > rundirAge {
				os.RemoveAll(dir)
			}
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}
