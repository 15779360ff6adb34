package vm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	name := filepath.Join(t.TempDir(), "console")
	text := strings.Repeat("an early line\r\n", 1000) + "\x1bc\x1b[?7l\x1b[2J\x1b[0mKernel panic\r\n"
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := tail(name)
	if !strings.HasSuffix(got, "\nKernel panic") || strings.ContainsAny(got, "\r\x1b") || len(got) > tailSize {
		t.Errorf("tail is %q", got)
	}
	if !strings.HasPrefix(got, "an early line\n") {
		t.Error("tail does not start with a whole line")
	}
	if got := tail(name + ".not"); !strings.Contains(got, "not readable") {
		t.Errorf("a missing console gives %q", got)
	}
}

func TestComplaints(t *testing.T) {
	// Captured from QEMU 10.0.
	said := "qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.80000001H:ECX.osvw [bit 9]\n" +
		"qemu-system-x86_64: -m 99999999: cannot set up guest memory 'pc.ram': Cannot allocate memory\n"
	if got := complaints(said); strings.Contains(got, "TCG") || !strings.Contains(got, "Cannot allocate memory") {
		t.Errorf("got %q", got)
	}
}

func TestDiedError(t *testing.T) {
	err := error(&DiedError{When: "running sh", Cause: "QEMU ended", Console: "a\nb"})
	if !errors.Is(err, ErrDied) {
		t.Error("errors.Is does not know it")
	}
	if want := "the lab VM died while running sh: QEMU ended\nits console ended with:\n  a\n  b"; err.Error() != want {
		t.Errorf("got %q", err)
	}
	panicked := &DiedError{Console: "[  628.707588] Kernel panic - not syncing: corrupted stack end detected inside scheduler"}
	if !panicked.Panicked() || (&DiedError{Console: "a"}).Panicked() {
		t.Error("a panic is not told from another end")
	}
}
