package image

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// fake is a component whose build is a function.
func fake(inputs string, build func(dir string) error) component {
	return component{name: Userland, inputs: inputs, about: "fake", build: func(_ context.Context, dir string) error { return build(dir) }}
}

func write(name string) func(string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644) }
}

func TestKey(t *testing.T) {
	keyOf := func(c component) string {
		t.Helper()
		k, err := c.key()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := keyOf(userland("trixie"))
	if len(base) != 12 || base != keyOf(userland("trixie")) {
		t.Errorf("key %q is not stable", base)
	}
	if base == keyOf(userland("bookworm")) {
		t.Error("the suite is not part of the key")
	}
	if keyOf(rootfs(Workloads, "trixie", []string{"a"})) == keyOf(rootfs(Workloads, "trixie", []string{"a", "b"})) {
		t.Error("the packages are not part of the key")
	}
	if keyOf(kernel("trixie")) == base {
		t.Error("two components have one key")
	}
	mod := toolsInputs{1, "go1.26.8", "m", "s"}
	for _, other := range []toolsInputs{{2, "go1.26.8", "m", "s"}, {1, "go1.27", "m", "s"}, {1, "go1.26.8", "n", "s"}, {1, "go1.26.8", "m", "t"}} {
		if keyOf(component{name: Tools, inputs: mod}) == keyOf(component{name: Tools, inputs: other}) {
			t.Errorf("%+v has the key of %+v", other, mod)
		}
	}
}

func TestPackagesAreASet(t *testing.T) {
	a, err := Options{CacheDir: "/c", WorkloadPackages: []string{"b", "a", "b"}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(a.WorkloadPackages, " ") != "a b" || a.Suite != "trixie" || a.KernelSuite != "trixie" {
		t.Errorf("got %+v", a)
	}
	if _, err := components(Options{Suite: "trixie; rm", KernelSuite: "trixie"}); err == nil {
		t.Error("any text is taken for a suite")
	}
}

func TestEnsureBuildsOnce(t *testing.T) {
	s := store{t.TempDir()}
	var builds atomic.Int32
	c := fake("a", func(dir string) error {
		builds.Add(1)
		return write("image")(dir)
	})
	var said bytes.Buffer
	keys := make([]string, 8)
	var group sync.WaitGroup
	progress := &lines{w: &said}
	for i := range keys {
		group.Go(func() {
			var err error
			if keys[i], err = s.ensure(t.Context(), c, progress); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if builds.Load() != 1 {
		t.Errorf("built %d times", builds.Load())
	}
	if _, err := os.Stat(filepath.Join(s.path(Userland, keys[7]), "image")); err != nil {
		t.Error(err)
	}
	if strings.Count(said.String(), "lab: building userland") != 1 || !strings.Contains(said.String(), "lab: built userland") {
		t.Errorf("said %q", said.String())
	}
	if st := s.status(Userland, keys[0]); !st.Built || st.InUse || st.BuiltAt.IsZero() || st.Bytes == 0 {
		t.Errorf("status %+v", st)
	}
}

func TestWaiterSaysSo(t *testing.T) {
	s := store{t.TempDir()}
	c := fake("a", write("image"))
	key, err := c.key()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := tryLock(s.lockName(Userland, key), unix.LOCK_EX) // somebody builds
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		_, err := s.ensure(t.Context(), c, writerFunc(func(b []byte) (int, error) {
			select {
			case said <- string(b):
			default:
			}
			return len(b), nil
		}))
		done <- err
	}()
	if line := <-said; !strings.Contains(line, "waiting") {
		t.Errorf("said %q", line)
	}
	lock.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestFailedBuildLeavesNothing(t *testing.T) {
	s := store{t.TempDir()}
	broken := errors.New("no space")
	c := fake("a", func(dir string) error {
		if err := write("half")(dir); err != nil {
			return err
		}
		return broken
	})
	key, err := s.ensure(t.Context(), c, io.Discard)
	if !errors.Is(err, broken) || key != "" {
		t.Fatalf("got %q, %v", key, err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		if !strings.HasSuffix(l, ".lock") {
			t.Errorf("%s is left", l)
		}
	}
	c.build = func(_ context.Context, dir string) error { return write("image")(dir) }
	if _, err := s.ensure(t.Context(), c, io.Discard); err != nil {
		t.Errorf("a second try gives %v", err)
	}
}

func TestHalfBuiltEntryIsNotUsed(t *testing.T) {
	s := store{t.TempDir()}
	c := fake("a", write("image"))
	key, err := c.key()
	if err != nil {
		t.Fatal(err)
	}
	// What builders leave when they are killed: one of this key, one of another.
	for _, k := range []string{key, "0123456789ab"} {
		dir := filepath.Join(s.dir, Userland, tempPrefix+k+"-77")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := write("half")(dir); err != nil {
			t.Fatal(err)
		}
	}
	if s.has(Userland, key) {
		t.Fatal("a half-built entry is taken for a whole one")
	}
	if _, err := s.ensure(t.Context(), c, io.Discard); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, Userland, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("not swept: %v", left)
	}
}

func TestSweepSparesBuilders(t *testing.T) {
	s := store{t.TempDir()}
	const other = "0123456789ab"
	dir := filepath.Join(s.dir, Userland, tempPrefix+other+"-77")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := tryLock(s.lockName(Userland, other), unix.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	s.sweep(Userland, "another key")
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a builder lost its directory: %v", err)
	}
}

func TestCancelledBuild(t *testing.T) {
	s := store{t.TempDir()}
	ctx, cancel := context.WithCancel(t.Context())
	c := fake("a", func(string) error { cancel(); return errors.New("signal: terminated") })
	if _, err := s.ensure(ctx, c, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCleanSparesWhatIsHeld(t *testing.T) {
	cache := t.TempDir()
	s := newStore(Options{CacheDir: cache})
	held, err := s.ensure(t.Context(), fake("held", write("image")), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	idle, err := s.ensure(t.Context(), fake("idle", write("image")), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	set := &Set{CacheDir: cache, Keys: map[string]string{Userland: held}}
	release, others, err := set.Hold()
	if err != nil || others {
		t.Fatalf("hold: %v, others %t", err, others)
	}
	_, others, err = set.Hold() // a second machine, which is never released
	if err != nil || !others {
		t.Errorf("a second hold: %v, others %t", err, others)
	}
	cleaned, err := Clean(Options{CacheDir: cache}, true)
	if err != nil {
		t.Fatal(err)
	}
	inUse := map[string]bool{}
	for _, c := range cleaned {
		inUse[c.Key] = c.InUse
	}
	if !inUse[held] || inUse[idle] || !s.has(Userland, held) || s.has(Userland, idle) {
		t.Errorf("cleaned %+v", cleaned)
	}
	release()
}

func TestCleanKeepsWhatIsWanted(t *testing.T) {
	cache := t.TempDir()
	s := newStore(Options{CacheDir: cache})
	key, err := kernel("bookworm").key() // the second kernel is wanted as well
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.path(Kernel, key), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.path(Kernel, "0123456789ab"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Clean(Options{CacheDir: cache}, false); err != nil {
		t.Fatal(err)
	}
	if !s.has(Kernel, key) || s.has(Kernel, "0123456789ab") {
		t.Error("clean does not tell what is wanted from what is not")
	}
	st, err := Status(Options{CacheDir: cache})
	if err != nil || len(st) != 3 {
		t.Errorf("status of three components: %+v, %v", st, err)
	}
}

func TestHoldMissingEntry(t *testing.T) {
	set := &Set{CacheDir: t.TempDir(), Keys: map[string]string{Userland: "0123456789ab"}}
	if _, _, err := set.Hold(); err == nil {
		t.Error("an entry that is gone can be held")
	}
}
