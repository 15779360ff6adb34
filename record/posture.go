package record

import (
	"errors"
	"fmt"
	"slices"
)

// Posture is what the kernel holds tasks of a sandbox to that are alike in it: what they
// may still ask of it, as whom, and what they share with the host.
type Posture struct {
	Role      Role     `json:"role"`
	Processes []string `json:"processes"` // names of those that the tasks belong to, sorted
	Threads   int      `json:"threads"`
	Confinement
}

// SeccompMode is a task's mode of seccomp.
type SeccompMode string

// The modes.
const (
	SeccompOff    SeccompMode = "off"
	SeccompStrict SeccompMode = "strict"
	SeccompFilter SeccompMode = "filter"
)

// Confinement is what the kernel holds a task to.
type Confinement struct {
	Seccomp      SeccompMode `json:"seccomp"`
	Filters      int         `json:"filters,omitempty"`      // how many, where it is filters
	Instructions int         `json:"instructions,omitempty"` // of all filters
	// Syscalls is what the kernel would do for each system call; absent where it could
	// not be read, and Unread says why.
	Syscalls   *SyscallPolicy `json:"syscalls,omitempty"`
	Unread     string         `json:"unread,omitempty"`
	UID        uint32         `json:"uid"`       // effective, as the host counts
	Effective  []string       `json:"effective"` // capabilities, in the order of their numbers
	Bounding   []string       `json:"bounding"`
	NoNewPrivs bool           `json:"no_new_privs"`
	LSM        string         `json:"lsm,omitempty"`     // label that the security module gives it; absent where none does
	Shared     []string       `json:"shared_namespaces"` // kinds of namespaces that are the host's own, sorted
}

// SyscallPolicy says of each system call of the 64-bit ABI whether its handler can
// still be reached. Names are sorted.
type SyscallPolicy struct {
	Allowed []string `json:"allowed"` // with any arguments
	// Conditional are allowed or not, by their arguments or by what another process
	// decides: each with conditions of which one must hold.
	Conditional map[string][]string `json:"conditional"`
	Denied      []string            `json:"denied"`
	// Unproven are those of Conditional for which no arguments were found that show it.
	Unproven []string       `json:"unproven,omitempty"`
	Denials  map[string]int `json:"denials"` // what happens to the denied: how many of them
	// ForeignABIs are those among i386 and x32 of which some call may be allowed.
	ForeignABIs []string `json:"foreign_abis"`
}

// Total is how many system calls the policy speaks of.
func (p *SyscallPolicy) Total() int { return len(p.Allowed) + len(p.Conditional) + len(p.Denied) }

func (p *Posture) check() error {
	switch {
	case !slices.Contains(Roles(), p.Role):
		return fmt.Errorf("role %q is none of %v", p.Role, Roles())
	case p.Threads < 1:
		return fmt.Errorf("%d threads", p.Threads)
	case !slices.Contains([]SeccompMode{SeccompOff, SeccompStrict, SeccompFilter}, p.Seccomp):
		return fmt.Errorf("seccomp is %q", p.Seccomp)
	case (p.Syscalls == nil) == (p.Unread == ""):
		return errors.New("either the system calls are known, or it is said why not")
	case p.Syscalls == nil:
		return nil
	}
	return p.Syscalls.check()
}

// check tells whether each call has one verdict.
func (p *SyscallPolicy) check() error {
	seen := map[string]bool{}
	note := func(name string) error {
		if name == "" || seen[name] {
			return fmt.Errorf("system call %q is nameless or has two verdicts", name)
		}
		seen[name] = true
		return nil
	}
	var errs []error
	for _, name := range slices.Concat(p.Allowed, p.Denied) {
		errs = append(errs, note(name))
	}
	for name, when := range p.Conditional {
		errs = append(errs, note(name))
		if len(when) == 0 {
			errs = append(errs, fmt.Errorf("system call %q is conditional without a condition", name))
		}
	}
	for _, name := range p.Unproven {
		if p.Conditional[name] == nil {
			errs = append(errs, fmt.Errorf("system call %q is unproven, but not conditional", name))
		}
	}
	return errors.Join(errs...)
}
