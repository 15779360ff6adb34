package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// Status says how far a measured thing may be trusted.
type Status string

// The statuses, best first.
const (
	OK       Status = "ok"       // measured, nothing lost
	Degraded Status = "degraded" // measured, but events were lost or could not be attributed; Reason counts them
	Failed   Status = "failed"   // tried, and no number came of it
	Skipped  Status = "skipped"  // not tried: the variant cannot run here
)

// Phase names a part of a sandbox's life.
type Phase string

// The phases, in the order in which a sandbox lives them.
const (
	Create   Phase = "create"   // from before the runtime's create command until it returned
	Boot     Phase = "boot"     // from before the runtime's start command until a real request was answered
	Idle     Phase = "idle"     // the control: the settled sandbox, without any request
	Steady   Phase = "steady"   // the load's requests, after the sandbox settled
	Teardown Phase = "teardown" // from before the kill until the runtime has deleted the sandbox
)

// Phases lists all phases in the order in which a sandbox lives them.
func Phases() []Phase { return []Phase{Create, Boot, Idle, Steady, Teardown} }

// Context says on whose behalf the kernel ran a function.
type Context string

// The contexts. Process is what HAP counts; the interrupt contexts borrow
// whichever task is running and are kept in classes of their own. NMIs are
// counted under InHardIRQ.
const (
	InProcess Context = "process"
	InSoftIRQ Context = "softirq"
	InHardIRQ Context = "hardirq"
	// InKthread is what kernel threads ran for the sandbox: workers of workqueues
	// while they did work that it had queued, and the threads that io_uring and
	// vhost have in its name. Not every collector can tell.
	InKthread Context = "kthread"
	// Unattributed is what other kernel threads of the machine ran meanwhile,
	// for the sandbox or not.
	Unattributed Context = "unattributed"
)

// Contexts lists the contexts in which hits are recorded.
func Contexts() []Context {
	return []Context{InProcess, InSoftIRQ, InHardIRQ, InKthread, Unattributed}
}

// Hit is how often one function was entered. It is written as [function, count].
type Hit struct {
	Function int    // index into the run's function table
	Count    uint64 // entries, at least 1
}

// MarshalJSON writes the pair form.
func (h Hit) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%d]", h.Function, h.Count), nil
}

// UnmarshalJSON reads the pair form.
func (h *Hit) UnmarshalJSON(b []byte) error {
	var pair []uint64
	if err := json.Unmarshal(b, &pair); err != nil {
		return fmt.Errorf("hit: %w", err)
	}
	if len(pair) != 2 || pair[0] > 1<<31 {
		return fmt.Errorf("hit: want [function, count], got %s", b)
	}
	h.Function, h.Count = int(pair[0]), pair[1]
	return nil
}

// Kthread is work that kernel threads did for the sandbox.
type Kthread struct {
	Thread string `json:"thread"`         // kind of thread, such as kworker
	Work   string `json:"work,omitempty"` // function that was run; absent where the thread itself is the sandbox's
	Owner  string `json:"owner"`          // name of the process that it worked for
	Runs   uint64 `json:"runs,omitempty"` // how often it ran or was given the CPU; absent where that is not known
}

// Sighting is what one witness saw of the kernel's functions during one phase.
type Sighting struct {
	// Functions holds, per context, the functions entered, sorted by index. The
	// contexts kthread and unattributed are absent where the witness cannot tell.
	Functions map[Context][]Hit `json:"functions"`
	// Sample lists, ascending, the functions that the witness observed, where those
	// are only a part of the table.
	Sample []int `json:"sample,omitempty"`
	// Partial names the contexts of which the witness knows that it does not see
	// everything.
	Partial []Context `json:"partial,omitempty"`
	// Bounds says that the counts are lower bounds, because functions were no
	// longer observed once they had been seen a few times.
	Bounds   bool      `json:"bounds,omitempty"`
	Kthreads []Kthread `json:"kthreads,omitempty"` // work that kernel threads did for the sandbox
	// Roles holds the contexts process and kthread once more, by what the threads
	// are to the sandbox; absent where the witness does not tell threads apart.
	Roles map[Role]*RoleSighting `json:"roles,omitempty"`
	// Sides tells those of the context process apart by whether a seccomp filter held the
	// thread; absent where no thread installed one in this phase, or where that could not
	// be told.
	Sides   *Sides   `json:"sides,omitempty"`
	Events  uint64   `json:"events"`            // trace events decoded
	Lost    []uint64 `json:"lost,omitempty"`    // events lost, per CPU; absent when none
	Unknown uint64   `json:"unknown,omitempty"` // function entries at addresses that the table does not hold
	// Own counts events that hapscope itself caused on threads that are followed;
	// they were discarded and are not among Events.
	Own uint64 `json:"own,omitempty"`
}

// Sides are the functions that threads entered in process context on either side of a
// seccomp filter, sorted by index. A function may be on both, and each is on one.
type Sides struct {
	Installed  int   `json:"installed"`  // how often in the phase a filter came to hold a thread that none had held
	Unconfined []int `json:"unconfined"` // by threads that no filter held at that moment
	Confined   []int `json:"confined"`   // by threads that one held
}

// PhaseResult is what the collectors saw during one phase of one repetition.
type PhaseResult struct {
	Phase   Phase   `json:"phase"`
	Seconds float64 `json:"seconds"` // wall time while traced: never a performance figure
	// Sighting is that of the plan's first witness, whose sets are the result. Its
	// events and losses include those of the collector of system calls.
	Sighting
	// Others holds what further witnesses saw of the same moments, by name.
	Others map[string]*Sighting `json:"others,omitempty"`
	// Syscalls counts host system calls that reached their handler, by name:
	// those that seccomp denied or ptrace swallowed are not among them.
	Syscalls map[string]uint64 `json:"syscalls"`
	// Confined counts those among them that threads made which a seccomp filter held:
	// what policies cover. The rest they do not. Absent as Sides is.
	Confined map[string]uint64 `json:"confined,omitempty"`
	// VM counts what virtual machines made the host's KVM do; absent where that was
	// not measured, empty where there was none.
	VM map[VMEvent]map[string]uint64 `json:"vm,omitzero"`
	// VMExits is what the kernel's own counters say of the exits among them, read on
	// both sides of the phase's begin and of its end; absent where those cannot tell.
	VMExits *Bounds `json:"vm_exits,omitempty"`
	// Vhost counts what vhost did for virtual machines; absent and empty as VM.
	Vhost map[VhostEvent]map[string]uint64 `json:"vhost,omitzero"`
}

// Bounds of a number.
type Bounds struct {
	Low  uint64 `json:"low"`
	High uint64 `json:"high"`
}

// LostTotal sums the losses of all CPUs.
func (s *Sighting) LostTotal() (n uint64) {
	for _, l := range s.Lost {
		n += l
	}
	return n
}

// VMTotal sums the events of virtual machines of one kind.
func (p *PhaseResult) VMTotal(kind VMEvent) (n uint64) {
	for _, events := range p.VM[kind] {
		n += events
	}
	return n
}

// LoadResult is what the load generator did in the steady phase.
type LoadResult struct {
	Mode     string  `json:"mode"`     // paced or saturating
	Rate     float64 `json:"rate"`     // requests per second asked for; 0 when saturating
	Requests int     `json:"requests"` // sent
	Correct  int     `json:"correct"`  // answered as the oracle expects
	Seconds  float64 `json:"seconds"`
}

// Result is one finished repetition of one cell: one line of results.jsonl.
type Result struct {
	Variant    string        `json:"variant"`
	Workload   string        `json:"workload"`
	Repetition int           `json:"repetition"` // from 1
	Status     Status        `json:"status"`
	Reason     string        `json:"reason,omitempty"`  // why the status is not ok
	Remedy     string        `json:"remedy,omitempty"`  // what the user can do about it
	Retried    []string      `json:"retried,omitempty"` // why earlier attempts failed, in their order
	Started    time.Time     `json:"started"`
	Seconds    float64       `json:"seconds"`          // whole repetition, wall time
	Kernel     string        `json:"kernel,omitempty"` // build id of the kernel under test, names the function table
	Phases     []PhaseResult `json:"phases,omitempty"`
	Postures   []Posture     `json:"postures,omitempty"` // read after the steady state; absent where that was not done
	Helpers    []Helper      `json:"helpers,omitempty"`  // of an engine that says which processes it has beside the sandbox's own
	WarmUp     int           `json:"warm_up,omitempty"`  // requests that were sent to warm up
	Load       *LoadResult   `json:"load,omitempty"`
	Warnings   []string      `json:"warnings,omitempty"`
}

// Cell returns the cell that r is a repetition of.
func (r *Result) Cell() Cell { return Cell{r.Variant, r.Workload} }

// Phase returns the named phase, or nil where the repetition has none.
func (r *Result) Phase(p Phase) *PhaseResult {
	for i := range r.Phases {
		if r.Phases[i].Phase == p {
			return &r.Phases[i]
		}
	}
	return nil
}

// VMEvent is a kind of event of virtual machines.
type VMEvent string

// The kinds of events of virtual machines that KVM runs. What is counted of each:
const (
	VMExit     VMEvent = "exit"      // from the guest to the host kernel, by reason
	Hypercall  VMEvent = "hypercall" // that the host kernel served, by name or number
	VMUserExit VMEvent = "user-exit" // on to the monitor, by reason
	VMPortIO   VMEvent = "pio"       // instructions that the host kernel saw, by direction and port
	VMMMIO     VMEvent = "mmio"      // likewise, by direction; fast ones only signal a device's queue
	VMInject   VMEvent = "inject"    // interrupts and exceptions put into the guest, by kind
	VMHalt     VMEvent = "halt"      // of a virtual CPU that was woken up, by whether its thread polled or slept
)

// VMEvents lists the kinds.
func VMEvents() []VMEvent {
	return []VMEvent{VMExit, Hypercall, VMUserExit, VMPortIO, VMMMIO, VMInject, VMHalt}
}

// VhostEvent is a kind of event of vhost, which serves devices of virtual machines
// in the host's kernel.
type VhostEvent string

// The kinds of events of vhost. What is counted of each:
const (
	VhostWork      VhostEvent = "work"      // items that workers ran, by function
	VhostKick      VhostEvent = "kick"      // doorbells of the guest that vhost heard, by queue
	VhostInterrupt VhostEvent = "interrupt" // interrupts for the guest that vhost signalled, by queue
)

// VhostEvents lists the kinds.
func VhostEvents() []VhostEvent { return []VhostEvent{VhostWork, VhostKick, VhostInterrupt} }
