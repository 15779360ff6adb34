package record

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Copy writes a record into a new run directory: all of it, but of the function tables
// only what results refer to. The directory appears whole or not at all.
func Copy(dir string, rec *Record) (err error) {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("copy record: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".hapscope-*")
	if err != nil {
		return fmt.Errorf("copy record: %w", err)
	}
	defer os.RemoveAll(tmp) // is not there any more after the rename
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("copy record: %w", err)
	}
	if err := copyInto(tmp, rec); err != nil {
		return fmt.Errorf("copy record: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
			err = ErrNotEmpty
		}
		return fmt.Errorf("copy record to %s: %w", dir, err)
	}
	return nil
}

// copyInto writes through a Writer, which checks everything once more.
func copyInto(dir string, rec *Record) error {
	w, err := NewWriter(dir, rec.Run)
	if err != nil {
		return err
	}
	index := map[string][]int{}
	for _, kernel := range slices.Sorted(maps.Keys(rec.Tables)) {
		if index[kernel], err = w.used(kernel, rec); err != nil {
			w.Close()
			return err
		}
	}
	for _, r := range rec.Results {
		err = errors.Join(err, w.Append(r.renumbered(index[r.Kernel])))
	}
	for _, t := range rec.Timings {
		err = errors.Join(err, w.AppendTiming(t))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return os.Remove(filepath.Join(dir, lockFile)) // nobody else knows of the directory yet
}

// used writes the functions of a kernel that results refer to. It returns where each of
// its functions is now, and -1 for the others.
func (w *Writer) used(kernel string, rec *Record) ([]int, error) {
	functions := rec.Tables[kernel]
	index := make([]int, len(functions))
	for i := range index {
		index[i] = -1
	}
	for i := range rec.Results {
		if rec.Results[i].Kernel == kernel {
			rec.Results[i].functions(func(f int) { index[f] = 0 })
		}
	}
	var kept []Function
	for i := range index {
		if index[i] == 0 {
			index[i] = len(kept)
			kept = append(kept, functions[i])
		}
	}
	if _, err := w.Functions(kernel, kept); err != nil { // an empty table keeps that order
		return nil, err
	}
	return index, nil
}

// functions calls visit for every function that the result refers to.
func (r *Result) functions(visit func(int)) {
	for i := range r.Phases {
		p := &r.Phases[i]
		p.Sighting.functions(visit)
		for _, other := range p.Others {
			other.functions(visit)
		}
	}
}

func (s *Sighting) functions(visit func(int)) {
	for _, f := range s.Sample {
		visit(f)
	}
	for _, hits := range s.Functions {
		for _, h := range hits {
			visit(h.Function)
		}
	}
	for _, role := range s.Roles {
		for _, h := range role.Functions {
			visit(h.Function)
		}
	}
}

// renumbered is the result with other indices of its functions.
func (r Result) renumbered(index []int) Result {
	r.Phases = slices.Clone(r.Phases)
	for i := range r.Phases {
		p := &r.Phases[i]
		p.Sighting = p.Sighting.renumbered(index)
		if p.Others != nil {
			others := map[string]*Sighting{}
			for name, s := range p.Others {
				turned := s.renumbered(index)
				others[name] = &turned
			}
			p.Others = others
		}
	}
	return r
}

func (s Sighting) renumbered(index []int) Sighting {
	if s.Functions != nil {
		functions := map[Context][]Hit{}
		for c, hits := range s.Functions {
			functions[c] = renumber(hits, index)
		}
		s.Functions = functions
	}
	if s.Roles != nil {
		roles := map[Role]*RoleSighting{}
		for name, role := range s.Roles {
			turned := *role
			turned.Functions = renumber(role.Functions, index)
			roles[name] = &turned
		}
		s.Roles = roles
	}
	if s.Sample != nil {
		sample := make([]int, len(s.Sample))
		for i, f := range s.Sample {
			sample[i] = index[f]
		}
		slices.Sort(sample)
		s.Sample = sample
	}
	return s
}

// renumber keeps null apart from none.
func renumber(hits []Hit, index []int) []Hit {
	if hits == nil {
		return nil
	}
	out := make([]Hit, len(hits))
	for i, h := range hits {
		out[i] = Hit{index[h.Function], h.Count}
	}
	slices.SortFunc(out, func(a, b Hit) int { return a.Function - b.Function })
	return out
}
