package vm

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// tailSize is how much of the console an error quotes: a panic with its trace.
const tailSize = 4 << 10

// tail is the end of the console, in whole lines and without carriage returns.
func tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Sprintf("(console not readable: %v)", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Sprintf("(console not readable: %v)", err)
	}
	start := max(0, size-tailSize)
	b := make([]byte, size-start)
	n, _ := f.ReadAt(b, start)
	text := plain(string(b[:n]))
	if start > 0 {
		if _, rest, ok := strings.Cut(text, "\n"); ok {
			text = rest
		}
	}
	return strings.TrimSpace(text)
}

// lastLine is the last line that says something.
func lastLine(text string) string {
	lines := strings.Split(plain(text), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); l != "" {
			return l
		}
	}
	return ""
}

// escapes are what the firmware clears the screen with.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[A-Za-z]|.)")

// plain is the text without what only a terminal understands. What is no known escape,
// or only a part of one, loses its control characters.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && c != '\t' && unicode.IsControl(c) {
			return -1
		}
		return c
	}, escapes.ReplaceAllString(text, ""))
}

// unwanted are QEMU's notes that TCG lacks features of the CPU model: known, and
// in the way of what matters.
const unwanted = "TCG doesn't support requested feature"

// complaints is what QEMU said, without those notes.
func complaints(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, unwanted) {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}
