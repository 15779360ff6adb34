package record

import (
	"strings"
	"testing"
)

func TestPostureCheck(t *testing.T) {
	sound := func() Posture {
		return Posture{Role: RoleWorkload, Threads: 1, Confinement: Confinement{Seccomp: SeccompFilter, Syscalls: &SyscallPolicy{
			Allowed: []string{"read"}, Conditional: map[string][]string{"write": {"arg0 = 1"}}, Denied: []string{"mount"}, Unproven: []string{"write"},
		}}}
	}
	if p := sound(); p.check() != nil {
		t.Fatal(p.check())
	}
	for want, spoil := range map[string]func(*Posture){
		"role":                  func(p *Posture) { p.Role = "admiral" },
		"0 threads":             func(p *Posture) { p.Threads = 0 },
		"seccomp is":            func(p *Posture) { p.Seccomp = "" },
		"either":                func(p *Posture) { p.Unread = "x" },
		"it is said why not":    func(p *Posture) { p.Syscalls = nil },
		"two verdicts":          func(p *Posture) { p.Syscalls.Denied = []string{"read"} },
		"without a condition":   func(p *Posture) { p.Syscalls.Conditional["write"] = nil },
		"but not conditional":   func(p *Posture) { p.Syscalls.Unproven = []string{"read"} },
		"nameless or has two v": func(p *Posture) { p.Syscalls.Allowed = []string{""} },
	} {
		p := sound()
		spoil(&p)
		if err := p.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
