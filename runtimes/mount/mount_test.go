package mount

import (
	"slices"
	"testing"
)

// Captured in a lab VM with a sandbox of each kind alive; one path changed to
// hold a blank.
const captured = `22 1 0:20 / / rw,relatime - overlay o rw,lowerdir=/lower,upperdir=/mnt/u,workdir=/mnt/w,uuid=on
29 22 0:25 / /run rw,relatime shared:4 - tmpfs t rw,inode64
35 29 0:33 / /run/a\040b/rootfs rw,relatime - overlay hapscope-life-runc rw,lowerdir=/lab/rootfs,upperdir=/run/u,workdir=/run/w,uuid=on
41 29 0:4 net:[4026532266] /run/hapscope/oci/gvisor-systrap/null-netns rw - nsfs nsfs rw
`

func TestParse(t *testing.T) {
	want := []Point{
		{"/run/hapscope/oci/gvisor-systrap/null-netns", "nsfs", "nsfs"},
		{"/run/a b/rootfs", "overlay", "hapscope-life-runc"},
		{"/run", "tmpfs", "t"},
		{"/", "overlay", "o"},
	}
	if got := parse(captured + "a line that is none\n"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
