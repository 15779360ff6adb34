package record

import (
	"slices"
	"strings"
	"time"
)

// SchemaVersion names the layout that this package writes and reads. A reader
// refuses any other.
const SchemaVersion = "hapscope/1"

// Cell is a variant under a workload.
type Cell struct {
	Variant  string `json:"variant"`
	Workload string `json:"workload"`
}

// String gives the form used in messages: variant × workload.
func (c Cell) String() string { return c.Variant + " × " + c.Workload }

// Step is one repetition of one cell, as planned.
type Step struct {
	Cell
	Repetition int `json:"repetition"` // from 1
}

// Load is how the steady phase is driven.
type Load struct {
	Mode     string  `json:"mode"`     // paced or saturating
	Requests int     `json:"requests"` // per repetition
	Rate     float64 `json:"rate"`     // requests per second when paced
	// WarmUp is how many requests in a row, sent before the settling and
	// unobserved, must find the sandbox starting no thread: a server's first
	// requests make threads and touch memory that later ones find.
	WarmUp int `json:"warm_up"`
	// RequestsPerConnection is after how many requests a new connection is
	// opened; 0 where one is kept for all.
	RequestsPerConnection int `json:"requests_per_connection"`
}

// Plan is a scenario, worked out.
type Plan struct {
	Scenario  string   `json:"scenario"`
	Variants  []string `json:"variants"`
	Workloads []string `json:"workloads"`
	// Reference is the variant with which reports compare the others; absent where that is
	// left to them. A shard of a run need not hold it.
	Reference   string `json:"reference,omitempty"`
	Repetitions int    `json:"repetitions"`
	// LifecycleRepetitions is in how many of them, the first ones, the phases
	// other than steady are observed too: they take most of the time.
	LifecycleRepetitions int `json:"lifecycle_repetitions"`
	// LifecycleWorkloads are those under which create, boot and teardown are observed in
	// these repetitions; absent where they are under all. idle is, under each.
	LifecycleWorkloads []string `json:"lifecycle_workloads,omitempty"`
	// Witnesses names the collectors of functions; the first one's sets are the
	// result. Records from before there were several had ftrace.
	Witnesses []string `json:"witnesses,omitempty"`
	// Engine is what starts the sandboxes of the variants that know it (containerd), or
	// whose runtimes the variants are (docker, podman);
	// absent where each variant has its own. What a variant was started by is in VariantInfo.
	Engine string `json:"engine,omitempty"`
	// ContainerdAddress is the socket of the containerd that the engine is; absent
	// where hapscope starts one.
	ContainerdAddress string `json:"containerd_address,omitempty"`
	// DockerAddress is the socket of the Docker daemon whose runtimes are measured;
	// absent where none is.
	DockerAddress string `json:"docker_address,omitempty"`
	// Images are references of images that container engines run workloads from, by
	// workload; those that are absent run from hapscope's own.
	Images map[string]string `json:"images,omitempty"`
	// Sample names functions for a witness that observes only some to observe
	// besides those that it draws at random.
	Sample []string `json:"sample,omitempty"`
	// TraceBufferBytes is the size of ftrace's ring buffer for each CPU; 0 leaves
	// it to the collector.
	TraceBufferBytes int64 `json:"trace_buffer_bytes,omitempty"`
	// Unikernels are those of the variants that boot some, by variant and workload.
	Unikernels map[string]map[string]Unikernel `json:"unikernels,omitempty"`
	Load       Load                            `json:"load"`
	Settle     float64                         `json:"settle"`            // seconds between the first answer and the steady phase
	Idle       float64                         `json:"idle,omitempty"`    // seconds of the phase idle; 0 where there is none
	Deadline   float64                         `json:"deadline"`          // seconds that one repetition may take
	Retries    int                             `json:"retries,omitempty"` // how often a repetition that failed is tried again
	// UntilConverged is the share of functions that may still be unseen, by
	// estimate, for a cell to need no further repetition; 0 where all are made.
	UntilConverged float64 `json:"until_converged,omitempty"`
	// Timing is what is timed besides; absent where nothing is.
	Timing *TimingPlan `json:"timing,omitempty"`
	Seed   uint64      `json:"seed"`  // of the order of Steps
	Steps  []Step      `json:"steps"` // in the order in which they run
}

// Run is run.json.
type Run struct {
	Schema   string        `json:"schema"`
	ID       string        `json:"id"`
	Created  time.Time     `json:"created"`
	Ended    *time.Time    `json:"ended,omitempty"` // absent while the plan is unfinished
	Hapscope Build         `json:"hapscope"`
	Plan     Plan          `json:"plan"`
	Where    string        `json:"where"` // host or lab
	Why      string        `json:"why"`   // one sentence: why there
	Lab      *Lab          `json:"lab,omitempty"`
	Machine  *Machine      `json:"machine,omitempty"`  // absent until the kernel under test was seen
	Variants []VariantInfo `json:"variants,omitempty"` // the variants of the plan, as checked where they ran
	Tools    []Tool        `json:"tools,omitempty"`
	// Timed describes the places where timings were taken.
	Timed map[Place]*TimedAt `json:"timed,omitempty"`
	// SelfTest is the short self-test on the armed instruments, once for each time
	// that the run was begun or resumed.
	SelfTest []SelfTest `json:"self_test,omitempty"`
	// Unarmed names the collectors that this machine cannot have, and why.
	Unarmed map[string]string `json:"unarmed,omitempty"`
	// Reboots are how often the lab's kernel panicked and the lab was booted again. The
	// repetition under way was made anew.
	Reboots []Reboot `json:"reboots,omitempty"`
}

// Reboot is one.
type Reboot struct {
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"` // what the machine last said
}

// SelfTest is a self-test before measuring: what was counted of a process whose
// system calls are known.
type SelfTest struct {
	Time    time.Time `json:"time"`
	Checks  []Check   `json:"checks,omitempty"`
	Skipped string    `json:"skipped,omitempty"` // why there are no checks
}

// Passed reports whether every check was passed; a test that was skipped was not.
func (t SelfTest) Passed() bool {
	for _, c := range t.Checks {
		if !c.Passed {
			return false
		}
	}
	return t.Skipped == ""
}

// Check is one question of a self-test and its answer.
type Check struct {
	Name    string `json:"name"`              // what was asked
	Witness string `json:"witness,omitempty"` // of whom
	Passed  bool   `json:"passed"`
	Detail  string `json:"detail"` // what was seen, a sentence without a stop
}

// Build identifies the hapscope binary.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // git commit; "-dirty" appended for a modified tree
	Go       string `json:"go"`
}

// Lab describes the throw-away VM in which a run took place.
type Lab struct {
	Accelerator string            `json:"accelerator"` // kvm or tcg
	Why         string            `json:"why"`         // why this accelerator
	Emulator    string            `json:"emulator"`    // QEMU's version line
	CPUModel    string            `json:"cpu_model"`   // QEMU's -cpu
	CPUs        int               `json:"cpus"`
	MemoryBytes int64             `json:"memory_bytes"`
	TimerSlack  float64           `json:"timer_slack"`  // seconds, of all that a sandbox is made of; 0 is the kernel's
	Suite       string            `json:"suite"`        // Debian suite of the userland
	KernelSuite string            `json:"kernel_suite"` // Debian suite of the kernel
	Images      map[string]string `json:"images"`       // component → cache key
	Packages    []Package         `json:"packages"`     // everything installed in the images
}

// Package is an installed Debian package.
type Package struct {
	Image   string `json:"image"` // the component that holds it
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Machine describes the kernel under test and the machine that it ran on.
type Machine struct {
	Release        string            `json:"release"` // uname -r
	Version        string            `json:"version"` // uname -v
	BuildID        string            `json:"build_id"`
	ConfigDigest   string            `json:"config_digest,omitempty"` // sha256 of the kernel's configuration
	Cmdline        string            `json:"cmdline"`
	CPU            string            `json:"cpu"`
	CPUs           int               `json:"cpus"`
	MemoryBytes    int64             `json:"memory_bytes"`
	Mitigations    map[string]string `json:"mitigations"` // /sys/devices/system/cpu/vulnerabilities
	Lockdown       string            `json:"lockdown"`    // none, integrity, confidentiality, or absent
	Virtualization string            `json:"virtualization,omitempty"`
	Modules        []string          `json:"modules"`     // loaded when the tracer was armed
	Traceable      int               `json:"traceable"`   // functions in the universe
	Untraceable    int               `json:"untraceable"` // text symbols that the tracer cannot see
}

// EngineRaw is the engine of variants whose program hapscope starts by itself, with
// nothing in between: they have no phase create.
const EngineRaw = "raw"

// EngineDocker is the engine of variants that a Docker daemon starts. Their phase create
// would be the daemon's alone, so that there is none.
const EngineDocker = "docker"

// VariantInfo is a variant of the plan and whether it could run.
type VariantInfo struct {
	Name         string        `json:"name"`
	Runtime      string        `json:"runtime"`
	Engine       string        `json:"engine"`            // oci, shim-v2, containerd, raw, docker or podman
	Command      []string      `json:"command,omitempty"` // the runtime's binary and global flags
	Requirements []Requirement `json:"requirements"`
}

// Fit reports whether every requirement is met.
func (v VariantInfo) Fit() bool { return len(Unmet(v.Requirements)) == 0 }

// Requirement is one thing that a variant, a collector or a place needs.
type Requirement struct {
	Name   string `json:"name"` // such as "runsc in PATH"
	Met    bool   `json:"met"`
	Detail string `json:"detail"`           // what was found
	Remedy string `json:"remedy,omitempty"` // what to do where it is not met
}

// Unmet returns the requirements that are not met.
func Unmet(rs []Requirement) (out []Requirement) {
	for _, r := range rs {
		if !r.Met {
			out = append(out, r)
		}
	}
	return out
}

// DescribeUnmet says in one line what is missing.
func DescribeUnmet(rs []Requirement) string {
	var parts []string
	for _, r := range Unmet(rs) {
		parts = append(parts, r.Name+": "+r.Detail)
	}
	return strings.Join(parts, "; ")
}

// Remedies says in one line what to do about what is missing, each thing once.
func Remedies(rs []Requirement) string {
	var parts []string
	for _, r := range Unmet(rs) {
		if r.Remedy != "" && !slices.Contains(parts, r.Remedy) {
			parts = append(parts, r.Remedy)
		}
	}
	return strings.Join(parts, "; ")
}

// Tool is a program that took part in the measurement.
type Tool struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}
