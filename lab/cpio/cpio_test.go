package cpio

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestArchive has the format's reference implementation read what is written.
func TestArchive(t *testing.T) {
	program, err := exec.LookPath("cpio")
	if err != nil {
		program = ""
	}
	var b bytes.Buffer
	a := New(&b)
	a.Dir("dev")
	a.Device("dev/console", 5, 1)
	for _, content := range []string{"", "1", "12", "123", "1234"} { // every alignment
		a.File("f"+content, ModeExec, int64(len(content)), strings.NewReader(content))
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len()%4 != 0 {
		t.Errorf("archive of %d bytes is not aligned", b.Len())
	}
	if !bytes.HasPrefix(b.Bytes(), []byte("070701")) || !bytes.Contains(b.Bytes(), []byte("TRAILER!!!")) {
		t.Error("neither a header nor a trailer")
	}
	if program == "" {
		t.Log("cpio is not installed: its opinion was not asked")
		return
	}
	cmd := exec.Command(program, "-itv", "--quiet")
	cmd.Stdin = bytes.NewReader(b.Bytes())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cpio refuses the archive: %v\n%s", err, out)
	}
	for _, want := range []string{"drwxr-xr-x", "dev/console", "5,", "-rwxr-xr-x", "f1234"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("cpio lists no %q:\n%s", want, out)
		}
	}
}

func TestArchiveShortFile(t *testing.T) {
	a := New(new(bytes.Buffer))
	a.File("f", ModeFile, 10, strings.NewReader("short"))
	if err := a.Close(); err == nil {
		t.Error("a file that shrank while it was read is no error")
	}
}
