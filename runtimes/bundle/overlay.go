package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/runtimes/mount"
)

// mountSource begins the first field of our mounts in /proc/mounts, which
// overlayfs ignores, and is how Sweep knows them.
const mountSource = "hapscope-"

// mountOverlay lays a writable layer in scratch over image, at target.
func mountOverlay(id, image, scratch, target string) error {
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{upper, work, target} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", escape(image), escape(upper), escape(work))
	if err := unix.Mount(mountSource+id, target, "overlay", 0, options); err != nil {
		if errors.Is(err, unix.EINVAL) && fsType(scratch) == unix.OVERLAYFS_SUPER_MAGIC {
			err = fmt.Errorf("%w (the writable layer cannot itself be on an overlay: put the scratch directory on a tmpfs or a disk)", err)
		}
		return fmt.Errorf("mount overlay of %s at %s: %w", image, target, err)
	}
	return nil
}

// escape protects what separates overlayfs's options and lower directories.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ":", `\:`).Replace(path)
}

func fsType(path string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return 0
	}
	return int64(s.Type)
}

// A directory of Check is checkBase/checkPrefix and the id of its process; Sweep knows
// those of dead ones by it.
const (
	checkBase   = "/dev/shm" // a tmpfs wherever there is POSIX shared memory
	checkPrefix = "hapscope-check-"
)

// Check reports why an overlay of an image cannot be mounted here. It mounts one.
func Check() (err error) {
	dir, err := os.MkdirTemp(checkBase, fmt.Sprintf("%s%d-", checkPrefix, os.Getpid()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	image := filepath.Join(dir, "image")
	if err := os.Mkdir(image, 0o755); err != nil {
		return err
	}
	target := filepath.Join(dir, "rootfs")
	if err := mountOverlay("check", image, dir, target); err != nil {
		return err
	}
	return mount.Remove(target)
}
