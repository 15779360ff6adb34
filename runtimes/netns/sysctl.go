package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// noIPv6 switches IPv6 off on a link of this thread's network namespace.
// Kernels without IPv6 have no such file.
func noIPv6(link string) error {
	path := filepath.Join("/proc/sys/net/ipv6/conf", link, "disable_ipv6")
	err := os.WriteFile(path, []byte("1"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("switch IPv6 off on %s: %w", link, err)
	}
	return nil
}
