// Package mount finds and removes mounts, whoever made them.
package mount

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Point is one mount of this mount namespace.
type Point struct {
	Target string // where
	Type   string // of the file system
	Source string // what the mounter called it
}

// Points returns all mounts, the last one first: the order in which they can
// be removed.
func Points() ([]Point, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	return parse(string(b)), nil
}

func parse(mountinfo string) (points []Point) {
	for line := range strings.Lines(mountinfo) {
		// proc(5): 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
		before, after, ok := strings.Cut(line, " - ")
		b, a := strings.Fields(before), strings.Fields(after)
		if !ok || len(b) < 5 || len(a) < 2 {
			continue
		}
		points = append([]Point{{Target: unescape(b[4]), Type: a[0], Source: unescape(a[1])}}, points...)
	}
	return points
}

// unescape undoes the octal escapes that proc(5) names.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Remove takes away every mount at target; none is no error. A busy one is
// detached: whoever still holds it, it is gone for everybody else.
func Remove(target string) error {
	for {
		err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EBUSY) {
			err = unix.Unmount(target, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
		}
		switch {
		case err == nil: // there may be another below
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT): // no mount point, not there
			return nil
		default:
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
}

// RemoveBelow takes away every mount below dir, and at it.
func RemoveBelow(dir string) error {
	points, err := Points()
	for _, p := range points {
		if p.Target == dir || strings.HasPrefix(p.Target, dir+"/") {
			err = errors.Join(err, Remove(p.Target))
		}
	}
	return err
}
