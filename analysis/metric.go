package analysis

import "hapscope/record"

// Metric names what is counted.
type Metric string

// The metrics.
const (
	UniqueFunctions Metric = "unique-functions" // different kernel functions entered
	UniqueSyscalls  Metric = "unique-syscalls"  // different system calls that reached their handler
	Syscalls        Metric = "syscalls"         // how often any of them did
	VMExitReasons   Metric = "vm-exit-reasons"  // different reasons for which virtual machines left the guest
	VMExits         Metric = "vm-exits"         // how often they did
	Hypercalls      Metric = "hypercalls"       // that the host kernel served
	VMUserExits     Metric = "vm-user-exits"    // exits that went on to the monitor
	VMExitsPerReq   Metric = "vm-exits/req"     // exits in the steady phase by requests
	VhostCalls      Metric = "vhost-calls"      // work items that vhost's workers ran
	VhostKicks      Metric = "vhost-kicks"      // doorbells of guests that vhost heard
	VhostInterrupts Metric = "vhost-interrupts" // interrupts for guests that vhost signalled
)

// Metrics lists them.
func Metrics() []Metric {
	return []Metric{UniqueFunctions, UniqueSyscalls, Syscalls, VMExitReasons, VMExits, Hypercalls, VMUserExits, VMExitsPerReq, VhostCalls, VhostKicks, VhostInterrupts}
}

// Unit is what one of the metric is.
func (m Metric) Unit() string {
	switch m {
	case UniqueFunctions:
		return "functions"
	case UniqueSyscalls:
		return "syscalls"
	case VMExitReasons:
		return "reasons"
	case VMExits, VMUserExits:
		return "exits"
	case Hypercalls:
		return "hypercalls"
	case VMExitsPerReq:
		return "exits/req"
	case VhostKicks:
		return "kicks"
	case VhostInterrupts:
		return "interrupts"
	default:
		return "calls"
	}
}

// CreateBoot is the phase from before the runtime's create command until the
// first answer: its sets are the unions of those of record.Create and record.Boot.
const CreateBoot record.Phase = "create+boot"

// Phases lists what is summarised, in the order of a sandbox's life.
func Phases() []record.Phase {
	return []record.Phase{record.Create, record.Boot, CreateBoot, record.Idle, record.Steady, record.Teardown}
}

// Derived contexts.
const (
	Interrupt      record.Context = "interrupt"       // softirq or hardirq
	ProcessSoftIRQ record.Context = "process+softirq" // process or softirq
	Any            record.Context = "any"             // process or interrupt
	AnyKthread     record.Context = "any+kthread"     // process, interrupt, or a kernel thread for the sandbox; where the witness can tell
	// Busy is process context without what the cell's idle sandbox ran in process
	// context, in any repetition; where the phase idle was measured.
	Busy record.Context = "process-idle"
	// Front is what the threads did in process context that run the program or the
	// kernel under it: the program itself, sentry and stubs, monitor and virtual
	// CPUs. AllRoles adds everyone else: vhost, file back-ends, shim, runtime.
	Front    record.Context = "front"
	AllRoles record.Context = "front+back-ends"
)

// Contexts lists the recorded contexts and the derived ones.
func Contexts() []record.Context {
	return append(append(record.Contexts(), Interrupt, ProcessSoftIRQ, Any, AnyKthread, Busy, Front, AllRoles), roleContexts()...)
}

// Choices lists the contexts by which one may rank sandboxes: what hapscope
// counts, and every other choice that has been defended.
func Choices() []record.Context {
	return []record.Context{record.InProcess, ProcessSoftIRQ, Any, AnyKthread, Busy, Front, AllRoles}
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
