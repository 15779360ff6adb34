//go:build lab

package cli_test

import (
	"path/filepath"
	"testing"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// A real Kata sandbox beside a container, through the CLI: what a virtual machine
// makes the host do is counted, told apart by who does it, and right by the kernel's
// own counters; and the container does none of it.
func TestKata(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := hapscope(t, "run", "vm", "--variants", "runc,kata-qemu", "--workloads", "redis-set", "--repetitions", "1", "--out", dir)
	out.want(t, 0, "Host code per layer", "Virtual machines beside runc")
	noVMs(t)
	testrecord.Validate(t, dir)
	for _, r := range read(t, dir).Results {
		steady := r.Phase(record.Steady)
		if r.Status != record.OK || steady == nil {
			t.Errorf("%s is %s: %s", r.Cell(), r.Status, r.Reason)
			continue
		}
		exits := steady.VMTotal(record.VMExit)
		if r.Variant == "runc" {
			if exits != 0 || steady.Roles[record.RoleWorkload] == nil || len(steady.Roles) != 1 {
				t.Errorf("runc: %d exits, roles %v", exits, steady.Roles)
			}
			continue
		}
		for _, role := range []record.Role{record.RoleVCPU, record.RoleVMM, record.RoleShim, record.RoleVhost} {
			if seen := steady.Roles[role]; seen == nil || len(seen.Functions) == 0 {
				t.Errorf("nothing is said of the %s", role)
			} else {
				t.Logf("%s: %d functions of %d threads of %v", role, len(seen.Functions), seen.Threads, seen.Processes)
			}
		}
		if other := steady.Roles[record.RoleOther]; other != nil {
			t.Errorf("unknown processes %v", other.Processes)
		}
		machinePolicy(t, r.Postures)
		// Each request is at least one packet in.
		if exits < uint64(r.Load.Requests) || steady.VMExits == nil {
			t.Errorf("%d exits in %d requests; by the kernel's own counters %v", exits, r.Load.Requests, steady.VMExits)
		} else {
			t.Logf("%d exits, the kernel says %d to %d", exits, steady.VMExits.Low, steady.VMExits.High)
		}
	}
}

// machinePolicy checks that each part's policy was read, the virtual CPU's apart.
func machinePolicy(t *testing.T, postures []record.Posture) {
	t.Helper()
	read := map[record.Role]bool{}
	for _, p := range postures {
		if p.Syscalls == nil {
			t.Errorf("%s of %v: %s", p.Role, p.Processes, p.Unread)
			continue
		}
		read[p.Role] = true
		t.Logf("%s: %d tasks of %v, seccomp %s, %d calls allowed", p.Role, p.Threads, p.Processes, p.Seccomp, len(p.Syscalls.Allowed))
	}
	for _, role := range []record.Role{record.RoleVMM, record.RoleShim} {
		if !read[role] {
			t.Errorf("no policy of the %s", role)
		}
	}
}
