package netns

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// Tap is the name of the tap that AddTap makes.
	Tap    = "tap0"
	bridge = "br0"
)

// AddTap adds a tap to the namespace, for a program that brings its own network
// stack. A bridge joins it to the pair, whose end gives its address up: from then on
// the address is the program's. This is the network that runnc makes, too.
func (n *Namespace) AddTap() error {
	if err := n.inside(func(h *netlink.Handle) error { return n.addTap(h) }); err != nil {
		return fmt.Errorf("add a tap to %s: %w", n.Path, err)
	}
	return nil
}

func (n *Namespace) addTap(h *netlink.Handle) error {
	if err := h.LinkAdd(newTap(Tap)); err != nil {
		return fmt.Errorf("add %s: %w", Tap, err)
	}
	end, err := h.LinkByName(inside)
	if err != nil {
		return fmt.Errorf("find link %s: %w", inside, err)
	}
	address, err := netlink.ParseAddr(netip.PrefixFrom(n.Address, n.Bits).String())
	if err != nil {
		return err
	}
	if err := h.AddrDel(end, address); err != nil {
		return fmt.Errorf("take its address from %s: %w", inside, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridge
	br := &netlink.Bridge{LinkAttrs: attrs}
	if err := h.LinkAdd(br); err != nil {
		return fmt.Errorf("add bridge %s: %w", bridge, err)
	}
	for _, name := range []string{inside, Tap} {
		port, err := h.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find link %s: %w", name, err)
		}
		if err := h.LinkSetMaster(port, br); err != nil {
			return fmt.Errorf("put %s on bridge %s: %w", name, bridge, err)
		}
	}
	for _, name := range []string{Tap, bridge} {
		if err := noIPv6(name); err != nil {
			return err
		}
		if err := up(h, name, netip.Prefix{}); err != nil {
			return err
		}
	}
	return nil
}

// newTap is a tap that stays when nobody has it open.
func newTap(name string) *netlink.Tuntap {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return &netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP}
}

// AddGateway makes this side the way to everywhere else.
func (n *Namespace) AddGateway() error {
	err := n.inside(func(h *netlink.Handle) error {
		end, err := h.LinkByName(inside)
		if err != nil {
			return err
		}
		return h.RouteAdd(&netlink.Route{LinkIndex: end.Attrs().Index, Gw: n.Gateway.AsSlice()})
	})
	if err != nil {
		return fmt.Errorf("add the route to %s in %s: %w", n.Gateway, n.Path, err)
	}
	return nil
}

// inside runs f on a thread in the namespace.
func (n *Namespace) inside(f func(*netlink.Handle) error) error {
	return entered(func() error { return setns(n.Path) }, f)
}

// tried runs f in a namespace that goes with its thread, to see whether it can be done.
func tried(f func(*netlink.Handle) error) error {
	return entered(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare the network namespace: %w", err)
		}
		return nil
	}, f)
}

// entered runs f on a thread of its own that has entered a namespace.
func entered(enter func() error, f func(*netlink.Handle) error) error {
	return apart(func() error {
		if err := enter(); err != nil {
			return err
		}
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink: %w", err)
		}
		defer h.Close()
		return f(h)
	})
}

// Do runs f, which is to start a program, while the calling thread is in the
// namespace. It is for programs that cannot be told a namespace and must be forked by
// this thread, because it is followed. A thread that finds no way back is of no use to
// anybody: the program ends.
func (n *Namespace) Do(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	if err := setns(n.Path); err != nil {
		return err
	}
	err = f()
	if e := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); e != nil {
		panic(fmt.Sprintf("return to the network namespace of this thread: %v", e))
	}
	return err
}

func setns(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network namespace %s: %w", path, err)
	}
	return nil
}

// CheckTap reports why AddTap would not work here. It makes a tap and a bridge in a
// network namespace that goes with its thread.
func CheckTap() error {
	return tried(func(h *netlink.Handle) error {
		if err := h.LinkAdd(newTap(Tap)); err != nil {
			return fmt.Errorf("add a tap: %w", err)
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = bridge
		err := h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
		if err != nil {
			err = fmt.Errorf("add a bridge: %w", err)
		}
		tap, findErr := h.LinkByName(Tap)
		if findErr != nil {
			return errors.Join(err, findErr)
		}
		return errors.Join(err, h.LinkDel(tap))
	})
}
