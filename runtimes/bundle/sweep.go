package bundle

import (
	"errors"
	"fmt"
	"strings"

	"hapscope/runtimes/mount"
)

// Sweep unmounts all root file systems that Create has ever mounted here, and
// returns one line for each. The scratch directories are their owner's.
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
	if err != nil {
		return removed, fmt.Errorf("sweep root file systems: %w", err)
	}
	return removed, nil
}
