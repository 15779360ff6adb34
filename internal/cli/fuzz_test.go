package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRedact: whatever stands around a secret, it does not get out.
func FuzzRedact(f *testing.F) {
	const secret = "s3cr3t-value"
	f.Add("pulled with ", " from https://me:pw@registry.test/x")
	f.Add("://", "@")
	f.Add("/root/", "/home/x")
	f.Fuzz(func(t *testing.T, before, after string) {
		r := newRedactor([]string{"API_TOKEN=" + secret, "PATH=/bin"})
		if got := r.text(before + secret + after); strings.Contains(got, secret) {
			t.Errorf("%q is left in %q", secret, got)
		}
	})
}

// FuzzPlainText: what is shown is text, and text stays as it is.
func FuzzPlainText(f *testing.F) {
	f.Add("a\x1b[2J\u009b\u202e\n")
	f.Add("\xff\x1b")
	f.Fuzz(func(t *testing.T, in string) {
		got := plainText(in)
		if strings.IndexFunc(got, obeyed) >= 0 {
			t.Errorf("%q is shown as %q", in, got)
		}
		if utf8.ValidString(in) && strings.IndexFunc(in, obeyed) < 0 && got != in {
			t.Errorf("%q became %q", in, got)
		}
	})
}
