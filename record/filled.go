package record

// filled returns a run without nil lists and maps, so that run.json holds []
// and {} where nothing is known to be, and null nowhere. Results are written as
// they are: there null means "not measured" and {} "measured, none".
func filled(r Run) Run {
	fillList(&r.Plan.Variants)
	fillList(&r.Plan.Workloads)
	fillList(&r.Plan.Steps)
	if r.Plan.Timing != nil {
		timing := *r.Plan.Timing
		fillList(&timing.Steps)
		r.Plan.Timing = &timing
	}
	if r.Lab != nil {
		lab := *r.Lab
		fillMap(&lab.Images)
		fillList(&lab.Packages)
		r.Lab = &lab
	}
	r.Machine, r.Variants = filledMachine(r.Machine), filledVariants(r.Variants)
	if r.Timed != nil {
		timed := map[Place]*TimedAt{}
		for place, at := range r.Timed {
			filled := *at
			filled.Machine, filled.Variants = filledMachine(at.Machine), filledVariants(at.Variants)
			timed[place] = &filled
		}
		r.Timed = timed
	}
	return r
}

func filledMachine(m *Machine) *Machine {
	if m == nil {
		return nil
	}
	machine := *m
	fillMap(&machine.Mitigations)
	fillList(&machine.Modules)
	return &machine
}

func filledVariants(list []VariantInfo) []VariantInfo {
	variants := append([]VariantInfo(nil), list...)
	for i := range variants {
		fillList(&variants[i].Requirements)
	}
	return variants
}

func fillList[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}

func fillMap[V any](m *map[string]V) {
	if *m == nil {
		*m = map[string]V{}
	}
}
