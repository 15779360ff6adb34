package vm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/lab/wire"
)

// TestArchive has the format's reference implementation read what is written.
func TestArchive(t *testing.T) {
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		cpio = ""
	}
	var b bytes.Buffer
	a := newArchive(&b)
	a.dir("dev")
	a.device("dev/console", 5, 1)
	for _, content := range []string{"", "1", "12", "123", "1234"} { // every alignment
		a.file("f"+content, modeExec, int64(len(content)), strings.NewReader(content))
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if b.Len()%4 != 0 {
		t.Errorf("archive of %d bytes is not aligned", b.Len())
	}
	if !bytes.HasPrefix(b.Bytes(), []byte("070701")) || !bytes.Contains(b.Bytes(), []byte("TRAILER!!!")) {
		t.Error("neither a header nor a trailer")
	}
	if cpio == "" {
		t.Log("cpio is not installed: its opinion was not asked")
		return
	}
	cmd := exec.Command(cpio, "-itv", "--quiet")
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
	a := newArchive(new(bytes.Buffer))
	a.file("f", modeFile, 10, strings.NewReader("short"))
	if err := a.close(); err == nil {
		t.Error("a file that shrank while it was read is no error")
	}
}

func TestWriteInitramfs(t *testing.T) {
	dir := t.TempDir()
	agent, module := filepath.Join(dir, "agent"), filepath.Join(dir, "00-ext4.ko")
	for name, content := range map[string]string{agent: "the agent", module: "the module"} {
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "initramfs")
	if err := writeInitramfs(out, agent, []string{module}, wire.Config{Release: "6.12.0"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"init\x00", "the agent", "modules/00-ext4.ko\x00", "the module", `"modules":["00-ext4.ko"]`, "hapscope-lab.json\x00"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %q in the initramfs", want)
		}
	}
}

func TestCheckAgent(t *testing.T) {
	dynamic := "/bin/sh"
	if err := checkAgent(dynamic); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a dynamic binary gives %v", err)
	}
	if err := checkAgent("/etc/passwd"); err == nil {
		t.Error("a text file is taken for a binary")
	}
}
