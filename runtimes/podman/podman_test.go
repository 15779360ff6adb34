package podman

import (
	"os"
	"strings"
	"testing"

	"hapscope/runtimes/container"
)

// inspect.json is what Podman 4.3 of Debian 12 has printed of a container that it could
// not start, so that it has neither a process nor an address.
func TestParseInspect(t *testing.T) {
	text, err := os.ReadFile("testdata/inspect.json")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := parseInspect(text); err != nil || s != (container.State{}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "[]", "[{},{}]", "{}", `[{"State":3}]`} {
		if _, err := parseInspect([]byte(bad)); err == nil {
			t.Errorf("%q is a container", bad)
		}
	}
}

func FuzzParseInspect(f *testing.F) {
	f.Add([]byte(`[{"State":{"Pid":1},"NetworkSettings":{"Networks":{"podman":{"IPAddress":"10.88.0.2"}}}}]`))
	f.Fuzz(func(t *testing.T, text []byte) { parseInspect(text) }) // must end
}

// FuzzSaid reads what Podman says of runtimes and images.
func FuzzSaid(f *testing.F) {
	f.Add(`{"name":"crun","package":"crun_1.8.1-1+deb12u1_amd64","path":"/usr/bin/crun","version":"crun version 1.8.1\ncommit: f8a096be060b22ccd3d5f3ebe44108517fbf6c30\nspec: 1.0.0"}`)
	f.Add(`[{"Id":"8b5d","RepoDigests":["docker.io/library/redis@sha256:0"]}]`)
	f.Add("Error: no such image\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseRuntime(text); err == nil && strings.Contains(r.Version, "\n") {
			t.Errorf("a version of two lines: %q", r.Version)
		}
		parseImage(text)
		lastLine(text)
	})
}

func TestLastLine(t *testing.T) {
	if got := lastLine("time=x level=warning\nError: no such image\n"); got != "no such image" {
		t.Errorf("%q", got)
	}
}

func TestLimitsBelow(t *testing.T) {
	if got := strings.Join(limitsBelow(20000, 32768), " "); got != "--ulimit nofile=20000:20000 --ulimit nproc=32768:32768" {
		t.Errorf("%q", got)
	}
	if got := limitsBelow(1<<30, 32768); got != nil {
		t.Errorf("%q, and Podman's own are within the limits", got)
	}
}
