package json

import (
	"time"

	"hapscope/analysis"
	"hapscope/record"
)

// document is what is written; report.schema.json says what the keys mean.
type document struct {
	Schema     string       `json:"schema"`
	Run        run          `json:"run"`
	Verdict    verdict      `json:"verdict"`
	Variants   []string     `json:"variants"`
	Reference  string       `json:"reference"`
	Workloads  []string     `json:"workloads"`
	Cells      []cell       `json:"cells"`
	Timed      []timed      `json:"timed"`
	Rankings   []ranking    `json:"rankings"`
	Sharing    []sharing    `json:"sharing"`
	Subsystems []subsystems `json:"subsystems"`
	Witnesses  []witness    `json:"witnesses"`
	NotOK      []footnote   `json:"not_ok"`
	Warnings   []warning    `json:"warnings"`
}

type run struct {
	ID         string     `json:"id"`
	Scenario   string     `json:"scenario"`
	Created    time.Time  `json:"created"`
	Ended      *time.Time `json:"ended,omitempty"`
	Hapscope   string     `json:"hapscope"`
	Revision   string     `json:"revision,omitempty"`
	Where      string     `json:"where"`
	Emulated   bool       `json:"emulated"`
	Kernel     string     `json:"kernel,omitempty"`
	Kernels    []string   `json:"kernels"`
	Traceable  int        `json:"traceable,omitempty"`
	Untraced   int        `json:"untraceable,omitempty"`
	Conditions string     `json:"conditions"`
}

type verdict struct {
	Headline string `json:"headline"`
	Coverage string `json:"coverage"`
}

type footnote struct {
	Number int             `json:"number"`
	Status record.Status   `json:"status"`
	Reason string          `json:"reason"`
	Remedy string          `json:"remedy,omitempty"`
	Cells  []footnotedCell `json:"cells"`
}

type footnotedCell struct {
	record.Cell
	Timed       bool         `json:"timed,omitempty"`
	Place       record.Place `json:"place,omitempty"`
	Repetitions []int        `json:"repetitions"`
}

type warning struct {
	Kind  string        `json:"kind"`
	Text  string        `json:"text"`
	Cells []record.Cell `json:"cells,omitempty"`
}

func newDocument(r *analysis.Report) document {
	d := document{
		Schema:   Version,
		Run:      newRun(r),
		Verdict:  verdict{r.Headline(), r.Coverage()},
		Variants: filled(r.Run.Plan.Variants), Workloads: filled(r.Run.Plan.Workloads), Reference: r.Reference(),
		Cells: cells(r), Timed: allTimed(r), Rankings: rankings(r), Sharing: sharings(r), Subsystems: allSubsystems(r), Witnesses: witnesses(r),
		NotOK: []footnote{}, Warnings: []warning{},
	}
	for _, n := range r.Footnotes() {
		f := footnote{Number: n.Number, Status: n.Status, Reason: n.Reason, Remedy: n.Remedy}
		for _, c := range n.Cells {
			f.Cells = append(f.Cells, footnotedCell{c.Cell, c.Timed, c.Place, c.Repetitions})
		}
		d.NotOK = append(d.NotOK, f)
	}
	for _, w := range r.Warnings {
		d.Warnings = append(d.Warnings, warning{string(w.Kind), w.Text, w.Cells})
	}
	return d
}

func newRun(r *analysis.Report) run {
	out := run{ID: r.Run.ID, Scenario: r.Run.Plan.Scenario, Created: r.Run.Created.UTC(), Ended: r.Run.Ended, Hapscope: r.Run.Hapscope.Version, Revision: r.Run.Hapscope.Revision,
		Where: r.Run.Where, Emulated: r.Emulated(), Kernels: filled(r.Kernels), Conditions: r.Conditions()}
	if m := r.Run.Machine; m != nil {
		out.Kernel, out.Traceable, out.Untraced = m.Release, m.Traceable, m.Untraceable
	}
	return out
}

// filled makes a list that is written as one even if it is empty.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
