package analysis

import "hapscope/record"

// Metric names what is counted.
type Metric string

// The metrics.
const (
	UniqueFunctions Metric = "unique-functions" // different kernel functions entered
	UniqueSyscalls  Metric = "unique-syscalls"  // different system calls that reached their handler
	Syscalls        Metric = "syscalls"         // how often any of them did
)

// Unit is what one of the metric is.
func (m Metric) Unit() string {
	switch m {
	case UniqueFunctions:
		return "functions"
	case UniqueSyscalls:
		return "syscalls"
	default:
		return "calls"
	}
}

// CreateBoot is the phase from before the runtime's create command until the
// first answer: its sets are the unions of those of record.Create and record.Boot.
const CreateBoot record.Phase = "create+boot"

// Phases lists what is summarised, in the order of a sandbox's life.
func Phases() []record.Phase {
	return []record.Phase{record.Create, record.Boot, CreateBoot, record.Steady, record.Teardown}
}

// Derived contexts.
const (
	Interrupt record.Context = "interrupt" // softirq or hardirq
	Any       record.Context = "any"       // process or interrupt
)

// Contexts lists the recorded contexts and the derived ones.
func Contexts() []record.Context {
	return append(record.Contexts(), Interrupt, Any)
}

// Missing is the status of a repetition that was planned and that the record
// does not hold: the run was interrupted before it.
const Missing record.Status = "missing"

// Statuses lists all statuses, best first.
func Statuses() []record.Status {
	return []record.Status{record.OK, record.Degraded, Missing, record.Failed, record.Skipped}
}

// worse returns the worse of two statuses.
func worse(a, b record.Status) record.Status {
	for _, s := range Statuses() {
		switch s {
		case a:
			return b
		case b:
			return a
		}
	}
	return a
}

// measured reports whether a repetition of that status has numbers.
func measured(s record.Status) bool { return s == record.OK || s == record.Degraded }
