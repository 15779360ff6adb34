package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/docker"
	"hapscope/runtimes/docker/daemon"
	"hapscope/runtimes/images"
	"hapscope/runtimes/podman"
)

// Container engines are the user's, and so are their runtimes: which variants there are
// is asked when a plan is made.

// containerEngines are the names of those that are known.
func containerEngines() []string { return []string{scenario.Docker, scenario.Podman} }

// engineOf is the container engine of a variant; it is false for a variant of another kind.
func engineOf(variant string) (engine string, ok bool) {
	for _, e := range containerEngines() {
		if strings.HasPrefix(variant, e+"-") {
			return e, true
		}
	}
	return "", false
}

// usesEngine reports whether a container engine starts variants of a plan.
func usesEngine(plan record.Plan) bool {
	return slices.ContainsFunc(plan.Variants, func(v string) bool { _, ok := engineOf(v); return ok })
}

// engineRuntimes are those of a plan's variants that container engines start.
func engineRuntimes(plan record.Plan, rootfs string) (all []runtimes.Runtime) {
	needed := images.Options{Rootfs: rootfs, References: plan.Images, Workloads: plan.Workloads}
	d, p := docker.NewEngine(docker.Options{Address: plan.DockerAddress, Images: needed}), podman.NewEngine(podman.Options{Images: needed})
	for _, v := range plan.Variants {
		switch e, _ := engineOf(v); e {
		case scenario.Docker:
			all = append(all, docker.New(v, d))
		case scenario.Podman:
			all = append(all, podman.New(v, p))
		}
	}
	return all
}

// dockerAddress is the socket of the daemon that Docker's own clients would ask.
func dockerAddress(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return daemon.DefaultAddress, nil
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return "", usageError("DOCKER_HOST is %s, and hapscope needs a daemon on this machine: name its socket with --%s", host, dockerFlag)
	}
	return path, nil
}

// engineVariants asks a container engine for the variants that it makes possible.
func engineVariants(ctx context.Context, engine, address string) ([]string, error) {
	if engine == scenario.Docker {
		return docker.NewEngine(docker.Options{Address: address}).Variants(ctx)
	}
	return podman.NewEngine(podman.Options{}).Variants(ctx)
}

// choose applies the flags that choose an engine, and asks a container engine for its
// runtimes where the scenario names none.
func (a *app) choose(ctx context.Context, s *scenario.Scenario, o runOptions) (err error) {
	if err := o.engineOptions.apply(s); err != nil {
		return err
	}
	named := slices.Concat(s.Variants, o.variants)
	asked := slices.Contains(containerEngines(), s.Engine)
	if asked || slices.ContainsFunc(named, func(v string) bool { return strings.HasPrefix(v, docker.Prefix) }) {
		if s.DockerAddress, err = dockerAddress(s.DockerAddress); err != nil {
			return err
		}
	}
	if s.Engine != scenario.Docker {
		s.DockerAddress = keepIf(s.DockerAddress, slices.ContainsFunc(named, func(v string) bool { return strings.HasPrefix(v, docker.Prefix) }))
	}
	if !asked || len(s.Variants) > 0 {
		return nil
	}
	s.Variants, err = engineVariants(ctx, s.Engine, s.DockerAddress)
	if err == nil && len(s.Variants) == 0 {
		err = fmt.Errorf("%s has no runtimes", s.Engine)
	}
	if err != nil {
		return unfitError(err, runtimes.Remedy(err))
	}
	return nil
}

func keepIf(s string, keep bool) string {
	if keep {
		return s
	}
	return ""
}

// withEngines adds to a plan what container engines have here: for doctor. An engine that
// was asked for and does not answer is one variant, whose requirements say why.
func withEngines(ctx context.Context, plan record.Plan) record.Plan {
	if address, err := dockerAddress(plan.DockerAddress); err == nil {
		plan.DockerAddress = address
	}
	for _, engine := range containerEngines() {
		names, err := engineVariants(ctx, engine, plan.DockerAddress)
		if err != nil && plan.Engine == engine {
			names = []string{engine + "-runc"}
		}
		plan.Variants = append(plan.Variants, names...)
	}
	return plan
}

// withoutEngine is what to do where container engines cannot be counted.
const withoutEngine = "the same runtimes can be counted in the lab without an engine (variants runc, gvisor-systrap, …); what needs no tracing can be timed here: a scenario with timing and repetitions: 0"

// noEngineInLab refuses container engines that the lab does not have.
func noEngineInLab(p place) error {
	return &codedError{
		code: exitUnfit,
		err:  fmt.Errorf("container engines are this machine's, and the run would be in the lab: %s", p.why),
		hint: withoutEngine,
	}
}
