package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoHierarchy says that no unified hierarchy is mounted here.
var ErrNoHierarchy = errors.New("no cgroup v2 hierarchy is mounted")

// Root returns the directory at which the unified hierarchy is mounted:
// /sys/fs/cgroup, or /sys/fs/cgroup/unified where v1 controllers are in use too.
func Root() (string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("find the cgroup v2 mount: %w", err)
	}
	return rootFrom(string(b))
}

// Controllers returns those that may be enabled below the cgroup dir. There are none
// where cgroup v1 has them.
func Controllers(dir string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	return strings.Fields(string(b)), err
}

// rootFrom picks the shortest mount point of type cgroup2: a sandbox may have
// bind-mounted parts of the hierarchy elsewhere, which are longer or have a
// root other than "/".
func rootFrom(mountinfo string) (string, error) {
	best := ""
	for line := range strings.Lines(mountinfo) {
		// proc(5): 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
		before, after, ok := strings.Cut(line, " - ")
		if !ok || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		f := strings.Fields(before)
		if len(f) < 5 || f[3] != "/" {
			continue
		}
		if point := unescape(f[4]); best == "" || len(point) < len(best) {
			best = point
		}
	}
	if best == "" {
		return "", ErrNoHierarchy
	}
	return best, nil
}

// unescape undoes the octal escapes that proc(5) names for mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// inside reports an error unless dir is a directory below the hierarchy's
// root, so that a mistake never kills everything or removes ordinary files.
func inside(dir string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, "../") {
		return fmt.Errorf("%s is not below the cgroup root %s", dir, root)
	}
	return nil
}

// onCgroup2 reports whether dir lies on a cgroup2 file system.
func onCgroup2(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}
