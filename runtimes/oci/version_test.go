package oci

import (
	"os"
	"testing"
)

// The output of the programs in Debian 13, and of a runsc built as a Go module.
func TestParseVersion(t *testing.T) {
	for file, want := range map[string]string{
		"runc.txt":  "1.1.15+ds1",
		"crun.txt":  "1.21",
		"runsc.txt": unstamped,
	} {
		output, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseVersion(string(output)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
	for _, output := range []string{"", "runc", "bash: runc: command not found\n", "unknown flag --version"} {
		if got, err := parseVersion(output); err == nil {
			t.Errorf("%q: got version %q", output, got)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, file := range []string{"runc.txt", "crun.txt", "runsc.txt"} {
		output, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(output))
	}
	f.Fuzz(func(t *testing.T, output string) {
		if v, err := parseVersion(output); (v == "") != (err != nil) {
			t.Errorf("%q: version %q, %v", output, v, err)
		}
	})
}
