package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes/shim"
)

// engineOptions are the flags that choose what starts sandboxes.
type engineOptions struct{ engine, address, docker string }

const (
	engineFlag  = "engine"
	addressFlag = "containerd-address"
	dockerFlag  = "docker-address"
)

func (o *engineOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.engine, engineFlag, "", "what starts sandboxes: own; containerd (the Kata variants, by one that hapscope runs meanwhile); docker or podman (all runtimes that it has here) (default: the scenario's)")
	f.StringVar(&o.docker, dockerFlag, "", "`SOCKET` of the Docker daemon (default: DOCKER_HOST's, else /var/run/docker.sock)")
	f.StringVar(&o.address, addressFlag, "", "`SOCKET` of a containerd of yours that starts the Kata variants, in a namespace of its own")
}

// apply changes a scenario's engine.
func (o engineOptions) apply(s *scenario.Scenario) (err error) {
	switch o.engine {
	case "":
	case scenario.OwnEngine, scenario.Containerd: // of hapscope, unless an address follows
		s.Engine, s.ContainerdAddress = o.engine, ""
	case scenario.Docker, scenario.Podman:
		if s.Engine != o.engine {
			s.Engine, s.ContainerdAddress, s.Runtime, s.Variants, s.Reference = o.engine, "", "", nil, ""
		}
	default:
		known := append([]string{scenario.OwnEngine, scenario.Containerd}, containerEngines()...)
		return usageError("unknown engine %q%s; known are %s", o.engine, scenario.Suggest(o.engine, known), strings.Join(known, ", "))
	}
	if o.docker != "" {
		if s.DockerAddress, err = scenario.ParseSocket(o.docker); err != nil {
			return usageError("--%s: %w", dockerFlag, err)
		}
	}
	if o.address == "" {
		return nil
	}
	if o.engine != "" && o.engine != scenario.Containerd {
		return usageError("--%s names a containerd, and --%s %s wants none", addressFlag, engineFlag, o.engine)
	}
	s.Engine = scenario.Containerd
	if s.ContainerdAddress, err = scenario.ParseSocket(o.address); err != nil {
		return usageError("--%s: %w", addressFlag, err)
	}
	return nil
}

// plan is as much of one as says which engine.
func (o engineOptions) plan() (p record.Plan, err error) {
	var s scenario.Scenario
	err = o.apply(&s)
	return record.Plan{Engine: s.Engine, ContainerdAddress: s.ContainerdAddress, DockerAddress: s.DockerAddress}, err
}

// checkEngine refuses an engine that no variant knows.
func checkEngine(plan record.Plan) error {
	if plan.Engine != scenario.Containerd || slices.ContainsFunc(plan.Variants, knowsContainerd) {
		return nil
	}
	var known []string
	for _, f := range shim.Flavours() {
		known = append(known, f.Variant)
	}
	return usageError("none of %s is started by containerd: %s are", strings.Join(plan.Variants, ", "), strings.Join(known, ", "))
}

// noContainerdInLab refuses a containerd that the lab cannot reach.
func noContainerdInLab(address string, p place) error {
	return &codedError{
		code: exitUsage,
		err:  fmt.Errorf("the containerd at %s is this machine's, and the run would be in the lab: %s", address, p.why),
		hint: "--engine containerd lets hapscope start one there",
	}
}
