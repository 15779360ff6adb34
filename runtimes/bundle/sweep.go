package bundle

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Sweep unmounts all root file systems that Create has ever mounted here, and
// returns one line for each. The scratch directories are their owner's.
func Sweep() (removed []string, err error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("sweep root file systems: %w", err)
	}
	for _, target := range ourMounts(string(b)) {
		if e := unmount(target); e != nil {
			err = errors.Join(err, fmt.Errorf("sweep root file systems: %w", e))
			continue
		}
		removed = append(removed, "root file system "+target)
	}
	return removed, err
}

// ourMounts returns the mount points of our overlays, last mounted first.
func ourMounts(mountinfo string) (targets []string) {
	for line := range strings.Lines(mountinfo) {
		// proc(5): 36 35 98:0 / /mnt rw,noatime shared:1 - overlay hapscope-x rw
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if ok && len(fields) >= 5 && strings.HasPrefix(after, "overlay "+mountSource) {
			targets = append([]string{unescape(fields[4])}, targets...)
		}
	}
	return targets
}

// unescape undoes the octal escapes that proc(5) names for mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
