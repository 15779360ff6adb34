package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Sweep removes all namespaces and pairs that Create has ever made here, and
// returns one line for each.
func Sweep() (removed []string, err error) {
	links, errLinks := netlink.LinkList()
	for _, l := range links {
		name := l.Attrs().Name
		if !ours(name, l.Type()) {
			continue
		}
		if err := RemoveLink(name); err != nil {
			errLinks = errors.Join(errLinks, err)
			continue
		}
		removed = append(removed, l.Type()+" "+name)
	}
	entries, errDir := os.ReadDir(Dir)
	if errors.Is(errDir, fs.ErrNotExist) {
		errDir = nil
	}
	for _, e := range entries {
		path := filepath.Join(Dir, e.Name())
		if err := unpin(path); err != nil {
			errDir = errors.Join(errDir, err)
			continue
		}
		removed = append(removed, "network namespace "+path)
	}
	if err := errors.Join(errLinks, errDir); err != nil {
		return removed, fmt.Errorf("sweep network namespaces: %w", err)
	}
	return removed, nil
}

// ours recognizes a name that LinkName made, and that of a tap that runnc has made of one.
func ours(name, kind string) bool {
	name, isTap := strings.CutPrefix(name, "tap")
	rest, ok := strings.CutPrefix(name, linkPrefix)
	length := len(LinkName(""))
	if isTap {
		length = unix.IFNAMSIZ - 1 - len("tap")
	}
	return ok && kind == map[bool]string{false: "veth", true: "tuntap"}[isTap] && len(name) == length && strings.Trim(rest, "0123456789abcdef") == ""
}
