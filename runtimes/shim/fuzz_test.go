package shim

import "testing"

// FuzzParseVersion reads what shims of Kata 1, 2 and 3 print.
func FuzzParseVersion(f *testing.F) {
	f.Add("Kata Containers containerd shim: id: \"io.containerd.kata.v2\", version: 1.13.0-alpha0, commit: \n")
	f.Add("Kata Containers containerd shim (Golang): id: \"io.containerd.kata.v2\", version: 3.1.0, commit: 0a1b\n")
	f.Add("Kata Containers containerd shim (Rust): id: io.containerd.kata.v2, version: 3.2.0, commit: 0a1b\n")
	f.Add("version: 99999999999999999999.1")
	f.Fuzz(func(t *testing.T, out string) {
		if v, err := parseVersion(out); err == nil && (v.Generation < 1 || v.Number == "") {
			t.Errorf("%q: %+v", out, v)
		}
	})
}
