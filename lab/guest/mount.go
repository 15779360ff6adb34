package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// mount is one file system and where it goes.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
	optional             bool // a kernel without it is fine
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", m.target, err)
	}
	err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data)
	if err == nil || m.optional && (errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)) {
		return nil
	}
	return fmt.Errorf("mount %s (%s) on %s: %w", m.source, m.kind, m.target, err)
}

func mountAll(ms []mount) error {
	for _, m := range ms {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// earlyMounts are those that finding the disks needs.
func earlyMounts() error {
	return mountAll([]mount{
		{source: "dev", target: "/dev", kind: "devtmpfs", flags: unix.MS_NOSUID, data: "mode=755"},
		{source: "sys", target: "/sys", kind: "sysfs", flags: quiet},
		{source: "proc", target: "/proc", kind: "proc", flags: quiet},
	})
}

// newRoot makes the root: the userland's disk, read-only, under a tmpfs that
// takes the changes, and under the userland those with other tracers and with
// container engines, where they were asked for, so that these find what they are linked with. Runs that need a real
// upper layer for their own overlays use /run or /tmp, because an overlay cannot be
// the upper layer of another.
func newRoot(c *wire.Config) error {
	const (
		userland = "/layer/userland"
		tracers  = "/layer/tracers"
		engines  = "/layer/docker"
		upper    = "/layer/tmpfs"
		root     = "/newroot"
	)
	disks, err := awaitDisks(c.Disks)
	if err != nil {
		return err
	}
	disk := func(serial, target string) mount {
		return mount{source: disks[serial], target: target, kind: "ext4", flags: unix.MS_RDONLY | unix.MS_NOATIME}
	}
	if err := mountAll([]mount{
		disk(wire.DiskUserland, userland),
		{source: "layer", target: upper, kind: "tmpfs", data: "mode=755"},
	}); err != nil {
		return err
	}
	lower := []string{userland}
	if slices.Contains(c.Disks, wire.DiskTracers) {
		if err := disk(wire.DiskTracers, tracers).do(); err != nil {
			return err
		}
		lower = append(lower, tracers)
	}
	if slices.Contains(c.Disks, wire.DiskDocker) {
		if err := disk(wire.DiskDocker, engines).do(); err != nil {
			return err
		}
		lower = append(lower, engines)
	}
	for _, d := range []string{upper + "/upper", upper + "/work", root} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	if err := mountAll([]mount{{
		source: "lab", target: root, kind: "overlay",
		data: "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + upper + "/upper,workdir=" + upper + "/work",
	}}); err != nil {
		return err
	}
	const modules = "/usr/lib/modules"
	targets := map[string]string{
		wire.DiskModules:   root + modules,
		wire.DiskWorkloads: root + wire.RootfsDir,
		wire.DiskTools:     root + wire.ToolsDir,
		wire.DiskKata:      root + wire.KataDir,
	}
	for _, serial := range c.Disks {
		if target := targets[serial]; target != "" {
			if err := disk(serial, target).do(); err != nil {
				return err
			}
		}
	}
	if slices.Contains(c.Disks, wire.DiskTracers) {
		// The disk of modules hides the link to the kernel's headers.
		if err := (mount{
			source: "modules", target: root + modules, kind: "overlay", flags: unix.MS_RDONLY,
			data: "lowerdir=" + root + modules + ":" + tracers + modules,
		}).do(); err != nil {
			return err
		}
	}
	if err := keepSelf(root); err != nil {
		return err
	}
	return enter(root)
}

// keepSelf copies the running binary to where the agent starts from, and drops
// what the initramfs held: it is memory.
func keepSelf(root string) error {
	if err := (mount{source: "run", target: root + "/run", kind: "tmpfs", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=755"}).do(); err != nil {
		return err
	}
	dir := root + wire.RunDir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := os.ReadFile("/init")
	if err != nil {
		return fmt.Errorf("copy the agent: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hapscope"), b, 0o755); err != nil {
		return fmt.Errorf("copy the agent: %w", err)
	}
	if err := os.RemoveAll(wire.ModuleDir); err != nil {
		return err
	}
	return os.Remove("/init")
}

// enter makes root the root of the mount namespace. The initramfs cannot be
// pivoted away from, so the new root is moved on top of it.
func enter(root string) error {
	for _, d := range []string{"/dev", "/sys", "/proc"} {
		if err := unix.Mount(d, root+d, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", d, err)
		}
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	return os.Chdir("/")
}

// lateMounts are those of a running system, and the shares.
func lateMounts(c *wire.Config) error {
	ms := []mount{
		{source: "devpts", target: "/dev/pts", kind: "devpts", flags: unix.MS_NOSUID | unix.MS_NOEXEC, data: "gid=5,mode=620,ptmxmode=666"},
		{source: "shm", target: "/dev/shm", kind: "tmpfs", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=1777"},
		{source: "mqueue", target: "/dev/mqueue", kind: "mqueue", flags: quiet, optional: true},
		{source: "tmp", target: "/tmp", kind: "tmpfs", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=1777"},
		{source: "cgroup2", target: "/sys/fs/cgroup", kind: "cgroup2", flags: quiet, data: "nsdelegate"},
		{source: "bpf", target: "/sys/fs/bpf", kind: "bpf", flags: quiet, data: "mode=700", optional: true},
		{source: "debugfs", target: "/sys/kernel/debug", kind: "debugfs", flags: quiet, optional: true},
		{source: "tracefs", target: "/sys/kernel/tracing", kind: "tracefs", flags: quiet},
	}
	for _, s := range c.Shares {
		ms = append(ms, share(s))
	}
	if err := mountAll(ms); err != nil {
		return err
	}
	// Mount points of a systemd machine propagate; container runtimes are made
	// for that and change their own namespace.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share the root's mounts: %w", err)
	}
	for name, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
		"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return delegate("/sys/fs/cgroup")
}

// share is a directory of the host. 500 KiB is what virtio-9p can carry in one
// message (128 pages less some). A writable share is not cached, so that a
// write that returned is on the host.
func share(s wire.Share) mount {
	m := mount{
		source: s.Tag, target: s.Guest, kind: "9p", flags: unix.MS_NODEV | unix.MS_NOATIME,
		data: "trans=virtio,version=9p2000.L,msize=512000,access=any,cache=none",
	}
	if !s.Writable {
		m.flags |= unix.MS_RDONLY
		m.data = strings.Replace(m.data, "cache=none", "cache=loose", 1)
	}
	return m
}

// delegate makes every controller available to the children of the root cgroup.
func delegate(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read the cgroup controllers: %w", err)
	}
	for _, c := range strings.Fields(string(b)) {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0o644); err != nil {
			return fmt.Errorf("enable the cgroup controller %s: %w", c, err)
		}
	}
	return nil
}
