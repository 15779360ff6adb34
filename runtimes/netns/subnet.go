package netns

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// subnetBits leaves two usable addresses: this side's and the sandbox's.
const subnetBits = 30

// pool is where the subnets come from: private (RFC 1918), and apart from the
// defaults of Docker (172.17.0.0/16 and up), Podman (10.88.0.0/16), CNI
// (10.244.0.0/16) and libvirt (192.168.122.0/24).
func pool() netip.Prefix { return netip.MustParsePrefix("10.200.0.0/16") }

// subnet is the network address of one pair.
type subnet netip.Addr

func (s subnet) host() netip.Addr    { return netip.Addr(s).Next() }
func (s subnet) sandbox() netip.Addr { return s.host().Next() }

// firstFree returns the first subnet of the pool that overlaps with none of
// the networks in use.
func firstFree(used []netip.Prefix) (subnet, error) {
	pool := pool()
	for a := pool.Addr(); pool.Contains(a); a = a.Next().Next().Next().Next() {
		p := netip.PrefixFrom(a, subnetBits)
		if !overlaps(p, used) {
			return subnet(a), nil
		}
	}
	return subnet{}, fmt.Errorf("no free /%d subnet is left in %s", subnetBits, pool)
}

func overlaps(p netip.Prefix, used []netip.Prefix) bool {
	for _, u := range used {
		if u.Overlaps(p) {
			return true
		}
	}
	return false
}

// freeSubnet looks at the addresses of this network namespace.
func freeSubnet(h *netlink.Handle) (subnet, error) {
	addrs, err := h.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return subnet{}, fmt.Errorf("list addresses: %w", err)
	}
	var used []netip.Prefix
	for _, a := range addrs {
		if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok {
			bits, _ := a.Mask.Size()
			used = append(used, netip.PrefixFrom(ip, bits).Masked())
		}
	}
	return firstFree(used)
}

// lock keeps two sandboxes that are being made at once, by whichever process,
// from choosing the same subnet. The kernel drops it with the file.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(Dir), "netns.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}
