//go:build lab

package netns

import (
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestLife(t *testing.T) {
	before := links(t)
	var spaces []*Namespace
	for i := range 3 {
		n, err := Create(fmt.Sprintf("netns-test-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		spaces = append(spaces, n)
	}
	for i, n := range spaces {
		if i > 0 && n.Address == spaces[i-1].Address {
			t.Errorf("two namespaces have the address %s", n.Address)
		}
		answer(t, n)
	}
	if _, err := Create("netns-test-0"); err == nil {
		t.Error("a namespace was made twice")
	}
	answer(t, spaces[0]) // still there after the refusal

	for i := range spaces[:2] {
		for range 2 { // the second finds nothing
			if err := Remove(fmt.Sprintf("netns-test-%d", i)); err != nil {
				t.Error(err)
			}
		}
	}
	removed, err := Sweep()
	if err != nil || len(removed) != 2 {
		t.Errorf("Sweep = %v, %v, want a pair and a namespace", removed, err)
	}
	if removed, err := Sweep(); err != nil || len(removed) != 0 {
		t.Errorf("second Sweep = %v, %v", removed, err)
	}
	if after := links(t); !slices.Equal(before, after) {
		t.Errorf("links %v became %v", before, after)
	}
	if left, _ := os.ReadDir(Dir); len(left) != 0 {
		t.Errorf("%s still holds %v", Dir, left)
	}
}

func TestCheck(t *testing.T) {
	if err := Check(); err != nil {
		t.Error(err)
	}
}

// answer makes a server inside and talks to it from here.
func answer(t *testing.T, n *Namespace) {
	t.Helper()
	var l net.Listener
	err := apart(func() error {
		ns, err := os.Open(n.Path)
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		l, err = net.Listen("tcp", n.Address.String()+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Write([]byte("here"))
			c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 4)
	if _, err := c.Read(b); err != nil || string(b) != "here" {
		t.Errorf("read %q, %v from %s", b, err, n.Address)
	}
}

func links(t *testing.T) (names []string) {
	t.Helper()
	ls, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range ls {
		names = append(names, l.Attrs().Name)
	}
	return names
}
