//go:build lab

package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hapscope/record"
)

// needed are the capabilities that doctor names: those of counting, and those of the
// variants.
func needed(t *testing.T, variants ...string) (counting, all []string) {
	t.Helper()
	r := hapscope(t, "doctor", "--no-lab", "--json") // on a machine that is unfit, too
	var d struct {
		Host struct {
			Requirements []record.Requirement
			Variants     []record.VariantInfo
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`CAP_[A-Z_]+`)
	for _, q := range d.Host.Requirements {
		if q.Name == "root privileges" {
			counting = names.FindAllString(q.Detail, -1)
		}
	}
	all = slices.Clone(counting)
	for _, v := range d.Host.Variants {
		for _, q := range v.Requirements {
			if q.Name == "root" && slices.Contains(variants, v.Name) {
				all = append(all, names.FindAllString(q.Detail, -1)...)
			}
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(counting) < 4 || len(all) <= len(counting) {
		t.Fatalf("doctor names %v for counting, %v in all", counting, all)
	}
	return counting, all
}

// bounded is a bounding set as setpriv(1) has it.
func bounded(first string, sign string, names ...string) string {
	for _, n := range names {
		first += "," + sign + strings.ToLower(strings.TrimPrefix(n, "CAP_"))
	}
	return "--bounding-set=" + first
}

// What doctor says root must have is enough for timing, and who lacks one of it is told which.
func TestCapabilitiesNatively(t *testing.T) {
	clean(t)
	_, all := needed(t, "runc", "gvisor-systrap")
	const brief = "throughput: 200ms, latency: 200ms, warm_up: 100ms"
	as := func(set, file, dir string) ran {
		cmd, out := command(t, "run", "brief", "--where", "host", "--scenarios", file, "--out", dir)
		cmd.Args = append([]string{"setpriv", set, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/usr/bin/setpriv"
		return finished(t, cmd, out, cmd.Run())
	}
	dir := t.TempDir()
	as(bounded("-all", "+", all...), timed(t, "runc, gvisor-systrap", "redis-get", brief), filepath.Join(dir, "enough")).want(t, 0)
	file := timed(t, "runc", "redis-get", brief) // which needs them all, and is skipped
	for _, name := range all {
		if name == "CAP_SYSLOG" { // counting's alone
			continue
		}
		r := as(bounded("-"+strings.ToLower(strings.TrimPrefix(name, "CAP_")), ""), file, filepath.Join(dir, name))
		if r.code == 0 || !strings.Contains(r.stdout+r.stderr, name) {
			t.Errorf("without %s: exit code %d, and it is not named", name, r.code)
		}
	}
	clean(t)
}

// The same for counting, on a kernel that can be traced.
func TestCapabilitiesInLab(t *testing.T) {
	counting, all := needed(t, "runc", "gvisor-systrap")
	dir := t.TempDir()
	var script strings.Builder
	fmt.Fprintf(&script, "set -e\ncd %q\nrun() { set=$1; shift; setpriv $set hapscope run caps --where host --scenarios scenarios.yaml --no-selftest --out \"$@\"; }\n", dir)
	fmt.Fprintf(&script, "run %s enough\n", bounded("-all", "+", all...))
	for _, name := range counting {
		fmt.Fprintf(&script, "if run %s %s 2>%s.log; then echo runs without %s; exit 1; fi\ngrep -q 'lacks %s' %s.log\n", bounded("-"+strings.ToLower(strings.TrimPrefix(name, "CAP_")), ""), name, name, name, name, name)
	}
	script.WriteString("echo each was named\n")
	for name, text := range map[string]string{"caps.sh": script.String(), "scenarios.yaml": `
scenarios:
  caps: {variants: [runc, gvisor-systrap], workloads: [redis-set], repetitions: 1, lifecycle_repetitions: 0, idle: 0s, load: {requests: 50}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Fatal(err)
	}
	hapscope(t, "lab", "exec", "--share", dir+":rw", "--", "sh", filepath.Join(dir, "caps.sh")).want(t, 0, "each was named")
	for _, r := range read(t, filepath.Join(dir, "enough")).Results {
		if r.Status != record.OK || r.Phase(record.Steady) == nil || len(r.Phase(record.Steady).Functions[record.InProcess]) < 100 {
			t.Errorf("%s is %s: %s", r.Cell(), r.Status, r.Reason)
		}
	}
}
