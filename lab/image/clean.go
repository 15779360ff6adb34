package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// KernelSuites are the Debian suites whose kernels the lab is tried with.
func KernelSuites() []string { return []string{"trixie", "bookworm"} }

// Cleaned is an entry that Clean dealt with.
type Cleaned struct {
	Component, Key string
	Bytes          int64
	InUse          bool // kept, because a machine or a builder holds it
}

// Clean removes the entries that this version would not use, or all of them,
// and what killed builders left. One that is in use stays.
func Clean(o Options, all bool) ([]Cleaned, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	entries, err := s.entries()
	if err != nil {
		return nil, fmt.Errorf("list the cache: %w", err)
	}
	keep := map[string]bool{}
	if !all {
		if keep, err = keepers(o, s); err != nil {
			return nil, err
		}
	}
	var out []Cleaned
	for _, e := range entries {
		if keep[e.Path] {
			continue
		}
		err := s.remove(e.Name, e.Key)
		if errors.Is(err, os.ErrNotExist) {
			continue // somebody else has removed it
		}
		if err != nil && !errors.Is(err, errLocked) {
			return out, fmt.Errorf("remove %s %s: %w", e.Name, e.Key, err)
		}
		out = append(out, Cleaned{e.Name, e.Key, e.Bytes, err != nil})
	}
	for _, component := range names() {
		s.sweep(component, "")
	}
	// The answers of the accelerator's probe cost seconds to get again.
	if all {
		return out, os.RemoveAll(filepath.Join(s.dir, "accelerator"))
	}
	return out, nil
}

// keepers are the entries that o asks for with any of the known kernels.
func keepers(o Options, s store) (map[string]bool, error) {
	keep := map[string]bool{}
	for _, suite := range append(KernelSuites(), o.KernelSuite) {
		o.KernelSuite = suite
		list, err := components(o)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			key, err := c.key()
			if err != nil {
				return nil, err
			}
			keep[s.path(c.name, key)] = true
		}
	}
	return keep, nil
}

// remove takes an entry away. It is renamed first, so that a half-removed one is
// never used, and its lock file goes while the lock is held.
func (s store) remove(component, key string) error {
	lock, err := tryLock(s.lockName(component, key), unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	gone := filepath.Join(s.dir, component, tempPrefix+key+"-removed")
	if err := removeAll(gone); err != nil { // a killed one has left it
		return err
	}
	renamed := os.Rename(s.path(component, key), gone)
	if err := removeAll(gone); err != nil {
		return err
	}
	return errors.Join(renamed, os.Remove(s.lockName(component, key)))
}
