package record

import "time"

// Place is the kind of machine that a timing was taken on. Times of two places say
// nothing about each other.
type Place string

// The places.
const (
	Native   Place = "native"   // the machine that hapscope was called on
	KVM      Place = "kvm"      // the lab under hardware virtualization
	Emulated Place = "emulated" // the lab, its CPU emulated in software
)

// Places lists them.
func Places() []Place { return []Place{Native, KVM, Emulated} }

// TimingPlan is what is timed, in repetitions of their own in which no collector is
// armed; and how.
type TimingPlan struct {
	Repetitions int     `json:"repetitions"`
	Throughput  float64 `json:"throughput"`      // seconds of load as fast as replies come
	Connections int     `json:"connections"`     // at a time, then
	Latency     float64 `json:"latency"`         // seconds of load at Rate
	Rate        float64 `json:"rate"`            // requests a second, sent whether or not earlier ones were answered
	WarmUp      float64 `json:"warm_up"`         // seconds of load as fast as replies come, before both, not counted
	Where       string  `json:"where,omitempty"` // auto, which is on this machine, and in the lab what cannot run there; host; lab
	Steps       []Step  `json:"steps"`           // in the order in which they run
}

// Timing is what one timed repetition gave: a line of timings.jsonl. What was not
// reached, or could not be measured, is absent; Warnings say why.
type Timing struct {
	Variant    string    `json:"variant"`
	Workload   string    `json:"workload"`
	Repetition int       `json:"repetition"` // from 1
	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
	Remedy     string    `json:"remedy,omitempty"`
	Warnings   []string  `json:"warnings,omitempty"`
	Retried    []string  `json:"retried,omitempty"` // why earlier attempts failed
	Place      Place     `json:"place"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"` // of the whole repetition

	StartUp     *float64     `json:"start_up,omitempty"`    // seconds from before create until the first correct reply
	Throughput  *Throughput  `json:"throughput,omitempty"`  // in saturation
	Latency     *Latency     `json:"latency,omitempty"`     // at a fixed rate
	Memory      *Memory      `json:"memory,omitempty"`      // of everything that the sandbox is made of on the host
	Calibration *Calibration `json:"calibration,omitempty"` // of the machine, right before
}

// Cell is the cell of the timing.
func (t *Timing) Cell() Cell { return Cell{t.Variant, t.Workload} }

// Throughput is what a sandbox did when replies were all that requests waited for.
type Throughput struct {
	Generator   string  `json:"generator"` // program or library, with its version
	Connections int     `json:"connections"`
	Requests    uint64  `json:"requests"` // all of them answered correctly
	Seconds     float64 `json:"seconds"`
	CPU         float64 `json:"cpu"` // seconds of all CPUs that everything of the sandbox used meanwhile
	// GeneratorCPU is what the load generator itself used meanwhile, in seconds.
	GeneratorCPU float64 `json:"generator_cpu,omitempty"`
}

// Latency is how long replies took at a fixed rate, from when each request was due.
type Latency struct {
	Generator string   `json:"generator"`
	Asked     float64  `json:"asked"` // requests a second
	Kept      float64  `json:"kept"`  // that were sent
	Requests  uint64   `json:"requests"`
	Seconds   float64  `json:"seconds"`
	Histogram []Bucket `json:"histogram"` // ascending
}

// Bucket is how many replies took so long: more than the bucket before, up to Seconds.
type Bucket struct {
	Seconds float64 `json:"seconds"`
	Count   uint64  `json:"count"`
}

// Memory is resident memory in bytes.
type Memory struct {
	Source string `json:"source"` // memory.current of the cgroup, or the proportional set sizes of its processes
	Steady uint64 `json:"steady"` // after the load
	Peak   uint64 `json:"peak"`   // since create; where the source knows only samples, the greatest of them
}

// Calibration is a loop whose work never changes, run a few times.
type Calibration struct {
	Seconds []float64 `json:"seconds"`
}

// TimedAt describes a place where timings were taken.
type TimedAt struct {
	Machine  *Machine      `json:"machine,omitempty"`  // no function of which is traced
	Variants []VariantInfo `json:"variants,omitempty"` // those of the plan, as checked there
	Tools    []Tool        `json:"tools,omitempty"`    // those of the variants that can run there
	// Images, by component their cache keys, and Packages are what the native place is
	// made of; those of a lab are in Run.Lab.
	Images   map[string]string `json:"images,omitempty"`
	Packages []Package         `json:"packages,omitempty"`
	// Unfit says why nothing could be timed there; absent where something could.
	Unfit string `json:"unfit,omitempty"`
}

// TimedIn returns what r says of a place, to be changed. It is there afterwards.
func (r *Run) TimedIn(place Place) *TimedAt {
	if r.Timed == nil {
		r.Timed = map[Place]*TimedAt{}
	}
	if r.Timed[place] == nil {
		r.Timed[place] = &TimedAt{}
	}
	return r.Timed[place]
}
