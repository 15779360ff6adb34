package analysis

import "math"

// Richness is an estimate of how many functions there are to be seen, from how
// often those that were seen have been entered.
type Richness struct {
	Observed int     // functions seen
	Once     int     // of these, entered exactly once
	Twice    int     // entered exactly twice
	Total    float64 // estimated number of functions, seen or not
	SE       float64 // standard error of Total; NaN where it cannot be told
	Low      float64 // 95 % confidence interval of Total; never below Observed
	High     float64
}

// Unseen is the share of the estimated functions that were not seen.
func (r Richness) Unseen() float64 {
	if r.Total == 0 {
		return 0
	}
	return (r.Total - float64(r.Observed)) / r.Total
}

// Chao1 estimates the number of functions by Chao's lower bound: those that were
// entered once and twice tell how many were entered never.
//
// Chao, A. (1984): Nonparametric estimation of the number of classes in a
// population. Scandinavian Journal of Statistics 11, 265–270. The factor
// (n−1)/n, the form for no function entered twice, the variance and the
// log-normal interval are those of Chao (1987), Biometrics 43, 783–791, as in the
// software EstimateS and iNEXT.
//
// It assumes that entries are independent draws. They are not, since functions
// call each other, so that the estimate is a warning light and not a measurement.
func Chao1(entries []uint64) Richness {
	var r Richness
	var n float64
	for _, e := range entries {
		switch e {
		case 0:
			continue
		case 1:
			r.Once++
		case 2:
			r.Twice++
		}
		r.Observed++
		n += float64(e)
	}
	seen, f1, f2 := float64(r.Observed), float64(r.Once), float64(r.Twice)
	r.Total, r.Low, r.High = seen, seen, seen
	if r.Observed == 0 || n < 2 || r.Once == 0 {
		return r
	}
	a := (n - 1) / n
	var variance float64
	if r.Twice > 0 {
		ratio := f1 / f2
		r.Total = seen + a*f1*f1/(2*f2)
		variance = f2 * (a*ratio*ratio/2 + a*a*ratio*ratio*ratio + a*a*ratio*ratio*ratio*ratio/4)
	} else {
		r.Total = seen + a*f1*(f1-1)/2
		variance = a*f1*(f1-1)/2 + a*a*f1*(2*f1-1)*(2*f1-1)/4
		if r.Total > 0 {
			variance -= a * a * f1 * f1 * f1 * f1 / (4 * r.Total)
		}
	}
	unseen := r.Total - seen
	r.SE = math.Sqrt(max(0, variance))
	if unseen <= 0 {
		return r
	}
	c := math.Exp(1.959964 * math.Sqrt(math.Log(1+variance/(unseen*unseen))))
	r.Low, r.High = seen+unseen/c, seen+unseen*c
	return r
}
