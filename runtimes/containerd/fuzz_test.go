package containerd

import "testing"

// FuzzSaid reads what shims and containerds print.
func FuzzSaid(f *testing.F) {
	f.Add("unix:///run/containerd/s/0a1b\n")
	f.Add(`{"version":3,"address":"unix:///run/containerd/s/0a1b","protocol":"ttrpc"}`)
	f.Add("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+b4\n")
	f.Add("v99999999999999999999.1.0")
	f.Fuzz(func(t *testing.T, out string) {
		addressIn([]byte(out))
		oldEnough(out)
	})
}
