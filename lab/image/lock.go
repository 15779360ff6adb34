package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked says that somebody else holds the lock.
var errLocked = errors.New("locked by another process")

// tryLock takes the lock of that name without waiting: how is unix.LOCK_EX or
// unix.LOCK_SH. Closing the file releases it. A lock file may be removed by who
// holds it exclusively, so the file that was locked has to be the one that is
// still there.
func tryLock(name string, how int) (*os.File, error) {
	for {
		f, err := openLock(name)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		held, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(held, there) {
			return f, nil
		}
		f.Close()
	}
}

// openLock opens or makes the lock file. In a cache of somebody else, which may
// only be read, an existing file is enough: flock does not ask for more.
func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		return os.Open(name)
	}
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	}
	return f, err
}

// retryLock takes a shared lock that somebody may hold exclusively for a moment.
func retryLock(name string) (*os.File, error) {
	const patience, step = 10 * time.Second, 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		f, err := tryLock(name, unix.LOCK_SH)
		if !errors.Is(err, errLocked) || waited > patience {
			return f, err
		}
		time.Sleep(step)
	}
}
