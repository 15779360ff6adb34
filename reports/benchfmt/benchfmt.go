// Package benchfmt writes the values of every repetition in the format of Go
// benchmarks, for benchstat and its like: one line a repetition and phase, and one a
// timed repetition. `benchstat -col /variant` compares the variants.
//
// What makes numbers incomparable is configuration (the place, the kernel, the
// scenario), which benchstat keeps in tables of its own: counts of two kernels and
// times of two places are never mixed. What has no number is a comment.
package benchfmt

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"

	"hapscope/analysis"
	"hapscope/record"
)

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	var b bytes.Buffer
	out := benchfmt.NewWriter(&b) // a buffer's errors are none
	comments(&b, r)
	units(out, r)
	counts(out, r)
	for _, p := range r.Places() {
		timings(out, r, p)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write benchfmt: %w", err)
	}
	return nil
}

// comments says what a program that reads numbers does not see. Lines of no known form
// are passed over by readers of the format.
func comments(b *bytes.Buffer, r *analysis.Report) {
	fmt.Fprintf(b, "# hapscope: %s\n", line(r.Conditions()))
	fmt.Fprintf(b, "# reference of ratios in other formats: %s\n", line(r.Reference()))
	for _, n := range r.Footnotes() {
		fmt.Fprintf(b, "# %s: %s: %s\n", n.Status, line(n.Where()), line(n.Brief()))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(b, "# to know: %s\n", line(w.Text))
	}
}

// line keeps text of a record on its line, where it is no number of anybody's.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
}

// word is a text as a part of a name, which ends with the first blank.
func word(s string) string { return strings.ReplaceAll(line(s), " ", "_") }

// units declares every unit in use. Repetitions differ in their counts too, so that
// none is exact.
func units(out *benchfmt.Writer, r *analysis.Report) {
	used := map[analysis.Metric]bool{}
	for _, row := range r.Rows() {
		used[row.Metric] = used[row.Metric] || row.Value != nil
	}
	for _, m := range append(analysis.Metrics(), analysis.TimingMetrics()...) {
		if !used[m] {
			continue
		}
		for _, pair := range [][2]string{{"better", m.Better()}, {"assume", "nothing"}} {
			if pair[1] == "" {
				continue
			}
			out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: string(m), Key: pair[0]}, OrigUnit: string(m), Value: pair[1]})
		}
	}
}

// counts writes what was counted in process context, a line a repetition and phase.
func counts(out *benchfmt.Writer, r *analysis.Report) {
	for _, c := range r.Cells {
		config := configure(r, r.CountedAt(), strings.Join(c.Kernels, ","))
		for _, phase := range analysis.Phases() {
			for _, s := range c.Samples(phase) {
				name := cellName(c.Cell) + "/phase=" + string(phase)
				if s.Status != record.OK {
					name += "/status=" + string(s.Status) // a lower bound is not one more value
				}
				write(out, config, name, s.Values(record.InProcess))
			}
		}
	}
}

// timings writes what was timed at a place, a line a repetition.
func timings(out *benchfmt.Writer, r *analysis.Report, p record.Place) {
	config := configure(r, p, "")
	for _, t := range r.Timed {
		if t.Place != p {
			continue
		}
		for _, values := range t.Repetitions() {
			write(out, config, cellName(t.Cell), values)
		}
	}
}

func cellName(c record.Cell) string {
	return fmt.Sprintf("Cell/variant=%s/workload=%s", word(c.Variant), word(c.Workload))
}

// configure names what keeps numbers from being compared.
func configure(r *analysis.Report, p record.Place, build string) (out []benchfmt.Config) {
	add := func(key, value string) {
		if value != "" {
			out = append(out, benchfmt.Config{Key: key, Value: []byte(line(value)), File: true})
		}
	}
	add("scenario", r.Run.Plan.Scenario)
	add("place", string(p))
	if m := r.MachineAt(p); m != nil {
		add("kernel", m.Release)
		add("cpu", m.CPU)
	}
	add("kernel-build", build)
	return out
}

func write(out *benchfmt.Writer, config []benchfmt.Config, name string, values []analysis.Value) {
	if len(values) == 0 {
		return
	}
	res := &benchfmt.Result{Config: config, Name: benchfmt.Name(name), Iters: 1}
	for _, v := range values {
		res.Values = append(res.Values, benchfmt.Value{Value: v.Value, Unit: string(v.Metric)})
	}
	out.Write(res)
}
