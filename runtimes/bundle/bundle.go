package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hapscope/runtimes"
	"hapscope/runtimes/mount"
)

// Bundle is a bundle on disk.
type Bundle struct {
	Dir    string
	Rootfs string // mount point of the writable root file system
}

// Create makes a bundle in the scratch directory of a sandbox. On error nothing
// is left.
func Create(s runtimes.Spec, cgroup, netns string) (*Bundle, error) {
	b := &Bundle{Dir: s.Scratch, Rootfs: filepath.Join(s.Scratch, "rootfs")}
	if err := b.create(s, cgroup, netns); err != nil {
		return nil, errors.Join(fmt.Errorf("create bundle of %s: %w", s.ID, err), b.Remove())
	}
	return b, nil
}

func (b *Bundle) create(s runtimes.Spec, cgroup, netns string) error {
	config, err := Spec(s, cgroup, netns)
	if err != nil {
		return err
	}
	limit(config.Process.Rlimits, mostFiles())
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.Dir, "config.json"), text, 0o644); err != nil {
		return err
	}
	if err := mountOverlay(s.ID, s.Rootfs, b.Dir, b.Rootfs); err != nil {
		return err
	}
	return addFiles(b.Rootfs, s.Process.Files)
}

// Remove unmounts the root file system and removes what Create made. It may be
// called more than once.
func (b *Bundle) Remove() error {
	if err := mount.Remove(b.Rootfs); err != nil {
		return fmt.Errorf("remove bundle: %w", err)
	}
	for _, name := range []string{"config.json", "rootfs", "upper", "work"} {
		if err := os.RemoveAll(filepath.Join(b.Dir, name)); err != nil {
			return fmt.Errorf("remove bundle: %w", err)
		}
	}
	return nil
}

// addFiles writes files into the root file system. An os.Root keeps a
// symbolic link of the image from leading out of it.
func addFiles(rootfs string, files map[string]string) error {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return err
	}
	defer root.Close()
	for path, content := range files {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("add file %q: the path is not absolute", path)
		}
		name := filepath.Clean(path)[1:]
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("add file %s: %w", path, err)
		}
		if err := root.WriteFile(name, []byte(content), 0o644); err != nil {
			return fmt.Errorf("add file %s: %w", path, err)
		}
	}
	return nil
}
