package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/driver/scenario"
)

// selfTestSelection is what of the self-test was asked for.
type selfTestSelection struct {
	Collectors  []string // none is all
	Variants    []string // of which the witnesses are compared
	Repetitions int      // of each
	Functions   []string // that bcc observes besides
	Only        string   // one of the two parts; empty is both
}

// Parts of a self-test.
const (
	selfTestCounting  = "counting"
	selfTestAgreement = "agreement"
)

func (s *selfTestSelection) part(name string) bool { return s.Only == "" || s.Only == name }

// selfTestVariants are those whose sandboxes differ the most in what they ask of the
// witnesses: a process like any other, and one that traces its own.
func selfTestVariants() []string { return []string{"runc", "gvisor-systrap"} }

func (s *selfTestSelection) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&s.Collectors, "collector", nil, "ask these only, of "+strings.Join(selfTestCollectors(), ", ")+" (default all); functions are compared with those of "+witnessNames()[0])
	c.Flags().StringVar(&s.Only, "only", "", "counting (of what is known) or agreement (of the witnesses) alone")
	c.Flags().StringSliceVar(&s.Variants, "variants", selfTestVariants(), "compare the witnesses on the sandboxes of these")
	c.Flags().IntVar(&s.Repetitions, "repetitions", 2, "so many sandboxes of each; bcc is asked of one")
	c.Flags().StringSliceVar(&s.Functions, "functions", nil, "have bcc observe these as well, and say whether it sees of them what the others see")
}

// args are the flags that say the same.
func (s *selfTestSelection) args() []string {
	args := []string{"--variants", strings.Join(s.Variants, ","), "--repetitions", strconv.Itoa(s.Repetitions)}
	if len(s.Collectors) > 0 {
		args = append(args, "--collector", strings.Join(s.Collectors, ","))
	}
	if s.Only != "" {
		args = append(args, "--only", s.Only)
	}
	if len(s.Functions) > 0 {
		args = append(args, "--functions", strings.Join(s.Functions, ","))
	}
	return args
}

// collector reports whether a collector is asked.
func (s *selfTestSelection) collector(name string) bool {
	return len(s.Collectors) == 0 || slices.Contains(s.Collectors, name)
}

func (s *selfTestSelection) check() error {
	for _, sel := range []struct {
		what         string
		names, known []string
	}{{"collector", s.Collectors, selfTestCollectors()}, {"variant", s.Variants, catalog().Variants}} {
		for _, name := range sel.names {
			if !slices.Contains(sel.known, name) {
				return usageError("unknown %s %q%s; known are %s", sel.what, name, scenario.Suggest(name, sel.known), strings.Join(sel.known, ", "))
			}
		}
	}
	if parts := []string{selfTestCounting, selfTestAgreement}; s.Only != "" && !slices.Contains(parts, s.Only) {
		return usageError("unknown part %q%s; known are %s", s.Only, scenario.Suggest(s.Only, parts), strings.Join(parts, ", "))
	}
	if s.Repetitions < 1 {
		return usageError("--repetitions must be at least 1, not %d", s.Repetitions)
	}
	return nil
}

// selfTestCollectors are those that a self-test can ask: bcc as well where this
// binary is without it, because the one in the lab need not be.
func selfTestCollectors() []string {
	names := witnessNames()
	if !slices.Contains(names, witnessBCC) {
		names = append(names, witnessBCC)
	}
	for _, c := range slices.Concat(otherCollectors(), optionalCollectors()) {
		names = append(names, c.Name())
	}
	return names
}
