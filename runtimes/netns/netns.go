package netns

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hapscope/runtimes/mount"
)

const (
	// Dir holds one bind mount for each namespace, like ip-netns(8)'s /run/netns.
	Dir = "/run/hapscope/netns"
	// linkPrefix starts the name of the host's end of every pair.
	linkPrefix = "hs"
	// inside is the name of the sandbox's end.
	inside = "eth0"
)

// Namespace is a network namespace with one way in.
type Namespace struct {
	Path    string     // bind mount that keeps the namespace alive
	Link    string     // this side's end of the pair
	Address netip.Addr // of the sandbox
	Gateway netip.Addr // this side's address
	Bits    int        // of the mask of both
}

// Create makes the namespace of a sandbox. On error nothing is left.
func Create(id string) (*Namespace, error) {
	n := &Namespace{Path: filepath.Join(Dir, id), Link: LinkName(id)}
	if err := os.MkdirAll(Dir, 0o755); err != nil {
		return nil, fmt.Errorf("create network namespace: %w", err)
	}
	unlock, err := lock()
	if err != nil {
		return nil, fmt.Errorf("create network namespace: %w", err)
	}
	defer unlock()
	if _, err := os.Lstat(n.Path); err == nil {
		return nil, fmt.Errorf("create network namespace %s: %w", id, fs.ErrExist)
	}
	if err := apart(n.create); err != nil {
		return nil, errors.Join(fmt.Errorf("create network namespace %s: %w", id, err), Remove(id))
	}
	return n, nil
}

// Remove removes the namespace of a sandbox and its pair. It is no error if
// there is none.
func Remove(id string) error {
	path := filepath.Join(Dir, id)
	errLink := RemoveLink(LinkName(id)) // its peer goes with it
	errPath := unpin(path)
	if err := errors.Join(errLink, errPath); err != nil {
		return fmt.Errorf("remove network namespace %s: %w", id, err)
	}
	return nil
}

// apart runs f on a thread of its own, which ends with it: a goroutine that
// returns without UnlockOSThread takes its thread along.
func apart(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// create runs apart. Sockets belong to the namespace in which they were made,
// so the handle to this side is opened first.
func (n *Namespace) create() error {
	outer, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer outer.Close()
	subnet, err := freeSubnet(outer)
	if err != nil {
		return err
	}
	n.Address, n.Gateway, n.Bits = subnet.sandbox(), subnet.host(), subnetBits
	if err := pin(n.Path); err != nil {
		return err
	}
	inner, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink inside: %w", err)
	}
	defer inner.Close()
	ns, err := os.Open(n.Path)
	if err != nil {
		return err
	}
	defer ns.Close()

	attrs := netlink.NewLinkAttrs()
	attrs.Name = n.Link
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: inside, PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	if err := outer.LinkAdd(pair); err != nil {
		return fmt.Errorf("add veth pair %s: %w", n.Link, err)
	}
	if err := up(inner, "lo", netip.Prefix{}); err != nil {
		return err
	}
	// This thread is inside, so is its view of /proc/sys/net.
	if err := noIPv6(inside); err != nil {
		return err
	}
	if err := up(inner, inside, netip.PrefixFrom(subnet.sandbox(), subnetBits)); err != nil {
		return err
	}
	if err := apart(func() error { return noIPv6(n.Link) }); err != nil {
		return err
	}
	return up(outer, n.Link, netip.PrefixFrom(subnet.host(), subnetBits))
}

// pin moves this thread into a new namespace and keeps it alive at path.
func pin(path string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare the network namespace: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind the network namespace to %s: %w", path, err)
	}
	return nil
}

// up gives a link its address and switches it on.
func up(h *netlink.Handle, name string, address netip.Prefix) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if address.IsValid() {
		a, err := netlink.ParseAddr(address.String())
		if err != nil {
			return err
		}
		if err := h.AddrAdd(link, a); err != nil {
			return fmt.Errorf("give %s the address %s: %w", name, address, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("switch %s on: %w", name, err)
	}
	return nil
}

// RemoveLink removes a link of this namespace. It is no error if there is none.
func RemoveLink(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	// The pair may vanish meanwhile, with the other end's namespace.
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove link %s: %w", name, err)
	}
	return nil
}

// unpin lets go of a namespace, which ends with its last process.
func unpin(path string) error {
	if err := mount.Remove(path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// LinkName makes a name of 14 characters (15 is the most, IFNAMSIZ) from an id of any
// length.
func LinkName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return linkPrefix + hex.EncodeToString(sum[:6])
}
