// Package lefttest is for tests of what a runtime must not leave on a machine.
package lefttest

import (
	"os/exec"
	"testing"
)

// Nothing remembers what a shell script lists now. The function that it returns fails the
// test where that is something else then.
func Nothing(t *testing.T, script string) (check func()) {
	t.Helper()
	list := func() string {
		t.Helper()
		out, err := exec.Command("sh", "-c", script).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := list()
	return func() {
		t.Helper()
		if after := list(); after != before {
			t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
		}
	}
}
