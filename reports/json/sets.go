package json

import (
	"hapscope/analysis"
	"hapscope/record"
)

type ranking struct {
	Workload string          `json:"workload"`
	Context  record.Context  `json:"context"`
	Metric   analysis.Metric `json:"metric"`
	Turned   bool            `json:"turned"`
	Ranks    []rank          `json:"ranks"`
}

type rank struct {
	Variant  string  `json:"variant"`
	Place    int     `json:"place"`
	Median   float64 `json:"median"`
	Overlaps bool    `json:"overlaps"`
}

type sharing struct {
	Workload     string        `json:"workload"`
	Variants     []string      `json:"variants"`
	Sizes        []int         `json:"sizes"`
	Shared       int           `json:"shared"`
	Private      []int         `json:"private"`
	Jaccard      [][]float64   `json:"jaccard"`
	Combinations []combination `json:"combinations"`
}

type combination struct {
	Variants  []string `json:"variants"`
	Functions int      `json:"functions"`
}

type subsystems struct {
	Workload    string      `json:"workload"`
	Variants    []string    `json:"variants"`
	Approximate int         `json:"approximate"`
	Unplaced    int         `json:"unplaced"`
	Rows        []subsystem `json:"rows"`
}

type subsystem struct {
	Name      string `json:"name,omitempty"`
	Functions []int  `json:"functions"`
}

type witness struct {
	record.Cell
	A       string  `json:"a"`
	B       string  `json:"b"`
	N       int     `json:"n"`
	Jaccard float64 `json:"jaccard"`
	Worst   float64 `json:"worst"`
	Dissent int     `json:"dissent"`
}

// rankings are those by number under each choice of contexts, and those by weight.
func rankings(r *analysis.Report) []ranking {
	out := []ranking{}
	for _, k := range r.Rankings() {
		out = append(out, newRanking(k))
	}
	for _, k := range r.WeightedRankings() {
		if k.Metric != analysis.UniqueFunctions {
			out = append(out, newRanking(k))
		}
	}
	return out
}

func newRanking(k analysis.Ranking) ranking {
	out := ranking{Workload: k.Workload, Context: k.Context, Metric: k.Metric, Turned: k.Turned}
	for _, a := range k.Ranks {
		out.Ranks = append(out.Ranks, rank{a.Variant, a.Place, a.Median, a.Overlaps})
	}
	return out
}

func sharings(r *analysis.Report) []sharing {
	out := []sharing{}
	for _, s := range r.Sharings() {
		n := sharing{Workload: s.Workload, Variants: s.Variants, Sizes: s.Sizes, Shared: len(s.Shared), Jaccard: s.Jaccard, Combinations: []combination{}}
		for _, p := range s.Private {
			n.Private = append(n.Private, len(p))
		}
		for _, c := range s.Combinations {
			var names []string
			for _, i := range c.Members {
				names = append(names, s.Variants[i])
			}
			n.Combinations = append(n.Combinations, combination{names, len(c.Functions)})
		}
		out = append(out, n)
	}
	return out
}

func witnesses(r *analysis.Report) []witness {
	out := []witness{}
	for _, a := range r.Agreements() {
		out = append(out, witness{a.Cell, a.A, a.B, a.N, a.Jaccard(), a.Worst, len(a.Dissent)})
	}
	return out
}

func allSubsystems(r *analysis.Report) []subsystems {
	out := []subsystems{}
	for _, w := range r.Run.Plan.Workloads {
		s := r.SubsystemsOf(w)
		if len(s.Rows) == 0 {
			continue
		}
		n := subsystems{Workload: w, Variants: s.Variants, Approximate: s.Approximate, Unplaced: s.Unplaced}
		for _, row := range s.Rows {
			part := subsystem{Name: row.Name}
			for _, weight := range row.Weights {
				part.Functions = append(part.Functions, weight.Functions)
			}
			n.Rows = append(n.Rows, part)
		}
		out = append(out, n)
	}
	return out
}
