package tracefs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Instance is a ring buffer with tracers, events and options of its own.
type Instance struct{ name, dir string }

// Name is the instance's name.
func (i *Instance) Name() string { return i.name }

// Path returns the absolute path of one of the instance's files.
func (i *Instance) Path(file string) string { return filepath.Join(i.dir, file) }

// Read returns the content of a file without surrounding white space.
func (i *Instance) Read(file string) (string, error) {
	b, err := os.ReadFile(i.Path(file))
	if err != nil {
		return "", fmt.Errorf("trace instance %s: %w", i.name, i.explain(err))
	}
	return strings.TrimSpace(string(b)), nil
}

// Write replaces the content of a file.
func (i *Instance) Write(file, value string) error {
	return i.write(file, value, unix.O_WRONLY|unix.O_TRUNC)
}

func (i *Instance) write(file, value string, flags int) error {
	f, err := os.OpenFile(i.Path(file), flags, 0)
	if err == nil {
		if value != "" {
			_, err = f.WriteString(value)
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("trace instance %s: write %q: %w", i.name, value, i.explain(err))
	}
	return nil
}

// explain adds to an error that nothing is found there because tracefs is not mounted any
// more, where that is so. The instance is still there then, and traces on.
func (i *Instance) explain(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, e := os.Stat(filepath.Dir(i.dir)); !errors.Is(e, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w any more: %w", ErrNotMounted, err)
}

// SetTracing lets events flow into the ring buffer, or stops them.
func (i *Instance) SetTracing(on bool) error {
	return i.Write("tracing_on", strconv.Itoa(bit(on)))
}

// SetOption switches one of the files in options/.
func (i *Instance) SetOption(name string, on bool) error {
	return i.Write("options/"+name, strconv.Itoa(bit(on)))
}

// HasOption reports whether the kernel knows an option.
func (i *Instance) HasOption(name string) bool {
	_, err := os.Stat(i.Path("options/" + name))
	return err == nil
}

// Reset empties the ring buffer of all CPUs and zeroes their statistics.
func (i *Instance) Reset() error { return i.write("trace", "", unix.O_WRONLY|unix.O_TRUNC) }

// CPUs lists the CPUs that have a ring buffer and are online, ascending.
func (i *Instance) CPUs() ([]int, error) {
	entries, err := os.ReadDir(i.Path("per_cpu"))
	if err != nil {
		return nil, fmt.Errorf("list CPUs: %w", err)
	}
	online, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, fmt.Errorf("list CPUs: %w", err)
	}
	on, err := parseCPUList(strings.TrimSpace(string(online)))
	if err != nil {
		return nil, fmt.Errorf("list CPUs: %w", err)
	}
	var cpus []int
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "cpu")); err == nil && slices.Contains(on, n) {
			cpus = append(cpus, n)
		}
	}
	slices.Sort(cpus)
	return cpus, nil
}

// parseCPUList reads the form 0-3,8 (Documentation/admin-guide/cputopology.rst).
func parseCPUList(s string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return nil, fmt.Errorf("CPU list %q: %w", s, err)
		}
		b := a
		if ranged {
			if b, err = strconv.Atoi(last); err != nil {
				return nil, fmt.Errorf("CPU list %q: %w", s, err)
			}
		}
		if a < 0 || b < a || b-a > 1<<16 {
			return nil, fmt.Errorf("CPU list %q: bad range %q", s, part)
		}
		for n := a; n <= b; n++ {
			cpus = append(cpus, n)
		}
	}
	return cpus, nil
}

// Remove disarms the instance and removes it. One that is gone is no error; one that
// cannot be reached, because tracefs is not mounted any more, is.
func (i *Instance) Remove() error {
	if _, err := os.Stat(i.dir); errors.Is(err, fs.ErrNotExist) {
		if err = i.explain(err); errors.Is(err, ErrNotMounted) {
			return fmt.Errorf("remove trace instance %s, which traces on: %w; mount it again, and the next run removes it", i.name, err)
		}
		return nil
	}
	// The directory can be removed under an armed tracer too, but stopping it
	// first gives an error that says what did not stop.
	errTracing := i.SetTracing(false)
	errTracer := i.Write("current_tracer", "nop")
	var err error
	for range 1000 {
		if err = unix.Rmdir(i.dir); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond) // a reader that is being closed holds a reference
	}
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return errors.Join(fmt.Errorf("remove trace instance %s: %w", i.name, err), errTracing, errTracer)
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}
