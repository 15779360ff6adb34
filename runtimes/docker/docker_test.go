package docker

import (
	"path/filepath"
	"strings"
	"testing"

	"hapscope/record"
	"hapscope/runtimes/docker/daemon"
)

// A slice's name leads where systemd puts it (systemd.slice(5)), whatever is in the id.
func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		info        daemon.Info
		parent, dir string
	}{
		{daemon.Info{CgroupV2: true, CgroupDriver: "cgroupfs"}, "/hapscope/a-b-1", "/hapscope/a-b-1"},
		{daemon.Info{CgroupDriver: "cgroupfs"}, "", "/hapscope/a-b-1"},
	} {
		if parent, dir := placement(c.info, "a-b-1"); parent != c.parent || dir != c.dir {
			t.Errorf("%+v: %s, %s", c.info, parent, dir)
		}
	}
	parent, dir := placement(daemon.Info{CgroupV2: true, CgroupDriver: "systemd"}, "a-b-1")
	name := strings.TrimSuffix(parent, ".slice")
	if name == parent || strings.Count(name, "-") != 1 || dir != filepath.Join("/hapscope.slice", parent) {
		t.Errorf("systemd: %s, %s", parent, dir)
	}
}

func TestRuntimeIsRegistered(t *testing.T) {
	info := daemon.Info{Runtimes: map[string]daemon.Runtime{"runc": {Path: "runc"}, "a/b": {Path: "runc"}, "My.RT_1": {Path: "/opt/runsc"}}}
	for variant, want := range map[string]string{
		"docker-runc": "", "docker-My.RT_1": "", "docker-runsc": "it has My.RT_1, a/b, runc", "docker-a/b": "other characters", "docker-": "other characters",
		"docker-..": "other characters", "docker-\x1b[31m": "other characters",
	} {
		_, err := New(variant, NewEngine(Options{})).registered(info)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", variant, err)
		}
	}
}

// The shim is what was found by parentage; what a runtime calls its own is known by the
// daemon's program.
func TestRoles(t *testing.T) {
	r := New("docker-x", NewEngine(Options{}))
	if got := r.Role(record.Thread{Command: "anything"}); got != record.RoleOther {
		t.Errorf("before anything is known: %s", got)
	}
	if _, err := r.registered(daemon.Info{Runtimes: map[string]daemon.Runtime{"x": {Path: "/opt/bin/runsc"}}}); err != nil {
		t.Fatal(err)
	}
	r.roles.SetShim("some-shim")
	for command, want := range map[string]record.Role{
		"some-shim": record.RoleShim, "runsc-sandbox": record.RoleSentry, "runsc-gofer": record.RoleGofer, "runsc": record.RoleRuntime, "": record.RoleStub, "virtiofsd": record.RoleVirtiofsd,
	} {
		if got := r.Role(record.Thread{Command: command}); got != want {
			t.Errorf("%q is %s, want %s", command, got, want)
		}
	}
}
