// Package testrecord makes a record for tests of the half of hapscope that only
// reads. Its numbers are drawn from a seeded generator, shaped like those of a
// real run, and hold every case that a report must show: measured, degraded,
// partly failed, failed, skipped and missing cells. Nothing outside tests may
// import it.
package testrecord

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hapscope/record"
)

// Kernel is the build id of the made-up kernel.
const Kernel = "5f3a9c04e1d27b68aa90c3f1b4d2e6078c9b1a25"

// New returns the record in memory. It is the same at each call.
func New() *record.Record {
	functions := Functions()
	g := generator{rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4)), len(functions)}
	rec := &record.Record{Run: run(len(functions)), Tables: map[string][]record.Function{Kernel: functions}}
	at := rec.Run.Created
	for _, s := range rec.Run.Plan.Steps {
		at = at.Add(8 * time.Second)
		r := record.Result{Variant: s.Variant, Workload: s.Workload, Repetition: s.Repetition, Started: at, Seconds: 6.5}
		switch key := s.Cell.String(); {
		case s.Variant == "gvisor-kvm":
			r.Status, r.Reason, r.Remedy = record.Skipped, "no virtual machine can be started: KVM_RUN of a test guest did not return within 5 s", "run on a machine whose /dev/kvm works, or let the lab use TCG with a CPU that has SVM"
			r.Seconds = 0
		case key == "gvisor-ptrace × node-express", key == "crun × python-tornado" && s.Repetition == 2:
			r.Status, r.Reason, r.Remedy = record.Failed, "wrong reply to GET /item/17: want item 17, got 502 Bad Gateway\noutput of the sandbox:\nlistening on 8080\nTypeError: item is not a function", "look at the output of the sandbox in the log"
		case key == "gvisor-ptrace × python-tornado", key == "crun × node-express" && s.Repetition == 3:
			continue // the run was interrupted before
		default:
			g.measure(&r)
			r.Postures = postures(s.Variant)
			if key == "gvisor-systrap × redis-get" && s.Repetition == 2 {
				r.Status, r.Reason, r.Remedy = record.Degraded, "1234 of 2121780 events lost in phase steady", "raise the collector's buffer"
				r.Phase(record.Steady).Lost = []uint64{1234, 0}
			}
			if s.Variant == "gvisor-ptrace" {
				r.Warnings = []string{"2 threads of the cgroup were not followed before the steady phase"}
			}
		}
		rec.Results = append(rec.Results, r)
	}
	return rec
}

// WithMachines returns the record of New, but that runc has run guests.
func WithMachines() *record.Record {
	rec := New()
	for i := range rec.Results {
		if rec.Results[i].Variant != "runc" {
			continue
		}
		for j := range rec.Results[i].Phases {
			p := &rec.Results[i].Phases[j]
			p.VM = map[record.VMEvent]map[string]uint64{record.VMExit: {"npf": 1234}, record.VMUserExit: {"IO": 56}}
			p.Vhost = map[record.VhostEvent]map[string]uint64{
				record.VhostWork:      {"handle_tx_kick [vhost_net]": 310, "handle_rx_net [vhost_net]": 290},
				record.VhostKick:      {"net tx": 320},
				record.VhostInterrupt: {"net rx": 280},
			}
		}
	}
	return rec
}

// Write puts the record of New into a new run directory.
func Write(t testing.TB, dir string) {
	t.Helper()
	WriteRecord(t, dir, New())
}

// WriteRecord puts a record into a new run directory, through the writer.
func WriteRecord(t testing.TB, dir string, rec *record.Record) {
	t.Helper()
	w := newWriter(t, dir, rec)
	defer w.Close()
	for _, r := range rec.Results {
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, timing := range rec.Timings {
		if err := w.AppendTiming(timing); err != nil {
			t.Fatal(err)
		}
	}
}

// newWriter makes a run directory with the function tables of a record.
func newWriter(t testing.TB, dir string, rec *record.Record) *record.Writer {
	t.Helper()
	w, err := record.NewWriter(dir, rec.Run)
	if err != nil {
		t.Fatal(err)
	}
	for kernel, functions := range rec.Tables {
		if _, err := w.Functions(kernel, functions); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// Functions is the made-up universe, with the kinds of names that real ones hold.
func Functions() []record.Function {
	subsystems := strings.Fields("tcp ip sock skb ep futex sched hrtimer timer rcu irq softirq napi net dev veth:veth_xmit ovl:overlay vfs file path dentry page folio mm vma pipe eventfd ptrace signal task cgroup seccomp copy clock")
	verbs := strings.Fields("get put lock unlock alloc free queue dequeue wake wait poll read write send recv init exit enter leave update insert remove find lookup check account charge copy push pop")
	var out []record.Function
	for _, s := range subsystems {
		name, module, _ := strings.Cut(s, ":")
		for i, v := range verbs {
			f := record.Function{Symbol: name + "_" + v, Module: module, Offset: uint64(len(out)+1) * 0x40}
			if i%13 == 5 {
				f.Symbol += ".isra.0"
			}
			out = append(out, f)
			if v == "init" { // a static of the same name in another file
				out = append(out, record.Function{Symbol: f.Symbol, Module: module, Offset: f.Offset + 0x20})
			}
		}
	}
	return out
}

// generator draws measurements.
type generator struct {
	*rand.Rand
	idle *rand.Rand // of the idle phase
	size int
}

// measure fills a repetition whose sets overlap between variants as real ones do.
func (g generator) measure(r *record.Result) {
	base := map[string]int{"runc": 520, "crun": 500, "gvisor-systrap": 350, "gvisor-ptrace": 380}[r.Variant]
	base += map[string]int{"redis-set": 20, "redis-get": 0, "python-tornado": 90, "node-express": 140}[r.Workload]
	start := map[string]int{"gvisor-systrap": 130, "gvisor-ptrace": 150}[r.Variant]
	r.Status, r.Kernel = record.OK, Kernel
	r.Load = &record.LoadResult{Mode: "paced", Rate: 100, Requests: 300, Correct: 300, Seconds: 3.01}
	for _, p := range record.Phases() {
		g := g
		n, calls := base, uint64(300)
		switch p {
		case record.Create:
			n, calls = base+150, 40
		case record.Boot:
			n, calls = base+300, 90
		case record.Idle:
			n, calls, g.Rand = base/5, 5, g.idle
		case record.Teardown:
			n, calls = base-100, 20
		}
		process := g.hits(start, n)
		r.Phases = append(r.Phases, record.PhaseResult{
			Phase: p, Seconds: 1.5,
			Sighting: record.Sighting{Events: uint64(n) * 400, Functions: map[record.Context][]record.Hit{
				record.InProcess: process,
				record.InSoftIRQ: g.hits(200, 260),
				record.InHardIRQ: g.hits(480, 90),
			}, Roles: roles(r.Variant, process)},
			Syscalls: g.syscalls(r.Variant, calls),
			VM:       map[record.VMEvent]map[string]uint64{}, // none of these variants ran a guest
			Vhost:    map[record.VhostEvent]map[string]uint64{},
		})
	}
	if r.Variant == "gvisor-systrap" {
		confine(r.Phase(record.Create))
	}
	r.WarmUp = 50
	// A second witness that misses one function and sees another besides.
	steady := r.Phase(record.Steady)
	process := slices.Clone(steady.Functions[record.InProcess])
	process[3].Count = 2
	process = append(process[1:], record.Hit{Function: g.size - 1, Count: 1})
	work := []record.Hit{{Function: 7, Count: 12}, {Function: 9, Count: 3}}
	steady.Others = map[string]*record.Sighting{"ebpf": {
		Functions: map[record.Context][]record.Hit{record.InProcess: process, record.InKthread: work, record.Unattributed: work[:1]},
		Partial:   []record.Context{record.InSoftIRQ, record.InHardIRQ}, Bounds: true, Events: 100_000,
		Kthreads: []record.Kthread{{Thread: "kworker", Work: "flush_to_ldisc", Owner: "redis-server", Runs: 4}, {Thread: "vhost", Owner: "qemu-system-x86"}},
	}}
}

// roles divides what was run in process context, with overlaps.
func roles(variant string, process []record.Hit) map[record.Role]*record.RoleSighting {
	if !strings.HasPrefix(variant, "gvisor") {
		return map[record.Role]*record.RoleSighting{record.RoleWorkload: {Threads: 4, Processes: []string{"redis-server"}, Functions: process}}
	}
	n := len(process)
	return map[record.Role]*record.RoleSighting{
		record.RoleSentry: {Threads: 12, Processes: []string{"exe"}, Functions: process[:n*4/5]},
		record.RoleStub:   {Threads: 5, Processes: []string{"exe"}, Functions: process[n/2 : n*19/20]},
		record.RoleGofer:  {Threads: 6, Processes: []string{"exe"}, Functions: process[n*3/4:]},
	}
}

// confine lets a thread give itself a filter in a phase: half of what was run comes
// before it, and some of that again behind it.
func confine(p *record.PhaseResult) {
	s := &record.Sides{Installed: 1}
	for i, h := range p.Functions[record.InProcess] {
		if i%8 < 5 {
			s.Unconfined = append(s.Unconfined, h.Function)
		}
		if i%8 > 2 {
			s.Confined = append(s.Confined, h.Function)
		}
	}
	p.Sides, p.Confined = s, map[string]uint64{"futex": 3, "nanosleep": p.Syscalls["nanosleep"]}
}

// hits draws about n functions from index start on, most of them always.
func (g generator) hits(start, n int) (hits []record.Hit) {
	for i := start; i < min(start+n, g.size); i++ {
		if i%9 != 0 || g.IntN(3) > 0 {
			hits = append(hits, record.Hit{Function: i, Count: 1 + g.Uint64N(400)})
		}
	}
	return hits
}

func (g generator) syscalls(variant string, calls uint64) map[string]uint64 {
	names := strings.Fields("read write epoll_wait epoll_ctl close openat getpid futex clock_gettime mmap munmap")
	if strings.HasPrefix(variant, "gvisor") {
		names = strings.Fields("futex ppoll recvmmsg writev nanosleep epoll_pwait tgkill rt_sigreturn ptrace wait4 sched_yield getpid mmap")
	}
	out := map[string]uint64{}
	for i, n := range names {
		out[n] = 1 + calls*uint64(len(names)-i)/4 + g.Uint64N(calls)
	}
	return out
}

func run(traceable int) record.Run {
	variants := []string{"runc", "crun", "gvisor-systrap", "gvisor-ptrace", "gvisor-kvm"}
	workloads := []string{"redis-set", "redis-get", "python-tornado", "node-express"}
	plan := record.Plan{
		Scenario: "quick", Variants: variants, Workloads: workloads, Repetitions: 3, LifecycleRepetitions: 3,
		Witnesses: []string{"ftrace", "ebpf"}, Idle: 2,
		Load: record.Load{Mode: "paced", Requests: 300, Rate: 100, RequestsPerConnection: 10, WarmUp: 30}, Settle: 2, Deadline: 120, Seed: 20180716,
	}
	for n := range plan.Repetitions {
		for _, w := range workloads {
			for _, v := range variants {
				plan.Steps = append(plan.Steps, record.Step{Cell: record.Cell{Variant: v, Workload: w}, Repetition: n + 1})
			}
		}
	}
	infos := make([]record.VariantInfo, len(variants))
	for i, v := range variants {
		infos[i] = record.VariantInfo{Name: v, Runtime: "runc", Engine: "oci", Command: []string{"runc"},
			Requirements: []record.Requirement{{Name: "binary in PATH", Met: true, Detail: "/usr/sbin/runc"}}}
		if platform, ok := strings.CutPrefix(v, "gvisor-"); ok {
			infos[i].Runtime, infos[i].Command = "gvisor", []string{"runsc", "--platform=" + platform}
			infos[i].Requirements[0].Detail = "/lab/tools/bin/runsc"
		}
	}
	kvm := &infos[slices.Index(variants, "gvisor-kvm")]
	kvm.Requirements = append(kvm.Requirements, record.Requirement{Name: "a KVM that runs", Detail: "KVM_RUN of a test guest did not return within 5 s", Remedy: "run on a machine whose /dev/kvm works, or let the lab use TCG with a CPU that has SVM"})
	packages := make([]record.Package, 0, 40)
	for i := range 40 {
		packages = append(packages, record.Package{Image: []string{"userland", "workloads"}[i%2], Name: fmt.Sprintf("package-%02d", i), Version: fmt.Sprintf("1.%d-1", i)})
	}
	return record.Run{
		Schema: record.SchemaVersion, ID: "20261121-190000-quick",
		Created:  time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC),
		Hapscope: record.Build{Version: "0.1.0", Revision: "1676027abcde", Go: "go1.26"},
		Plan:     plan, Where: "lab", Why: "the host's kernel is locked down (confidentiality): it refuses tracing",
		Lab: &record.Lab{Accelerator: "tcg", Why: "a probe guest did not boot under KVM within 15 s", Emulator: "QEMU emulator version 10.0.13 (Debian 1:10.0.13+ds-1)",
			CPUModel: "EPYC,+svm,+npt", CPUs: 2, MemoryBytes: 4 << 30, TimerSlack: 0.003, Suite: "trixie", KernelSuite: "trixie",
			Images: map[string]string{"userland": "8a1f03", "kernel": "77c2d9", "workloads": "c0ffee"}, Packages: packages},
		Machine: &record.Machine{Release: "6.12.57+deb13-amd64", Version: "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1", BuildID: Kernel,
			ConfigDigest: strings.Repeat("ab", 32), Cmdline: "console=ttyS0 panic=-1", CPU: "AMD EPYC Processor", CPUs: 2, MemoryBytes: 4 << 30,
			Mitigations: map[string]string{"meltdown": "Not affected", "spectre_v2": "Mitigation: Retpolines; STIBP: disabled; RSB filling; PBRSB-eIBRS: Not affected; BHI: Not affected", "retbleed": "Vulnerable"},
			Lockdown:    "none", Virtualization: "qemu", Modules: []string{"kvm", "kvm_amd", "overlay", "veth", "vhost_net"}, Traceable: traceable, Untraceable: 412},
		SelfTest: []record.SelfTest{{Time: time.Date(2026, 11, 21, 19, 0, 30, 0, time.UTC), Checks: []record.Check{
			{Name: "known calls are counted exactly", Witness: "ftrace", Passed: true, Detail: "10000 × getppid, 5000 × pread64, 20 × fork, 20 × getsid"},
			{Name: "known calls are counted exactly", Witness: "ebpf", Passed: true, Detail: "10000 × getppid, 5000 × pread64, 20 × fork, 20 × getsid"},
		}}},
		Variants: infos,
		Tools: []record.Tool{{Name: "runc", Path: "/usr/sbin/runc", Version: "1.1.15+ds1", SHA256: strings.Repeat("1f", 32)},
			{Name: "runsc", Path: "/lab/tools/bin/runsc", Version: "release-20260905.0", SHA256: strings.Repeat("2e", 32)}},
	}
}
