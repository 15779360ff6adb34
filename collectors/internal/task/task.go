// Package task reads from /proc what a task is.
package task

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hapscope/record"
)

// Flags of include/linux/sched.h.
const (
	pfIOWorker   = 0x00000010
	pfUserWorker = 0x00004000
	pfKthread    = 0x00200000
)

// Identify reads what a thread is. One that is gone has ended.
func Identify(tid int) record.Thread {
	t := record.Thread{Name: comm(tid)}
	pid, flags, ok := status(tid)
	if !ok || t.Name == "" {
		return record.Thread{Ended: true}
	}
	t.Kernel = flags&(pfIOWorker|pfUserWorker|pfKthread) != 0
	if flags&pfKthread != 0 {
		// Until Linux 6.4 vhost's workers were such, named after the process that they
		// work for (vhost_worker_create, drivers/vhost/vhost.c).
		_, owner, _ := strings.Cut(t.Name, "-")
		pid, _ = strconv.Atoi(owner)
	}
	if pid > 0 {
		t.Process, t.Command = comm(pid), command(pid)
	}
	return t
}

// status reads a thread's process, and its flags.
func status(tid int) (pid int, flags uint64, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0, 0, false
	}
	for line := range bytes.Lines(b) {
		if id, found := bytes.CutPrefix(line, []byte("Tgid:")); found {
			pid, _ = strconv.Atoi(string(bytes.TrimSpace(id)))
		}
	}
	if b, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid)); err != nil {
		return 0, 0, false
	}
	// Flags are field 9 of proc(5); the second is a name in parentheses that may hold
	// anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 7 {
		return 0, 0, false
	}
	flags, err = strconv.ParseUint(string(fields[6]), 10, 64)
	return pid, flags, err == nil && pid > 0
}

// comm is the name of a thread, "" when it is gone.
func comm(tid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// command is the last part of a process's first argument.
func command(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	first, _, _ := bytes.Cut(b, []byte{0})
	if len(first) == 0 {
		return ""
	}
	return filepath.Base(string(first))
}
