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

func (e Exercise) check(witness string, lost []uint64, count func(Expected) (n uint64, trouble string)) record.Check {
	c := record.Check{Name: checkName, Witness: witness, Passed: true}
	var parts []string
	for _, x := range e.Expected() {
		n, trouble := count(x)
		switch {
		case trouble != "":
			parts = append(parts, x.Name+" is "+trouble)
		case n == x.Count:
			parts = append(parts, fmt.Sprintf("%d × %s", n, x.Name))
		default:
			parts = append(parts, fmt.Sprintf("%d × %s instead of %d", n, x.Name, x.Count))
		}
		c.Passed = c.Passed && trouble == "" && n == x.Count
	}
	for cpu, n := range lost {
		if n > 0 {
			parts, c.Passed = append(parts, fmt.Sprintf("%d events lost on CPU %d", n, cpu)), false
		}
	}
	c.Detail = strings.Join(parts, ", ")
	return c
}
