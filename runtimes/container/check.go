package container

import (
	"fmt"
	"regexp"

	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
	"hapscope/runtimes"
)

// plainName is how runtimes are called that can be named in a scenario, in a path and in
// a report. (Podman takes a path, too, which then would be a variant's name.)
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// CheckName refuses the name of a runtime that no variant can have.
func CheckName(name string) error {
	if plainName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("the name %q has other characters than letters, digits, '.', '_' and '-'", name)
}

// Checklist is what an engine's variant needs, in the order in which it was asked.
type Checklist struct{ Requirements []record.Requirement }

// Add adds the outcome of asking for one thing: what was found, or the error, with its own
// remedy where it has one.
func (c *Checklist) Add(name string, err error, found, remedy string) (met bool) {
	q := record.Requirement{Name: name, Met: err == nil, Detail: found}
	if err != nil {
		q.Detail, q.Remedy = err.Error(), remedy
		if own := runtimes.Remedy(err); own != "" {
			q.Remedy = own
		}
	}
	c.Requirements = append(c.Requirements, q)
	return q.Met
}

// AddMachine adds what every engine's variant needs of the machine, and the capabilities
// that root must have where hapscope itself starts the runtime.
func (c *Checklist) AddMachine(needed ...string) {
	root, err := cgroup.Root()
	c.Add("a unified cgroup hierarchy", err, "mounted at "+root, "boot with systemd.unified_cgroup_hierarchy=1")
	c.Requirements = append(c.Requirements, probe.Superuser(needed, ""))
}
