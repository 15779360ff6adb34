package native

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// Options say what the place is made of.
type Options struct {
	Userland, Workloads, Tools string // ext4 images
	// Shared are directories of the machine that keep their path: the run directory,
	// say. Files are shared too; they must be there.
	Shared []string
	// Lock is a file below wire.RunDir that keeps its path, so that one measures at
	// a time on the machine, wherever it looks for the lock.
	Lock string
}

// Attributes make a child process that can call Enter. It is asked to end when the
// thread that started it does.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Unshareflags: unix.CLONE_NEWNS, // and Go makes all mounts private
		Setpgid:      true,             // a terminal's interrupt comes from the parent, once
		Pdeathsig:    syscall.SIGTERM,
	}
}

// Enter makes the place the root of this process.
func Enter(o Options) error {
	if err := alone(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.Lock), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(o.Lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	lock.Close()
	// A directory that every machine has is covered, in this namespace only.
	const base = "/mnt"
	root := base + "/root"
	if err := (mounts{{"native", base, "tmpfs", 0, "mode=755"}}).do(""); err != nil {
		return err
	}
	if err := mountImage(o.Userland, base+"/userland"); err != nil {
		return err
	}
	for _, d := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(base, d), 0o755); err != nil {
			return err
		}
	}
	overlay := "lowerdir=" + base + "/userland,upperdir=" + base + "/upper,workdir=" + base + "/work"
	if err := (mounts{{"native", root, "overlay", 0, overlay}}).do(""); err != nil {
		return err
	}
	if err := mountImage(o.Workloads, root+wire.RootfsDir); err != nil {
		return err
	}
	if err := mountImage(o.Tools, root+wire.ToolsDir); err != nil {
		return err
	}
	const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	err = mounts{
		{"/dev", "/dev", "", unix.MS_BIND | unix.MS_REC, ""},
		{"proc", "/proc", "proc", quiet, ""},
		{"sys", "/sys", "sysfs", quiet, ""},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", quiet, ""},
		{"run", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmp", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	}.do(root)
	if err != nil {
		return err
	}
	for _, path := range append([]string{o.Lock}, o.Shared...) {
		if err := share(root, path); err != nil {
			return err
		}
	}
	if err := pivot(root); err != nil {
		return err
	}
	// Dead processes of sandboxes are waited for here, whatever the machine's init does.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become a subreaper: %w", err)
	}
	for k, v := range map[string]string{"PATH": path, "HOME": "/root", "LANG": "C.UTF-8"} {
		os.Setenv(k, v)
	}
	return nil
}

// path is where commands are looked for: as in the lab, its own tools first.
const path = wire.ToolsDir + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// alone refuses to go on in the mount namespace of the machine.
func alone() error {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if parent, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", os.Getppid())); err == nil && parent == own {
		return fmt.Errorf("this process shares the mount namespace of its parent: it was not started with Attributes")
	}
	return nil
}

type mounts []struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func (ms mounts) do(root string) error {
	for _, m := range ms {
		if err := os.MkdirAll(root+m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, root+m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s (%s) on %s: %w", m.source, m.kind, m.target, err)
		}
	}
	return nil
}

// share binds a directory or file of the machine to its own path below root.
func share(root, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	target := root + path
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
		err = os.WriteFile(target, nil, 0o600)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(path, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return nil
}

// pivot makes root the root, and lets go of the old one.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // pivot_root(2): both in one place
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	return os.Chdir("/")
}
