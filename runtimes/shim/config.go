package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Config is what a configuration of Kata says about the sandboxes that a shim makes
// with it. Empty strings are the shim's own defaults.
type Config struct {
	Path  string   // file
	Parts []string // files of config.d that were read after it
	Table string   // of the hypervisor, below [hypervisor]

	Monitor    string // program of the hypervisor
	Jailer     string // program around it (Firecracker)
	Kernel     string // of the guest
	Image      string // root of the guest, or
	Initrd     string
	Machine    string
	SharedFS   string // virtio-9p, virtio-fs, none …
	FileServer string // virtiofsd
	Vsock      bool   // Kata 1: the agent is reached through it, not over a serial line
	VHostNet   bool   // the network is the kernel's vhost
	Network    string // how the guest's network card is connected
	OneCgroup  bool   // the shim puts itself and the monitor where the sandbox is
}

// configFile is the part of a file that is read.
type configFile struct {
	Hypervisor map[string]*hypervisorTable `toml:"hypervisor"`
	Runtime    struct {
		HypervisorName    string `toml:"hypervisor_name"` // Rust
		InternetworkModel string `toml:"internetworking_model"`
		SandboxCgroupOnly bool   `toml:"sandbox_cgroup_only"`
	} `toml:"runtime"`
}

type hypervisorTable struct {
	Path            string `toml:"path"`
	JailerPath      string `toml:"jailer_path"`
	Kernel          string `toml:"kernel"`
	Image           string `toml:"image"`
	Initrd          string `toml:"initrd"`
	MachineType     string `toml:"machine_type"`
	SharedFS        string `toml:"shared_fs"`
	VirtioFSDaemon  string `toml:"virtio_fs_daemon"`
	UseVsock        bool   `toml:"use_vsock"`
	DisableVhostNet bool   `toml:"disable_vhost_net"`
}

// readConfig reads a configuration and, where the shim does (since Kata 2.5), the
// parts beside it, of which the later win.
func readConfig(path string, withParts bool) (*Config, error) {
	var parts []string
	if withParts {
		var err error
		if parts, err = configParts(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("read configuration %s: %w", path, err)
		}
	}
	var texts [][]byte
	for _, name := range append([]string{path}, parts...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		texts = append(texts, text)
	}
	c, err := parseConfig(texts...)
	if err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", strings.Join(append([]string{path}, parts...), " and "), err)
	}
	c.Path, c.Parts = path, parts
	return c, nil
}

// configParts lists the files of config.d, in the order in which they are read.
func configParts(dir string) (parts []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, "config.d"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		parts = append(parts, filepath.Join(dir, "config.d", e.Name()))
	}
	return parts, err
}

// parseConfig reads texts of which the later win.
func parseConfig(texts ...[]byte) (*Config, error) {
	merged := map[string]any{}
	for _, text := range texts {
		tree := map[string]any{}
		if err := toml.Unmarshal(text, &tree); err != nil {
			return nil, explain(err)
		}
		merge(merged, tree)
	}
	whole, err := toml.Marshal(merged)
	if err != nil {
		return nil, err
	}
	var file configFile
	if err := toml.Unmarshal(whole, &file); err != nil {
		return nil, explain(err)
	}
	name, err := file.table()
	if err != nil {
		return nil, err
	}
	h := file.Hypervisor[name]
	return &Config{
		Table: name, Monitor: h.Path, Jailer: h.JailerPath, Kernel: h.Kernel, Image: h.Image, Initrd: h.Initrd,
		Machine: h.MachineType, SharedFS: h.SharedFS, FileServer: h.VirtioFSDaemon, Vsock: h.UseVsock,
		VHostNet: !h.DisableVhostNet, Network: file.Runtime.InternetworkModel, OneCgroup: file.Runtime.SandboxCgroupOnly,
	}, nil
}

// merge sets what from has in to.
func merge(to, from map[string]any) {
	for key, value := range from {
		table, ok := value.(map[string]any)
		old, isTable := to[key].(map[string]any)
		if ok && isTable {
			merge(old, table)
		} else {
			to[key] = value
		}
	}
}

// table says which hypervisor the file is for.
func (f *configFile) table() (string, error) {
	names := slices.Sorted(maps.Keys(f.Hypervisor))
	switch {
	case len(names) == 0:
		return "", errors.New("it has no table [hypervisor.NAME]")
	case len(names) == 1:
		return names[0], nil
	case slices.Contains(names, f.Runtime.HypervisorName):
		return f.Runtime.HypervisorName, nil
	}
	return "", fmt.Errorf("it has tables for several hypervisors (%s), and hypervisor_name in [runtime] is none of them", strings.Join(names, ", "))
}

// explain adds the place to an error of the decoder: the key, or where there is none
// yet the line.
func explain(err error) error {
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return err
	}
	if key := decode.Key(); len(key) > 0 {
		return fmt.Errorf("%s: %w", strings.Join(key, "."), err)
	}
	row, column := decode.Position()
	return fmt.Errorf("line %d, column %d: %w", row, column, err)
}
