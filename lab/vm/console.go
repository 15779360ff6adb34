package vm

import (
	"fmt"
	"io"
	"os"
	"strings"
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
	text := strings.ReplaceAll(string(b[:n]), "\r", "")
	if start > 0 {
		if _, rest, ok := strings.Cut(text, "\n"); ok {
			text = rest
		}
	}
	return strings.TrimSpace(text)
}

// lastLine is the last line that says something.
func lastLine(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); l != "" {
			return l
		}
	}
	return ""
}
