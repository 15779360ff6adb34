package netns

import (
	"net/netip"
	"testing"
)

func TestFirstFree(t *testing.T) {
	prefixes := func(s ...string) (out []netip.Prefix) {
		for _, p := range s {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	for name, c := range map[string]struct {
		used          []netip.Prefix
		host, sandbox string
	}{
		"none in use":            {nil, "10.200.0.1", "10.200.0.2"},
		"others do not matter":   {prefixes("127.0.0.0/8", "172.17.0.0/16"), "10.200.0.1", "10.200.0.2"},
		"two live sandboxes":     {prefixes("10.200.0.0/30", "10.200.0.4/30"), "10.200.0.9", "10.200.0.10"},
		"a gap is filled":        {prefixes("10.200.0.0/30", "10.200.0.8/30"), "10.200.0.5", "10.200.0.6"},
		"a larger network":       {prefixes("10.200.0.0/24"), "10.200.1.1", "10.200.1.2"},
		"a single address in it": {prefixes("10.200.0.3/32"), "10.200.0.5", "10.200.0.6"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := firstFree(c.used)
			if err != nil {
				t.Fatal(err)
			}
			if s.host().String() != c.host || s.sandbox().String() != c.sandbox {
				t.Errorf("got %s and %s, want %s and %s", s.host(), s.sandbox(), c.host, c.sandbox)
			}
		})
	}
	if s, err := firstFree(prefixes("10.0.0.0/8")); err == nil {
		t.Errorf("got %s from a pool that is all in use", s.host())
	}
}

func TestLinkName(t *testing.T) {
	a, b := LinkName("run-1-runc-redis-set-1"), LinkName("run-1-runc-redis-set-2")
	for _, n := range []string{a, b, LinkName("")} {
		if len(n) > 15 || !ours(n, "veth") {
			t.Errorf("link name %q is too long or not recognized", n)
		}
	}
	if a == b {
		t.Errorf("both ids have the link name %q", a)
	}
	for _, n := range []string{"hs0", "eth0", "hsi0a1b2c3d4e5f", a + "0"} {
		if ours(n, "veth") {
			t.Errorf("%q is taken for one of ours", n)
		}
	}
	if tap := ("tap" + a)[:15]; !ours(tap, "tuntap") || ours(tap, "veth") || ours("tap0", "tuntap") {
		t.Errorf("whether %q is one of ours depends on more than its name and kind", tap)
	}
	if ours(a, "bridge") {
		t.Error("a bridge is taken for one of ours")
	}
}
