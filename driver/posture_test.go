package driver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"hapscope/collectors"
	"hapscope/record"
)

func held(process string, vcpu bool, allowed ...string) collectors.Held {
	return collectors.Held{
		Thread: record.Thread{Process: process, Command: process, Name: process, VCPU: vcpu},
		Confinement: record.Confinement{Seccomp: record.SeccompOff, Effective: []string{}, Bounding: []string{}, Shared: []string{},
			Syscalls: &record.SyscallPolicy{Allowed: allowed, Conditional: map[string][]string{}, Denied: []string{}, Denials: map[string]int{}, ForeignABIs: []string{}}},
	}
}

// Tasks are put together that are alike in role and in what they are held to.
func TestPosture(t *testing.T) {
	b := newBench(t)
	asked := 0
	b.policy = func(context.Context, string) ([]collectors.Held, error) {
		if asked++; b.runtime.alive != 1 {
			t.Errorf("read while %d sandboxes live", b.runtime.alive)
		}
		return []collectors.Held{held("vmm", false, "read"), held("vmm", true, "read"), held("vmm", false, "read"), held("helper", false, "read"), held("vmm", false, "read", "write")}, nil
	}
	b.plan.LifecycleRepetitions = 1
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if asked != 2 {
		t.Errorf("read %d times, want once for each repetition", asked)
	}
	for _, r := range rec.Results {
		if len(r.Postures) != 3 || len(r.Warnings) > 0 {
			t.Fatalf("%+v, warnings %v", r.Postures, r.Warnings)
		}
		one, two, vcpu := r.Postures[0], r.Postures[1], r.Postures[2]
		if one.Threads != 3 || !slices.Equal(one.Processes, []string{"helper", "vmm"}) || two.Threads != 1 || vcpu.Role != record.RoleVCPU {
			t.Errorf("%+v", r.Postures)
		}
	}
}

func TestPostureFails(t *testing.T) {
	b := newBench(t)
	b.policy = func(context.Context, string) ([]collectors.Held, error) { return nil, errors.New("EACCES") }
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rec.Results {
		if r.Status != record.OK || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "EACCES") {
			t.Errorf("%s, warnings %v", r.Status, r.Warnings)
		}
	}
}
