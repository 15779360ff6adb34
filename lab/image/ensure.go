package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"hapscope/record"
)

// builders is how many components are built at once: one waits for the network
// or the disk while the other computes.
const builders = 2

// Ensure returns the image set that o asks for, and builds what is not cached.
func Ensure(ctx context.Context, o Options) (*Set, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	list, err := components(o)
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	keys := make([]string, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(builders)
	for i, c := range list {
		group.Go(func() (err error) {
			keys[i], err = s.ensure(ctx, c, o.Progress)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	set := &Set{CacheDir: o.CacheDir, Suite: o.Suite, KernelSuite: o.KernelSuite, Keys: map[string]string{}}
	for i, c := range list {
		set.Keys[c.name] = keys[i]
		if err := set.add(c.name, s.path(c.name, keys[i])); err != nil {
			return nil, fmt.Errorf("open the cached %s %s: %w", c.name, keys[i], err)
		}
	}
	return set, nil
}

// add fills in what the entry of a component holds.
func (s *Set) add(component, dir string) error {
	switch component {
	case Userland:
		s.Userland, s.Emulator = filepath.Join(dir, userlandImage), filepath.Join(dir, emulatorDir)
	case Workloads:
		s.Workloads = filepath.Join(dir, rootfsImage)
	case Tracers:
		s.Tracers = filepath.Join(dir, rootfsImage)
	case Docker:
		s.Docker = filepath.Join(dir, rootfsImage)
	case Tools:
		s.Tools = filepath.Join(dir, toolsImage)
		return nil // no Debian packages
	case Kata:
		s.Kata = filepath.Join(dir, kataImage)
		return nil
	case Kernel:
		release, err := os.ReadFile(filepath.Join(dir, kernelRelease))
		if err != nil {
			return err
		}
		s.Release = string(release)
		s.Kernel = filepath.Join(dir, kernelImage)
		s.Config = filepath.Join(dir, kernelConfig)
		s.Modules = filepath.Join(dir, modulesImage)
		// The files are numbered in the order of loading, and Glob sorts.
		if s.BootModules, err = filepath.Glob(filepath.Join(dir, bootModulesDir, "*.ko")); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, packagesFile))
	if err != nil {
		return err
	}
	var list []record.Package
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("decode %s: %w", packagesFile, err)
	}
	s.Packages = append(s.Packages, list...)
	return nil
}
