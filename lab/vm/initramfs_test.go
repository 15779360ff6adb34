package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/lab/wire"
)

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
