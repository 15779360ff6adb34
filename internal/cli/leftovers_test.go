//go:build lab

package cli_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"hapscope/lab/image"
)

// The sweep: what a run must not leave, on the machine that it measured on. There is one
// for all tests, natively and in the lab, where faults.sh calls it as TestNothingIsLeft.

func TestNothingIsLeft(t *testing.T) { clean(t) }

// clean fails the test for anything that is left on this machine. What was killed may
// take a moment to go.
func clean(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if left = leftovers(); len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind: %q", left)
}

func leftovers() (left []string) {
	left = append(left, places()...)
	left = append(left, links()...)
	left = append(left, mounted()...)
	left = append(left, sandboxProcesses()...)
	left = append(left, traced()...)
	left = append(left, programs()...)
	return append(left, imageLocks()...)
}

// places are cgroups, namespaces, state of runtimes, scratch and trial directories.
func places() (left []string) {
	for _, pattern := range []string{
		"/sys/fs/cgroup/hapscope*", "/sys/fs/cgroup/*/hapscope*", "/run/hapscope/netns/*", "/run/hapscope/oci/*", "/run/hapscope/scratch/*",
		"/run/hapscope/containerd/*", "/run/hapscope/rootfs-*", "/dev/shm/hapscope-*",
	} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	return left
}

var ourLink = regexp.MustCompile(`^(hs[0-9a-f]{12}|taphs[0-9a-f]{10})$`)

func links() (left []string) {
	all, _ := net.Interfaces()
	for _, l := range all {
		if ourLink.MatchString(l.Name) {
			left = append(left, "link "+l.Name)
		}
	}
	return left
}

// mounted are overlays, what is mounted below the state directory, and loop devices of
// the images.
func mounted() (left []string) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		at, of := strings.Fields(before), strings.Fields(after)
		if len(at) > 4 && strings.HasPrefix(at[4], "/run/hapscope/") || len(of) > 1 && strings.HasPrefix(of[1], "hapscope-") {
			left = append(left, "mount "+line)
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, l := range loops {
		if b, _ := os.ReadFile(l); strings.Contains(string(b), "/hapscope/lab/") {
			left = append(left, l)
		}
	}
	return left
}

var ownWork = regexp.MustCompile(`\x00guest\x00(time|host|mounted|measure|policy|exercise)\x00`)

// sandboxProcesses are runtimes, what they serve, and hapscope's own helpers.
func sandboxProcesses() (left []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		b, _ := os.ReadFile(l)
		group, _ := os.ReadFile(filepath.Join(filepath.Dir(l), "cgroup"))
		if bytes.Contains(b, []byte("/run/hapscope/oci")) || ownWork.Match(b) || bytes.Contains(group, []byte("0::/hapscope/")) {
			left = append(left, fmt.Sprintf("process %s %s", filepath.Base(filepath.Dir(l)), strings.ReplaceAll(string(b), "\x00", " ")))
		}
	}
	return left
}

// traced are trace instances, and functions that somebody still traces.
func traced() (left []string) {
	const dir = "/sys/kernel/tracing/"
	left, _ = filepath.Glob(dir + "instances/hapscope*")
	for _, f := range []struct{ name, idle string }{{"current_tracer", "nop"}, {"enabled_functions", ""}, {"kprobe_events", ""}} {
		// What the kernel does not show, as under lockdown, nobody could have armed.
		if b, err := os.ReadFile(dir + f.name); err == nil && strings.TrimSpace(string(b)) != f.idle {
			left = append(left, fmt.Sprintf("%s: %.200s", f.name, b))
		}
	}
	return left
}

// programs are BPF programs and links of the kinds that hapscope loads. Those of systemd
// and of runtimes are of cgroups.
func programs() (left []string) {
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); err != nil { // the last one, or the kernel does not tell
			break
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone meanwhile
		}
		if k := p.Type(); k == ebpf.Kprobe || k == ebpf.Tracing {
			left = append(left, "BPF program "+p.String())
		}
		p.Close()
	}
	var all link.Iterator
	defer all.Close()
	for all.Next() {
		if info, err := all.Link.Info(); err == nil && (info.Type == link.KprobeMultiType || info.Type == link.TracingType || info.Type == link.PerfEventType) {
			left = append(left, fmt.Sprintf("BPF link %d of type %d", info.ID, info.Type))
		}
	}
	return left
}

// imageLocks are locks of images whose holder is dead.
func imageLocks() (left []string) {
	cache, err := image.CacheDir("")
	if err != nil {
		return nil // then there are no images
	}
	files := map[uint64]string{}
	names, _ := filepath.Glob(filepath.Join(cache, "*", "*", "*.lock"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			files[info.Sys().(*syscall.Stat_t).Ino] = name
		}
	}
	locks, _ := os.ReadFile("/proc/locks")
	for line := range strings.Lines(string(locks)) { // 1: FLOCK ADVISORY READ 4711 fe:01:1234 0 EOF
		var n, pid int
		var kind, mode, access, file string
		if k, _ := fmt.Sscanf(line, "%d: %s %s %s %d %s", &n, &kind, &mode, &access, &pid, &file); k != 6 || kind != "FLOCK" {
			continue
		}
		var inode uint64
		fmt.Sscan(file[strings.LastIndexByte(file, ':')+1:], &inode)
		if name := files[inode]; name != "" && syscall.Kill(pid, 0) == syscall.ESRCH {
			left = append(left, "lock of "+name)
		}
	}
	return left
}
