package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"slices"
)

// The components of an image set, as they are named in the cache and in records.
const (
	Userland  = "userland"
	Kernel    = "kernel"
	Workloads = "workloads"
	Tools     = "tools"
	Tracers   = "tracers"
	Kata      = "kata"
	Docker    = "docker"
)

// names lists them.
func names() []string { return []string{Tools, Userland, Kernel, Workloads, Tracers, Kata, Docker} }

// component is one cacheable part.
type component struct {
	name   string
	inputs any    // everything that the result depends on; hashed into the key
	about  string // for people: what is being built, and how long that takes
	build  func(ctx context.Context, dir string) error
}

// key is the hash of the inputs. Twelve hex digits are enough to tell the few
// entries of a cache apart and short enough to be read.
func (c component) key() (string, error) {
	b, err := json.Marshal(c.inputs)
	if err != nil {
		return "", fmt.Errorf("hash the inputs of %s: %w", c.name, err)
	}
	sum := sha256.Sum256(append([]byte(c.name+"\n"), b...))
	return hex.EncodeToString(sum[:6]), nil
}

// debianInputs are those of a component made of Debian packages. Which version
// of a package the archive has that day is not among them: it is written down
// when the component is built (packages.json), and stays until it is cleaned.
type debianInputs struct {
	Builder  int // raised when the code that builds changes the result
	Suite    string
	Packages []string
	Extra    []string `json:",omitempty"`
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// components lists what o asks for.
func components(o Options) ([]component, error) {
	for _, s := range []string{o.Suite, o.KernelSuite} {
		if !suiteName.MatchString(s) {
			return nil, fmt.Errorf("%q is not the name of a Debian suite, such as trixie or bookworm", s)
		}
	}
	if o.WorkloadsOnly {
		return []component{rootfs(Workloads, o.Suite, o.WorkloadPackages)}, nil
	}
	list := []component{tools(), userland(o.Suite), kernel(o.KernelSuite)}
	if o.Kata {
		s := newStore(o)
		ensure := func(ctx context.Context, c component) (string, error) {
			key, err := s.ensure(ctx, c, o.Progress)
			return s.path(c.name, key), err
		}
		k, err := kata(o, kernel(o.KernelSuite), ensure, runtime.Version())
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	if len(o.WorkloadPackages) > 0 {
		list = append(list, rootfs(Workloads, o.Suite, o.WorkloadPackages))
	}
	if len(o.TracerPackages) > 0 {
		list = append(list, rootfs(Tracers, o.KernelSuite, o.TracerPackages))
	}
	if len(o.DockerPackages) > 0 {
		list = append(list, rootfs(Docker, o.Suite, o.DockerPackages))
	}
	return list, nil
}

var suiteName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
