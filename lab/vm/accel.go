package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hapscope/lab/wire"
)

// The accelerators, and the wish to have one chosen.
const (
	Auto  = "auto"
	Probe = "probe" // as auto, without what is remembered
	KVM   = "kvm"
	TCG   = "tcg"
)

// probeDeadline is how long the probe guest may take. Under a KVM that works it
// needs about two seconds.
const probeDeadline = 15 * time.Second

// probeToken is what the probe guest says on its console.
const probeToken = "hapscope lab: a guest boots here"

// choice is an accelerator and why it was taken.
type choice struct {
	Accelerator string `json:"accelerator"`
	Why         string `json:"why"`
}

// choose decides for an accelerator. That /dev/kvm opens says little: there are
// hosts where it does and no guest gets further than its first lines. So a probe
// guest has to boot, and its answer is remembered for a while. A memo says that
// the choice rests on one.
func choose(ctx context.Context, o Options, dir string) (_ choice, rests *memo, err error) {
	switch o.Accelerator {
	case KVM, TCG:
		return choice{o.Accelerator, "asked for"}, nil, nil
	case Auto, Probe:
	default:
		return choice{}, nil, fmt.Errorf("unknown accelerator %q: use auto, probe, kvm or tcg", o.Accelerator)
	}
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		why := "/dev/kvm cannot be opened: " + reason(err)
		if errors.Is(err, os.ErrPermission) {
			why += " (the user may have to be in group kvm)"
		}
		return choice{TCG, why}, nil, nil
	} else {
		f.Close()
	}
	m := memoOf(o.Images)
	if c, at, ok := m.read(time.Now()); ok && o.Accelerator == Auto {
		fmt.Fprintf(o.Progress, "lab: a guest under KVM was last tried at %s (HAPSCOPE_ACCEL=probe tries again)\n", at.Local().Format(time.TimeOnly))
		return c, m, nil
	}
	fmt.Fprintf(o.Progress, "lab: trying whether a guest boots under KVM (at most %.0f s; the answer is kept for %.0f hours or until the next boot of this host)\n", probeDeadline.Seconds(), memoAge.Hours())
	c, err := probe(ctx, o, dir)
	if err != nil {
		return c, nil, err
	}
	m.write(c, time.Now())
	return c, m, nil
}

// probe boots a guest under KVM that only says the token.
func probe(ctx context.Context, o Options, dir string) (choice, error) {
	m := machine{
		images: o.Images, accelerator: KVM, cpus: 1, memoryMiB: 512,
		initramfs: filepath.Join(dir, "probe.cpio"), console: filepath.Join(dir, "probe.console"),
	}
	if err := writeInitramfs(m.initramfs, o.Agent, nil, wire.Config{Probe: probeToken}); err != nil {
		return choice{}, err
	}
	p, err := startProcess(ctx, m.command())
	if err != nil {
		return choice{}, err
	}
	defer p.kill()
	began := time.Now()
	select {
	case <-p.done:
	case <-time.After(probeDeadline):
	case <-ctx.Done():
		return choice{}, context.Cause(ctx)
	}
	took := time.Since(began).Seconds()
	p.kill()
	console, err := os.ReadFile(m.console)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return choice{}, fmt.Errorf("read the probe's console: %w", err)
	}
	switch {
	case strings.Contains(string(console), probeToken):
		return choice{KVM, fmt.Sprintf("a probe guest booted under KVM in %.1f s", took)}, nil
	case took >= probeDeadline.Seconds():
		return choice{TCG, fmt.Sprintf("/dev/kvm opens, but a probe guest did not boot within %.0f s; %s", probeDeadline.Seconds(), lastSaid(string(console)))}, nil
	default:
		said := lastSaid(string(console))
		if c := complaints(p.out.String()); c != "" {
			said = "QEMU said " + strconv.Quote(lastLine(c))
		}
		return choice{TCG, fmt.Sprintf("/dev/kvm opens, but a probe guest ended after %.1f s; %s", took, said)}, nil
	}
}

// lastSaid quotes a console's last line.
func lastSaid(console string) string {
	if last := lastLine(console); last != "" {
		return "it last said " + strconv.Quote(last)
	}
	return "it said nothing"
}

func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
