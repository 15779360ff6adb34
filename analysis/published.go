package analysis

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hapscope/record"
)

// published holds what others have measured of variants and workloads that hapscope
// knows, beside the docker (or the plain process) of the same figure. redis-test, of which
// is not known what it asked for, stands beside redis-get and redis-set. The bars were read off the authors'
// figures. Kernels, versions, machines and load were others, so that ratios can be
// compared and digits cannot.
//
//go:embed published.csv
var published string

// Published is one published number.
type Published struct {
	record.Cell                // as hapscope calls it
	Metric        Metric       // ReqPerSec or UniqueFunctions of the steady state
	As            record.Cell  // as the authors called it
	Value, Docker float64      // of the variant, and of the plain container beside it
	Date          string       // year and month, and the day where it is known
	Source        string       // author and figure
	Ours          []OursBeside // at each place with a number; none where there is none
}

// OursBeside is what this record has for the same variant and workload.
type OursBeside struct {
	Where string // place, for timings; empty for counts
	Ratio float64
	Range *Interval // bootstrap for timings; the least and the greatest that repetitions allow for counts
}

// Ratio is that to docker.
func (p Published) Ratio() float64 { return p.Value / p.Docker }

// PublishedNumbers lists all of them.
func PublishedNumbers() []Published {
	rows, err := csv.NewReader(strings.NewReader(published)).ReadAll()
	if err != nil {
		panic("published.csv: " + err.Error()) // it is part of the program, and a test reads it
	}
	var out []Published
	for _, row := range rows[1:] {
		p := Published{Cell: record.Cell{Variant: row[0], Workload: row[1]}, Metric: Metric(row[2]),
			As: record.Cell{Variant: row[3], Workload: row[4]}, Date: row[7], Source: row[8]}
		p.Value, _ = strconv.ParseFloat(row[5], 64) // likewise
		p.Docker, _ = strconv.ParseFloat(row[6], 64)
		out = append(out, p)
	}
	return out
}

// PublishedBeside lists the published numbers of which the record has the same ratio: none
// where its own are not to a plain container.
func (r *Report) PublishedBeside() (out []Published) {
	if !r.plainReference() {
		return nil
	}
	for _, p := range PublishedNumbers() {
		if p.Metric == ReqPerSec {
			p.Ours = r.timedBeside(p.Cell)
		} else {
			p.Ours = r.countedBeside(p.Cell)
		}
		if len(p.Ours) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// What is the metric, and the authors' name of the workload where it is not the same.
func (p Published) What() string {
	if p.Metric == UniqueFunctions && p.As.Workload != p.Workload {
		return fmt.Sprintf("%s (%s)", p.Metric, p.As.Workload)
	}
	return string(p.Metric)
}

// NablaBeside says in one line what share of the plain container's profile Nabla's is,
// here and published, and why they need not be the same; empty where there is nothing to
// compare.
func (r *Report) NablaBeside() string {
	var ours []string
	var published []float64
	for _, p := range r.PublishedBeside() {
		if p.Metric != UniqueFunctions || !strings.HasPrefix(p.Variant, "nabla-") {
			continue
		}
		published = append(published, p.Ratio())
		if line := fmt.Sprintf("%s %.2f", p.Cell, p.Ours[0].Ratio); !slices.Contains(ours, line) {
			ours = append(ours, line)
		}
	}
	if len(ours) == 0 {
		return ""
	}
	return fmt.Sprintf("Nabla's share of the plain container's profile: %s; published %.2f–%.2f. "+
		"What differs: on the way of each packet are a tap, a bridge and a pair of links, where the tap of 2018 was the host's own, "+
		"and the kernel is years younger (docs/nabla.md)", strings.Join(ours, ", "), slices.Min(published), slices.Max(published))
}

func (r *Report) timedBeside(cell record.Cell) (out []OursBeside) {
	for _, place := range r.Places() {
		t := r.TimedCell(place, cell.Variant, cell.Workload)
		if t == nil {
			continue
		}
		if s := t.Series(ReqPerSec); s != nil && s.ToReference != nil {
			out = append(out, OursBeside{string(place), s.ToReference.Ratio, s.ToReference.CI})
		}
	}
	return out
}

func (r *Report) countedBeside(cell record.Cell) []OursBeside {
	of, to := r.Cell(cell.Variant, cell.Workload), r.Cell(r.Reference(), cell.Workload)
	if of == nil || to == nil || of.HAP() == nil || to.HAP() == nil || to.HAP().Min == 0 {
		return nil
	}
	a, b := of.HAP(), to.HAP()
	ours := OursBeside{Ratio: a.Median / b.Median}
	if min(a.N, b.N) > 1 {
		ours.Range = &Interval{Low: a.Min / b.Max, High: a.Max / b.Min}
	}
	return []OursBeside{ours}
}

// PublishedThroughput returns the published ratio of a cell's throughput to docker's,
// or nil; also where the record's own are not to a plain container.
func (r *Report) PublishedThroughput(cell record.Cell) *Published {
	if !r.plainReference() {
		return nil
	}
	all := PublishedNumbers()
	i := slices.IndexFunc(all, func(p Published) bool { return p.Metric == ReqPerSec && p.Cell == cell })
	if i < 0 {
		return nil
	}
	return &all[i]
}
