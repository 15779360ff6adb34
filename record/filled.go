package record

// filled returns a run without nil lists and maps, so that run.json holds []
// and {} where nothing is known to be, and null nowhere. Results are written as
// they are: there null means "not measured" and {} "measured, none".
func filled(r Run) Run {
	fillList(&r.Plan.Variants)
	fillList(&r.Plan.Workloads)
	fillList(&r.Plan.Steps)
	if r.Lab != nil {
		lab := *r.Lab
		fillMap(&lab.Images)
		fillList(&lab.Packages)
		r.Lab = &lab
	}
	if r.Machine != nil {
		machine := *r.Machine
		fillMap(&machine.Mitigations)
		fillList(&machine.Modules)
		r.Machine = &machine
	}
	variants := append([]VariantInfo(nil), r.Variants...)
	for i := range variants {
		fillList(&variants[i].Requirements)
	}
	r.Variants = variants
	return r
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
