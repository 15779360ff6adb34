package cli

import (
	"strings"
	"testing"

	"hapscope/driver/scenario"
	"hapscope/record"
)

// What of an engine the flags and the scenario say together.
func TestEngineFlags(t *testing.T) {
	for _, c := range []struct {
		scenario scenario.Scenario
		flags    engineOptions
		want     record.Plan
		err      string
	}{
		{},
		{flags: engineOptions{engine: "containerd"}, want: record.Plan{Engine: "containerd"}},
		{flags: engineOptions{address: "unix:///run/c.sock"}, want: record.Plan{Engine: "containerd", ContainerdAddress: "/run/c.sock"}},
		{flags: engineOptions{engine: "containerd", address: "/run/c.sock"}, want: record.Plan{Engine: "containerd", ContainerdAddress: "/run/c.sock"}},
		{scenario: scenario.Scenario{Engine: "containerd", ContainerdAddress: "/s"}, flags: engineOptions{engine: "own"}, want: record.Plan{Engine: "own"}},
		{scenario: scenario.Scenario{ContainerdAddress: "/s"}, flags: engineOptions{engine: "containerd"}, want: record.Plan{Engine: "containerd"}},
		{flags: engineOptions{engine: "own", address: "/s"}, err: "wants none"},
		{flags: engineOptions{engine: "contained"}, err: `did you mean "containerd"?`},
		{flags: engineOptions{address: "c.sock"}, err: "absolute path"},
	} {
		err := c.flags.apply(&c.scenario)
		if err != nil || c.err != "" {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) || exitCode(err) != exitUsage {
				t.Errorf("%+v: %v", c.flags, err)
			}
			continue
		}
		if got := c.scenario; got.Engine != c.want.Engine || got.ContainerdAddress != c.want.ContainerdAddress {
			t.Errorf("%+v: engine %q at %q", c.flags, got.Engine, got.ContainerdAddress)
		}
	}
}

// An engine that nothing in the plan knows is a mistake, and not a plan without it.
func TestEngineIsKnown(t *testing.T) {
	plan := record.Plan{Engine: scenario.Containerd, Variants: []string{"runc", "gvisor-kvm"}}
	if err := checkEngine(plan); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "none of runc, gvisor-kvm is started by containerd: kata-qemu") {
		t.Errorf("err = %v", err)
	}
	plan.Variants = append(plan.Variants, "kata-clh")
	if err := checkEngine(plan); err != nil {
		t.Error(err)
	}
}
