//go:build lab

package oci

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hapscope/record"
	"hapscope/runtimes"
)

// each runs a test for one variant of each program: the platforms of gVisor
// fail alike.
func each(t *testing.T, f func(*testing.T, Flavour)) {
	for _, flavour := range Flavours() {
		switch flavour.Variant {
		case "runc", "crun", "gvisor-systrap":
			t.Run(flavour.Variant, func(t *testing.T) { f(t, flavour) })
		}
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A process that ends at once: Running says so and shows its last words.
func TestProcessThatEnds(t *testing.T) {
	each(t, func(t *testing.T, f Flavour) {
		ctx, before := limited(t), traces(t)
		p := record.Process{Args: []string{"/bin/sh", "-c", "echo bad luck >&2; exit 3"}, Env: []string{"PATH=/bin"}}
		box, err := New(f, Options{}).Create(ctx, newSpec(t, "ends-"+f.Variant, p))
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Start(ctx); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; err = box.Running(ctx) {
			if ctx.Err() != nil {
				t.Fatal("it is said to run")
			}
			time.Sleep(20 * time.Millisecond)
		}
		if !strings.Contains(err.Error(), "has ended") || !strings.Contains(err.Error(), "bad luck") {
			t.Errorf("Running = %v", err)
		}
		deleted(t, ctx, box, before)
	})
}

// A program that is not in the image: some runtimes say so at create, others
// at start. Either way nothing is left.
func TestProgramThatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, f Flavour) {
		ctx, before := limited(t), traces(t)
		p := record.Process{Args: []string{"/usr/bin/no-such-server"}, Env: []string{"PATH=/bin"}}
		box, err := New(f, Options{}).Create(ctx, newSpec(t, "absent-"+f.Variant, p))
		if err == nil {
			if err = box.Start(ctx); err == nil {
				t.Error("neither Create nor Start has failed")
			}
			deleted(t, ctx, box, before)
		}
		if err != nil && !strings.Contains(err.Error(), "no-such-server") {
			t.Errorf("err = %v", err)
		}
		if after := traces(t); after != before {
			t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
		}
	})
}

// A sandbox that was created and never started is deleted like any other.
func TestDeleteBeforeStart(t *testing.T) {
	each(t, func(t *testing.T, f Flavour) {
		ctx, before := limited(t), traces(t)
		box, err := New(f, Options{}).Create(ctx, newSpec(t, "unstarted-"+f.Variant, echo()))
		if err != nil {
			t.Fatal(err)
		}
		deleted(t, ctx, box, before)
	})
}

// A runtime that hangs half-way: the sandbox goes all the same.
func TestHungRuntime(t *testing.T) {
	for _, verb := range []string{"create", "start", "kill", "delete"} {
		t.Run(verb, func(t *testing.T) {
			before := traces(t)
			// runc, but for one verb, in which it hangs after having done its work.
			script := "#!/bin/sh\nfor a; do case $a in " + verb + ") runc \"$@\"; sleep 1000;; esac; done\nexec runc \"$@\"\n"
			path := filepath.Join(t.TempDir(), "runc-that-hangs")
			if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			f := Flavours()[0]
			ctx := limited(t)
			box, err := New(f, Options{Path: path, Deadline: 4 * time.Second}).Create(ctx, newSpec(t, "hangs", echo()))
			if err == nil {
				err = box.Start(ctx)
			}
			if err == nil && box != nil {
				err = box.Delete(ctx)
			}
			if err == nil || !strings.Contains(err.Error(), "no end after 4s") {
				t.Errorf("err = %v", err)
			}
			if box != nil {
				if err := box.Delete(ctx); err != nil {
					t.Logf("second Delete: %v", err)
				}
			}
			if after := traces(t); after != before {
				t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// What a killed hapscope leaves is removed by the next one, also by that of
// another variant and without the program.
func TestSweep(t *testing.T) {
	before, ctx := traces(t), limited(t)
	var specs []runtimes.Spec
	each(t, func(t *testing.T, f Flavour) {
		dir := "/dev/shm/sweep-" + f.Variant // must outlive this subtest
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		spec := runtimes.Spec{ID: "sweep-" + f.Variant, Rootfs: image, Process: echo(), Scratch: dir}
		box, err := New(f, Options{}).Create(ctx, spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Start(ctx); err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
	})
	r := New(Flavour{Variant: "other", Binary: "no-such-program"}, Options{})
	removed, err := r.Sweep(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, s := range specs {
		for _, what := range []string{"cgroup /sys/fs/cgroup/hapscope/" + s.ID, "namespace /run/hapscope/netns/" + s.ID, s.Scratch + "/rootfs", "state /run/hapscope/oci/"} {
			if !strings.Contains(strings.Join(removed, "\n"), what) {
				t.Errorf("%s was not removed: %v", what, removed)
			}
		}
		os.RemoveAll(s.Scratch)
	}
	if after := traces(t); after != before {
		t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
	}
	if again, err := r.Sweep(ctx); err != nil || len(again) != 0 {
		t.Errorf("second Sweep = %v, %v", again, err)
	}
}

func deleted(t *testing.T, ctx context.Context, box runtimes.Sandbox, before string) {
	t.Helper()
	if err := box.Delete(ctx); err != nil {
		t.Error(err)
	}
	if after := traces(t); after != before {
		t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
	}
}
