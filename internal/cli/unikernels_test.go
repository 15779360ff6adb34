package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/lab/vm"
	"hapscope/record"
	"hapscope/runtimes"
)

func TestUnikernelShares(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/b", "c"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(root, name) }
	u := unikernels{
		"nabla-raw":       {"redis-set": {Image: at("a/b/redis"), Disk: at("a/redis.img")}},
		"nabla-container": {"redis-set": {Image: at("a/b/redis.nabla"), Disk: at("c")}, "redis-get": {Image: at("none/redis.nabla")}},
	}
	got := slices.DeleteFunc(u.shares(), func(s vm.Share) bool { return !strings.HasPrefix(s.Host, root) }) // this machine may have runnc
	if want := []vm.Share{{Host: at("a"), Guest: at("a")}, {Host: at("c"), Guest: at("c")}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := unikernels(nil).shares(); got != nil {
		t.Errorf("without unikernels %v is shared", got)
	}
}

func TestUnikernelNeeds(t *testing.T) {
	for _, r := range allRuntimes(record.Plan{}, "") {
		reqs := unikernels{r.Variant(): {"redis-get": record.Unikernel{Image: "/nowhere"}}}.needs(r)
		if runtimes.UnikernelsOf(r) == nil {
			if reqs != nil {
				t.Errorf("%s needs %v", r.Variant(), reqs)
			}
			continue
		}
		if len(reqs) != 2 || reqs[0].Met || reqs[1].Met || reqs[0].Name != "unikernel for redis-get" ||
			reqs[1].Name != "unikernel for redis-set, python-tornado, node-express" || !strings.Contains(reqs[1].Remedy, "github.com/") {
			t.Errorf("%s needs %+v", r.Variant(), reqs)
		}
	}
}
