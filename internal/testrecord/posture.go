package testrecord

import (
	"strings"

	"hapscope/record"
)

// postures are made-up ones with what real ones hold: a container under Docker's
// profile; a sentry and a gofer under narrow ones; stubs that cannot be read.
func postures(variant string) []record.Posture {
	container := confinement("read write openat close mmap futex epoll_wait epoll_ctl clock_gettime getpid munmap accept4", map[string][]string{
		"clone": {"arg0 & 0x7e020000 = 0"}, "personality": {"arg0 ∈ {0, 8, 0x20000, 0x20008, 0xffffffff}"},
	}, "mount ptrace kexec_load bpf reboot setns unshare recvmmsg nanosleep")
	container.Filters, container.Instructions, container.Syscalls.Denials = 1, 1200, map[string]int{"errno EPERM": 9}
	container.Effective = strings.Fields("CAP_CHOWN CAP_KILL CAP_SETUID")
	if !strings.HasPrefix(variant, "gvisor") {
		return []record.Posture{{Role: record.RoleWorkload, Processes: []string{"redis-server"}, Threads: 4, Confinement: container}}
	}
	sentry := confinement("read write futex epoll_pwait mmap munmap nanosleep getpid sched_yield ppoll recvmmsg writev tgkill rt_sigreturn wait4", map[string][]string{
		"ioctl": {"arg1 = 0x5413", "arg1 = 0x541b"}, "ptrace": {"arg0 ∈ {7, 8}"},
	}, "mount openat kexec_load bpf reboot")
	sentry.NoNewPrivs, sentry.Filters, sentry.Instructions = true, 2, 600
	sentry.Shared = nil
	gofer := confinement("read write futex openat close", map[string][]string{}, "mount mmap bpf")
	gofer.NoNewPrivs, gofer.Filters, gofer.Instructions = true, 1, 300
	out := []record.Posture{
		{Role: record.RoleSentry, Processes: []string{"exe"}, Threads: 12, Confinement: sentry},
		{Role: record.RoleGofer, Processes: []string{"exe"}, Threads: 6, Confinement: gofer},
	}
	if variant == "gvisor-ptrace" {
		stub := sentry
		stub.Syscalls, stub.Unread, stub.Instructions = nil, "it is traced already, by process exe, and a task has one tracer only", 0
		out = append(out, record.Posture{Role: record.RoleStub, Processes: []string{"exe"}, Threads: 3, Confinement: stub})
	}
	for i := range out {
		if out[i].Shared == nil {
			out[i].Shared = []string{}
		}
	}
	return out
}

func confinement(allowed string, conditional map[string][]string, denied string) record.Confinement {
	refused := strings.Fields(denied)
	return record.Confinement{
		Seccomp: record.SeccompFilter, Effective: []string{}, Bounding: strings.Fields("CAP_CHOWN CAP_KILL CAP_SETUID"),
		LSM: "unconfined", Shared: []string{"time", "user"},
		Syscalls: &record.SyscallPolicy{Allowed: strings.Fields(allowed), Conditional: conditional, Denied: refused,
			Denials: map[string]int{"kill-process": len(refused)}, ForeignABIs: []string{}},
	}
}
