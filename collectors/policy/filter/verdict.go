package filter

import (
	"fmt"
	"slices"
)

// Verdict is what filters say of a system call, whatever its arguments are.
type Verdict string

// The verdicts.
const (
	Allowed     Verdict = "allowed"     // its handler is reached with any arguments
	Conditional Verdict = "conditional" // it depends on the arguments, or another process decides
	Denied      Verdict = "denied"      // its handler is never reached
)

// Judgement is a verdict and what belongs to it.
type Judgement struct {
	Verdict Verdict
	// Denial says what happens instead, where the call is denied.
	Denial string
	// When lists the conditions of which one must hold for a conditional call to be
	// allowed, so far as they are known.
	When []string
	// Unproven says of a conditional call that no arguments were found for each of two
	// answers: it may in truth be allowed or denied.
	Unproven bool

	clauses []clause // of When; nil where these are not all
}

// Architectures, AUDIT_ARCH_ of linux/audit.h.
const (
	AMD64 uint32 = 0xc000003e
	I386  uint32 = 0x40000003
)

// Policy is a task's filters, ready to be asked.
type Policy struct {
	chain   []Program // in the order in which they were installed
	machine machine   // nil where it cannot run them
}

// New makes a policy of all filters of a task, the first one installed first.
func New(chain []Program) *Policy {
	m, err := newMachine(chain)
	if err != nil {
		m = nil // an instruction that the machine lacks: there are verdicts, without proof
	}
	return &Policy{chain, m}
}

// Judge says what the policy makes of a call. The error says that two ways of working
// it out disagree, so that neither may be believed.
func (p *Policy) Judge(arch, number uint32) (Judgement, error) {
	ended, ok := p.explore(arch, number)
	if !ok {
		return Judgement{Verdict: Conditional, Unproven: true, When: []string{"more cases than can be listed"}}, nil
	}
	seen := map[answer]bool{}
	for _, o := range ended {
		seen[answerOf(o.returned)] = true
	}
	proven, err := p.prove(ended)
	if err != nil {
		return Judgement{}, fmt.Errorf("system call %d: %w", number, err)
	}
	switch {
	case !seen[mixed] && !seen[asks] && !seen[denies]:
		return Judgement{Verdict: Allowed}, nil
	case !seen[mixed] && !seen[asks] && !seen[allows]:
		return Judgement{Verdict: Denied, Denial: denial(ended)}, nil
	}
	j := Judgement{Verdict: Conditional, Unproven: !proven[asks] && !(proven[allows] && proven[denies])}
	j.clauses, j.When = conditions(ended)
	return j, nil
}

// explore follows all ways through all filters. Each is asked, whatever another said.
func (p *Policy) explore(arch, number uint32) (ended []outcome, ok bool) {
	var start outcome
	for i := range start.words {
		start.words[i] = anyWord()
	}
	start.words[wordNumber], start.words[wordArch] = exactly(number), exactly(arch)
	start.exact, start.returned = true, value{kind: constant, n: uint32(allow)}
	ended = []outcome{start}
	for i := len(p.chain) - 1; i >= 0; i-- {
		var next []outcome
		for _, before := range ended {
			ways, ok := explore(p.chain[i], before.words, before.exact)
			if !ok || len(next)+len(ways) > maxWays {
				return nil, false
			}
			for _, o := range ways {
				if i < len(p.chain)-1 {
					o.returned = strictest(before.returned, o.returned)
				}
				next = append(next, o)
			}
		}
		ended = next
	}
	return ended, true
}

// prove runs the filters on arguments for each way, as far as such can be worked out,
// and returns which answers they gave.
func (p *Policy) prove(ended []outcome) (proven map[answer]bool, err error) {
	proven = map[answer]bool{}
	if p.machine == nil && len(p.chain) > 0 {
		return proven, nil
	}
	for _, o := range ended {
		d, ok := o.witness()
		if !ok {
			continue
		}
		a, err := p.machine.run(d)
		if err != nil {
			return proven, err
		}
		if want := answerOf(o.returned); o.exact && want != mixed && want != a.answer() {
			return proven, fmt.Errorf("for the arguments %x the filters say %q, and not as was worked out", d, a)
		}
		proven[a.answer()] = true
	}
	return proven, nil
}

// witness returns data for which the way is taken.
func (o *outcome) witness() (d data, ok bool) {
	for i, w := range o.words {
		if d[i], ok = w.witness(); !ok {
			return d, false
		}
	}
	return d, true
}

// denial says what happens to a call that is always denied.
func denial(ended []outcome) string {
	var kinds []string
	for _, o := range ended {
		if kind := Action(o.returned.n).String(); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 1 {
		return kinds[0]
	}
	return "one of several"
}
