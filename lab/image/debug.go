package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hapscope/internal/command"
)

// DebugOptions say of which kernel the debug information is wanted.
type DebugOptions struct {
	CacheDir string    // as in Options
	Suite    string    // Debian suite of the kernel
	Release  string    // of the kernel, such as 6.12.117+deb13-amd64
	Modules  []string  // by name; the kernel's image comes always
	Keep     bool      // the package stays in the cache: 1 GB
	Progress io.Writer // lines for people; default none
}

// Debug is a kernel's debug information, unpacked.
type Debug struct {
	Vmlinux string
	Modules map[string]string // name → file, of those that the package has
	Package string            // file name of the Debian package
	dir     string
	lock    *os.File // keeps others from taking dir for one that was left
}

// Remove removes the files.
func (d *Debug) Remove() error {
	return errors.Join(removeAll(d.dir), os.Remove(d.lock.Name()), d.lock.Close())
}

// releaseForm is what can be a part of a package's name (Debian Policy 5.6.7).
var releaseForm = regexp.MustCompile(`^[0-9][a-z0-9.+-]*$`)

const (
	debugDir     = "debug" // in the cache, and in the archive that apt's work leaves
	dpkgRemedy   = "apt-get install dpkg"
	debugVmlinux = "vmlinux"
)

// FetchDebug fetches the package with the debug information of one of Debian's kernels,
// which apt verifies, and unpacks what is wanted of it. The caller removes the result.
func FetchDebug(ctx context.Context, o DebugOptions) (_ *Debug, err error) {
	complete, err := Options{CacheDir: o.CacheDir, Suite: o.Suite, Progress: o.Progress}.complete()
	if err != nil {
		return nil, err
	}
	if !suiteName.MatchString(o.Suite) {
		return nil, fmt.Errorf("%q is not the name of a Debian suite, such as trixie or bookworm", o.Suite)
	}
	if !releaseForm.MatchString(o.Release) {
		return nil, fmt.Errorf("%q is not the release of one of Debian's kernels", o.Release)
	}
	base := filepath.Join(complete.CacheDir, debugDir)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	lock, err := tryLock(filepath.Join(base, "lock"), unix.LOCK_EX)
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("another hapscope is at work in %s: try again when it has ended", base)
	}
	if err != nil {
		return nil, err
	}
	debug := &Debug{dir: filepath.Join(base, tempPrefix+"unpacked"), lock: lock}
	defer func() {
		if err != nil {
			err = errors.Join(err, debug.Remove())
		}
	}()
	if err := removeAll(debug.dir); err != nil { // a killed one has left it
		return nil, err
	}
	if err := os.Mkdir(debug.dir, 0o755); err != nil {
		return nil, err
	}
	deb, err := debugPackage(ctx, o, base, debug.dir, complete.Progress)
	if err != nil {
		return nil, err
	}
	debug.Package = filepath.Base(deb)
	fmt.Fprintf(complete.Progress, "kernel table: unpacking vmlinux and %d modules\n", len(o.Modules))
	if err := debug.unpack(ctx, deb, o.Modules); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", debug.Package, err)
	}
	return debug, nil
}

// CachedDebugPackage returns the package of a kernel's release that the cache keeps, or
// "". An empty cacheDir is the default.
func CachedDebugPackage(cacheDir, release string) (string, error) {
	o, err := Options{CacheDir: cacheDir}.complete()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(o.CacheDir, debugDir, debugName(release)+"_*.deb"))
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

func debugName(release string) string { return "linux-image-" + release + "-dbg" }

// debugPackage finds the package in the cache, or downloads it.
func debugPackage(ctx context.Context, o DebugOptions, base, dir string, progress io.Writer) (string, error) {
	if kept, err := CachedDebugPackage(o.CacheDir, o.Release); kept != "" || err != nil {
		return kept, err
	}
	fmt.Fprintf(progress, "kernel table: downloading %s of Debian %s, about 1 GB …\n", debugName(o.Release), o.Suite)
	archive := filepath.Join(dir, "debug.tar")
	// Nothing is installed: mmdebstrap sets apt up for the suite, with the keys that
	// verify it, and a hook downloads.
	hook := `mkdir "$1/` + debugDir + `" && cd "$1/` + debugDir + `" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download ` + debugName(o.Release)
	if err := debootstrap(ctx, o.Suite, "custom", nil, archive, "--customize-hook="+hook); err != nil {
		return "", err
	}
	if err := untar(archive, dir, func(name string) bool { return strings.HasPrefix(name, debugDir+"/") }); err != nil {
		return "", err
	}
	if err := dropFile(archive); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, debugDir, debugName(o.Release)+"_*.deb"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("apt downloaded %d packages called %s", len(found), debugName(o.Release))
	}
	if !o.Keep {
		return found[0], nil
	}
	kept := filepath.Join(base, filepath.Base(found[0]))
	if err := syncPath(found[0]); err != nil {
		return "", err
	}
	return kept, os.Rename(found[0], kept)
}

// unpack takes vmlinux and modules out of the package as it is decompressed: all of it
// is 7 GB.
func (d *Debug) unpack(ctx context.Context, deb string, modules []string) error {
	dpkg, err := need("dpkg-deb", dpkgRemedy)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, dpkg, "--fsys-tarfile", deb)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	// dpkg-deb decompresses in a child, which would go on writing without it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	defer command.Log(ctx, cmd)()
	if err := cmd.Start(); err != nil {
		return err
	}
	tree := filepath.Join(d.dir, "tree")
	unpacked := untarFrom(out, tree, func(name string) bool {
		return isVmlinux(name) || isModule(name) && slices.Contains(modules, moduleName(name))
	})
	if unpacked != nil {
		cmd.Cancel() // it would wait for ever for a reader
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case unpacked != nil:
		return errors.Join(unpacked, told(stderr.String()))
	case err != nil:
		return errors.Join(fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err), told(stderr.String()))
	}
	return d.find(tree, modules)
}

// told is what a program printed on its way out, if anything.
func told(stderr string) error {
	if stderr = strings.TrimSpace(stderr); stderr == "" {
		return nil
	}
	return errors.New(stderr)
}

// isVmlinux knows the kernel's image by its name: newer packages have it beside the
// modules, older ones in boot with the release behind it, and links from there.
func isVmlinux(name string) bool {
	base := filepath.Base(name)
	return base == debugVmlinux || strings.HasPrefix(base, debugVmlinux+"-")
}

// find lists what was unpacked.
func (d *Debug) find(tree string, modules []string) error {
	err := filepath.WalkDir(tree, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && isVmlinux(p) {
			d.Vmlinux = p
		}
		return err
	})
	if err == nil && d.Vmlinux == "" {
		err = fmt.Errorf("there is no vmlinux in it")
	}
	if err == nil {
		d.Modules, err = FindModules(tree, modules)
	}
	return err
}

// FindModules finds the files of modules below a directory, by name; those that are
// compressed are passed over.
func FindModules(dir string, modules []string) (files map[string]string, err error) {
	files = map[string]string{}
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && isModule(p) && slices.Contains(modules, moduleName(p)) {
			files[moduleName(p)] = p
		}
		return err
	})
	return files, err
}

// isModule knows modules by their names, and their debug information apart from them.
func isModule(name string) bool {
	return strings.HasSuffix(name, ".ko") || strings.HasSuffix(name, ".ko.debug")
}
