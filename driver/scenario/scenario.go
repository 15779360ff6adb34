// Package scenario reads scenarios.yaml. It is strict: every unknown key, wrong
// type and unknown name is reported at once, each with its place in the file
// and the nearest valid name, because a misspelt key that is ignored is a wrong
// measurement.
package scenario

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"hapscope/record"
)

// File is a scenarios.yaml, with every default filled in.
type File struct {
	Lab Lab
	// Unikernels are what variants run that boot some, by variant and workload.
	Unikernels map[string]map[string]record.Unikernel
	Scenarios  map[string]Scenario
	Budgets    []Budget // in the order of the file
}

// Lab describes the VM in which scenarios run where the host is unfit.
type Lab struct {
	Suite       string // Debian suite of the user land
	Kernel      string // Debian suite of the kernel under test
	CPUs        int
	MemoryBytes int64
	// TimerSlack is the timer slack (prctl(2)) of all that a sandbox is made of
	// where the lab's CPU is emulated; 0 leaves the kernel's.
	TimerSlack time.Duration
}

// Places where a scenario may run.
const (
	Auto   = "auto" // the host if its kernel can be traced, else the lab
	OnHost = "host"
	InLab  = "lab"
)

// Engines that a scenario may ask for. What a variant does not know does not concern it.
const (
	OwnEngine  = "own" // each variant's; the default
	Containerd = "containerd"
	// Docker and Podman are container engines: each runtime that they have is a variant,
	// whose name begins with the engine's.
	Docker = "docker"
	Podman = "podman"
)

// Load modes.
const (
	Paced      = "paced"
	Saturating = "saturating"
)

// Scenario is one named entry.
type Scenario struct {
	Name        string
	Description string
	Variants    []string
	Workloads   []string
	// Reference is the variant with which reports compare the others; empty leaves it to them.
	Reference   string
	Repetitions int
	// LifecycleRepetitions is in how many of them, the first ones, creating,
	// booting and tearing down are observed too; 0 means in all.
	LifecycleRepetitions int
	LifecycleWorkloads   []string          // of which that is observed; empty: of all
	Witnesses            []string          // collectors of functions; the first one's sets are the result
	Engine               string            // what starts the sandboxes of variants that know it; empty is OwnEngine
	ContainerdAddress    string            // socket of the containerd that it is, and makes it the engine; empty where one is started
	Runtime              string            // of the container engine that Engine is; empty with no variants named: all that it has
	DockerAddress        string            // socket of the Docker daemon; empty is the one that its clients take
	Images               map[string]string // references of images for container engines to run from, by workload
	TraceBufferBytes     int64             // of ftrace's ring buffer, for each CPU; 0 leaves it to the collector
	UntilConverged       float64           // share of functions that may be unseen for a cell to be done; 0 makes all repetitions
	Idle                 time.Duration     // of the phase idle; 0 leaves it out
	Settle               time.Duration     // between the first correct answer and the steady phase
	Deadline             time.Duration     // of one repetition
	Retries              int               // how often a repetition that failed is tried again
	Seed                 uint64
	Where                string
	Load                 record.Load
	Timing               *Timing // nil where nothing is timed
	// Unikernels are the file's, by variant and workload.
	Unikernels map[string]map[string]record.Unikernel
}

// Timing is what is timed of a scenario's cells, in repetitions of their own in which
// nothing is counted.
type Timing struct {
	Repetitions int
	Throughput  time.Duration // of the load as fast as replies come
	Connections int           // at a time, then
	Latency     time.Duration // of the load at Rate
	Rate        float64       // requests a second
	WarmUp      time.Duration // of load before both
}

// Catalog holds the names that a scenario may use, in the order in which "all"
// lists them.
type Catalog struct {
	Variants  []string
	Workloads []string
	Witnesses []string
	Booters   []string // the variants that boot unikernels
	Engines   []string // container engines, which make a variant of each of their runtimes
	Samplers  []string // the witnesses that observe only some functions, so that their sets are no result
	Phases    []string // that budgets may name, as the following
	Contexts  []string
	Metrics   []string // that are counted
	Timings   []string // that are timed
	Higher    []string // the metrics of which more is better
}

// Names returns the scenarios' names, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Scenarios)) }

// Find returns the named scenario; the error names the nearest one.
func (f *File) Find(name string) (Scenario, error) {
	if s, ok := f.Scenarios[name]; ok {
		return s, nil
	}
	return Scenario{}, fmt.Errorf("unknown scenario %q%s", name, Suggest(name, f.Names()))
}
