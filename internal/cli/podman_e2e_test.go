//go:build lab

package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// podmanOfOwn has Podman keep what it stores below one directory.
func podmanOfOwn(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"CONTAINERS_STORAGE_CONF": fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run"),
		"CONTAINERS_CONF":         fmt.Sprintf("[network]\nnetwork_config_dir = %q\n[engine]\ntmp_dir = %q\n", dir+"/networks", dir+"/tmp"),
	} {
		file := filepath.Join(dir, strings.ToLower(name))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, file)
	}
}

// withoutPodmansCgroups removes what Podman has left of its own where there are cgroups of
// version 1, unless it was there before.
func withoutPodmansCgroups(t *testing.T) {
	t.Helper()
	const pattern = "/sys/fs/cgroup/*/libpod_parent"
	before, _ := filepath.Glob(pattern)
	t.Cleanup(func() {
		after, _ := filepath.Glob(pattern)
		for _, dir := range after {
			if !slices.Contains(before, dir) {
				removeCgroups(t, dir)
			}
		}
	})
}

// redisAlone is the root file system of that workload, out of the image of all: Podman
// takes minutes to load that one.
func redisAlone(t *testing.T) (dir string) {
	t.Helper()
	images, err := filepath.Glob(cacheDir(t) + "/lab/workloads/*/rootfs.ext4")
	if err != nil || len(images) == 0 {
		t.Fatalf("no image of the workloads, %v: `hapscope lab build` makes it", err)
	}
	dir = filepath.Join(t.TempDir(), "rootfs")
	script := "set -e; small=$1; rootfs=/mnt; mount -o loop,ro,noload \"$2\" $rootfs\n" + smallRootfs
	if out, err := exec.Command("unshare", "--mount", "sh", "-c", script, "sh", dir, images[len(images)-1]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// Performance through Podman, on this machine: also where it may not raise the limits of
// containers, as root without CAP_SYS_RESOURCE. Podman's network, with its rules of a
// packet filter, is in a namespace of its own, and so is hapscope.
func TestPodmanNatively(t *testing.T) {
	clean(t)
	podmanOfOwn(t)
	withoutPodmansCgroups(t)
	t.Setenv("HAPSCOPE_ROOTFS", redisAlone(t))
	dir := filepath.Join(t.TempDir(), "run")
	file := filepath.Join(t.TempDir(), "scenarios.yaml")
	text := "scenarios: {brief: {engine: podman, variants: [podman-runc, podman-none], workloads: [redis-get], repetitions: 0, timing: {repetitions: 1, throughput: 200ms, latency: 200ms, warm_up: 100ms}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, out := command(t, "run", "brief", "--scenarios", file, "--out", dir)
	cmd.Args = append([]string{"unshare", "--net", "sh", "-c", `ip link set lo up && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/usr/bin/unshare"
	finished(t, cmd, out, cmd.Run()).want(t, 5, "podman-none", "runtime none of Podman")
	clean(t)
	testrecord.Validate(t, dir)
	for _, r := range read(t, dir).Timings {
		if r.Variant == "podman-none" {
			continue
		}
		if r.Status != record.OK || r.Place != record.Native || r.StartUp == nil || r.Throughput == nil || r.Throughput.CPU <= 0 || r.Memory == nil || r.Memory.Steady < 1<<20 {
			t.Errorf("%s is %s: %s; %+v", r.Cell(), r.Status, r.Reason, r)
		}
	}
	for _, list := range []string{"ps --all --quiet", "images --quiet"} {
		if left, err := exec.Command("podman", strings.Fields(list)...).Output(); err != nil || len(left) > 0 {
			t.Errorf("left with Podman: %s, %v", left, err)
		}
	}
}
