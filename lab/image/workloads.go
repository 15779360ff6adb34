package image

import (
	"context"
	"fmt"
	"path/filepath"
)

// rootfsImage is the root file system of a component made by rootfs.
const rootfsImage = "rootfs.ext4"

// rootfsBuilder is raised when the code below changes the result.
const rootfsBuilder = 2

// rootfs is a component that is a root file system of its own: that of the
// workloads, or that of other tracers or of container engines.
func rootfs(name, suite string, packages []string) component {
	return component{
		name:   name,
		inputs: debianInputs{rootfsBuilder, suite, packages, nil},
		about:  fmt.Sprintf("Debian %s, %d packages and what they need, about 1 min", suite, len(packages)),
		build: func(ctx context.Context, dir string) error {
			archive := filepath.Join(dir, name+".tar")
			if err := debootstrap(ctx, suite, "minbase", packages, archive); err != nil {
				return err
			}
			if err := savePackages(archive, name, dir); err != nil {
				return err
			}
			if err := ext4FromTar(archive, filepath.Join(dir, rootfsImage)); err != nil {
				return err
			}
			return dropFile(archive)
		},
	}
}
