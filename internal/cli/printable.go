package cli

import (
	"fmt"
	"io"
	"strings"
)

// printable shows text without what a terminal would obey: the last words of a sandbox,
// or a record of somebody else's, may hold sequences that change a screen, its title or
// what seems to stand on it. They are shown as a Go string has them, such as \x1b.
type printable struct{ w io.Writer }

func (p *printable) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.w, plainText(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// plainText is text without control characters other than the end of a line and the
// tabulator, and without those that change the direction of what follows.
func plainText(text string) string {
	if strings.IndexFunc(text, obeyed) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !obeyed(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func obeyed(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 // bidi embeddings, overrides, isolates
}

// text is standard output for what people read.
func (a *app) text() io.Writer { return &printable{a.stdout} }
