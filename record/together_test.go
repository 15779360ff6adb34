package record_test

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"hapscope/record"
)

// TestManyWantOneDirectory lets several runs begin in one directory, as two that are
// started in the same second do: one has it, the others are told why not.
func TestManyWantOneDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w, err := record.NewWriter(dir, sampleRun())
			switch {
			case err == nil:
				made.Add(1)
				defer w.Close()
			case !errors.Is(err, record.ErrNotEmpty) && !errors.Is(err, record.ErrLocked):
				t.Errorf("refused with %v", err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("%d runs have it", made.Load())
	}
	if _, err := record.Read(dir); err != nil {
		t.Error(err)
	}
}

// TestManyUseOneWriter lets goroutines append, describe and extend tables at once: all of
// it is in the record, each line whole.
func TestManyUseOneWriter(t *testing.T) {
	dir := newRecord(t)
	w, _, _, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			if err := w.Append(sampleResult(n + 1)); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if _, err := w.Functions(kernel, append(universe[:len(universe):len(universe)], record.Function{Symbol: "late", Offset: uint64(n)})); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := w.UpdateRun(func(r *record.Run) { r.Plan.Sample = append(r.Plan.Sample, "f") }); err != nil {
				t.Error(err)
			}
			w.Warnings()
		})
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Results) != 3 || len(rec.Tables[kernel]) != len(universe)+3 || len(rec.Run.Plan.Sample) != 3 {
		t.Errorf("%d results, %d functions, %d changes", len(rec.Results), len(rec.Tables[kernel]), len(rec.Run.Plan.Sample))
	}
}
