package machine

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// FuzzTexts reads what the kernel says of itself. Parameters whose name speaks of a secret
// lose their value.
func FuzzTexts(f *testing.F) {
	for _, name := range []string{"/proc/cmdline", "/proc/modules", "/proc/cpuinfo"} {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(string(b[:min(len(b), 4000)]))
		}
	}
	f.Add("quiet iscsi_password=abc ro API_KEY=d=e")
	f.Fuzz(func(t *testing.T, text string) {
		if names := modules(text); !slices.IsSorted(names) {
			t.Errorf("%q: %v", text, names)
		}
		hypervisorFlag(text)
		for word := range strings.FieldsSeq(withoutSecrets(text)) {
			name, value, ok := strings.Cut(word, "=")
			if ok && strings.Contains(strings.ToLower(name), "password") && value != "(not" {
				t.Errorf("%q: %q is left", text, word)
			}
		}
	})
}
