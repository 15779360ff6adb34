package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Footnote is a reason for not being ok, with all that it applies to.
type Footnote struct {
	Number int // from 1
	Status record.Status
	Reason string
	Remedy string
	Cells  []FootnoteCell
}

// FootnoteCell is a cell to which a footnote applies.
type FootnoteCell struct {
	record.Cell
	Timed       bool         // in the repetitions without collectors
	Place       record.Place // of those; empty where nothing was timed
	Repetitions []int
	Planned     int
}

// String says which repetitions of the cell are meant.
func (f FootnoteCell) String() string {
	var which []string
	if f.Timed {
		which = append(which, strings.TrimSpace("timed "+string(f.Place)))
	}
	if len(f.Repetitions) < f.Planned {
		which = append(which, fmt.Sprintf("repetition %s of %d", ranges(f.Repetitions), f.Planned))
	}
	if len(which) == 0 {
		return f.Cell.String()
	}
	return fmt.Sprintf("%s (%s)", f.Cell, strings.Join(which, ", "))
}

// ranges writes ascending numbers as 1, 3–5, 9.
func ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		switch {
		case j == i:
			parts = append(parts, fmt.Sprint(numbers[i]))
		case j == i+1:
			parts = append(parts, fmt.Sprintf("%d, %d", numbers[i], numbers[j]))
		default:
			parts = append(parts, fmt.Sprintf("%d–%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// Where lists the cells in words.
func (f Footnote) Where() string {
	names := make([]string, len(f.Cells))
	for i, c := range f.Cells {
		names[i] = c.String()
	}
	return strings.Join(names, "; ")
}

// Footnotes gathers the troubles of all cells, each reason once.
func (r *Report) Footnotes() (notes []Footnote) {
	for _, c := range r.Cells {
		for _, t := range c.Troubles {
			notes = footnote(notes, t, FootnoteCell{Cell: c.Cell, Repetitions: t.Repetitions, Planned: c.Planned})
		}
	}
	for _, c := range r.Timed {
		for _, t := range c.Troubles {
			notes = footnote(notes, t, FootnoteCell{c.Cell, true, c.Place, t.Repetitions, c.Planned})
		}
	}
	return notes
}

// footnote adds a cell to the footnote of its trouble.
func footnote(notes []Footnote, t Trouble, cell FootnoteCell) []Footnote {
	i := slices.IndexFunc(notes, func(n Footnote) bool {
		return n.Status == t.Status && n.Reason == t.Reason && n.Remedy == t.Remedy
	})
	if i < 0 {
		i = len(notes)
		notes = append(notes, Footnote{Number: i + 1, Status: t.Status, Reason: t.Reason, Remedy: t.Remedy})
	}
	notes[i].Cells = append(notes[i].Cells, cell)
	return notes
}

// NumbersOf returns the numbers of the footnotes that apply to a cell.
func NumbersOf(notes []Footnote, cell record.Cell) []int {
	return numbersOf(notes, func(c FootnoteCell) bool { return c.Cell == cell && !c.Timed })
}

// NumbersOfTimed returns the numbers of the footnotes that apply to a timed cell.
func NumbersOfTimed(notes []Footnote, t *Timed) []int {
	return numbersOf(notes, func(c FootnoteCell) bool { return c.Cell == t.Cell && c.Timed && c.Place == t.Place })
}

func numbersOf(notes []Footnote, is func(FootnoteCell) bool) (numbers []int) {
	for _, n := range notes {
		if slices.ContainsFunc(n.Cells, is) {
			numbers = append(numbers, n.Number)
		}
	}
	return numbers
}

// Brief returns the first line of the reason.
func (f Footnote) Brief() string {
	first, _, _ := strings.Cut(f.Reason, "\n")
	return first
}

// Detail returns the lines after the first: mostly what the sandbox had printed.
func (f Footnote) Detail() string {
	_, rest, _ := strings.Cut(f.Reason, "\n")
	return strings.TrimSpace(rest)
}
