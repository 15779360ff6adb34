package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// replace writes a whole file so that a reader, or a machine that loses power,
// sees the old content or the new one and nothing between.
func replace(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	defer os.Remove(tmp.Name()) // fails, rightly, after the rename
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Chmod(0o644) // CreateTemp makes files that only their owner reads
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// temporary recognizes the name of a file that replace has made.
func temporary(name string) bool {
	for _, of := range []string{runFile, timingsFile, TableFile("*")} {
		if ok, _ := filepath.Match("."+of+"-*", name); ok {
			return true
		}
	}
	return false
}

// sweepTemporary removes what killed writers were about to put in place. Whoever calls it
// holds the lock.
func sweepTemporary(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if temporary(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// appendSynced appends b in a single write and waits until it is on the disk.
// Where that fails, what was written of b is taken back, so that a full disk
// does not leave half a line in front of the next one.
func appendSynced(f *os.File, b []byte) error {
	before, err := f.Stat()
	if err != nil {
		return fmt.Errorf("append to %s: %w", f.Name(), err)
	}
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("append to %s: %w", f.Name(), errors.Join(err, f.Truncate(before.Size())))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	return nil
}

// establish makes a file with its first content where there is none: its name is on the
// disk before anything is appended.
func establish(path string, content []byte) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return nil // whatever else is wrong with it shows when it is opened
	}
	return replace(path, content)
}

// appendTo appends to a file that is there, as appendSynced does.
func appendTo(path string, b []byte) error {
	f, err := openPlain(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	return errors.Join(appendSynced(f, b), f.Close())
}

// syncDir makes a rename or a new file durable. Some file systems, 9p among
// them, cannot sync a directory and say EINVAL; there the file's own sync is
// all that can be had.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
