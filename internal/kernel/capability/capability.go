// Package capability names the rights that root is made of (capabilities(7)), and says
// which of them this process has: a container, a service manager or a sandbox may leave
// root without some.
package capability

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Held are the capabilities that are effective in this process.
func Held() ([]string, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return nil, fmt.Errorf("read this process's capabilities: %w", err)
	}
	return Names(uint64(sets[0].Effective) | uint64(sets[1].Effective)<<32), nil
}

// Lacks reports whether this process is known to be without a capability.
func Lacks(name string) bool {
	held, err := Held()
	return err == nil && !slices.Contains(held, name)
}

// Missing are those of the wanted ones that this process does not have.
func Missing(wanted ...string) (missing []string, err error) {
	held, err := Held()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(held, name) }), nil
}

// Names are those of the bits of a set, in the order of linux/capability.h.
func Names(set uint64) []string {
	names := [...]string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
		"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
		"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
		"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	}
	out := []string{}
	for bit := range 64 {
		switch {
		case set&(1<<bit) == 0:
		case bit < len(names):
			out = append(out, names[bit])
		default:
			out = append(out, fmt.Sprintf("CAP_%d", bit))
		}
	}
	return out
}
