package debuginfo_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"hapscope/analysis/code"
	"hapscope/internal/debuginfo"
	"hapscope/lab/image"
)

// TestBuiltinTables makes the tables that are part of hapscope anew.
func TestBuiltinTables(t *testing.T) {
	for _, lab := range []struct{ release, suite, build string }{
		{"6.12.118+deb13-amd64", "trixie", "67e5e727aeb3cb468dfe1bb8f9738f944c3a7d50"},
		{"6.12.117+deb13-amd64", "trixie", "b1d7a9114053a488ef493f85f85e9fc75ba9f632"},
		{"6.1.0-56-amd64", "bookworm", "eb4fbcd037e7253717950bf2b93bd5566f47c56f"},
	} {
		t.Run(lab.release, func(t *testing.T) {
			committed := code.Builtin(lab.build)
			if committed == nil {
				t.Fatal("there is none")
			}
			kept, err := image.CachedDebugPackage("", lab.release)
			if err != nil {
				t.Fatal(err)
			}
			if kept == "" {
				t.Skipf("the cache does not hold linux-image-%s-dbg, 1 GB: hapscope kernel-table --keep-package leaves it there", lab.release)
			}
			modules := committed.Modules()[1:] // "" is the kernel's image
			ctx := t.Context()
			if end, ok := t.Deadline(); ok {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Minute))
				defer cancel()
			}
			debug, err := image.FetchDebug(ctx, image.DebugOptions{Suite: lab.suite, Release: lab.release, Modules: modules})
			if errors.Is(err, context.DeadlineExceeded) {
				t.Skip("the package was not unpacked in time, which takes minutes on a busy machine: give go test -timeout 1h")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer debug.Remove()
			again, err := debuginfo.Table(debug.Vmlinux, debug.Modules)
			if err != nil {
				t.Fatal(err)
			}
			var want, got bytes.Buffer
			if err := errors.Join(committed.Write(&want), again.Write(&got)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("made anew, the table is another one: %d functions and %d bytes, committed %d and %d", again.Len(), got.Len(), committed.Len(), want.Len())
			}
		})
	}
}
