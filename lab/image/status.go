package image

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ComponentStatus is a component and whether the cache holds it.
type ComponentStatus struct {
	Name, Key string
	Path      string        // where the entry is, or would be
	Built     bool          // false: Ensure would build it
	BuiltAt   time.Time     // zero where that is not known
	Took      time.Duration // of the build
	Bytes     int64         // on the disk
	InUse     bool          // a machine or a builder holds it
}

// Status says what the cache holds of what o asks for.
func Status(o Options) ([]ComponentStatus, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	list, err := components(o)
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	var out []ComponentStatus
	for _, c := range list {
		key, err := c.key()
		if err != nil {
			return nil, err
		}
		out = append(out, s.status(c.name, key))
	}
	return out, nil
}

// Others lists the entries that the cache holds beside what o asks for.
func Others(o Options) ([]ComponentStatus, error) {
	wanted, err := Status(o)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, w := range wanted {
		asked[w.Path] = true
	}
	o, err = o.complete()
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	all, err := s.entries()
	if err != nil {
		return nil, err
	}
	var out []ComponentStatus
	for _, e := range all {
		if !asked[e.Path] {
			out = append(out, e)
		}
	}
	return out, nil
}

// status looks at one entry.
func (s store) status(component, key string) ComponentStatus {
	c := ComponentStatus{Name: component, Key: key, Path: s.path(component, key), Built: s.has(component, key)}
	if lock, err := tryExisting(s.lockName(component, key)); errors.Is(err, errLocked) {
		c.InUse = true
	} else if err == nil {
		lock.Close()
	}
	if !c.Built {
		return c
	}
	c.Bytes = diskUsage(c.Path)
	var info entryInfo
	if b, err := os.ReadFile(filepath.Join(c.Path, entryFile)); err == nil && json.Unmarshal(b, &info) == nil {
		c.BuiltAt, c.Took = info.Built, time.Duration(info.Seconds*float64(time.Second))
	}
	return c
}

// tryExisting takes an exclusive lock only where its file exists: looking must
// not leave files behind.
func tryExisting(name string) (*os.File, error) {
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	return tryLock(name, unix.LOCK_EX)
}

// entries lists every whole entry of the cache.
func (s store) entries() ([]ComponentStatus, error) {
	var out []ComponentStatus
	for _, component := range names() {
		found, err := os.ReadDir(filepath.Join(s.dir, component))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if e.IsDir() && !strings.HasPrefix(e.Name(), tempPrefix) {
				out = append(out, s.status(component, e.Name()))
			}
		}
	}
	return out, nil
}
