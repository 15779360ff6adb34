package analysis

import (
	"strings"

	"hapscope/record"
)

// Outcome is what became of planned repetitions, whether they counted or timed.
type Outcome struct {
	Status   record.Status         // worst of the planned repetitions
	Planned  int                   // repetitions
	Counts   map[record.Status]int // repetitions by status
	Troubles []Trouble             // why repetitions are not ok, each once
	Notes    []Note                // what the driver remarked on its repetitions
	Retried  int                   // repetitions that came about at a later attempt
}

// Trouble is a reason, with its remedy, that some repetitions share.
type Trouble struct {
	Status      record.Status
	Reason      string
	Remedy      string
	Repetitions []int
}

// Note is a warning that some repetitions share.
type Note struct {
	Text        string
	Repetitions []int
}

// Measured returns how many repetitions have numbers.
func (o *Outcome) Measured() int { return o.Counts[record.OK] + o.Counts[record.Degraded] }

func newOutcome(planned int) Outcome {
	return Outcome{Status: record.OK, Planned: planned, Counts: map[record.Status]int{}}
}

// count takes one repetition in.
func (o *Outcome) count(repetition int, s record.Status, reason, remedy string, warnings, retried []string) {
	o.Counts[s]++
	o.Status = worse(o.Status, s)
	if s != record.OK {
		o.trouble(s, reason, remedy, repetition)
	}
	for _, w := range warnings {
		o.note(w, repetition)
	}
	if len(retried) > 0 {
		o.Retried++
	}
	for _, reason := range retried {
		first, _, _ := strings.Cut(reason, "\n")
		o.note("an attempt failed and was repeated: "+first, repetition)
	}
}

// miss takes a repetition in that the run did not come to.
func (o *Outcome) miss(repetition int) {
	o.count(repetition, Missing, "the run was interrupted before this repetition", "hapscope run --resume DIR", nil, nil)
}

func (o *Outcome) trouble(s record.Status, reason, remedy string, repetition int) {
	for i := range o.Troubles {
		t := &o.Troubles[i]
		if t.Status == s && t.Reason == reason && t.Remedy == remedy {
			t.Repetitions = append(t.Repetitions, repetition)
			return
		}
	}
	o.Troubles = append(o.Troubles, Trouble{s, reason, remedy, []int{repetition}})
}

func (o *Outcome) note(text string, repetition int) {
	for i := range o.Notes {
		if o.Notes[i].Text == text {
			o.Notes[i].Repetitions = append(o.Notes[i].Repetitions, repetition)
			return
		}
	}
	o.Notes = append(o.Notes, Note{text, []int{repetition}})
}
