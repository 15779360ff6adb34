package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"hapscope/record"
	"hapscope/runtimes"
)

// tree makes a small root file system; its times are the same each time.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"usr/bin", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "usr/bin/server"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("usr/bin", filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"usr/bin/server", "usr/bin", "usr", "tmp"} {
		if err := os.Chtimes(filepath.Join(dir, p), time.Now(), time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func own(t *testing.T, dir string) *Own {
	t.Helper()
	o, err := NewOwn(dir)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The same files give the same digest, and one byte or one mode another.
func TestDigestIsTheFiles(t *testing.T) {
	dir := tree(t)
	first := own(t, dir)
	if again := own(t, dir); again.ID != first.ID || again.Reference != first.Reference {
		t.Errorf("%s, then %s", first.ID, again.ID)
	}
	server := filepath.Join(dir, "usr/bin/server")
	for what, change := range map[string]func() error{
		"mode":    func() error { return os.Chmod(server, 0o700) },
		"content": func() error { return os.WriteFile(server, []byte("#!/bin/no\n"), 0) },
		"time":    func() error { return os.Chtimes(server, time.Now(), time.Unix(2e9, 0)) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if changed := own(t, dir); changed.ID == first.ID {
			t.Errorf("another %s gives the same image", what)
		}
	}
	if _, err := NewOwn(filepath.Join(dir, "none")); err == nil {
		t.Error("an image of nothing")
	}
}

// What is written is an archive that others can read, with the files in it.
func TestArchive(t *testing.T) {
	o := own(t, tree(t))
	name := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Write(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := img.ConfigName(); err != nil || id.String() != o.ID {
		t.Errorf("ID %s, %v; want %s", id, err, o.ID)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var names []string
	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Uname != "" || !h.AccessTime.IsZero() {
			t.Errorf("%s holds what is of this machine: %+v", h.Name, h)
		}
	}
	if want := []string{"bin", "tmp/", "usr/", "usr/bin/", "usr/bin/server"}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
}

// fakeStore is an engine whose registry can be out of reach.
type fakeStore struct {
	has    map[string]string
	pull   error
	pulled []string
}

func (f *fakeStore) Image(_ context.Context, r string) (Image, bool, error) {
	id, ok := f.has[r]
	return Image{ID: id}, ok, nil
}
func (f *fakeStore) Pull(_ context.Context, r string) error {
	f.pulled = append(f.pulled, r)
	if f.pull == nil {
		f.has[r] = "sha256:aa"
	}
	return f.pull
}
func (f *fakeStore) Load(_ context.Context, r io.Reader) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	f.has["loaded"] = "sha256:bb"
	return nil
}
func (f *fakeStore) RemoveImage(_ context.Context, r string) error { delete(f.has, r); return nil }

// What was brought goes again, and what was there stays.
func TestBroughtGoes(t *testing.T) {
	f := &fakeStore{has: map[string]string{"here:1": "sha256:cc"}}
	s := New(f, Options{References: map[string]string{"a": "here:1", "b": "there:2"}, Workloads: []string{"a", "b"}})
	if err := s.Bring(t.Context()); err != nil {
		t.Fatal(err)
	}
	tools, err := s.Tools(t.Context())
	if err != nil || len(tools) != 2 || tools[0].SHA256 != "cc" || tools[1].SHA256 != "aa" || !slices.Equal(f.pulled, []string{"there:2"}) {
		t.Errorf("%+v, %v, fetched %v", tools, err, f.pulled)
	}
	if err := s.Remove(t.Context()); err != nil || len(f.has) != 1 || f.has["here:1"] == "" {
		t.Errorf("%v, left: %v", err, f.has)
	}
	f.pull = errors.New("no route")
	if err := s.Bring(t.Context()); !errors.Is(err, f.pull) {
		t.Errorf("err = %v", err)
	}
}

// In an image of others the program is found by its name.
func TestProcess(t *testing.T) {
	p := record.Process{Args: []string{"/usr/bin/redis-server", "--port", "1"}, Env: []string{"PATH=/x", "LANG=C"}}
	if got := Process(runtimes.Spec{Process: p}); got.Args[0] != "/usr/bin/redis-server" {
		t.Errorf("own: %v", got)
	}
	got := Process(runtimes.Spec{Process: p, Image: "redis:8"})
	if got.Args[0] != "redis-server" || len(got.Args) != 3 || !slices.Equal(got.Env, []string{"LANG=C"}) || len(p.Env) != 2 {
		t.Errorf("of others: %+v", got)
	}
}
