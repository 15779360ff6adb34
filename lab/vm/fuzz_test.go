package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConsole lets a guest write anything to its console: what is quoted of it moves no
// cursor.
func FuzzConsole(f *testing.F) {
	f.Add("\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS\r\n[    1.0] Kernel panic - not syncing: Fatal exception in interrupt\r\n")
	f.Add("\x1b]0;title\x07\x1b")
	f.Add("qemu: warning: TCG doesn't support requested feature: CPUID.01H:ECX.pcid [bit 17]\n")
	name := filepath.Join(f.TempDir(), "console")
	f.Fuzz(func(t *testing.T, said string) {
		if err := os.WriteFile(name, []byte(said), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, quoted := range []string{tail(name), lastLine(said)} {
			if strings.ContainsAny(quoted, "\x1b\x07\x00\r") {
				t.Errorf("%q is quoted as %q", said, quoted)
			}
		}
		complaints(said)
	})
}
