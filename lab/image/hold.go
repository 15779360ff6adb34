package image

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Hold keeps Clean from the set's entries until release is called. Others says
// whether somebody else holds the userland as well: another machine is running.
func (s *Set) Hold() (release func(), others bool, err error) {
	st := newStore(Options{CacheDir: s.CacheDir})
	var held []*os.File
	release = func() {
		for _, f := range held {
			f.Close()
		}
	}
	components := make([]string, 0, len(s.Keys))
	for c := range s.Keys {
		components = append(components, c)
	}
	slices.Sort(components)
	for _, c := range components {
		name := st.lockName(c, s.Keys[c])
		if c == Userland {
			if probe, err := tryLock(name, unix.LOCK_EX); errors.Is(err, errLocked) {
				others = true
			} else if err == nil {
				probe.Close()
			}
		}
		// The exclusive lock is only ever held for a moment once the entry is
		// there: by another Hold's look, or by Clean, which then has removed it.
		f, err := retryLock(name)
		if err != nil {
			release()
			return nil, false, err
		}
		held = append(held, f)
		if !st.has(c, s.Keys[c]) {
			release()
			return nil, false, fmt.Errorf("%s %s was removed from the cache: try again", c, s.Keys[c])
		}
	}
	return release, others, nil
}
