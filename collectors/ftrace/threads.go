package ftrace

// visits is how often a thread entered a function, and the stamps of the first and the
// last time: whether it did so on either side of some moment can be told long after,
// from whichever CPUs, and without keeping every entry.
type visits struct{ n, first, last uint64 }

// plus adds those of another CPU.
func (v visits) plus(o visits) visits {
	switch {
	case v.n == 0:
		return o
	case o.n == 0:
		return v
	}
	return visits{v.n + o.n, min(v.first, o.first), max(v.last, o.last)}
}

// perThread holds how often one thread entered each function in process context,
// in pages that are there once they are needed: a thread enters a few hundred of
// tens of thousands of functions, and a sandbox may have hundreds of threads.
type perThread []*[1 << pageBits]visits

// pageBits is the binary logarithm of a page's functions.
const pageBits = 6

// at returns where a function's visits are.
func (p *perThread) at(function int) *visits {
	at := function >> pageBits
	if at >= len(*p) {
		*p = append(*p, make(perThread, at+1-len(*p))...)
	}
	page := (*p)[at]
	if page == nil {
		page = new([1 << pageBits]visits)
		(*p)[at] = page
	}
	return &page[function&(1<<pageBits-1)]
}

// enter counts one entry; stamps ascend.
func (p *perThread) enter(function int, stamp uint64) {
	v := p.at(function)
	if v.n == 0 {
		v.first = stamp
	}
	v.n++
	v.last = stamp
}

func (p *perThread) add(function int, more visits) {
	v := p.at(function)
	*v = v.plus(more)
}

// count returns how often a function was entered.
func (p perThread) count(function int) uint64 {
	if at := function >> pageBits; at < len(p) && p[at] != nil {
		return p[at][function&(1<<pageBits-1)].n
	}
	return 0
}

// each calls f for every function that was entered, in ascending order.
func (p perThread) each(f func(function int, v visits)) {
	for at, page := range p {
		if page == nil {
			continue
		}
		for i := range page {
			if page[i].n > 0 {
				f(at<<pageBits|i, page[i])
			}
		}
	}
}
