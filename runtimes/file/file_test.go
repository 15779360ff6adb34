package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	if got := Tail(path); got != "" {
		t.Errorf("got %q from a file that is not there", got)
	}
	line := strings.Repeat("x", 99) + "\n"
	for content, want := range map[string]string{
		"":                                "",
		"one\ntwo\n":                      "one\ntwo",
		strings.Repeat(line, 100) + "end": strings.TrimSpace(strings.Repeat(line, 40) + "end"),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Tail(path); got != want {
			t.Errorf("got %d bytes %.200q, want %d", len(got), got, len(want))
		}
	}
}
