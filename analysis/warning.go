package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Kind sorts warnings, so that a caller can act on one without reading it.
type Kind string

// The kinds of warnings.
const (
	WarnRecord      Kind = "record"      // the reader had to leave something out
	WarnUnfinished  Kind = "unfinished"  // cells are missing, failed or skipped
	WarnDegraded    Kind = "degraded"    // events were lost: sets are lower bounds
	WarnRepetitions Kind = "repetitions" // too few to show a spread
	WarnSpread      Kind = "spread"      // repetitions differ much
	WarnKernels     Kind = "kernels"     // the record mixes kernels
	WarnUnknown     Kind = "unknown"     // hits outside the function table
	WarnOracle      Kind = "oracle"      // fewer correct replies than planned
	WarnRetried     Kind = "retried"     // a repetition came about at a later attempt
	WarnReboot      Kind = "reboot"      // the lab was booted again meanwhile
	WarnSettle      Kind = "settle"      // a short wait before the steady phase
	WarnRanking     Kind = "ranking"     // the order depends on the contexts counted
	WarnWeights     Kind = "weights"     // the order depends on what functions weigh
	WarnCode        Kind = "code"        // where functions are in the source is guessed, or their size is not known
	WarnUnmeasured  Kind = "unmeasured"  // a cell was measured without its functions or system calls
	WarnPartial     Kind = "partial"     // the witness cannot see all of some contexts
	WarnPolicy      Kind = "policy"      // what tasks may do could not be read, or is not what they did
	WarnSelfTest    Kind = "selftest"    // the instruments were not shown to be right
	WarnConvergence Kind = "convergence" // more repetitions would show more functions
	WarnEmulated    Kind = "emulated"    // timings mean nothing
	WarnPlaces      Kind = "places"      // timings of several machines
	WarnNoise       Kind = "noise"       // the machine was uneven while timing
	WarnReference   Kind = "reference"   // timings without the reference beside them
	WarnSamples     Kind = "samples"     // too few timed repetitions for what is asked of them
	WarnDrift       Kind = "drift"       // timings rise or fall with the order of the repetitions
	WarnBimodal     Kind = "bimodal"     // timings fall into two groups
)

// Warning is something that a reader of the numbers should know.
type Warning struct {
	Kind  Kind
	Text  string
	Cells []record.Cell // those concerned; none where it is about all
}

const (
	// minRepetitions is the fewest for which a minimum and a maximum around a
	// median say anything.
	minRepetitions = 3
	// wideSpread is the range of repetitions, as part of their median, from which
	// on they are called far apart. The published error bars of the 2018
	// measurements are mostly within ±5 %.
	wideSpread = 0.10
	// unseenShare is the share of functions that may be unseen by estimate before
	// a reader is told.
	unseenShare = 0.05
	// ancestorSettle is how many seconds the 2018 measurements waited between
	// readiness and the steady phase.
	ancestorSettle = 5
)

// warnings collects what there is to say, gravest first.
// wrong are the cells of which replies were.
func warnings(r *Report, rec *record.Record, wrong []record.Cell) (out []Warning) {
	add := func(k Kind, cells []record.Cell, format string, args ...any) {
		out = append(out, Warning{k, fmt.Sprintf(format, args...), cells})
	}
	for _, w := range rec.Warnings {
		add(WarnRecord, nil, "%s", w)
	}
	if ks := r.measuredKernels(); len(ks) > 1 {
		add(WarnKernels, nil, "this record mixes %d kernels (build ids %s): their counts must not be compared, and sets are not", len(ks), strings.Join(ks, ", "))
	}
	for _, s := range []record.Status{record.Failed, record.Skipped, Missing} {
		if cells := r.where(func(c *Cell) bool { return c.Counts[s] > 0 }); len(cells) > 0 {
			add(WarnUnfinished, cells, "%s with %s repetitions: %s", count(len(cells), "cell"), s, list(cells))
		}
	}
	if cells := r.where(func(c *Cell) bool { return c.Counts[record.Degraded] > 0 }); len(cells) > 0 {
		add(WarnDegraded, cells, "%s degraded: events were lost or could not be attributed, so the counts are lower bounds: %s", count(len(cells), "cell"), list(cells))
	}
	if cells := r.where(func(c *Cell) bool { return unknown(c) > 0 }); len(cells) > 0 {
		add(WarnUnknown, cells, "function entries at addresses outside the function table were seen and not counted: %s", list(cells))
	}
	if cells := r.where(func(c *Cell) bool { return c.Measured() > 0 && c.HAP() == nil }); len(cells) > 0 {
		add(WarnUnmeasured, cells, "measured, yet without the functions of the steady state: %s", list(cells))
	}
	noCalls := func(c *Cell) bool {
		return c.Measured() > 0 && c.Summary(record.Steady, record.InProcess, UniqueSyscalls) == nil
	}
	if cells := r.where(noCalls); len(cells) > 0 {
		add(WarnUnmeasured, cells, "measured without system calls: %s", list(cells))
	}
	if len(wrong) > 0 {
		add(WarnOracle, wrong, "fewer correct replies than requests: %s", list(wrong))
	}
	if cells := r.where(func(c *Cell) bool { return c.Retried > 0 }); len(cells) > 0 {
		add(WarnRetried, cells, "repetitions failed and were tried again, as the scenario allows; why is with the instrument's health in the HTML report and in the record (retried): %s", list(cells))
	}
	if n := len(rec.Run.Reboots); n > 0 {
		add(WarnReboot, nil, "the lab's kernel panicked while this was measured (%s), and the lab was booted again; the repetitions under way were made anew (reboots in the record says what the kernel said)", count(n, "time"))
	}
	if cells := r.where(func(c *Cell) bool { n := c.Measured(); return n > 0 && n < minRepetitions }); len(cells) > 0 {
		add(WarnRepetitions, cells, "fewer than %d repetitions, so the spread says little: %s", minRepetitions, list(cells))
	}
	if cells := r.where(wide); len(cells) > 0 {
		add(WarnSpread, cells, "repetitions differ by more than %.0f %% of their median: %s", 100*wideSpread, list(cells))
	}
	if turned := turned(r.Rankings()); len(turned) > 0 {
		add(WarnRanking, nil, "the order of the variants turns round when other contexts are counted: %s", strings.Join(turned, "; "))
	}
	if turned := turned(r.WeightedRankings()); len(turned) > 0 {
		add(WarnWeights, nil, "the order of the variants turns round when functions are weighed: %s", strings.Join(turned, "; "))
	}
	for _, text := range r.unknownCode() {
		add(WarnCode, nil, "%s", text)
	}
	if cells := r.where(func(c *Cell) bool { return len(c.Partial) > 0 }); len(cells) > 0 {
		c := r.Cell(cells[0].Variant, cells[0].Workload)
		names := make([]string, len(c.Partial))
		for i, context := range c.Partial {
			names[i] = string(context)
		}
		add(WarnPartial, nil, "the witness %s does not see everything of the contexts %s, so that their counts, and those of any, are lower bounds", c.Witness[0], strings.Join(names, " and "))
	}
	if slices.Contains(r.Run.Plan.Witnesses, "bcc") {
		add(WarnPartial, nil, "the witness bcc was armed: its programs ran functions of the kernel on the sandboxes' behalf, which the other witnesses count; its purpose is to check them")
	}
	for _, why := range r.Unread() {
		add(WarnPolicy, nil, "which system calls are allowed could not be read of %s", why)
	}
	for _, u := range r.Uses() {
		if len(u.Beyond) > 0 {
			add(WarnPolicy, []record.Cell{u.Cell}, "%s used system calls in the steady state that every task is denied which was read afterwards: %s", u.Cell, strings.Join(u.Beyond, " "))
		}
	}
	for _, t := range r.Run.SelfTest {
		switch {
		case t.Skipped != "":
			add(WarnSelfTest, nil, "the instruments were not tested before measuring: %s", t.Skipped)
		case !t.Passed():
			add(WarnSelfTest, nil, "the instruments failed their self-test")
		}
	}
	if cells := r.where(func(c *Cell) bool {
		return c.Measured() >= minRepetitions && c.Convergence.Richness.Unseen() > unseenShare
	}); len(cells) > 0 {
		add(WarnConvergence, cells, "more than %.0f %% of the functions may be unseen by Chao1's estimate, so that further repetitions would raise the counts: %s", 100*unseenShare, list(cells))
	}
	if s := r.Run.Plan.Settle; s < ancestorSettle && (len(r.Cells) > 0 || len(r.Timed) == 0) {
		add(WarnSettle, nil, "sandboxes settled for %g s before the steady phase (the 2018 measurements waited %d s): late start-up work may be counted as steady", s, ancestorSettle)
	}
	if r.Emulated() {
		add(WarnEmulated, nil, "the CPU was emulated in software: function sets are real, times are not, and timer interrupts weigh more than on hardware")
	}
	return append(out, timingWarnings(r)...)
}

// turned lists, for each workload, the choices that turn its order round.
func turned(rankings []Ranking) (out []string) {
	last := ""
	for _, k := range rankings {
		choice := string(k.Context)
		if k.Metric != UniqueFunctions {
			choice = string(k.Metric)
		}
		switch {
		case !k.Turned:
		case k.Workload == last:
			out[len(out)-1] += ", " + choice
		default:
			out, last = append(out, fmt.Sprintf("%s under %s", k.Workload, choice)), k.Workload
		}
	}
	return out
}

func (r *Report) where(is func(*Cell) bool) (cells []record.Cell) {
	for _, c := range r.Cells {
		if is(c) {
			cells = append(cells, c.Cell)
		}
	}
	return cells
}

func unknown(c *Cell) (n uint64) {
	for _, h := range c.Health {
		n += h.Unknown
	}
	return n
}

func wide(c *Cell) bool {
	s := c.HAP()
	return s != nil && s.Max-s.Min > wideSpread*s.Median
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func list(cells []record.Cell) string {
	names := make([]string, len(cells))
	for i, c := range cells {
		names[i] = c.String()
	}
	return strings.Join(names, ", ")
}
