package analysis

import (
	"maps"
	"slices"

	"hapscope/analysis/code"
	"hapscope/record"
)

// universe is the functions of all kernels of a record, one table after the other.
type universe struct {
	functions []record.Function
	places    []code.Place         // of functions
	sizes     []size               // of functions; zero where they are not known
	base      map[string]int       // build id → where its functions begin
	maps      map[string]*code.Map // by build id
}

func newUniverse(rec *record.Record, tables []*code.Table) *universe {
	u := &universe{base: map[string]int{}, maps: map[string]*code.Map{}}
	for _, kernel := range kernels(rec) {
		u.base[kernel] = len(u.functions)
		u.maps[kernel] = code.For(kernel, tables...)
		u.functions = append(u.functions, rec.Tables[kernel]...)
	}
	u.places, u.sizes = make([]code.Place, 0, len(u.functions)), make([]size, 0, len(u.functions))
	for _, kernel := range kernels(rec) {
		for _, f := range rec.Tables[kernel] {
			p := u.maps[kernel].Place(f)
			u.places, u.sizes = append(u.places, p), append(u.sizes, size{int32(p.Bytes), int32(p.Lines)})
		}
	}
	return u
}

// kernels lists the build ids of a record, in the order of Report.Functions.
func kernels(rec *record.Record) []string { return slices.Sorted(maps.Keys(rec.Tables)) }

// weighable returns the sizes where they are of exactly that kernel, else nil: they are
// never guessed.
func (u *universe) weighable(kernel string) []size {
	if m := u.maps[kernel]; m == nil || !m.Exact() {
		return nil
	}
	return u.sizes
}
