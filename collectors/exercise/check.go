package exercise

import (
	"fmt"
	"strings"

	"hapscope/record"
)

// checkName is what a check asks.
const checkName = "known calls are counted exactly"

// Check compares what a witness has counted of one performance of the exercise,
// in process context, with what there was.
func (e Exercise) Check(witness string, universe []record.Function, hits []record.Hit, lost []uint64) record.Check {
	return e.check(witness, lost, func(x Expected) (uint64, string) {
		n, known := x.In(universe, hits)
		if !known {
			return 0, "not in the universe"
		}
		return n, ""
	})
}

// CheckSyscalls is Check for a collector of system calls.
func (e Exercise) CheckSyscalls(collector string, calls map[string]uint64, lost []uint64) record.Check {
	return e.check(collector, lost, func(x Expected) (uint64, string) { return calls[x.Syscall], "" })
}

// CheckVM compares what a collector has counted of one performance of an exercise
// of a virtual machine with what there was. Exits have the names of both vendors'
// tables (arch/x86/include/uapi/asm/svm.h and vmx.h).
func (e Exercise) CheckVM(collector string, vm map[record.VMEvent]map[string]uint64, lost []uint64) record.Check {
	calls, outs := uint64(e.Hypercalls), uint64(e.Outs)
	t := tally{Check: record.Check{Name: checkName, Witness: collector, Passed: true}}
	t.add("hypercalls", vm[record.Hypercall][fmt.Sprintf("hypercall_%#x", unknownHypercall)], calls)
	t.add("exits for them", vm[record.VMExit]["hypercall"]+vm[record.VMExit]["VMCALL"], calls)
	t.add("writes to a port", vm[record.VMPortIO]["out 0x80"], outs)
	t.add("exits for them", vm[record.VMExit]["io"]+vm[record.VMExit]["IO_INSTRUCTION"], outs)
	t.add("exits to the monitor for them", vm[record.VMUserExit]["IO"], outs)
	return t.conclude(lost)
}

// CheckVhost does so for what vhost did.
func (e Exercise) CheckVhost(collector string, vhost map[record.VhostEvent]map[string]uint64, lost []uint64) record.Check {
	packets := uint64(e.Packets)
	t := tally{Check: record.Check{Name: checkName, Witness: collector, Passed: true}}
	t.add("kicks", vhost[record.VhostKick]["net tx"], packets)
	t.add("work items for them", vhost[record.VhostWork]["handle_tx_kick [vhost_net]"], packets)
	t.add("interrupts for packets sent", vhost[record.VhostInterrupt]["net tx"], packets)
	t.add("for packets received", vhost[record.VhostInterrupt]["net rx"], packets)
	return t.conclude(lost)
}

// tally puts a check together.
type tally struct {
	record.Check
	parts []string
}

func (t *tally) add(name string, n, want uint64) {
	part := fmt.Sprintf("%d × %s", n, name)
	if n != want {
		part += fmt.Sprintf(" instead of %d", want)
	}
	t.note(part, n == want)
}

func (t *tally) note(part string, right bool) {
	t.parts, t.Passed = append(t.parts, part), t.Passed && right
}

func (t *tally) conclude(lost []uint64) record.Check {
	for cpu, n := range lost {
		if n > 0 {
			t.note(fmt.Sprintf("%d events lost on CPU %d", n, cpu), false)
		}
	}
	t.Detail = strings.Join(t.parts, ", ")
	return t.Check
}

func (e Exercise) check(witness string, lost []uint64, count func(Expected) (n uint64, trouble string)) record.Check {
	t := tally{Check: record.Check{Name: checkName, Witness: witness, Passed: true}}
	for _, x := range e.Expected() {
		if n, trouble := count(x); trouble != "" {
			t.note(x.Name+" is "+trouble, false)
		} else {
			t.add(x.Name, n, x.Count)
		}
	}
	return t.conclude(lost)
}
