package analysis

import (
	"strings"

	"golang.org/x/perf/benchunit"

	"hapscope/record"
)

// Metric names what is counted.
type Metric string

// The metrics.
const (
	UniqueFunctions Metric = "unique-functions" // different kernel functions entered
	CodeBytes       Metric = "code-bytes"       // the same functions by the size of their machine code
	SourceLines     Metric = "source-lines"     // the same by the lines of source that it comes from
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
	// What virtiofsd, a process that is a file server for a guest, answered and heard.
	VirtiofsRequests Metric = "virtiofs-requests"
	VirtiofsKicks    Metric = "virtiofs-kicks"
	// What the kernel would do for the sandbox, read after the steady state.
	AllowedSyscalls     Metric = "allowed-syscalls"     // different system calls that would reach their handler with any arguments
	ConditionalSyscalls Metric = "conditional-syscalls" // with some arguments, or if another process agrees
	DeniedSyscalls      Metric = "denied-syscalls"      // never
)

// The metrics of repetitions that were timed, without any collector. Their names end
// in their units, as those of Go benchmarks do.
const (
	ReqPerSec  Metric = "req/s"           // in saturation
	P50        Metric = "p50-sec"         // of the time to the reply, at a fixed rate
	P95        Metric = "p95-sec"         // likewise
	P99        Metric = "p99-sec"         // likewise
	P999       Metric = "p99.9-sec"       // likewise
	StartUp    Metric = "startup-sec"     // from before create until the first correct reply
	RSS        Metric = "rss-B"           // resident memory of all that the sandbox is made of, after the load
	PeakRSS    Metric = "peak-rss-B"      // likewise, the most since create
	CPUPerKReq Metric = "cpu-sec/1000req" // of all CPUs, in saturation
)

// TimingMetrics lists them.
func TimingMetrics() []Metric {
	return []Metric{ReqPerSec, P50, P95, P99, P999, StartUp, RSS, PeakRSS, CPUPerKReq}
}

// Higher reports whether more of the metric is better.
func (m Metric) Higher() bool { return m.Better() == "higher" }

// Better is higher or lower, or empty where neither is.
func (m Metric) Better() string {
	switch m {
	case ReqPerSec:
		return "higher"
	case UniqueFunctions, CodeBytes, SourceLines, UniqueSyscalls, Syscalls, VMExitReasons, VMExits, Hypercalls, VMUserExits, VMExitsPerReq,
		VhostCalls, VhostKicks, VhostInterrupts, VirtiofsRequests, VirtiofsKicks,
		AllowedSyscalls, P50, P95, P99, P999, StartUp, RSS, PeakRSS, CPUPerKReq:
		return "lower"
	}
	return ""
}

// Title is how people call a metric of timed repetitions.
func (m Metric) Title() string {
	switch m {
	case ReqPerSec:
		return "Throughput in saturation"
	case P50, P95, P99, P999:
		name, _, _ := strings.Cut(string(m), "-")
		return "Latency at a fixed rate, " + name
	case StartUp:
		return "Start-up, until the first correct reply"
	case RSS:
		return "Resident memory after the load"
	case PeakRSS:
		return "Resident memory, peak"
	case CPUPerKReq:
		return "CPU time per 1000 requests"
	}
	return string(m)
}

// Say writes a value of a metric of timed repetitions with its unit, to four digits.
func (m Metric) Say(v float64) string {
	scale := m.scale(v)
	unit := map[string]string{"req/s": "/s", "sec": "s", "sec/1000req": "s", "B": "B"}[m.Unit()]
	return strings.TrimSuffix(scale.Format(v), scale.Prefix) + "\u00a0" + scale.Prefix + unit
}

// SayInterval writes an interval to the digits of its median, and without the unit.
func (m Metric) SayInterval(median float64, i *Interval) string {
	scale := m.scale(median)
	return strings.TrimSuffix(scale.Format(i.Low), scale.Prefix) + "–" + strings.TrimSuffix(scale.Format(i.High), scale.Prefix)
}

func (m Metric) scale(v float64) benchunit.Scaler {
	return benchunit.CommonScale([]float64{v}, benchunit.ClassOf(m.Unit()))
}

// Metrics lists them.
func Metrics() []Metric {
	return []Metric{UniqueFunctions, CodeBytes, SourceLines, UniqueSyscalls, Syscalls, VMExitReasons, VMExits, Hypercalls, VMUserExits, VMExitsPerReq, VhostCalls, VhostKicks, VhostInterrupts, VirtiofsRequests, VirtiofsKicks,
		AllowedSyscalls, ConditionalSyscalls, DeniedSyscalls}
}

// Unit is what one of the metric is.
func (m Metric) Unit() string {
	switch m {
	case UniqueFunctions:
		return "functions"
	case SourceLines:
		return "lines"
	case UniqueSyscalls, AllowedSyscalls, ConditionalSyscalls, DeniedSyscalls:
		return "syscalls"
	case VMExitReasons:
		return "reasons"
	case VMExits, VMUserExits:
		return "exits"
	case Hypercalls:
		return "hypercalls"
	case VMExitsPerReq:
		return "exits/req"
	case VirtiofsRequests:
		return "requests"
	case VhostKicks, VirtiofsKicks:
		return "kicks"
	case VhostInterrupts:
		return "interrupts"
	case ReqPerSec:
		return "req/s"
	case P50, P95, P99, P999, StartUp:
		return "sec"
	case CodeBytes, RSS, PeakRSS:
		return "B"
	case CPUPerKReq:
		return "sec/1000req"
	default:
		return "calls"
	}
}

// CreateBoot is the phase from before the runtime's create command until the
// first answer: its sets are the unions of those of record.Create and record.Boot, or
// those of record.Boot where there is no create (record.EngineRaw).
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
	return append(append(record.Contexts(), Interrupt, ProcessSoftIRQ, Any, AnyKthread, Busy, Unconfined, Confined, Front, AllRoles), roleContexts()...)
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
