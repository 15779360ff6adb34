package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
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
	var scenarios *yaml.Node
	d.mapping(root, "the file", map[string]field{
		"lab":       func(n *yaml.Node) { d.lab(n, &f.Lab) },
		"defaults":  func(n *yaml.Node) { d.mapping(n, "defaults", d.settings(&base, known)) },
		"scenarios": func(n *yaml.Node) { scenarios = n },
	})
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
		fields["variants"] = d.names(&s.Variants, "variant", known.Variants)
		fields["workloads"] = d.names(&s.Workloads, "workload", known.Workloads)
		before := len(d.errs)
		d.mapping(value, "scenario "+s.Name, fields)
		if len(d.errs) == before {
			for _, missing := range s.missing() {
				d.errorf(key, "scenario %q names no %s", s.Name, missing)
			}
		}
		f.Scenarios[s.Name] = s
	})
	return f
}

var scenarioName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (s Scenario) missing() (what []string) {
	if len(s.Variants) == 0 {
		what = append(what, "variants")
	}
	if len(s.Workloads) == 0 {
		what = append(what, "workloads")
	}
	return what
}

// settings are the keys that defaults and scenarios share.
func (d *decoder) settings(s *Scenario, known Catalog) map[string]field {
	return map[string]field{
		"repetitions":           d.integer(&s.Repetitions, "repetitions", 1, maxRepetitions),
		"lifecycle_repetitions": d.integer(&s.LifecycleRepetitions, "lifecycle_repetitions", 0, maxRepetitions),
		"settle":                d.duration(&s.Settle, "settle"),
		"witnesses":             d.witnesses(&s.Witnesses, known),
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
	}
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
