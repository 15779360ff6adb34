package cli

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
)

func TestSelfTestSelection(t *testing.T) {
	parse := func(args ...string) (s selfTestSelection) {
		c := &cobra.Command{}
		s.flags(c)
		if err := c.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		return s
	}
	all := parse()
	for _, name := range selfTestCollectors() {
		if !all.collector(name) {
			t.Errorf("without a flag %s is not asked", name)
		}
	}
	if !slices.Contains(selfTestCollectors(), witnessBCC) || all.check() != nil || !slices.Equal(all.Variants, selfTestVariants()) {
		t.Errorf("%v, %v, %v", selfTestCollectors(), all.check(), all.Variants)
	}
	some := parse("--collector", "bcc,kvm", "--variants", "crun", "--repetitions", "1", "--functions", "tcp_sendmsg", "--only", "agreement")
	if err := some.check(); err != nil || !some.collector("kvm") || some.collector("ftrace") {
		t.Errorf("%+v, %v", some, err)
	}
	// What the lab is told is what was asked for here.
	if inside := parse(some.args()...); !slices.Equal(inside.Collectors, some.Collectors) || !slices.Equal(inside.Variants, some.Variants) || inside.Repetitions != 1 || !slices.Equal(inside.Functions, some.Functions) || inside.part(selfTestCounting) {
		t.Errorf("%v became %v", some, inside)
	}
	for _, bad := range []selfTestSelection{parse("--collector", "bcd"), parse("--variants", "rnuc"), parse("--repetitions", "0"), parse("--only", "agreing")} {
		if exitCode(bad.check()) != exitUsage {
			t.Errorf("%+v: %v", bad, bad.check())
		}
	}
}
