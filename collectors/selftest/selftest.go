// Package selftest asks armed instruments questions whose answers are known:
// whether they count exactly what was done, whether they count it to the right
// account, and whether they say so when they lose something.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// Options of a self-test.
type Options struct {
	Collectors []collectors.Collector // each is asked everything that it can answer
	Machines   []Machine              // of what virtual machines do
	Lossy      collectors.Collector   // one that must lose events; nil leaves the question out
	Exercise   []string               // command that serves the exercise given as its last argument
	Report     func(record.Check)     // is told of each answer as soon as it is there
}

// Machine is a collector of what virtual machines do, and the exercise that it is
// asked about, which must be possible here.
type Machine struct {
	Collector collectors.Collector
	Exercise  exercise.Exercise
}

// Answers of a self-test.
type Answers struct {
	Checks []record.Check
	Seen   []string // functions that the first witness saw of the exercise in process context
}

// Run asks everything and returns the answers. An error means that a question
// could not be asked; the answers until then are returned as well.
func Run(ctx context.Context, o Options) (a Answers, err error) {
	t := &test{Options: o}
	defer func() { a, err = t.Answers, errors.Join(err, t.clean()) }()
	if err := sweep(ctx); err != nil {
		return a, fmt.Errorf("clean up after an earlier self-test: %w", err)
	}
	for _, c := range o.Collectors {
		if err := t.collector(ctx, c); err != nil {
			return a, fmt.Errorf("self-test of %s: %w", c.Name(), err)
		}
	}
	for _, m := range o.Machines {
		if err := t.machine(ctx, m); err != nil {
			return a, fmt.Errorf("self-test of %s: %w", m.Collector.Name(), err)
		}
	}
	if o.Lossy != nil {
		if err := t.losses(ctx, o.Lossy); err != nil {
			return a, fmt.Errorf("self-test of %s: %w", o.Lossy.Name(), err)
		}
	}
	return a, nil
}

type test struct {
	Options
	Answers
	dirs []string // cgroups that were made
}

func (t *test) answer(c record.Check) {
	t.Checks = append(t.Checks, c)
	if t.Report != nil {
		t.Report(c)
	}
}

// cgroupPrefix begins the names of the test's cgroups; the id of its process follows.
const cgroupPrefix = "hapscope-selftest-"

// sweep removes the cgroups of tests that were killed.
func sweep(ctx context.Context) (err error) {
	root, err := cgroup.Root()
	if err != nil {
		return nil // then there are none
	}
	dirs, err := filepath.Glob(filepath.Join(root, cgroupPrefix+"*"))
	for _, dir := range dirs {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), cgroupPrefix), "-")
		if pid, e := strconv.Atoi(id); e == nil && unix.Kill(pid, 0) == unix.ESRCH {
			err = errors.Join(err, cgroup.Remove(ctx, dir))
		}
	}
	return err
}

// cgroup makes a cgroup of the test's own.
func (t *test) cgroup(name string) (string, error) {
	root, err := cgroup.Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, fmt.Sprintf("%s%d-%s", cgroupPrefix, os.Getpid(), name))
	if slices.Contains(t.dirs, dir) {
		return dir, nil
	}
	if err := cgroup.Create(dir); err != nil {
		return "", err
	}
	t.dirs = append(t.dirs, dir)
	return dir, nil
}

// cleanDeadline bounds the removal of the test's cgroups.
const cleanDeadline = 30 * time.Second

func (t *test) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanDeadline)
	defer cancel()
	var errs []error
	for _, dir := range t.dirs {
		errs = append(errs, cgroup.Remove(ctx, dir))
	}
	return errors.Join(errs...)
}

// performer starts the exercise in a cgroup.
func (t *test) performer(ctx context.Context, e exercise.Exercise, name string) (p *exercise.Performer, dir string, err error) {
	if dir, err = t.cgroup(name); err != nil {
		return nil, "", err
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	defer unix.Close(fd)
	command := exec.CommandContext(ctx, t.Exercise[0], append(t.Exercise[1:len(t.Exercise):len(t.Exercise)], e.String())...)
	command.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	p, err = exercise.Start(command)
	return p, dir, err
}

// collector asks one collector.
func (t *test) collector(ctx context.Context, c collectors.Collector) (err error) {
	start := time.Now()
	s, err := c.Open(ctx)
	if err != nil {
		t.answer(record.Check{Name: "it can be armed", Witness: c.Name(), Detail: err.Error()})
		return nil
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	detail := "armed"
	if w, ok := s.(collectors.Witness); ok {
		detail = fmt.Sprintf("%d functions, and %d of the kernel that it cannot see", len(w.Universe()), w.Untraceable())
	}
	t.answer(record.Check{Name: "it can be armed", Witness: c.Name(), Passed: true, Detail: fmt.Sprintf("%s, in %.1f s", detail, time.Since(start).Seconds())})

	e := exercise.Standard()
	p, dir, err := t.performer(ctx, e, "performer")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
		return err
	}
	quiet, err := observe(ctx, s, p.Perform)
	if err != nil {
		return err
	}
	t.answer(check(c.Name(), e, s, quiet))
	if w, ok := s.(collectors.Witness); ok && t.Seen == nil {
		for _, h := range quiet.Functions[record.InProcess] {
			t.Seen = append(t.Seen, w.Universe()[h.Function].Symbol)
		}
	}

	noise, stop, err := t.neighbour(ctx)
	if err != nil {
		return err
	}
	noisy, err := observe(ctx, s, p.Perform)
	rounds := stop()
	if err := errors.Join(err, noise.Close()); err != nil {
		return err
	}
	t.answer(attribution(c.Name(), e, s, noisy, rounds))

	if err := s.Forget(); err != nil {
		return err
	}
	return t.fromTheStart(ctx, c.Name(), s)
}

// machine asks a collector of what virtual machines do, while somebody else has one
// as well. It asks once more where a guest did not come to its end: see
// kvmguest.ErrShutdown.
func (t *test) machine(ctx context.Context, m Machine) error {
	first := t.machineOnce(ctx, m, "")
	if first == nil || ctx.Err() != nil {
		return first
	}
	return t.machineOnce(ctx, m, fmt.Sprintf("; at the second attempt, after: %v", first))
}

func (t *test) machineOnce(ctx context.Context, m Machine, note string) (err error) {
	c, e := m.Collector, m.Exercise
	s, err := c.Open(ctx)
	if err != nil {
		t.answer(record.Check{Name: "it can be armed", Witness: c.Name(), Detail: err.Error()})
		return nil
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	other, _, err := t.performer(ctx, e, "neighbour")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	o, err := t.performed(ctx, s, e, other.Perform)
	if err != nil {
		return err
	}
	answer := e.CheckVM(c.Name(), o.VM, o.Lost)
	if o.Vhost != nil {
		answer = e.CheckVhost(c.Name(), o.Vhost, o.Lost)
	}
	answer.Detail += note
	t.answer(answer)
	return s.Forget()
}

// check compares with what the exercise was.
func check(name string, e exercise.Exercise, s collectors.Session, o collectors.Observation) record.Check {
	if w, ok := s.(collectors.Witness); ok {
		return e.Check(name, w.Universe(), o.Functions[record.InProcess], o.Lost)
	}
	return e.CheckSyscalls(name, o.Syscalls, o.Lost)
}

// neighbour starts a process in another cgroup that performs the exercise all the
// time, and synced writes besides: reads, writes, forks and exits. stop ends it and
// says how often it has.
func (t *test) neighbour(ctx context.Context) (p *exercise.Performer, stop func() int, err error) {
	if p, _, err = t.performer(ctx, exercise.Neighbour(), "neighbour"); err != nil {
		return nil, nil, err
	}
	end, rounds := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-end:
				rounds <- n
				return
			default:
			}
			if p.Perform() != nil {
				<-end
				rounds <- n
				return
			}
		}
	}()
	return p, func() int { close(end); return <-rounds }, nil
}

// attribution asks whether a noisy neighbour has changed anything: the calls are
// counted as before, and none of those that only the neighbour makes.
func attribution(name string, e exercise.Exercise, s collectors.Session, noisy collectors.Observation, rounds int) record.Check {
	c := check(name, e, s, noisy)
	c.Name = "a noisy neighbour is not counted"
	c.Detail = fmt.Sprintf("while it did the same and more %d times: %s", rounds, c.Detail)
	c.Passed = c.Passed && rounds > 0
	return c
}

// fromTheStart asks whether a process is observed from its first instruction, and
// the process that forked it not at all.
func (t *test) fromTheStart(ctx context.Context, name string, s collectors.Session) (err error) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- func() error {
			if err := s.Follow(unix.Gettid()); err != nil {
				return err
			}
			var p *exercise.Performer
			e := exercise.Exercise{Getppid: 1}
			o, err := observe(ctx, s, func() (err error) {
				unix.Getsid(0) // hapscope's own
				p, err = exercise.Start(exec.CommandContext(ctx, t.Exercise[0], append(t.Exercise[1:len(t.Exercise):len(t.Exercise)], e.String())...))
				return err
			})
			if p != nil {
				err = errors.Join(err, p.Close())
			}
			if err != nil {
				return err
			}
			var execs, own uint64
			if w, ok := s.(collectors.Witness); ok {
				hits := o.Functions[record.InProcess]
				execs, _ = exercise.Expected{Functions: []string{"begin_new_exec"}}.In(w.Universe(), hits)
				own, _ = exercise.Expected{Functions: []string{"__x64_sys_getsid", "__do_sys_getsid"}}.In(w.Universe(), hits)
			} else {
				execs, own = o.Syscalls["execve"], o.Syscalls["getsid"]
			}
			t.answer(record.Check{
				Name: "a process is counted from its start, its parent is not", Witness: name, Passed: execs == 1 && own == 0,
				Detail: fmt.Sprintf("%d × exec of the child, %d × getsid of the parent", execs, own),
			})
			return s.Forget()
		}()
	}()
	return <-done
}

// losses asks whether a collector that must lose events says so.
func (t *test) losses(ctx context.Context, c collectors.Collector) (err error) {
	s, err := c.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o, err := t.performed(ctx, s, exercise.Standard(), func() error { return nil })
	if err != nil {
		return err
	}
	var lost uint64
	for _, n := range o.Lost {
		lost += n
	}
	t.answer(record.Check{
		Name: "losses are reported", Witness: c.Name(), Passed: lost > 0,
		Detail: fmt.Sprintf("with a ring buffer of two pages, %d events lost of %d", lost, lost+o.Events),
	})
	return nil
}

// performed observes one performance of an exercise, and what is done before it.
func (t *test) performed(ctx context.Context, s collectors.Session, e exercise.Exercise, before func() error) (o collectors.Observation, err error) {
	p, dir, err := t.performer(ctx, e, "performer")
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
		return o, err
	}
	return observe(ctx, s, func() error { return errors.Join(before(), p.Perform()) })
}

// observe returns what s sees while f runs.
func observe(ctx context.Context, s collectors.Session, f func() error) (collectors.Observation, error) {
	if err := errors.Join(s.Prepare(), s.Begin()); err != nil {
		return collectors.Observation{}, err
	}
	err := errors.Join(f(), s.Stop())
	o, endErr := s.End(ctx)
	return o, errors.Join(err, endErr)
}
