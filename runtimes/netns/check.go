package netns

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Check reports why Create would not work here. It makes a pair in a network
// namespace that goes with its thread.
func Check() error {
	return apart(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare the network namespace: %w", err)
		}
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink: %w", err)
		}
		defer h.Close()
		attrs := netlink.NewLinkAttrs()
		attrs.Name = LinkName("check")
		if err := h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: inside}); err != nil {
			return fmt.Errorf("add a veth pair: %w", err)
		}
		return nil
	})
}
