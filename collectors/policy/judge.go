package policy

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/policy/filter"
	"hapscope/collectors/syscalls"
	"hapscope/record"
)

// judge works out what filters decide, each chain once: hundreds of tasks share it.
type judge struct{ known map[string]judged }

type judged struct {
	policy       *record.SyscallPolicy
	instructions int
	unread       string
}

// withoutFilters fills in what is known without having attached to the task.
func (j *judge) withoutFilters(h *collectors.Held) error {
	if h.Seccomp == record.SeccompFilter {
		return nil
	}
	h.Unread = ""
	return j.decide(h, nil)
}

// decide fills in what the kernel does for each system call. filters are as they were
// read, the first one installed first.
func (j *judge) decide(h *collectors.Held, filters [][]byte) error {
	key := string(h.Seccomp)
	for _, f := range filters {
		key += fmt.Sprintf("\n%d ", len(f)) + string(f)
	}
	found, ok := j.known[key]
	if !ok {
		found = work(h.Seccomp, filters)
		j.known[key] = found
	}
	h.Syscalls, h.Instructions, h.Unread = found.policy, found.instructions, found.unread
	return nil
}

func work(mode record.SeccompMode, filters [][]byte) (out judged) {
	if mode == record.SeccompStrict {
		out.policy = strict()
		return out
	}
	chain, err := parse(filters)
	if err != nil {
		out.unread = err.Error()
		return out
	}
	for _, p := range chain {
		out.instructions += len(p)
	}
	if out.policy, err = policyOf(filter.New(chain)); err != nil {
		out.unread = err.Error()
	}
	return out
}

func parse(filters [][]byte) (chain []filter.Program, err error) {
	for _, b := range filters {
		p, err := filter.Parse(b)
		if err != nil {
			return nil, err
		}
		chain = append(chain, p)
	}
	return chain, nil
}

// policyOf asks about every system call.
func policyOf(p *filter.Policy) (*record.SyscallPolicy, error) {
	out := empty()
	for _, number := range syscalls.Numbers() {
		j, err := p.Judge(filter.AMD64, uint32(number))
		if err != nil {
			return nil, fmt.Errorf("work out what the filters decide: %w", err)
		}
		name := syscalls.Name(number)
		switch j.Verdict {
		case filter.Allowed:
			out.Allowed = append(out.Allowed, name)
		case filter.Conditional:
			out.Conditional[name] = j.When
			if j.Unproven {
				out.Unproven = append(out.Unproven, name)
			}
		default:
			out.Denied = append(out.Denied, name)
			out.Denials[j.Denial]++
		}
	}
	sorted(out)
	for _, abi := range foreign() {
		open, err := abi.open(p)
		if err != nil {
			return nil, fmt.Errorf("work out what the filters decide for %s: %w", abi.name, err)
		}
		if open {
			out.ForeignABIs = append(out.ForeignABIs, abi.name)
		}
	}
	return out, nil
}

func empty() *record.SyscallPolicy {
	return &record.SyscallPolicy{Allowed: []string{}, Conditional: map[string][]string{}, Denied: []string{}, Denials: map[string]int{}, ForeignABIs: []string{}}
}

func sorted(p *record.SyscallPolicy) {
	for _, names := range [][]string{p.Allowed, p.Denied, p.Unproven} {
		slices.Sort(names)
	}
}

// strict is what seccomp's first mode leaves (mode1_syscalls, kernel/seccomp.c). On the
// i386 ABI it leaves the same calls.
func strict() *record.SyscallPolicy {
	out := empty()
	for _, number := range syscalls.Numbers() {
		switch name := syscalls.Name(number); number {
		case unix.SYS_READ, unix.SYS_WRITE, unix.SYS_EXIT, unix.SYS_RT_SIGRETURN:
			out.Allowed = append(out.Allowed, name)
		default:
			out.Denied = append(out.Denied, name)
		}
	}
	out.Denials["kill-thread"] = len(out.Denied)
	out.ForeignABIs = []string{"i386"}
	sorted(out)
	return out
}

// abi is another way of making system calls on amd64.
type abi struct {
	name        string
	arch        uint32
	first, last uint32 // numbers
}

// foreign lists the others. The last numbers lie above all that there are.
func foreign() []abi {
	const x32 = 1 << 30 // __X32_SYSCALL_BIT
	return []abi{{"i386", filter.I386, 0, 599}, {"x32", filter.AMD64, x32, x32 + 599}}
}

// open reports whether any call may pass.
func (a abi) open(p *filter.Policy) (bool, error) {
	for n := a.first; n <= a.last; n++ {
		j, err := p.Judge(a.arch, n)
		if err != nil || j.Verdict != filter.Denied {
			return err == nil, err
		}
	}
	return false, nil
}
