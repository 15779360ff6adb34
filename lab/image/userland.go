package image

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hapscope/internal/command"
)

// What the userland's entry holds beside packages.json.
const (
	userlandImage = "userland.ext4"
	emulatorDir   = "emulator"
)

// userlandBuilder is raised when the code below changes the result.
const userlandBuilder = 1

// userlandPackages: QEMU boots the lab itself, from outside, and hypervisor-based
// sandboxes inside it; runc and crun are measured; kmod and iproute2 are what
// init and sandboxes need; the rest is for the people who look around.
var userlandPackages = []string{
	"qemu-system-x86", "qemu-system-data", "seabios", "ipxe-qemu",
	"runc", "crun", "kmod", "iproute2",
	"procps", "busybox-static", "strace",
}

func userland(suite string) component {
	packages := sorted(userlandPackages)
	return component{
		name:   Userland,
		inputs: debianInputs{userlandBuilder, suite, packages, nil},
		about:  fmt.Sprintf("Debian %s, %d packages and what they need, about 1 min", suite, len(packages)),
		build: func(ctx context.Context, dir string) error {
			archive := filepath.Join(dir, "userland.tar")
			if err := debootstrap(ctx, suite, "minbase", packages, archive); err != nil {
				return err
			}
			if err := savePackages(archive, Userland, dir); err != nil {
				return err
			}
			if err := ext4FromTar(archive, filepath.Join(dir, userlandImage)); err != nil {
				return err
			}
			if err := extractEmulator(ctx, archive, filepath.Join(dir, emulatorDir)); err != nil {
				return fmt.Errorf("take QEMU out: %w", err)
			}
			return dropFile(archive)
		},
	}
}

// Where the emulator's parts are, in the archive and in the entry alike.
const (
	loader      = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
	libraryDir  = "usr/lib/x86_64-linux-gnu"
	qemuProgram = "usr/bin/qemu-system-x86_64"
)

var firmwareDirs = []string{"usr/share/qemu/", "usr/share/seabios/", "usr/lib/ipxe/"}

// extractEmulator takes QEMU, its firmware and the libraries that it is linked
// with out of the archive, so that the host runs exactly the guest's QEMU.
func extractEmulator(ctx context.Context, archive, dir string) error {
	err := untar(archive, dir, func(name string) bool {
		for _, d := range firmwareDirs {
			if strings.HasPrefix(name, d) {
				return true
			}
		}
		inLibraries := filepath.Dir(name) == libraryDir && strings.Contains(name, ".so")
		return name == qemuProgram || inLibraries
	})
	if err != nil {
		return err
	}
	linked, err := linkedLibraries(ctx, dir)
	if err != nil {
		return err
	}
	return keepLibraries(filepath.Join(dir, libraryDir), linked)
}

// linkedLibraries asks the loader for the libraries that QEMU needs.
func linkedLibraries(ctx context.Context, dir string) (map[string]bool, error) {
	libraries := filepath.Join(dir, libraryDir)
	cmd := exec.CommandContext(ctx, filepath.Join(dir, loader), "--library-path", libraries, "--list", filepath.Join(dir, qemuProgram))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	logged := command.Log(ctx, cmd)
	out, err := cmd.Output()
	logged()
	if err != nil {
		return nil, fmt.Errorf("list QEMU's libraries: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return parseLibraries(string(out), libraries)
}

// parseLibraries reads the loader's list: "name => path (address)".
func parseLibraries(list, dir string) (map[string]bool, error) {
	names := map[string]bool{filepath.Base(loader): true}
	for line := range strings.Lines(list) {
		name, where, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			continue // the vdso, or the loader itself
		}
		where, _, _ = strings.Cut(where, " (")
		if where == "not found" {
			return nil, fmt.Errorf("QEMU needs %s, which its packages did not bring", name)
		}
		if filepath.Dir(where) != dir {
			return nil, fmt.Errorf("QEMU's %s was found outside of its packages, at %s", name, where)
		}
		names[filepath.Base(where)] = true
	}
	return names, nil
}

// keepLibraries makes plain files of the wanted libraries and removes the rest.
func keepLibraries(dir string, wanted map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if !wanted[e.Name()] || e.Type()&os.ModeSymlink == 0 {
			continue
		}
		target, err := filepath.EvalSymlinks(name)
		if err != nil {
			return err
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		if err := os.Link(target, name); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if !wanted[e.Name()] {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
