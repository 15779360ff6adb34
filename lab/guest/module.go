package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// hypervisors maps KVM's modules to the CPU flag that each needs. Loading the
// other one would only cost time and leave an error in the log.
var hypervisors = map[string]string{"kvm_amd": "svm", "kvm_intel": "vmx"}

// loadModules loads the initramfs's modules in their order.
func loadModules(files []string) error {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return fmt.Errorf("read the CPU's flags: %w", err)
	}
	flags := cpuFlags(string(info))
	for _, file := range files {
		flag := hypervisors[moduleName(file)]
		if flag != "" && !flags[flag] {
			continue
		}
		err := loadModule(filepath.Join(wire.ModuleDir, file))
		if err != nil && flag != "" {
			// A CPU may have the flag and the firmware may have locked it.
			fmt.Fprintln(os.Stderr, "hapscope lab init:", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moduleName strips the number and the suffix: 07-kvm_amd.ko is kvm_amd.
func moduleName(file string) string {
	_, name, _ := strings.Cut(file, "-")
	return strings.TrimSuffix(name, ".ko")
}

// cpuFlags are those of the first CPU in /proc/cpuinfo.
func cpuFlags(info string) map[string]bool {
	flags := map[string]bool{}
	for line := range strings.Lines(info) {
		if name, list, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			for _, f := range strings.Fields(list) {
				flags[f] = true
			}
			break
		}
	}
	return flags
}

// loadModule loads an uncompressed module. One that is already there is fine.
func loadModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("load module: %w", err)
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load module %s: %w", name, err)
	}
	return nil
}
