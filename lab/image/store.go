package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tempPrefix marks an entry that is not finished.
const tempPrefix = ".tmp-"

// entryFile describes an entry, for Status.
const entryFile = "entry.json"

// entryInfo is the content of entryFile.
type entryInfo struct {
	Component string          `json:"component"`
	Key       string          `json:"key"`
	Inputs    json.RawMessage `json:"inputs"`
	Built     time.Time       `json:"built"`
	Seconds   float64         `json:"seconds"`
}

// store is the cache: <dir>/<component>/<key>/.
type store struct{ dir string }

func newStore(o Options) store { return store{filepath.Join(o.CacheDir, "lab")} }

func (s store) path(component, key string) string { return filepath.Join(s.dir, component, key) }

func (s store) lockName(component, key string) string { return s.path(component, key) + ".lock" }

// has reports whether an entry is there: it was renamed, so it is whole.
func (s store) has(component, key string) bool {
	info, err := os.Stat(s.path(component, key))
	return err == nil && info.IsDir()
}

// ensure returns the entry of c, and builds it where it is not there.
func (s store) ensure(ctx context.Context, c component, progress io.Writer) (key string, err error) {
	key, err = c.key()
	if err != nil || s.has(c.name, key) {
		return key, err
	}
	lock, err := s.wait(ctx, c.name, key, progress)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if s.has(c.name, key) {
		return key, nil // somebody else has built it meanwhile
	}
	s.sweep(c.name, key)
	tmp, err := os.MkdirTemp(filepath.Join(s.dir, c.name), tempPrefix+key+"-")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", c.name, err)
	}
	defer removeAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	fmt.Fprintf(progress, "lab: building %s (%s) …\n", c.name, c.about)
	began := time.Now()
	if err := c.build(ctx, tmp); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("build %s: %w", c.name, err)
	}
	took := time.Since(began)
	if err := s.finish(c, key, tmp, took); err != nil {
		return "", fmt.Errorf("build %s: %w", c.name, err)
	}
	fmt.Fprintf(progress, "lab: built %s in %.0f s (%d MiB)\n", c.name, took.Seconds(), diskUsage(s.path(c.name, key))>>20)
	return key, nil
}

// finish describes, syncs and renames the entry: only then it is there.
func (s store) finish(c component, key, tmp string, took time.Duration) error {
	inputs, err := json.Marshal(c.inputs)
	if err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(tmp, entryFile), entryInfo{c.name, key, inputs, time.Now().UTC(), took.Seconds()}); err != nil {
		return err
	}
	if err := syncTree(tmp); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := os.Rename(tmp, s.path(c.name, key)); err != nil {
		return err
	}
	return syncPath(filepath.Join(s.dir, c.name))
}

// wait takes the exclusive lock of an entry, and says so once when that takes long.
func (s store) wait(ctx context.Context, component, key string, progress io.Writer) (*os.File, error) {
	said := false
	for {
		lock, err := tryLock(s.lockName(component, key), unix.LOCK_EX)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if !said {
			said = true
			fmt.Fprintf(progress, "lab: another process is building %s %s: waiting for it\n", component, key)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sweep removes what builders of a component left when they were killed. The
// caller holds the lock of key; another key's leftovers go if nobody builds it.
func (s store) sweep(component, key string) {
	left, err := filepath.Glob(filepath.Join(s.dir, component, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		of, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), tempPrefix), "-")
		if of == key {
			removeAll(dir)
			continue
		}
		if lock, err := tryLock(s.lockName(component, of), unix.LOCK_EX); err == nil {
			removeAll(dir)
			lock.Close()
		}
	}
}

// removeAll removes a tree, also one with directories that may not be written
// to, as a Go module cache has.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(name), err)
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// syncTree brings every file and directory below dir to the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		return syncPath(p)
	})
}

func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// diskUsage is what the tree takes on the disk, holes not counted.
func diskUsage(dir string) (n int64) {
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil && unix.Lstat(p, &st) == nil {
			n += st.Blocks * 512
		}
		return nil
	})
	return n
}
