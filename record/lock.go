package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile is what a writer locks. The file stays behind, empty: removing it
// would let two writers hold locks on two different files of that name.
const lockFile = "lock"

// ErrLocked says that another writer is at work in the run directory.
var ErrLocked = errors.New("another hapscope is writing there")

// lock takes the run directory for one writer. The lock goes with the process,
// so a killed writer leaves none. On a file system shared with a virtual
// machine it excludes only writers of the same kernel.
func lock(dir string) (*os.File, error) {
	f, err := openPlain(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the run directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the run directory %s: %w", dir, ErrLocked)
		}
		return nil, fmt.Errorf("lock the run directory %s: %w", dir, err)
	}
	return f, nil
}
