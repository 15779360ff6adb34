package bundle

import (
	"fmt"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"hapscope/runtimes"
)

// Spec returns the OCI configuration of a sandbox whose root file system is
// the directory rootfs beside it, in the given cgroup (a path below the
// hierarchy's root) and the network namespace at the path netns.
//
// It is Docker's default but for: no AppArmor profile (Debian's kernel has
// AppArmor, but the profile is part of Docker's daemon), no /etc/hosts,
// /etc/hostname and /etc/resolv.conf bind mounts, no masking of each CPU's
// thermal_throttle (so that the file is the same on each machine), no docker-init,
// and a limit of open files that does not depend on who calls.
func Spec(s runtimes.Spec, cgroup, netns string) (*specs.Spec, error) {
	if len(s.Process.Args) == 0 {
		return nil, fmt.Errorf("process of %s has no arguments", s.ID)
	}
	cwd := s.Process.Cwd
	if cwd == "" {
		cwd = "/"
	}
	caps := Capabilities()
	config := &specs.Spec{
		Version:  "1.0.2", // the oldest that has all that is used here
		Hostname: s.ID[:min(len(s.ID), 63)],
		Root:     &specs.Root{Path: "rootfs"},
		Mounts:   mounts(),
		Process: &specs.Process{
			Args:         s.Process.Args,
			Env:          s.Process.Env,
			Cwd:          cwd,
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
			// systemd's defaults since v240, which containerd 2 hands on.
			Rlimits: []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 524288}},
		},
		Linux: &specs.Linux{
			CgroupsPath:   cgroup,
			MaskedPaths:   maskedPaths(),
			ReadonlyPaths: readonlyPaths(),
			Resources:     &specs.LinuxResources{Devices: devices()},
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.MountNamespace},
				{Type: specs.NetworkNamespace, Path: netns},
				{Type: specs.UTSNamespace},
				{Type: specs.PIDNamespace},
				{Type: specs.IPCNamespace},
				{Type: specs.CgroupNamespace}, // Docker's default on cgroup v2
			},
		},
	}
	profile, err := seccomp.GetDefaultProfile(config)
	if err != nil {
		return nil, fmt.Errorf("default seccomp profile: %w", err)
	}
	config.Linux.Seccomp = profile
	return config, nil
}
