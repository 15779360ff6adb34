//go:build lab

package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"hapscope/collectors"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/oci"
)

// Real sandboxes of every OCI runtime. A test may know both runtimes and a collector.

// image is the workloads' root file system in the lab.
const image = "/lab/rootfs"

func echo() record.Process {
	return record.Process{
		Args: []string{"/usr/bin/python3", "/srv/echo.py"}, Env: []string{"PATH=/usr/bin:/bin"}, Cwd: "/srv",
		Files: map[string]string{"/srv/echo.py": `
import socket
s = socket.create_server(("0.0.0.0", 7))
while True:
    c, _ = s.accept()
    c.sendall(c.recv(100))
    c.close()
`},
	}
}

// started starts the sandbox of a variant and returns what its tasks are held to, by role.
func started(t *testing.T, f oci.Flavour) (scratch string, byRole map[record.Role][]collectors.Held) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r := oci.New(f, oci.Options{})
	if info := r.Check(ctx); !info.Fit() {
		t.Fatalf("unmet: %+v", record.Unmet(info.Requirements))
	}
	scratch, err := os.MkdirTemp("/dev/shm", "hapscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	box, err := r.Create(ctx, runtimes.Spec{ID: "policy-" + f.Variant, Rootfs: image, Process: echo(), Scratch: scratch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Delete(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := box.Start(ctx); err != nil {
		t.Fatal(err)
	}
	ask(t, ctx, box)
	begin := time.Now()
	t.Setenv(role, "serve")
	held, err := Through("/proc/self/exe")(ctx, box.Cgroup())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tasks read in %v", len(held), time.Since(begin))
	ask(t, ctx, box) // it goes on as before
	byRole = map[record.Role][]collectors.Held{}
	for _, h := range held {
		role := r.Role(h.Thread)
		byRole[role] = append(byRole[role], h)
	}
	return scratch, byRole
}

// ask dials until the server echoes.
func ask(t *testing.T, ctx context.Context, box runtimes.Sandbox) {
	t.Helper()
	for ; ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", box.Address()+":7", 5*time.Second); err == nil {
			c.SetDeadline(time.Now().Add(10 * time.Second))
			c.Write([]byte("ping"))
			b := make([]byte, 4)
			_, err = c.Read(b)
			c.Close()
			if err == nil && string(b) == "ping" {
				return
			}
		}
		if err := box.Running(ctx); err != nil || ctx.Err() != nil {
			t.Fatalf("no answer: %v, %v; output: %s", err, ctx.Err(), box.Output())
		}
	}
}

func flavour(t *testing.T, variant string) oci.Flavour {
	t.Helper()
	i := slices.IndexFunc(oci.Flavours(), func(f oci.Flavour) bool { return f.Variant == variant })
	return oci.Flavours()[i]
}

// What runc and crun make of Docker's profile is what the profile says.
func TestDockersProfile(t *testing.T) {
	for _, variant := range []string{"runc", "crun"} {
		t.Run(variant, func(t *testing.T) {
			scratch, byRole := started(t, flavour(t, variant))
			held := byRole[record.RoleWorkload]
			if len(held) == 0 {
				t.Fatalf("no workload: %+v", byRole)
			}
			for _, h := range held {
				profile(t, h, scratch)
			}
		})
	}
}

// profile compares a task with the profile in the bundle's configuration.
func profile(t *testing.T, h collectors.Held, scratch string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(scratch, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config specs.Spec
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	if h.Unread != "" || h.Filters != 1 || h.Syscalls == nil {
		t.Fatalf("%+v", h)
	}
	allowed, conditional := fromProfile(config.Linux.Seccomp)
	if diff := cmp.Diff(allowed, h.Syscalls.Allowed); diff != "" {
		t.Error("allowed:", diff)
	}
	if diff := cmp.Diff(conditional, h.Syscalls.Conditional); diff != "" {
		t.Error("conditional:", diff)
	}
	if diff := cmp.Diff(config.Process.Capabilities.Bounding, ordered(h.Bounding, config.Process.Capabilities.Bounding)); diff != "" {
		t.Error("bounding:", diff)
	}
	if h.UID != 0 || h.NoNewPrivs || !slices.Equal(h.Shared, []string{"time", "user"}) || len(h.Syscalls.Unproven) > 0 || !slices.Equal(h.Syscalls.ForeignABIs, []string{"i386", "x32"}) {
		t.Errorf("uid %d, no_new_privs %v, shared %v, unproven %v, other ABIs %v", h.UID, h.NoNewPrivs, h.Shared, h.Syscalls.Unproven, h.Syscalls.ForeignABIs)
	}
	t.Logf("%s; %d instructions; denials %v; label %q", summary(h.Syscalls), h.Instructions, h.Syscalls.Denials, h.LSM)
}

// ordered returns a set in the order of another one, and what that has not at the end.
func ordered(set, order []string) (out []string) {
	for _, s := range [][]string{order, set} {
		for _, name := range s {
			if slices.Contains(set, name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// fromProfile reads a profile by its own rules. The default denies; a call is allowed by
// a rule without arguments, and conditional where all of its rules have some.
func fromProfile(s *specs.LinuxSeccomp) (allowed []string, conditional map[string][]string) {
	always, sometimes := map[string]bool{}, map[string][]string{}
	for _, rule := range s.Syscalls {
		for _, name := range rule.Names {
			switch {
			case rule.Action != specs.ActAllow:
			case len(rule.Args) == 0:
				always[name] = true
			default:
				sometimes[name] = append(sometimes[name], wordsOf(rule.Args))
			}
		}
	}
	conditional = map[string][]string{}
	for _, name := range names() {
		switch when := sometimes[name]; {
		case always[name]:
			allowed = append(allowed, name)
		case len(when) == 1:
			conditional[name] = when
		case len(when) > 1: // values of one argument
			for i, w := range when {
				_, when[i], _ = strings.Cut(w, "= ")
			}
			conditional[name] = []string{"arg0 ∈ {" + strings.Join(when, ", ") + "}"}
		}
	}
	return allowed, conditional
}

// wordsOf writes a rule's arguments as conditions are written.
func wordsOf(args []specs.LinuxSeccompArg) string {
	var parts []string
	for _, a := range args {
		value := fmt.Sprint(a.Value)
		if a.Value >= 4096 {
			value = fmt.Sprintf("%#x", a.Value)
		}
		switch a.Op {
		case specs.OpMaskedEqual:
			parts = append(parts, fmt.Sprintf("arg%d & %s = %d", a.Index, value, a.ValueTwo))
		case specs.OpNotEqual:
			parts = append(parts, fmt.Sprintf("arg%d ≠ %s", a.Index, value))
		default:
			parts = append(parts, fmt.Sprintf("arg%d = %s", a.Index, value))
		}
	}
	return strings.Join(parts, " and ")
}

// Without a profile everything is allowed. hapscope starts no such container: runc is
// called here.
func TestRuncWithoutSeccomp(t *testing.T) {
	const id = "hapscope-policy-unconfined"
	root, err := cgroup.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, id)
	config, err := bundle.Spec(runtimes.Spec{ID: id, Process: record.Process{Args: []string{"/bin/sleep", "1000"}}}, "/"+id, "/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	config.Root.Path, config.Root.Readonly, config.Linux.Seccomp = image, true, nil
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	if err := os.WriteFile(filepath.Join(scratch, "config.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("runc", "run", "--detach", "--bundle", scratch, id)
	run.Stderr = os.Stderr // without a pipe, which the container would keep open
	if err := run.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b, err := exec.Command("runc", "delete", "--force", id).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, b)
		}
	})
	held, err := Read(t.Context(), dir)
	if err != nil || len(held) == 0 {
		t.Fatalf("%d tasks, %v", len(held), err)
	}
	for _, h := range held {
		free(t, h)
	}
}

// gVisor brings filters of its own, for each of its parts.
func TestGVisor(t *testing.T) {
	for _, variant := range []string{"gvisor-systrap", "gvisor-ptrace"} { // the platform kvm is in the scenario policy
		t.Run(variant, func(t *testing.T) {
			_, byRole := started(t, flavour(t, variant))
			for _, role := range []record.Role{record.RoleSentry, record.RoleGofer} {
				held := byRole[role]
				if len(held) == 0 {
					t.Errorf("no %s", role)
					continue
				}
				for _, h := range held {
					// By its source, runsc/boot/filter/config and runsc/fsgofer/filter: 70 to 90
					// calls, of which the gofer has fewer.
					if n := reachable(h); h.Unread != "" || n < 40 || n > 110 || len(h.Syscalls.Unproven) > 0 || slices.Contains(h.Syscalls.Allowed, "execve") {
						t.Errorf("%s: %d reachable, unread %q, %+v", role, n, h.Unread, h.Syscalls)
						break
					}
				}
			}
			for role, held := range byRole {
				for _, line := range summaries(held) {
					t.Logf("%s: %s", role, line)
				}
			}
		})
	}
}

func reachable(h collectors.Held) int {
	if h.Syscalls == nil {
		return 0
	}
	return len(h.Syscalls.Allowed) + len(h.Syscalls.Conditional)
}

// summaries describes tasks, alike ones once.
func summaries(held []collectors.Held) (lines []string) {
	count := map[string]int{}
	for _, h := range held {
		what := summary(h.Syscalls)
		if h.Unread != "" {
			what = h.Unread
		}
		count[fmt.Sprintf("%s: seccomp %s, %d filters of %d instructions: %s; uid %d, %d of %d capabilities, no_new_privs %v, label %q, shared %v, vcpu %v",
			h.Process, h.Seccomp, h.Filters, h.Instructions, what, h.UID, len(h.Effective), len(h.Bounding), h.NoNewPrivs, h.LSM, h.Shared, h.VCPU)]++
	}
	for line, n := range count {
		lines = append(lines, fmt.Sprintf("%d × %s", n, line))
	}
	slices.Sort(lines)
	return lines
}

// summary says in a few words what a policy leaves.
func summary(p *record.SyscallPolicy) string {
	if p == nil {
		return "unknown"
	}
	s := fmt.Sprintf("%d allowed, %d conditional, %d denied", len(p.Allowed), len(p.Conditional), len(p.Denied))
	if len(p.ForeignABIs) > 0 {
		s += ", open: " + strings.Join(p.ForeignABIs, " ")
	}
	return s
}
