package machine

import (
	"os"
	"strings"
)

// virtualization names what this machine runs in, as far as it says so itself:
// Xen by /sys/hypervisor, others by the firmware's tables, else "vm" where the
// processor has the hypervisor flag. Empty on bare metal.
func virtualization() string {
	if b, err := os.ReadFile("/sys/hypervisor/type"); err == nil {
		return strings.TrimSpace(string(b))
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || !hypervisorFlag(string(info)) {
		return ""
	}
	vendor, _ := os.ReadFile("/sys/class/dmi/id/sys_vendor")
	product, _ := os.ReadFile("/sys/class/dmi/id/product_name")
	if name := strings.TrimSpace(strings.TrimSpace(string(vendor)) + " " + strings.TrimSpace(string(product))); name != "" {
		return name
	}
	return "vm"
}

// hypervisorFlag looks for CPUID.1:ECX[31], which hypervisors set for their guests.
func hypervisorFlag(cpuinfo string) bool {
	for line := range strings.Lines(cpuinfo) {
		if name, flags, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			for flag := range strings.FieldsSeq(flags) {
				if flag == "hypervisor" {
					return true
				}
			}
			return false
		}
	}
	return false
}
