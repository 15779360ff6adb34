package image

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hapscope/record"
)

// What the kernel's entry holds beside packages.json.
const (
	kernelImage    = "vmlinuz"
	kernelConfig   = "config"
	kernelRelease  = "release"
	modulesImage   = "modules.ext4"
	bootModulesDir = "modules" // uncompressed, numbered in the order of loading
	// guestModulesDir is likewise for a virtual machine that runs the same kernel.
	guestModulesDir = "guest-modules"
)

// kernelBuilder is raised when the code below changes the result.
const kernelBuilder = 2

// kernelPackage depends on the newest kernel of the suite.
const kernelPackage = "linux-image-amd64"

func kernel(suite string) component {
	return component{
		name:   Kernel,
		inputs: debianInputs{kernelBuilder, suite, []string{kernelPackage}, slices.Concat(bootModules, runModules, guestModules)},
		about:  fmt.Sprintf("Debian %s, %s, about 30 s", suite, kernelPackage),
		build:  func(ctx context.Context, dir string) error { return buildKernel(ctx, suite, dir) },
	}
}

func buildKernel(ctx context.Context, suite, dir string) error {
	archive, tree := filepath.Join(dir, "kernel.tar"), filepath.Join(dir, "tree")
	// The package files are kept in the archive: an extracted system has no
	// dpkg to ask for versions, but the files' names tell.
	if err := debootstrap(ctx, suite, "extract", []string{kernelPackage}, archive, "--skip=cleanup/apt"); err != nil {
		return err
	}
	if err := untar(archive, tree, neededForKernel); err != nil {
		return err
	}
	if err := saveKernelPackages(tree, dir); err != nil {
		return err
	}
	release, err := takeKernel(tree, dir)
	if err != nil {
		return err
	}
	modules, err := indexModules(ctx, tree, release)
	if err != nil {
		return err
	}
	if err := takeModules(filepath.Join(modules, release), filepath.Join(dir, bootModulesDir), bootModules, runModules); err != nil {
		return err
	}
	if err := takeModules(filepath.Join(modules, release), filepath.Join(dir, guestModulesDir), guestModules, nil); err != nil {
		return err
	}
	if err := ext4FromTree(modules, filepath.Join(dir, modulesImage)); err != nil {
		return err
	}
	if err := dropFile(archive); err != nil {
		return err
	}
	return removeAll(tree)
}

// neededForKernel picks kernel, modules, the names of the packages, and kmod
// with its libraries: an extracted kernel package has no index of modules, and
// the host need not have depmod.
func neededForKernel(name string) bool {
	merged := strings.TrimPrefix(name, "usr/") // older suites have /lib, newer ones /usr/lib
	switch {
	case strings.HasPrefix(name, "boot/"), strings.HasPrefix(merged, "lib/modules/"):
		return true
	case strings.HasPrefix(name, aptArchives):
		return strings.HasPrefix(filepath.Base(name), "linux-image-")
	case strings.HasPrefix(merged, "lib/x86_64-linux-gnu/"):
		return strings.Contains(filepath.Base(name), ".so")
	}
	return merged == "bin/kmod"
}

const aptArchives = "var/cache/apt/archives/"

// saveKernelPackages reads names and versions off the package files.
func saveKernelPackages(tree, dir string) error {
	files, err := filepath.Glob(filepath.Join(tree, aptArchives, "linux-image-*.deb"))
	if err != nil {
		return err
	}
	var list []record.Package
	for _, f := range files {
		p, err := parsePackageFile(filepath.Base(f))
		if err != nil {
			return err
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return fmt.Errorf("no kernel package was downloaded")
	}
	return writeJSON(filepath.Join(dir, packagesFile), list)
}

// parsePackageFile reads name_version_architecture.deb, in which apt escapes the
// colon of an epoch as in a URL.
func parsePackageFile(base string) (record.Package, error) {
	parts := strings.Split(strings.TrimSuffix(base, ".deb"), "_")
	if len(parts) != 3 {
		return record.Package{}, fmt.Errorf("%s is not named like a Debian package", base)
	}
	version, err := url.PathUnescape(parts[1])
	if err != nil {
		return record.Package{}, fmt.Errorf("version of %s: %w", base, err)
	}
	return record.Package{Image: Kernel, Name: parts[0], Version: version}, nil
}

// takeKernel moves the kernel's files to their places and returns its release.
func takeKernel(tree, dir string) (string, error) {
	found, err := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("want one kernel, got %v", found)
	}
	release := strings.TrimPrefix(filepath.Base(found[0]), "vmlinuz-")
	if err := os.Rename(found[0], filepath.Join(dir, kernelImage)); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(tree, "boot", "config-"+release), filepath.Join(dir, kernelConfig)); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Join(dir, kernelImage), 0o644); err != nil {
		return "", err
	}
	return release, os.WriteFile(filepath.Join(dir, kernelRelease), []byte(release), 0o644)
}

// indexModules runs the suite's own depmod over the modules, and returns the
// directory that holds them.
func indexModules(ctx context.Context, tree, release string) (string, error) {
	base := filepath.Join(tree, "index")
	modules := filepath.Join(base, "lib", "modules")
	if err := os.MkdirAll(filepath.Dir(modules), 0o755); err != nil {
		return "", err
	}
	from, err := either(tree, "usr/lib/modules", "lib/modules")
	if err != nil {
		return "", err
	}
	if err := os.Rename(from, modules); err != nil {
		return "", err
	}
	kmod, err := either(tree, "usr/bin/kmod", "bin/kmod")
	if err != nil {
		return "", err
	}
	ld, err := either(tree, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
	if err != nil {
		return "", err
	}
	libraries := filepath.Join(tree, "usr/lib/x86_64-linux-gnu") + ":" + filepath.Join(tree, "lib/x86_64-linux-gnu")
	cmd := exec.CommandContext(ctx, ld, "--argv0", "depmod", "--library-path", libraries, kmod, "-b", base, release)
	return modules, runLogged(ctx, cmd)
}

// either returns the one of the two paths below tree that is there.
func either(tree string, names ...string) (string, error) {
	i := slices.IndexFunc(names, func(n string) bool {
		_, err := os.Stat(filepath.Join(tree, n))
		return err == nil
	})
	if i < 0 {
		return "", fmt.Errorf("the kernel's packages hold none of %s", strings.Join(names, ", "))
	}
	return filepath.Join(tree, names[i]), nil
}
