//go:build lab

package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// The commands of docs/recipes are executed, as they stand there, by a shell that is in a
// directory of its own and sees an /etc, /usr/local and /opt of its own. What cannot be
// executed here is named with its reason: a command that is in a recipe and is neither
// fails the test, and so does a reason for one that is in none.

// recipe is one that is followed.
type recipe struct {
	*testing.T
	dir    string  // where its reader is
	docker engines // once there is one
}

// exception is a command with which something else is done than to execute it and to
// expect that it succeeds.
type exception struct {
	command string // as it begins
	// why it is not executed; instead, if anything, does what stands for it
	why     string
	instead func(*recipe)
	// before makes what the command needs
	before func(*recipe)
	// codes are exit codes with which it may end, and said is what it has to say then
	codes []int
	said  string
	// brief replaces a part of it, so that it takes seconds
	brief [2]string
}

// fence is a block of commands or of a file's text.
var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// steps are the commands of a recipe, a here document with the one that it is for.
func steps(t *testing.T, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/recipes", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		switch block[1] {
		case "sh":
			all = append(all, statements(block[2])...)
		case "yaml":
			all = append(all, jobSteps(t, block[2])...)
		default:
			t.Errorf("%s: nobody knows what to do with a block of %s", name, block[1])
		}
	}
	return all
}

func statements(block string) (all []string) {
	var open, end string
	for line := range strings.Lines(block) {
		if open += line; end == "" {
			if _, mark, ok := strings.Cut(line, "<<'"); ok {
				end, _, _ = strings.Cut(mark, "'")
				continue
			}
		} else if strings.TrimSpace(line) != end {
			continue
		}
		if s := strings.TrimSpace(open); s != "" && !strings.HasPrefix(s, "#") {
			all = append(all, s)
		}
		open, end = "", ""
	}
	return all
}

// jobSteps are the commands of a job of GitHub Actions.
func jobSteps(t *testing.T, text string) (all []string) {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Run, Uses string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
		t.Fatal(err)
	}
	for _, job := range workflow.Jobs {
		for _, s := range job.Steps {
			if (s.Run == "") == (s.Uses == "") {
				t.Errorf("a step neither runs nor uses anything, or both: %+v", s)
			}
			if s.Run != "" {
				all = append(all, strings.TrimSpace(s.Run))
			}
		}
	}
	return all
}

// follow executes a recipe.
func (r *recipe) follow(name string, exceptions []exception) {
	r.Helper()
	used := map[string]bool{}
	for _, command := range steps(r.T, name) {
		i := slices.IndexFunc(exceptions, func(e exception) bool { return strings.HasPrefix(command, e.command) })
		var e exception
		if i >= 0 {
			e = exceptions[i]
			used[e.command] = true
		}
		if e.before != nil {
			e.before(r)
		}
		if e.why == "" {
			r.execute(command, e)
			continue
		}
		r.Logf("NOT EXECUTED: %s\n\tbecause %s", command, e.why)
		if e.instead != nil {
			e.instead(r)
		}
	}
	for _, e := range exceptions {
		if !used[e.command] {
			r.Errorf("%s has no command %q", name, e.command)
		}
	}
}

// own gives a shell directories of its own where a recipe writes to the machine's.
const own = `set -e
for d in etc usr/local opt; do
  mkdir -p "$1/$d" "$1/overlay/$d"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/$d,workdir=$1/overlay/$d" "/$d"
done
mkdir -p /etc/docker
cd "$2"
eval "$3"`

func (r *recipe) execute(command string, e exception) {
	r.Helper()
	text := command
	if e.brief[0] != "" {
		if text = strings.ReplaceAll(command, e.brief[0], e.brief[1]); text == command {
			r.Errorf("there is no %q in %s", e.brief[0], command)
		}
	}
	c := exec.CommandContext(r.Context(), "unshare", "--mount", "sh", "-c", own, "sh", r.machine(), r.dir, text)
	c.Env = append(os.Environ(), "NO_COLOR=1", "PATH="+r.machine("bin")+":"+os.Getenv("PATH"), "GITHUB_STEP_SUMMARY="+r.machine("summary.md"))
	if r.docker.socket != "" {
		c.Env = append(c.Env, "DOCKER_HOST=unix://"+r.docker.socket)
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	code := c.ProcessState.ExitCode()
	r.Logf("executed: %s\nexit code %d\n%s", text, code, out)
	if code != 0 && (!slices.Contains(e.codes, code) || !strings.Contains(string(out), e.said)) {
		r.Errorf("%s: exit code %d", command, code)
	}
}

// machine is a path below what stands for the machine.
func (r *recipe) machine(path ...string) string {
	return filepath.Join(append([]string{filepath.Dir(r.dir), "machine"}, path...)...)
}

// reader has hapscope and runsc in the PATH, and a directory to be in.
func reader(t *testing.T) *recipe {
	t.Helper()
	r := &recipe{T: t, dir: filepath.Join(t.TempDir(), "reader")}
	for _, dir := range []string{r.dir, r.machine("bin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(binary(t), r.machine("bin", "hapscope")); err != nil {
		t.Fatal(err)
	}
	return r
}

// installRunsc takes runsc out of the lab's image of tools.
func (r *recipe) installRunsc() {
	r.Helper()
	images, err := filepath.Glob(cacheDir(r.T) + "/lab/tools/*/tools.ext4")
	if err != nil || len(images) == 0 {
		r.Fatalf("no image of the lab's tools, %v: `hapscope lab build` makes it", err)
	}
	runsc := r.machine("bin", "runsc")
	if out, err := exec.Command("debugfs", "-R", "dump /bin/runsc "+runsc, images[len(images)-1]).CombinedOutput(); err != nil {
		r.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(runsc, 0o755); err != nil {
		r.Fatal(err)
	}
}

func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "hapscope")
}

// settings is the daemon.json that a recipe has made.
func (r *recipe) settings() string {
	r.Helper()
	text, err := os.ReadFile(r.machine("etc/docker/daemon.json"))
	if err != nil {
		r.Fatal(err)
	}
	return string(text)
}

// withCounts is a record with two of Docker's runtimes, as runs/last: made up, because this
// machine's kernel may not be traced.
func withCounts(r *recipe) {
	r.Helper()
	runs := filepath.Join(r.dir, "runs")
	dir := filepath.Join(runs, "made-up")
	testrecord.Write(r.T, dir)
	for _, name := range []string{"run.json", "results.jsonl"} {
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err != nil {
			r.Fatal(err)
		}
		text = []byte(strings.NewReplacer(`"runc"`, `"docker-runc"`, `"gvisor-systrap"`, `"docker-runsc"`).Replace(string(text)))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			r.Fatal(err)
		}
	}
	os.Remove(filepath.Join(runs, "last"))
	if err := os.Symlink("made-up", filepath.Join(runs, "last")); err != nil {
		r.Fatal(err)
	}
}

// noTracing is how hapscope ends on a machine whose kernel may not be traced: with what to do.
const noTracing = "without an engine"

func TestDockerRecipeOfGVisor(t *testing.T) {
	clean(t)
	t.Setenv("HAPSCOPE_ROOTFS", redisAlone(t))
	r := reader(t)
	r.installRunsc()
	r.follow("docker-gvisor.md", []exception{
		{command: "systemctl reload docker", why: "the test has a daemon of its own, which starts with that daemon.json", instead: func(*recipe) {
			r.docker = startDockerWith(t, r.settings())
		}},
		{command: "hapscope doctor", codes: []int{3}, said: "docker-runsc"},
		{command: "hapscope run --where host", codes: []int{3}, said: noTracing},
		{command: "hapscope functions runs/last --variant docker-runc ", before: withCounts},
		{command: "cat >scenarios.yaml", brief: [2]string{"timing: {repetitions: 5}", "timing: {repetitions: 1, throughput: 200ms, latency: 200ms, warm_up: 100ms}"}},
	})
	only, err := os.ReadFile(filepath.Join(r.dir, "runc.txt"))
	if err != nil || len(only) == 0 {
		t.Errorf("runc.txt has nothing: %v", err)
	}
	var timed []string
	for _, x := range read(t, filepath.Join(r.dir, "runs", "last")).Timings {
		timed = append(timed, x.Variant+" "+string(x.Status))
		if x.Status != record.OK || x.Throughput == nil || x.Throughput.Requests == 0 {
			t.Errorf("%s is %s: %s", x.Cell(), x.Status, x.Reason)
		}
	}
	slices.Sort(timed)
	if strings.Join(timed, ",") != "docker-runc ok,docker-runsc ok" {
		t.Errorf("timed %v", timed)
	}
	r.docker.nothing(t)
	clean(t)
}

func TestDockerRecipeOfKata(t *testing.T) {
	r := reader(t)
	r.follow("docker-kata.md", []exception{
		{command: "systemctl restart docker", why: "the test has a daemon of its own, which starts with that daemon.json, where this machine's Docker knows runtimeType (23 or later)", instead: func(*recipe) {
			if !knowsRuntimeType(r) {
				t.Log("this machine's does not: Kata is registered with nobody, and the recipe goes on without Docker")
				return
			}
			r.docker = startDockerWith(t, r.settings())
			if info := r.docker.docker(t, "info", "--format", "{{json .Runtimes}}"); !strings.Contains(info, `"kata"`) {
				t.Errorf("Docker has %s", info)
			}
		}},
		// 5: the kernel can be traced, and Kata is not there.
		{command: "hapscope run --where host", codes: []int{3, 5}},
	})
}

// knowsRuntimeType asks the daemon's program.
func knowsRuntimeType(r *recipe) bool {
	out, err := exec.Command("dockerd", "--version").Output() // Docker version 20.10.24+dfsg1, build 297e128
	if err != nil {
		r.Fatal(err)
	}
	version := strings.TrimPrefix(string(out), "Docker version ")
	return !strings.HasPrefix(version, "20.") && !strings.HasPrefix(version, "1")
}

func TestRecipeOfGitHubActions(t *testing.T) {
	r := reader(t)
	r.follow("github-actions.md", []exception{
		{command: "sudo apt-get", why: "it changes the machine, of which `make test-deps` takes care"},
		{command: "make build", why: "it has made the binary under test"},
		{command: "sudo chmod", why: "it changes the machine"},
		{command: "./hapscope run smoke", why: "it boots the lab, as TestMeasureAndReport does; the same output is written from a made-up record", instead: func(*recipe) {
			dir := filepath.Join(r.dir, "run")
			testrecord.Write(t, dir)
			r.execute("hapscope report run -o text=run/summary.txt", exception{})
		}},
	})
	text, err := os.ReadFile(r.machine("summary.md"))
	if err != nil || !strings.HasPrefix(string(text), "```\n") || !strings.HasSuffix(string(text), "```\n") || !strings.Contains(string(text), "redis-set") {
		t.Errorf("the job's summary is %q, %v", text, err)
	}
}
