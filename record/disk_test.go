package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/internal/testdisk"
	"hapscope/record"
)

// On a full disk every method of a writer says so, what was there stays whole, and with
// space again the same writer goes on.
func TestFullDisk(t *testing.T) {
	disk := testdisk.New(t, "256k")
	dir := filepath.Join(disk, "run")
	run := sampleRun()
	run.Plan.Timing = &record.TimingPlan{Repetitions: 1, Throughput: 1, Connections: 1, Latency: 1, Rate: 1, WarmUp: 1, Where: "auto", Steps: run.Plan.Steps[:1]}
	w, err := record.NewWriter(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Functions(kernel, universe); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(sampleResult(1)); err != nil {
		t.Fatal(err)
	}
	before, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	timing := record.Timing{Variant: cell.Variant, Workload: cell.Workload, Repetition: 1, Place: record.Native, Started: time.Unix(1e9, 0).UTC(), Status: record.Failed, Reason: "a test"}

	free := testdisk.Fill(t, disk)
	large := sampleResult(2)
	for range 1000 { // more than what is left of the file's last page
		large.Warnings = append(large.Warnings, "a warning that takes some space")
	}
	var more []record.Function
	for i := range 1000 {
		more = append(more, record.Function{Symbol: "another_function", Offset: uint64(0x10000 + i)})
	}
	steps := map[string]func() error{
		"NewWriter":    func() error { _, err := record.NewWriter(filepath.Join(disk, "other"), run); return err },
		"UpdateRun":    func() error { return w.UpdateRun(func(r *record.Run) { r.Why = "another" }) },
		"Append":       func() error { return w.Append(large) },
		"AppendTiming": func() error { return w.AppendTiming(timing) },
		"Functions":    func() error { _, err := w.Functions(kernel, more); return err },
		"Copy":         func() error { return record.Copy(filepath.Join(disk, "copy"), before) },
	}
	for name, step := range steps {
		if err := step(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		after, err := record.Read(dir)
		if err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("after %s: %s", name, d)
		}
	}
	free()
	for _, name := range []string{"UpdateRun", "Functions", "Append", "AppendTiming", "Copy"} {
		if err := steps[name](); err != nil {
			t.Errorf("%s, with space again: %v", name, err)
		}
	}
	if _, err := record.NewWriter(filepath.Join(disk, "other"), run); err != nil {
		t.Errorf("NewWriter where one has failed: %v", err)
	}
	rec, err := record.Read(dir)
	if err != nil || len(rec.Results) != 2 || len(rec.Timings) != 1 || rec.Run.Why != "another" || len(rec.Tables[kernel]) != len(universe)+len(more) {
		t.Errorf("%v, %+v", err, rec)
	}
	left, _ := filepath.Glob(filepath.Join(disk, "*", ".*"))
	if more, _ := filepath.Glob(filepath.Join(disk, ".*")); len(left)+len(more) > 0 {
		t.Errorf("left behind: %v, %v", left, more)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	disk := testdisk.New(t, "256k")
	dir := filepath.Join(disk, "run")
	w, err := record.NewWriter(dir, sampleRun())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	testdisk.ReadOnly(t, disk)
	if _, err := record.Read(dir); err != nil {
		t.Errorf("to read needs no writing: %v", err)
	}
	if _, _, _, err := record.OpenWriter(dir); !errors.Is(err, syscall.EROFS) {
		t.Errorf("OpenWriter: %v", err)
	}
	if _, err := record.NewWriter(filepath.Join(disk, "other"), sampleRun()); !errors.Is(err, syscall.EROFS) {
		t.Errorf("NewWriter: %v", err)
	}
}

// What a writer leaves that is killed is in nobody's way: before it has made the record,
// and while it replaces a file.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "results.jsonl", ".run.json-123"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w, err := record.NewWriter(dir, sampleRun())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	for _, name := range []string{".run.json-456", ".timings.jsonl-7", ".functions-0123456789ab.csv-8"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if w, _, _, err = record.OpenWriter(dir); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	other := filepath.Join(t.TempDir(), "results.jsonl")
	if err := os.WriteFile(other, []byte("somebody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := record.NewWriter(filepath.Dir(other), sampleRun()); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("a file with something in it: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(other), "lock")); len(left) > 0 {
		t.Error("a lock was put where no record is")
	}
}
