package netns

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Check reports why Create would not work here. It makes a pair in a network
// namespace that goes with its thread.
func Check() error {
	return tried(func(h *netlink.Handle) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = LinkName("check")
		if err := h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: inside}); err != nil {
			return fmt.Errorf("add a veth pair: %w", err)
		}
		return nil
	})
}
