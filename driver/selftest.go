package driver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"hapscope/collectors/exercise"
	"hapscope/record"
)

// ErrSelfTest says that the instruments did not count a known answer right, so
// that nothing they count can be believed.
var ErrSelfTest = errors.New("the self-test failed")

// exerciseDeadline bounds the exercise, which takes seconds under emulation, and half
// a minute with every witness on a machine that has other things to do.
const exerciseDeadline = 5 * time.Minute

// selfTest lets the armed instruments observe the exercise, and refuses to go on
// where one of them has not counted it exactly.
func (d *Driver) selfTest(ctx context.Context, in *instruments) error {
	t := record.SelfTest{Time: time.Now().UTC(), Skipped: d.NoSelfTest}
	var failed []string
	if t.Skipped == "" {
		var err error
		if t.Checks, err = d.exercise(ctx, in); err != nil {
			return fmt.Errorf("self-test: %w", err)
		}
		for _, c := range t.Checks {
			if !c.Passed {
				failed = append(failed, fmt.Sprintf("%s: %s: %s", c.Witness, c.Name, c.Detail))
			}
		}
	}
	if err := d.Writer.UpdateRun(func(r *record.Run) { r.SelfTest = append(r.SelfTest, t) }); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%w: %s", ErrSelfTest, strings.Join(failed, "; "))
	}
	d.Log.Info("self-test", "checks", len(t.Checks), "skipped", t.Skipped, "seconds", seconds(t.Time))
	return nil
}

// exercise has the exercise performed and asks every session what it saw.
func (d *Driver) exercise(ctx context.Context, in *instruments) (checks []record.Check, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, exerciseDeadline, fmt.Errorf("no end within %v", exerciseDeadline))
	defer cancel()
	if err := in.follow(); err != nil {
		return nil, fmt.Errorf("follow the launcher: %w", err)
	}
	defer func() { err = errors.Join(err, in.forget()) }()
	e := exercise.Standard()
	var p *exercise.Performer
	err = in.launcher.do(func() (err error) {
		p, err = exercise.Start(exec.CommandContext(ctx, d.Exercise[0], append(d.Exercise[1:len(d.Exercise):len(d.Exercise)], e.String())...))
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	err = in.begin()
	if err == nil {
		err = errors.Join(p.Perform(), in.stop())
	}
	for i, s := range in.sessions {
		o, endErr := s.End(ctx)
		if endErr != nil {
			err = errors.Join(err, endErr)
			continue
		}
		switch {
		case i < len(in.witnesses):
			checks = append(checks, e.Check(in.witnesses[i].name, in.witnesses[i].Universe(), o.Functions[record.InProcess], o.Lost))
		case o.Syscalls != nil:
			checks = append(checks, e.CheckSyscalls(d.Collectors[i-len(in.witnesses)].Name(), o.Syscalls, o.Lost))
		}
	}
	return checks, err
}
