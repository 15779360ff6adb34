package image

import (
	"context"
	"fmt"
	"path/filepath"
)

// workloadsImage is the workloads' root file system.
const workloadsImage = "workloads.ext4"

// workloadsBuilder is raised when the code below changes the result.
const workloadsBuilder = 1

func workloads(suite string, packages []string) component {
	return component{
		name:   Workloads,
		inputs: debianInputs{workloadsBuilder, suite, packages, nil},
		about:  fmt.Sprintf("Debian %s, %d packages and what they need, about 1 min", suite, len(packages)),
		build: func(ctx context.Context, dir string) error {
			archive := filepath.Join(dir, "workloads.tar")
			if err := debootstrap(ctx, suite, "minbase", packages, archive); err != nil {
				return err
			}
			if err := savePackages(archive, Workloads, dir); err != nil {
				return err
			}
			if err := ext4FromTar(archive, filepath.Join(dir, workloadsImage)); err != nil {
				return err
			}
			return dropFile(archive)
		},
	}
}
