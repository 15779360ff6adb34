package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/runtimes/mount"
)

// Sweep unmounts all root file systems that Create has ever mounted here, and removes the
// directories of Checks that were killed; it returns one line for each. The scratch
// directories are their owner's.
func Sweep() (removed []string, err error) {
	points, err := mount.Points()
	for _, p := range points {
		if p.Type != "overlay" || !strings.HasPrefix(p.Source, mountSource) {
			continue
		}
		if e := mount.Remove(p.Target); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "root file system "+p.Target)
	}
	checks, e := sweepChecks(checkBase)
	if err = errors.Join(err, e); err != nil {
		return removed, fmt.Errorf("sweep root file systems: %w", err)
	}
	return append(removed, checks...), nil
}

// sweepChecks removes from base the directories of Checks whose process is gone.
func sweepChecks(base string) (removed []string, err error) {
	left, _ := filepath.Glob(filepath.Join(base, checkPrefix+"*"))
	for _, dir := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), checkPrefix), "-")
		pid, e := strconv.Atoi(id)
		if e != nil || unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		if e := os.RemoveAll(dir); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "directory "+dir)
	}
	return removed, err
}
