package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"hapscope/record"
)

// Limits of what a file may ask for: beyond them a number is a slip, and a run
// would not end.
const (
	maxRepetitions = 10_000
	maxRetries     = 10
	maxRequests    = 100_000_000
	maxRate        = 10_000_000
	maxCPUs        = 1024
	maxConnections = 10_000
)

// Parse reads a scenarios file. The error joins everything that is wrong with
// it, one line each, as file:line:column: message.
func Parse(file string, content []byte, known Catalog) (*File, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1:1: the file is empty", file)
		}
		return nil, syntaxError(file, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document in the file", file)
	}

	d := &decoder{file: file}
	f := d.document(doc.Content[0], known)
	if err := errors.Join(d.errs...); err != nil {
		return nil, err
	}
	return f, nil
}

func (d *decoder) document(root *yaml.Node, known Catalog) *File {
	f := &File{
		Lab: Lab{Suite: "trixie", Kernel: "trixie", CPUs: 2, MemoryBytes: 4 << 30, TimerSlack: 3 * time.Millisecond},
	}
	base := Scenario{
		Repetitions: 3, Idle: 2 * time.Second, Settle: time.Second, Deadline: 5 * time.Minute, Seed: 1, Where: Auto,
	}
	if len(known.Witnesses) > 0 {
		base.Witnesses = known.Witnesses[:1]
	}
	base.Load = record.Load{Mode: Paced, Requests: 300, Rate: 300, WarmUp: 200, RequestsPerConnection: 10}

	// Scenarios take over the defaults, wherever in the file these stand.
	var scenarios, budgets *yaml.Node
	d.mapping(root, "the file", map[string]field{
		"lab":        func(n *yaml.Node) { d.lab(n, &f.Lab) },
		"unikernels": func(n *yaml.Node) { f.Unikernels = d.unikernels(n, known) },
		"defaults":   func(n *yaml.Node) { d.mapping(n, "defaults", d.settings(&base, known)) },
		"scenarios":  func(n *yaml.Node) { scenarios = n },
		"budgets":    func(n *yaml.Node) { budgets = n },
	})
	base.Unikernels = f.Unikernels
	if scenarios == nil {
		if len(d.errs) == 0 {
			d.errorf(root, "the file has no scenarios")
		}
		return f
	}
	f.Scenarios = map[string]Scenario{}
	d.entries(scenarios, "scenarios", func(key, value *yaml.Node) {
		s := base
		s.Name = key.Value
		if !scenarioName.MatchString(s.Name) {
			d.errorf(key, "a scenario's name is made of a-z, 0-9 and -, not %q", s.Name)
		}
		fields := d.settings(&s, known)
		fields["description"] = d.text(&s.Description, "description")
		fields["variants"] = d.names(&s.Variants, "variant", known.Variants, enginePrefixes(known)...)
		fields["workloads"] = d.names(&s.Workloads, "workload", known.Workloads)
		var reference *yaml.Node
		fields["reference"] = func(n *yaml.Node) { reference = n; d.text(&s.Reference, "reference")(n) }
		before := len(d.errs)
		d.mapping(value, "scenario "+s.Name, fields)
		if len(d.errs) == before {
			s.nameRuntime(known)
			if s.Reference != "" && len(s.Variants) > 0 && !slices.Contains(s.Variants, s.Reference) {
				d.errorf(reference, "the reference %q is none of the scenario's variants%s", s.Reference, Suggest(s.Reference, s.Variants))
			}
			for _, missing := range s.missing(known) {
				d.errorf(key, "scenario %q names no %s", s.Name, missing)
			}
			if s.ContainerdAddress != "" && s.Engine != "" && s.Engine != Containerd {
				d.errorf(key, "scenario %q has a containerd_address, and engine %s", s.Name, s.Engine)
			}
			if s.Runtime != "" && !slices.Contains(s.Variants, s.Engine+"-"+s.Runtime) {
				d.errorf(key, "scenario %q names a runtime: that goes with an engine (%s) and without variants", s.Name, strings.Join(known.Engines, ", "))
			}
		}
		f.Scenarios[s.Name] = s
	})
	if budgets != nil {
		f.Budgets = d.budgets(budgets, f.Names(), known)
	}
	return f
}

var scenarioName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// nameRuntime makes a variant of the runtime that a scenario names.
func (s *Scenario) nameRuntime(known Catalog) {
	if s.Runtime != "" && slices.Contains(known.Engines, s.Engine) && len(s.Variants) == 0 {
		s.Variants = []string{s.Engine + "-" + s.Runtime}
	}
}

func (s Scenario) missing(known Catalog) (what []string) {
	// A container engine is asked for its runtimes when the scenario runs.
	if len(s.Variants) == 0 && !slices.Contains(known.Engines, s.Engine) {
		what = append(what, "variants")
	}
	if len(s.Workloads) == 0 {
		what = append(what, "workloads")
	}
	if s.Repetitions == 0 && s.Timing == nil {
		what = append(what, "repetitions, and nothing is timed")
	}
	return what
}

// settings are the keys that defaults and scenarios share.
func (d *decoder) settings(s *Scenario, known Catalog) map[string]field {
	return map[string]field{
		"repetitions":           d.integer(&s.Repetitions, "repetitions", 0, maxRepetitions),
		"lifecycle_repetitions": d.integer(&s.LifecycleRepetitions, "lifecycle_repetitions", 0, maxRepetitions),
		"lifecycle_workloads":   d.names(&s.LifecycleWorkloads, "workload", known.Workloads),
		"settle":                d.duration(&s.Settle, "settle"),
		"witnesses":             d.witnesses(&s.Witnesses, known),
		"engine":                d.oneOf(&s.Engine, "engine", append([]string{OwnEngine, Containerd}, known.Engines...)...),
		"runtime":               d.text(&s.Runtime, "runtime"),
		"docker_address":        d.socket(&s.DockerAddress, "docker_address"),
		"images":                func(n *yaml.Node) { s.Images = d.images(n, known) },
		"containerd_address":    d.socket(&s.ContainerdAddress, "containerd_address"),
		"until_converged":       d.number(&s.UntilConverged, "until_converged", 0, 1),
		"trace_buffer":          d.size(&s.TraceBufferBytes, "trace_buffer"),
		"idle":                  d.duration(&s.Idle, "idle"),
		"deadline":              d.duration(&s.Deadline, "deadline"),
		"retries":               d.integer(&s.Retries, "retries", 0, maxRetries),
		"where":                 d.oneOf(&s.Where, "place", Auto, OnHost, InLab),
		"seed": func(n *yaml.Node) {
			if err := resolve(n).Decode(&s.Seed); err != nil {
				d.errorf(n, "seed must be a whole number from 0, not %s", kind(n))
			}
		},
		"load": func(n *yaml.Node) {
			d.mapping(n, "load", map[string]field{
				"mode":                    d.oneOf(&s.Load.Mode, "load mode", Paced, Saturating),
				"requests":                d.integer(&s.Load.Requests, "requests", 1, maxRequests),
				"rate":                    d.number(&s.Load.Rate, "rate", 0.001, maxRate),
				"warm_up":                 d.integer(&s.Load.WarmUp, "warm_up", 0, maxRequests),
				"requests_per_connection": d.integer(&s.Load.RequestsPerConnection, "requests_per_connection", 0, maxRequests),
			})
		},
		"timing": func(n *yaml.Node) { d.timing(n, s) },
	}
}

// timing reads what is timed. That the key is there is what asks for it; each has a
// default.
func (d *decoder) timing(n *yaml.Node, s *Scenario) {
	t := Timing{Repetitions: 10, Throughput: 3 * time.Second, Connections: 50, Latency: 3 * time.Second, Rate: 100, WarmUp: time.Second}
	if s.Timing != nil { // a scenario's own keys stand over those of the defaults
		t = *s.Timing
	}
	d.mapping(n, "timing", map[string]field{
		"repetitions": d.integer(&t.Repetitions, "repetitions", 1, maxRepetitions),
		"throughput":  d.time(&t.Throughput, "throughput"),
		"connections": d.integer(&t.Connections, "connections", 1, maxConnections),
		"latency":     d.time(&t.Latency, "latency"),
		"rate":        d.number(&t.Rate, "rate", 0.001, maxRate),
		"warm_up":     d.duration(&t.WarmUp, "warm_up"),
	})
	s.Timing = &t
}

func (d *decoder) lab(n *yaml.Node, lab *Lab) {
	d.mapping(n, "lab", map[string]field{
		"suite":       d.text(&lab.Suite, "suite"),
		"kernel":      d.text(&lab.Kernel, "kernel"),
		"cpus":        d.integer(&lab.CPUs, "cpus", 1, maxCPUs),
		"memory":      d.size(&lab.MemoryBytes, "memory"),
		"timer_slack": d.duration(&lab.TimerSlack, "timer_slack"),
	})
}

// yaml.v3 says "yaml: line 3: …", or several such lines.
var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\n\s*)?line (\d+): `)

func syntaxError(file string, err error) error {
	if m := yamlLine.FindStringSubmatchIndex(err.Error()); m != nil {
		text := err.Error()
		// yaml.v3 gives no column for a syntax error; 1 is where editors jump to.
		return fmt.Errorf("%s:%s:1: not valid YAML: %s", file, text[m[2]:m[3]], text[m[1]:])
	}
	return fmt.Errorf("%s:1:1: not valid YAML: %w", file, err)
}
