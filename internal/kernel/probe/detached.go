package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// detached mounts a file system for this process without a mount point: no one else sees
// it, and nothing is left after done. The directory is that of its root.
func detached(fstype string) (dir string, done func(), err error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", nil, fmt.Errorf("open file system %s: %w", fstype, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return "", nil, fmt.Errorf("create file system %s: %w", fstype, err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("mount %s: %w", fstype, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", mount), func() { unix.Close(mount) }, nil
}
