package image

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ulikunitz/xz"
)

// bootModules are needed to reach the disks, the shares and the host. Debian's
// 6.1 has virtio_pci and virtio_console as modules, 6.12 has them built in.
// crc32c_generic is what ext4 asks the crypto API for at run time (a softdep,
// not a dependency).
var bootModules = []string{
	"virtio_pci", "virtio_console", "virtio_blk", "crc32c_generic", "ext4", "overlay", "9pnet_virtio", "9p",
}

// runModules are loaded at boot as well, before anything can be traced, because
// a module that is loaded later adds functions to a universe that was already
// armed. A kernel without one is fine: whoever needs it checks for the device.
var runModules = []string{
	"veth", "bridge", // every sandbox has a link
	"tun", "vhost_net", "vhost_vsock", // hypervisors' back-ends
	"kvm_amd", "kvm_intel", // init loads the one that the CPU has
}

// guestModules are what the agent in a Kata sandbox needs to be reached, to reach
// its files, and to have a network.
var guestModules = []string{
	"virtio_pci", "virtio_console", "vmw_vsock_virtio_transport", "virtiofs", "virtio_net",
}

// takeModules copies the modules that an init loads, uncompressed and numbered
// in the order of loading, so that init needs neither an index nor a
// decompressor, which costs seconds under TCG. One that the kernel has built in
// is left out.
func takeModules(modules, dir string, wanted, optional []string) error {
	index, err := os.Open(filepath.Join(modules, "modules.dep"))
	if err != nil {
		return err
	}
	defer index.Close()
	deps, err := parseModulesDep(index)
	if err != nil {
		return err
	}
	builtin, err := os.ReadFile(filepath.Join(modules, "modules.builtin"))
	if err != nil {
		return err
	}
	order, err := deps.order(wanted, optional, string(builtin))
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i, file := range order {
		name := fmt.Sprintf("%02d-%s.ko", i, moduleName(file))
		if err := decompress(filepath.Join(modules, file), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("take %s: %w", file, err)
		}
	}
	return nil
}

// moduleIndex is modules.dep: by module name, its file and those that it needs.
type moduleIndex map[string][]string

// parseModulesDep reads lines of "file: needed files", the last needed first.
func parseModulesDep(r io.Reader) (moduleIndex, error) {
	index := moduleIndex{}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	line := 0
	for s.Scan() {
		line++
		file, needs, ok := strings.Cut(s.Text(), ":")
		if !ok {
			return nil, fmt.Errorf("modules.dep:%d: no colon in %q", line, s.Text())
		}
		index[moduleName(file)] = append([]string{file}, strings.Fields(needs)...)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("modules.dep:%d: %w", line+1, err)
	}
	return index, nil
}

// order lists the files to load for the wanted modules, each after its needs.
// Wanted modules that are neither there nor built in are an error, optional ones
// are not.
func (index moduleIndex) order(wanted, optional []string, builtin string) (order []string, err error) {
	seen := map[string]bool{}
	for i, name := range slices.Concat(wanted, optional) {
		files, ok := index[name]
		if !ok {
			if i < len(wanted) && !isBuiltin(builtin, name) {
				return nil, fmt.Errorf("the kernel has no module %s", name)
			}
			continue
		}
		for i := len(files) - 1; i >= 0; i-- {
			if !seen[files[i]] {
				seen[files[i]] = true
				order = append(order, files[i])
			}
		}
	}
	return order, nil
}

func isBuiltin(list, name string) bool {
	for line := range strings.Lines(list) {
		if moduleName(strings.TrimSpace(line)) == name {
			return true
		}
	}
	return false
}

// moduleName is the name by which a file's module is known.
func moduleName(file string) string {
	base, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(base, "-", "_")
}

func decompress(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	var r io.Reader = in
	switch filepath.Ext(from) {
	case ".ko":
	case ".xz":
		if r, err = xz.NewReader(bufio.NewReader(in)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("compressed in a way that is not known here (%s)", filepath.Ext(from))
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o644))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}
