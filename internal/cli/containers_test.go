package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hapscope/driver/scenario"
	"hapscope/record"
)

func TestEngineOfVariant(t *testing.T) {
	for variant, want := range map[string]string{"docker-runsc": "docker", "podman-a-b": "podman", "runc": "", "dockerx": "", "gvisor-kvm": ""} {
		if got, ok := engineOf(variant); got != want || ok != (want != "") {
			t.Errorf("%s: %q", variant, got)
		}
	}
	plan := record.Plan{Variants: []string{"runc", "docker-x", "podman-y"}}
	if !usesEngine(plan) || usesEngine(record.Plan{Variants: []string{"runc"}}) {
		t.Error("who uses an engine")
	}
	var names []string
	for _, r := range engineRuntimes(plan, "") {
		names = append(names, r.Variant())
	}
	if !slices.Equal(names, []string{"docker-x", "podman-y"}) {
		t.Errorf("runtimes %v", names)
	}
}

func TestDockerAddress(t *testing.T) {
	for _, c := range []struct{ asked, env, want, err string }{
		{"/a", "unix:///b", "/a", ""}, {"", "unix:///b", "/b", ""}, {"", "", "/var/run/docker.sock", ""}, {"", "tcp://h:1", "", "DOCKER_HOST is tcp://h:1"},
	} {
		t.Setenv("DOCKER_HOST", c.env)
		got, err := dockerAddress(c.asked)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

// A scenario keeps its own variants with its own engine, and gives them up for another.
func TestEngineReplacesVariants(t *testing.T) {
	s := scenario.Scenario{Engine: scenario.Docker, Variants: []string{"docker-runc"}}
	if err := (engineOptions{engine: scenario.Docker, docker: "/d"}).apply(&s); err != nil || len(s.Variants) != 1 || s.DockerAddress != "/d" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := (engineOptions{engine: scenario.Podman}).apply(&s); err != nil || s.Variants != nil || s.Engine != scenario.Podman {
		t.Errorf("%+v, %v", s, err)
	}
	if err := (engineOptions{engine: scenario.Docker, address: "/c"}).apply(&s); exitCode(err) != exitUsage {
		t.Errorf("err = %v", err)
	}
}

// A daemon that is not there is said before a run directory is made.
func TestNoDaemon(t *testing.T) {
	a := &app{}
	s := scenario.Scenario{Name: "x"}
	o := runOptions{engineOptions: engineOptions{engine: scenario.Docker, docker: filepath.Join(t.TempDir(), "none")}}
	err := a.choose(t.Context(), &s, o)
	if exitCode(err) != exitUnfit || !strings.Contains(err.Error(), "no Docker daemon answers at") {
		t.Errorf("err = %v", err)
	}
}

var (
	yamlBlock  = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	ourCommand = regexp.MustCompile(`(?m)^\s*(?:- run: )?(?:\./)?hapscope (.*)$`)
)

// What recipes say can be said: their scenarios are valid, and their commands parse.
func TestRecipes(t *testing.T) {
	pages, err := filepath.Glob("../../docs/recipes/*.md")
	if err != nil || len(pages) < 3 {
		t.Fatalf("%v, %v", pages, err)
	}
	commands := 0
	for _, page := range append(pages, "../../docs/docker.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(block[1], "scenarios:") {
				continue // of somebody else's
			}
			if _, err := scenario.Parse(page, []byte(block[1]), catalog()); err != nil {
				t.Error(err)
			}
		}
		for _, m := range ourCommand.FindAllStringSubmatch(string(text), -1) {
			commands++
			line, _, _ := strings.Cut(m[1], " #")
			line, _, _ = strings.Cut(line, " >")
			args := strings.Fields(line)
			root := rootCommand(&app{})
			c, rest, err := root.Find(args)
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err != nil || c == root {
				t.Errorf("%s: hapscope %s: %v", page, line, err)
			}
		}
	}
	if commands < 6 {
		t.Errorf("only %d commands were found", commands)
	}
}
