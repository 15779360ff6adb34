package analysis

import (
	"hapscope/record"
)

// TradeOff sets the profile beside the throughput of every variant under a workload.
type TradeOff struct {
	Workload string
	Place    record.Place // of the throughput; the profile may come from elsewhere
	Points   []Point
	Without  []record.Cell // that lack one of the two
}

// Point is one variant.
type Point struct {
	Variant    string
	HAP        *Summary
	Throughput *Series
	Front      bool // no other has a smaller or equal profile and more or equal throughput
}

// TradeOffs lists the workloads that have a variant with both, timed at a place.
func (r *Report) TradeOffs(p record.Place) (out []TradeOff) {
	for _, w := range r.Run.Plan.Workloads {
		t := TradeOff{Workload: w, Place: p}
		for _, v := range r.Run.Plan.Variants {
			counted, timed := r.Cell(v, w), r.TimedCell(p, v, w)
			switch {
			case counted == nil && timed == nil:
			case counted == nil || counted.HAP() == nil || timed == nil || timed.Series(ReqPerSec) == nil:
				t.Without = append(t.Without, record.Cell{Variant: v, Workload: w})
			default:
				t.Points = append(t.Points, Point{Variant: v, HAP: counted.HAP(), Throughput: timed.Series(ReqPerSec)})
			}
		}
		if len(t.Points) > 0 {
			front(t.Points)
			out = append(out, t)
		}
	}
	return out
}

// front marks the points that no other beats, by their medians.
func front(points []Point) {
	for i := range points {
		points[i].Front = true
		for j := range points {
			if dominates(points[j], points[i]) {
				points[i].Front = false
			}
		}
	}
}

func dominates(a, b Point) bool {
	smaller, faster := a.HAP.Median-b.HAP.Median, a.Throughput.Median-b.Throughput.Median
	return smaller <= 0 && faster >= 0 && (smaller < 0 || faster > 0)
}

// CountedAt is the place in which functions were counted.
func (r *Report) CountedAt() record.Place {
	switch {
	case r.Run.Lab == nil:
		return record.Native
	case r.Emulated():
		return record.Emulated
	}
	return record.KVM
}
