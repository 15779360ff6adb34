package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// awaitDisks maps serial numbers to device files, once all the wanted ones are
// there: their drivers may still be at it when loading the module returned.
func awaitDisks(wanted []string) (map[string]string, error) {
	const patience = 15 * time.Second
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		found, err := disks()
		if err != nil {
			return nil, err
		}
		missing := slices.DeleteFunc(slices.Clone(wanted), func(s string) bool { return found[s] != "" })
		if len(missing) == 0 {
			return found, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("no disk with the serial number %s within %s (there are %v)", strings.Join(missing, ", "), patience, found)
		}
	}
}

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
