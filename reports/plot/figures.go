package plot

import (
	"hapscope/analysis"
	"hapscope/record"
)

// Figure is one of those that there are, by name.
type Figure struct {
	Name    string // steady, boot, layers, sharing, subsystems, or that of a Timing
	Options Options
}

// Figures lists them, what was counted before what was timed.
func Figures() []Figure {
	out := []Figure{
		{"steady", Options{}},
		{string(Combinations), Options{Sets: Combinations}},
		{string(Subsystems), Options{Sets: Subsystems}},
		{"layers", Options{Layers: true}},
		{"boot", Options{Phase: analysis.CreateBoot}},
	}
	for _, t := range Timings() {
		out = append(out, Figure{string(t), Options{Timing: t}})
	}
	return out
}

// Of lists the figures for which a record has numbers, those of timings at its most
// telling place.
func Of(r *analysis.Report) (out []Figure) {
	for _, f := range Figures() {
		if has(r, f.Options) {
			out = append(out, f)
		}
	}
	return out
}

// has reports whether a figure would show anything. One of planned cells shows what
// became of them.
func has(r *analysis.Report, o Options) bool {
	switch {
	case o.Timing != "" || o.Sets != "":
		_, err := newFigure(r, o)
		return err == nil
	case o.Layers:
		return len(r.LayersOf()) > 0
	case o.Phase == analysis.CreateBoot:
		return r.Any(analysis.Key{Phase: o.Phase, Context: record.InProcess, Metric: analysis.UniqueFunctions})
	}
	return len(r.Cells) > 0
}
