package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// Tracefs asks for a tracefs that may be read.
func Tracefs() record.Requirement {
	const name, at = "tracefs", "/sys/kernel/tracing"
	t, err := tracefs.Open()
	if err != nil {
		if _, e := os.Stat(at); e != nil {
			return unmet(name, "the kernel has none (CONFIG_TRACING)", lab)
		}
		return unmet(name, "it is not mounted at "+at, "mount -t tracefs nodev "+at)
	}
	if _, err := t.Tracers(); err != nil {
		return refused(name, err)
	}
	return met(name, "mounted at "+t.Path(""))
}

// looked is the tracefs that is mounted, or else one that nobody sees but this process: a
// file system that is not mounted must not hide what else is in the way. done lets go of it.
func looked() (t *tracefs.FS, done func(), err error) {
	if t, err = tracefs.Open(); err == nil {
		return t, func() {}, nil
	}
	dir, done, e := detached("tracefs")
	if e != nil {
		return nil, nil, err
	}
	return tracefs.At(dir), done, nil
}

// Tracer asks for a tracer, and for the list of functions that it can trace.
func Tracer(tracer string) record.Requirement {
	name := "tracer " + tracer
	t, done, err := looked()
	if err != nil {
		return refused(name, err)
	}
	defer done()
	tracers, err := t.Tracers()
	if err != nil {
		return refused(name, err)
	}
	if !slices.Contains(tracers, tracer) {
		return unmet(name, fmt.Sprintf("the kernel has only: %s (built without CONFIG_%s_TRACER)", strings.Join(tracers, " "), strings.ToUpper(tracer)), lab)
	}
	f, err := os.Open(t.Path("available_filter_functions"))
	if err != nil {
		return refused(name, err)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err != nil {
		return refused(name, err)
	}
	return met(name, "available, and its functions may be listed")
}

// Event asks for a trace event whose format may be read.
func Event(event string) record.Requirement {
	name := "trace event " + event
	t, done, err := looked()
	if err != nil {
		return refused(name, err)
	}
	defer done()
	if _, err := os.ReadFile(t.Path("events/" + event + "/format")); err != nil {
		return refused(name, err)
	}
	return met(name, "available")
}

// refused is a requirement that failed, with the kernel's lockdown where that may be why:
// EPERM from what root may do is what it looks like.
func refused(name string, err error) record.Requirement {
	detail, remedy := plain(err), lab
	switch mode := LockdownMode(); {
	case errors.Is(err, fs.ErrNotExist):
		detail += " (the kernel was built without it, or its module is not loaded)"
	case errors.Is(err, unix.EPERM) && (mode == "confidentiality" || mode == "integrity"):
		detail += " (the kernel is locked down: " + mode + ")"
		remedy = "boot without lockdown (lockdown= on the kernel's command line), or " + lab
	}
	return unmet(name, detail, remedy)
}

// plain says what went wrong in fewer words: the name of the file instead of its path,
// which may be one that only this process sees, and without the advice on RLIMIT_MEMLOCK
// that cilium/ebpf has for each EPERM.
func plain(err error) string {
	if path := new(fs.PathError); errors.As(err, &path) {
		return fmt.Sprintf("%s: %v", filepath.Base(path.Path), path.Err)
	}
	text, _, _ := strings.Cut(err.Error(), " (MEMLOCK may be too low")
	return text
}
