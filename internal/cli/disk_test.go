package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hapscope/internal/testdisk"
	"hapscope/internal/testrecord"
)

// Where nothing can be written that is said, with the file's name, and what only reads works.
func TestReadOnlyOutput(t *testing.T) {
	disk := testdisk.New(t, "4m")
	run := filepath.Join(disk, "run")
	testrecord.Write(t, run)
	testdisk.ReadOnly(t, disk)
	scenarios, err := os.ReadFile("../../scenarios.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run", "smoke", "--where", "lab", "--out", filepath.Join(disk, "new")}, exitUsage, filepath.Join(disk, "new") + ": read-only file system"},
		{[]string{"run", "--resume", run}, exitUsage, "lock: read-only file system"},
		{[]string{"report", run, "-o", "html=" + filepath.Join(disk, "r.html")}, exitError, "write html report: open " + filepath.Join(disk, ".r.html-")},
		{[]string{"report", run}, exitOK, "steady state"},
	} {
		var out bytes.Buffer
		if code := Main(test.args, scenarios, strings.NewReader(""), &out, &out); code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("%v: code %d, want %d with %q:\n%.2000s", test.args, code, test.code, test.want, out.String())
		}
	}
}

// A report that does not fit onto the disk leaves the one before, and nothing else.
func TestFullDiskKeepsTheReport(t *testing.T) {
	disk := testdisk.New(t, "1m")
	path := filepath.Join(disk, "report.html")
	large := func(w io.Writer) error { _, err := w.Write(make([]byte, 100_000)); return err }
	if err := writeWhole(path, func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	free := testdisk.Fill(t, disk)
	if err := writeWhole(path, large); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("err = %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("the report is %q, %v", b, err)
	}
	free()
	// One of a process that was killed, one of a process that is alive, and somebody's own.
	for name, stays := range map[string]bool{fmt.Sprintf(".report.html-%d-1", 1<<22+1): false, ".report.html-1-2": true, ".report.html-mine": true} {
		left := filepath.Join(disk, name)
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writeWhole(path, large); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(left); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(disk, ".report.html-*")); len(left) != 2 {
		t.Errorf("temporary files: %v", left)
	}
}

// A baseline that does not fit onto the disk leaves the one that it was to replace.
func TestFullDiskKeepsTheBaseline(t *testing.T) {
	disk, run := testdisk.New(t, "8m"), filepath.Join(t.TempDir(), "run")
	rec := testrecord.New()
	rec.Results = rec.Results[:1] // every line is synced to the disk
	testrecord.WriteRecord(t, run, rec)
	do := func(code int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := Main(append([]string{"baseline"}, append(args, "--dir", disk)...), nil, strings.NewReader(""), &out, &out); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: code %d, want %d with %q:\n%.2000s", args, got, code, want, out.String())
		}
	}
	do(exitOK, "", "save", "main", run, "--why", "the first")
	free := testdisk.Fill(t, disk)
	do(exitError, "no space left on device", "save", "main", run, "--why", "the second", "--replace")
	do(exitOK, "the first", "show", "main")
	if left, _ := filepath.Glob(filepath.Join(disk, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	free()
	do(exitOK, "", "save", "main", run, "--why", "the second", "--replace")
	do(exitOK, "the second", "show", "main")
}
