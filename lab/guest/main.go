package guest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// agentName is the argv[0] by which init starts the agent. A name rather than a
// variable of the environment, because the environment is handed on to commands.
const agentName = "hapscope-lab-agent"

// Rootfs is where the workloads' root file system is mounted, read-only.
const Rootfs = wire.RootfsDir

// IsInit reports whether this process is init or the agent of a lab VM, so that
// main has to hand over to Main.
func IsInit() bool { return isAgent() || isInit() }

func isAgent() bool { return len(os.Args) > 0 && os.Args[0] == agentName }

func isInit() bool {
	if os.Getpid() != 1 {
		return false
	}
	_, err := os.Stat(wire.ConfigPath)
	return err == nil
}

// Main is init or the agent and returns the agent's exit code. As init it does
// not return: it powers the machine off.
func Main() int {
	if isAgent() {
		if err := agent(); err != nil {
			fmt.Fprintln(os.Stderr, "hapscope lab agent:", err)
			return 1
		}
		return 0
	}
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "hapscope lab init:", err)
	}
	unix.Sync()
	err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Fprintln(os.Stderr, "hapscope lab init: power off:", err)
	return 1 // the kernel panics when process 1 ends, and panic=-1 ends QEMU
}
