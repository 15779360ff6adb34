package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// published are the variables of the environment that a bug report holds with their
// values. Whatever else begins as hapscope's do is named, and no more.
var published = []string{
	"HAPSCOPE_ACCEL", "HAPSCOPE_CACHE", "HAPSCOPE_CPUS", rootfsVariable,
	"GOOS", "GOARCH", "GOMAXPROCS", "GOTOOLCHAIN", "GODEBUG", "LANG", "LC_ALL", "TERM", "TZ",
}

// environment lists them, sorted.
func environment(env []string) string {
	var lines []string
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case slices.Contains(published, name):
			lines = append(lines, name+"="+value+"\n")
		case strings.HasPrefix(name, "HAPSCOPE_"):
			lines = append(lines, name+" is set\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// redactor blanks what nobody else is to read.
type redactor struct {
	secrets []replacement // wherever they stand
	words   []replacement // where they stand alone
}

type replacement struct{ old, new string }

var (
	// secretName are names of variables whose values nobody is to see.
	secretName = regexp.MustCompile(`(?i)token|secret|passw|passphrase|credential|auth|cookie|session|key`)
	// credentials are those in a URL (RFC 3986, 3.2.1).
	credentials = regexp.MustCompile(`(://)[^/@\s"']+@`)
	// homes are those of other users, such as that of who called sudo.
	homes = regexp.MustCompile(`/home/[^/\s"':,;)]+`)
)

// shortest is how long a secret is at least that is looked for in texts: shorter ones are
// words, and no secrets.
const shortest = 6

// newRedactor is one for this machine and this environment.
func newRedactor(env []string) *redactor {
	r := new(redactor)
	for _, e := range env {
		if name, value, _ := strings.Cut(e, "="); len(value) >= shortest && secretName.MatchString(name) && !slices.Contains(published, name) {
			r.secrets = append(r.secrets, replacement{value, "(value of " + name + ")"})
		}
	}
	// One may be part of another.
	slices.SortFunc(r.secrets, func(a, b replacement) int { return len(b.old) - len(a.old) })
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		r.words = append(r.words, replacement{strings.TrimSuffix(home, "/"), "~"})
	}
	if host, err := os.Hostname(); err == nil && host != "localhost" {
		short, _, dotted := strings.Cut(host, ".")
		if dotted {
			r.words = append(r.words, replacement{host, "HOST"})
		}
		r.words = append(r.words, replacement{short, "HOST"})
	}
	return r
}

// text is a text without them.
func (r *redactor) text(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret.old, secret.new)
		// As it stands in JSON.
		if quoted := fmt.Sprintf("%q", secret.old); quoted[1:len(quoted)-1] != secret.old {
			s = strings.ReplaceAll(s, quoted[1:len(quoted)-1], secret.new)
		}
	}
	s = credentials.ReplaceAllString(s, "${1}…@")
	for _, word := range r.words {
		s = replaceWord(s, word.old, word.new)
	}
	return homes.ReplaceAllString(s, "/home/USER")
}

// replaceWord replaces what is no part of a longer name: /root in /root/x, not in /rootfs.
func replaceWord(s, old, new string) string {
	if old == "" {
		return s
	}
	part := func(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(s[from:], old)
		if i < 0 {
			b.WriteString(s[from:])
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(s[:from+i])
		after, _ := utf8.DecodeRuneInString(s[from+i+len(old):])
		b.WriteString(s[from : from+i])
		if part(before) || part(after) {
			b.WriteString(old)
		} else {
			b.WriteString(new)
		}
		from += i + len(old)
	}
}
