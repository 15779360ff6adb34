package oci

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stub writes a runtime that is a shell script.
func stub(t *testing.T, script string) string {
	path := filepath.Join(t.TempDir(), "stub")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A runtime hangs, and so does a child of it that holds its output: both are
// killed at the deadline, and the call comes back.
func TestCallEndsAHungRuntime(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	if err := unix.Mkfifo(mark, 0o600); err != nil {
		t.Fatal(err)
	}
	// The child holds the fifo open for writing: when it is dead, reading it ends.
	path := stub(t, "sleep 1000 > "+mark+" & sleep 1000\n")
	gone := make(chan struct{})
	go func() {
		os.ReadFile(mark)
		close(gone)
	}()
	gaveUp := false
	r := New(Flavour{Variant: "stub", Binary: "stub"}, Options{Path: path, Deadline: 500 * time.Millisecond})
	err := r.call(t.Context(), "start", func() { gaveUp = true }, func(ctx context.Context) error {
		return r.command().Start(ctx, "x")
	})
	if err == nil || !strings.Contains(err.Error(), "no end after 500ms") {
		t.Errorf("err = %v", err)
	}
	if !gaveUp {
		t.Error("giveUp was not called")
	}
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the runtime's child lives on")
	}
}

func TestCallTellsWhatTheRuntimeSaid(t *testing.T) {
	r := New(Flavour{Variant: "stub", Binary: "stub"}, Options{Path: stub(t, "echo no such sandbox $5 >&2; exit 3\n")})
	err := r.call(t.Context(), "start", nil, func(ctx context.Context) error { return r.command().Start(ctx, "x") })
	for _, want := range []string{"stub start:", "exit status 3", "no such sandbox"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
}

func TestCallIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := New(Flavour{Variant: "stub", Binary: "stub"}, Options{Path: stub(t, "sleep 1000\n")})
	time.AfterFunc(200*time.Millisecond, cancel)
	err := r.call(ctx, "start", nil, func(ctx context.Context) error { return r.command().Start(ctx, "x") })
	if err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("err = %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	r := New(Flavour{Variant: "stub", Binary: "hapscope-no-such-runtime", Remedy: "get it"}, Options{})
	info := r.Check(t.Context())
	if info.Fit() {
		t.Fatal("fit without its program")
	}
	q := info.Requirements[0]
	if q.Met || q.Remedy != "get it" || !strings.Contains(q.Detail, "not found") {
		t.Errorf("requirement = %+v", q)
	}
	if _, err := r.Tools(t.Context()); err == nil {
		t.Error("Tools of a program that is not there")
	}
}
