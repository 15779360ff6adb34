//go:build lab

package ebpf

import (
	"strings"
	"testing"

	"hapscope/collectors/exercise"
	"hapscope/collectors/internal/labtest"
	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
)

func TestMain(m *testing.M) { labtest.Main(m, nil) }

func TestWitness(t *testing.T) {
	if r := probe.KprobeMulti(); !r.Met {
		labtest.OlderKernel(t, 6, 12, r.Detail)
		_, err := New(Options{}).Arm(t.Context())
		if err == nil || !strings.Contains(err.Error(), "CONFIG_FPROBE") {
			t.Errorf("err = %v", err)
		}
		return
	}
	labtest.Witness(t, labtest.Armed(t, New(Options{}).Arm), true)
}

// A chosen list can be counted where kprobe.multi is missing.
func TestWitnessOfChosenFunctions(t *testing.T) {
	if r := probe.KprobeMulti(); r.Met {
		t.Skip("this kernel has kprobe.multi; the test runs on the older one")
	}
	fs, err := tracefs.Open()
	if err != nil {
		t.Fatal(err)
	}
	table, err := symbols.Load(fs)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Functions: []string{"begin_new_exec"}}
	for _, e := range exercise.Standard().Expected() {
		for _, name := range e.Functions {
			if table.Find("", name) >= 0 {
				o.Functions = append(o.Functions, name)
				break
			}
		}
	}
	labtest.Witness(t, labtest.Armed(t, New(o).Arm), false)
}

func TestChosenFunctionsAreChecked(t *testing.T) {
	for want, names := range map[string][]string{
		"cannot be traced": {"no_such_function"},
		"at most 256":      make([]string, MaxFunctions+1),
	} {
		if _, err := New(Options{Functions: names}).Arm(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, r := range New(Options{}).Check(t.Context()) {
		t.Logf("%+v", r)
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
