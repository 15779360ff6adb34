package oci

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCheckID(t *testing.T) {
	for id, ok := range map[string]bool{
		"hs-1-runc-redis-set-1": true, "a": true, "": false, "-x": false, "..": false, "a/b": false, "A": false, "a b": false,
	} {
		if err := checkID(id); (err == nil) != ok {
			t.Errorf("checkID(%q) = %v", id, err)
		}
	}
}

// The names are those that the runtimes' versions in the lab leave in their
// state directories.
func TestStateOf(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "a_sandbox:a.state", "a_sandbox:a.lock", "runsc-a.sock", "a-2", "a-2_sandbox:a-2.state", "runsc-a-2.sock", ".cache", "null-netns"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, path := range stateOf(root, "a") {
		got = append(got, filepath.Base(path))
	}
	if want := []string{"a", "a_sandbox:a.lock", "a_sandbox:a.state", "runsc-a.sock"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := stateOf(filepath.Join(root, "absent"), "a"); got != nil {
		t.Errorf("got %v from a directory that is not there", got)
	}
}

func TestUsesRoot(t *testing.T) {
	for line, want := range map[string]bool{
		"runc --root /run/hapscope/oci/runc create x":            true,
		"runsc-sandbox --root=/run/hapscope/oci/gvisor-kvm boot": true,
		"runc --root /run/hapscope/ocicle create x":              false,
		"runc --root /run/containerd/runc create x":              false,
		"vi /run/hapscope/oci/runc":                              false,
		"runc --root":                                            false,
		"":                                                       false,
	} {
		if got := usesRoot(strings.Fields(line), stateDir); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}

func TestFlavours(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Flavours() {
		if f.Variant == "" || f.Runtime == "" || f.Binary == "" || f.Remedy == "" || seen[f.Variant] {
			t.Errorf("incomplete or twice: %+v", f)
		}
		seen[f.Variant] = true
	}
}
