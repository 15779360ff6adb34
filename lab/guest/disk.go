package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// disks maps serial numbers to device files.
func disks() (map[string]string, error) {
	const class = "/sys/block"
	entries, err := os.ReadDir(class)
	if err != nil {
		return nil, fmt.Errorf("list the disks: %w", err)
	}
	found := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(class, e.Name(), "serial"))
		if err != nil {
			continue // not a virtio disk
		}
		found[strings.TrimSpace(string(b))] = "/dev/" + e.Name()
	}
	return found, nil
}
