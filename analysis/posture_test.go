package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// What one task may do the sandbox may do, and what is not known makes a lower bound.
func TestUses(t *testing.T) {
	r := analysis.New(testrecord.New())
	uses := map[string]analysis.Use{}
	for _, u := range r.Uses() {
		uses[u.Cell.String()] = u
	}
	runc := uses["runc × redis-set"]
	if runc.All != (analysis.Permission{Allowed: 12, Conditional: 2, Denied: 9}) || runc.Front != nil {
		t.Errorf("%+v", runc)
	}
	if n, ok := runc.Ratio(); !ok || n != 11.0/14 || runc.Functions == nil || runc.Functions.Median != 519 {
		t.Errorf("%v, %v, %+v", n, ok, runc.Functions)
	}
	// The gofer's openat and close come to the sentry's calls, and its mmap is denied to
	// it alone.
	systrap := uses["gvisor-systrap × redis-set"]
	if systrap.All != (analysis.Permission{Allowed: 17, Conditional: 2, Denied: 4}) || systrap.Front == nil || systrap.Front.Reachable() != 17 {
		t.Errorf("%+v", systrap)
	}
	ptrace := uses["gvisor-ptrace × redis-set"]
	if _, ok := ptrace.Ratio(); ok || !ptrace.All.Least {
		t.Errorf("%+v", ptrace)
	}
	if _, ok := uses["gvisor-kvm × redis-set"]; ok {
		t.Error("a cell that was skipped has a policy")
	}
}

// Descriptors and addresses in conditions make no difference.
func TestPosturesAreShownOnce(t *testing.T) {
	rec := testrecord.New()
	n := 0
	for i := range rec.Results {
		for j := range rec.Results[i].Postures {
			p := &rec.Results[i].Postures[j]
			p.Threads += n % 3
			if p.Syscalls != nil && p.Syscalls.Conditional["clone"] != nil {
				p.Syscalls.Conditional["clone"] = []string{strings.Repeat("x", n+1)}
			}
			n++
		}
	}
	held := analysis.New(rec).Postures()
	var names []string
	for _, h := range held {
		names = append(names, h.Variant+" "+string(h.Role)+" "+h.Tasks())
		if h.Workloads != nil {
			t.Errorf("%s %s under %v only", h.Variant, h.Role, h.Workloads)
		}
	}
	want := []string{"runc workload 4–6", "crun workload 4–6", "gvisor-systrap sentry 12–14", "gvisor-systrap gofer 6–8",
		"gvisor-ptrace sentry 12–14", "gvisor-ptrace stub 3–5", "gvisor-ptrace gofer 6–8"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

// A call that was used and yet is denied to every task is remarked.
func TestBeyond(t *testing.T) {
	rec := testrecord.New()
	for i := range rec.Results {
		if p := rec.Results[i].Phase(record.Steady); p != nil && rec.Results[i].Variant == "runc" {
			p.Syscalls["mount"] = 1
		}
	}
	r := analysis.New(rec)
	if u := r.Uses()[0]; !slices.Equal(u.Beyond, []string{"mount"}) {
		t.Errorf("%+v", u)
	}
	if !slices.ContainsFunc(r.Warnings, func(w analysis.Warning) bool {
		return w.Kind == analysis.WarnPolicy && strings.HasSuffix(w.Text, "read afterwards: mount")
	}) {
		t.Error("there is no warning")
	}
}
