package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/lab/image"
)

// memoAge is how long a probe's answer is believed. Either may be wrong later: a
// busy host lets a probe miss its deadline, and what is under a nested KVM changes
// without a word, when this machine is moved.
const memoAge = 12 * time.Hour

// memo is the file that holds the answer of a probe.
type memo struct{ path string } // "" for none

// memoOf is the one of these images on this boot of this host, with the device that
// /dev/kvm is now: another boot, kernel, emulator or device is asked anew.
func memoOf(s *image.Set) *memo {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return new(memo)
	}
	var device unix.Stat_t
	if err := unix.Stat("/dev/kvm", &device); err != nil {
		return new(memo)
	}
	name := fmt.Sprintf("%s-%s-%s-%d.%d", strings.TrimSpace(string(id)), s.Keys[image.Kernel], s.Keys[image.Userland], device.Rdev, device.Ctim.Nano())
	return &memo{filepath.Join(s.CacheDir, "lab", "accelerator", name+".json")}
}

// entry is the file's content.
type entry struct {
	choice
	At time.Time `json:"at"`
}

// read returns what is remembered and when it was found. What cannot be read, is
// older than memoAge or from the future is not.
func (m *memo) read(now time.Time) (c choice, at time.Time, ok bool) {
	b, err := os.ReadFile(m.path)
	var e entry
	if err != nil || json.Unmarshal(b, &e) != nil {
		return choice{}, time.Time{}, false
	}
	age := now.Sub(e.At)
	if age < 0 || age > memoAge || e.Accelerator != KVM && e.Accelerator != TCG {
		return choice{}, time.Time{}, false
	}
	return e.choice, e.At, true
}

// write keeps the answer: whole or not at all, whoever else does the same. It only
// saves time: a cache that cannot be written is no error.
func (m *memo) write(c choice, now time.Time) {
	if m.path == "" {
		return
	}
	b, err := json.Marshal(entry{c, now.UTC()})
	if err != nil {
		return
	}
	dir := filepath.Dir(m.path)
	if os.MkdirAll(dir, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(dir, ".tmp-")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil || os.Rename(f.Name(), m.path) != nil {
		os.Remove(f.Name())
	}
}

// forget is for an answer that has turned out to be wrong.
func (m *memo) forget() { os.Remove(m.path) }
